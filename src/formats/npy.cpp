#include "grapevine/formats/npy.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <string_view>

namespace grapevine::formats {
namespace {

constexpr char magic[] = "\x93NUMPY";
constexpr std::size_t magic_size = 6;

// The header's dictionary, as Python would write it: three keys in any order.
class Header {
public:
    explicit Header(std::string_view text) : text_(text) {}

    std::string descr;
    bool fortran_order = false;
    std::vector<std::uint64_t> shape;

    bool read() {
        unsigned seen = 0;
        if (!take('{')) return false;
        while (!take('}')) {
            std::string key;
            unsigned which = 0;
            if (!word(key) || !take(':')) return false;
            if (key == "descr") which = 1, read_ = word(descr);
            else if (key == "fortran_order") which = 2, read_ = truth();
            else if (key == "shape") which = 4, read_ = tuple();
            if (!read_ || which == 0 || (seen & which) != 0) return false;
            seen |= which;
            if (!take(',') && !next('}')) return false;
        }
        space();
        return text_.empty() && seen == 7;
    }

private:
    void space() {
        const auto at = text_.find_first_not_of(" \n");
        text_.remove_prefix(at == std::string_view::npos ? text_.size() : at);
    }
    bool next(char c) {
        space();
        return !text_.empty() && text_.front() == c;
    }
    bool take(char c) {
        if (!next(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    bool word(std::string& out) {
        space();
        if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) return false;
        const auto end = text_.find(text_.front(), 1);
        if (end == std::string_view::npos) return false;
        out = text_.substr(1, end - 1);
        text_.remove_prefix(end + 1);
        return true;
    }
    bool truth() {
        space();
        for (const std::string_view w : {"True", "False"}) {
            if (!text_.starts_with(w)) continue;
            fortran_order = w == "True";
            text_.remove_prefix(w.size());
            return true;
        }
        return false;
    }
    bool tuple() {
        if (!take('(')) return false;
        while (!take(')')) {
            std::uint64_t d = 0;
            space();
            const auto [end, wrong] = std::from_chars(text_.data(), text_.data() + text_.size(), d);
            if (wrong != std::errc{} || shape.size() == most_npy_dimensions) return false;
            text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
            shape.push_back(d);
            if (!take(',') && !next(')')) return false;
        }
        return true;
    }

    std::string_view text_;
    bool read_ = false;
};

template <class From, class To>
std::vector<To> values_of(const std::byte* from, std::size_t count) {
    std::vector<To> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        From value;
        std::memcpy(&value, from + i * sizeof(From), sizeof(From));
        values[i] = static_cast<To>(value);
    }
    return values;
}

}  // namespace

std::variant<Array, Fault> decode_npy(std::span<const std::byte> bytes) {
    const std::string again = "write it again with numpy.save", types = "float32, float64, uint8, int32 and int64 are read: array.astype(\"float32\")";
    if (bytes.size() < magic_size || std::memcmp(bytes.data(), magic, magic_size) != 0) return Fault{"it does not begin as an npy file does", again};
    if (bytes.size() < 12) return Fault{"it ends too early", again};
    const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
    const std::size_t version = byte(6), begin = version == 1 ? 10 : 12;
    if (version < 1 || version > 3) return Fault{"it is of version " + std::to_string(version) + " of the format; 1 to 3 are known", again};
    const std::size_t length = byte(8) | byte(9) << 8 | (version == 1 ? 0 : byte(10) << 16 | byte(11) << 24);
    if (length > most_npy_header) return Fault{"its header is longer than 64 KiB", again};
    if (length > bytes.size() - begin) return Fault{"it ends within its header", again};
    Header header({reinterpret_cast<const char*>(bytes.data()) + begin, length});
    if (!header.read()) return Fault{"its header is none that numpy writes", again};
    if (header.fortran_order) return Fault{"its values stand column by column", "write it again with numpy.save(file, numpy.ascontiguousarray(array))"};

    const std::string& type = header.descr;
    std::size_t width = 0;
    if (type == "|u1") width = 1;
    else if (type == "<f4" || type == "<i4") width = 4;
    else if (type == "<f8" || type == "<i8") width = 8;
    else return Fault{"its values are of the type " + shown(type.data(), type.size()), types};
    const auto claimed = product(header.shape, most_npy_values);
    if (!claimed) return Fault{"it claims to hold more than 2^31 values", "a part of it at a time"};
    const std::size_t held = bytes.size() - begin - length;
    if (*claimed != held / width || held % width != 0)
        return Fault{"it claims " + shape_text(header.shape) + " values of " + std::to_string(width) + " bytes, and has " + std::to_string(held) + " bytes of them", again};
    const auto* from = bytes.data() + begin + length;
    const auto count = static_cast<std::size_t>(*claimed);
    Array array{std::move(header.shape), {}};
    if (type == "|u1") array.values = values_of<std::uint8_t, std::uint8_t>(from, count);
    else if (type == "<f4") array.values = values_of<float, float>(from, count);
    else if (type == "<f8") array.values = values_of<double, float>(from, count);
    else if (type == "<i4") array.values = values_of<std::int32_t, std::int64_t>(from, count);
    else array.values = values_of<std::int64_t, std::int64_t>(from, count);
    return array;
}

std::vector<std::byte> encode_npy(std::span<const std::uint64_t> shape, std::span<const float> values) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (const std::uint64_t d : shape) header += std::to_string(d) + (shape.size() == 1 ? "," : ", ");
    if (shape.size() > 1) header.resize(header.size() - 2);
    header += "), }";
    header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');  // so that the values lie aligned
    header += '\n';
    assert(header.size() < 1 << 16);
    std::vector<std::byte> bytes(10 + header.size() + values.size_bytes());
    std::memcpy(bytes.data(), magic, magic_size);
    bytes[6] = std::byte{1};
    bytes[8] = static_cast<std::byte>(header.size() & 0xff);
    bytes[9] = static_cast<std::byte>(header.size() >> 8);
    std::memcpy(bytes.data() + 10, header.data(), header.size());
    if (!values.empty()) std::memcpy(bytes.data() + 10 + header.size(), values.data(), values.size_bytes());
    return bytes;
}

}  // namespace grapevine::formats
