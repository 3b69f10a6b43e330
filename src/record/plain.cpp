#include "grapevine/record/plain.hpp"

#include <optional>
#include <utility>

namespace grapevine::record {

namespace {

// The code point that begins at `i` of UTF-8 and how many bytes it takes; nothing where there is none (RFC 3629).
std::optional<std::pair<char32_t, std::size_t>> code_point(const std::string& text, std::size_t i) {
    const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
    const unsigned first = byte(i);
    if (first < 0x80) return std::pair{static_cast<char32_t>(first), std::size_t{1}};
    const std::size_t size = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
    if (size == 0) return std::nullopt;
    char32_t point = first & (0x7fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
        if ((byte(i + k) & 0xc0) != 0x80) return std::nullopt;
        point = point << 6 | (byte(i + k) & 0x3f);
    }
    const char32_t least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return std::nullopt;
    return std::pair{point, size};
}

// Controls of either set, and what turns the direction of writing or takes no place.
bool moves_cursor(char32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) ||
           point == 0xfeff;
}

}  // namespace

std::string plain(const std::string& text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const auto found = code_point(text, i);
        if (found && !moves_cursor(found->first)) out.append(text, i, found->second);
        else out += '?';
        i += found ? found->second : 1;
    }
    return out;
}

}  // namespace grapevine::record
