#include "grapevine/formats/array.hpp"

#include <cmath>

namespace grapevine::formats {

std::string shown(const char* text, std::size_t size) {
    std::string out = "'";
    for (std::size_t i = 0; i < size; ++i) {
        if (i >= 40 && (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {  // not within a letter
            out += "...";
            break;
        }
        out += static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7f ? '?' : text[i];
    }
    return out + "'";
}

std::uint64_t Array::size() const {
    std::uint64_t all = 1;
    for (const std::uint64_t d : shape) all *= d;
    return all;
}

std::optional<std::uint64_t> product(const std::vector<std::uint64_t>& shape, std::uint64_t most) {
    std::uint64_t all = 1;
    for (const std::uint64_t d : shape)
        if (d == 0) return 0;
    for (const std::uint64_t d : shape)
        if (__builtin_mul_overflow(all, d, &all) || all > most) return std::nullopt;
    return all;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t d : shape) text += (text.empty() ? "" : " x ") + std::to_string(d);
    return text.empty() ? "one number" : text;
}

std::optional<Fault> not_finite(const Array& array) {
    const auto* values = std::get_if<std::vector<float>>(&array.values);
    if (!values) return std::nullopt;
    const std::uint64_t width = array.row_size();
    for (std::size_t i = 0; i < values->size(); ++i)
        if (!std::isfinite((*values)[i]))
            return Fault{"number " + std::to_string(i % width + 1) + " of row " + std::to_string(i / width + 1) + " is " + (std::isnan((*values)[i]) ? "NaN" : "infinite"),
                         "fill in what is missing, or take the row out"};
    return std::nullopt;
}

}  // namespace grapevine::formats
