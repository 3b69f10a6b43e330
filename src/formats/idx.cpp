#include "grapevine/formats/idx.hpp"

namespace grapevine::formats {

std::variant<Array, Fault> decode_idx(std::span<const std::byte> bytes) {
    const std::string again = "fetch the file again";
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
    if (bytes.size() < 4) return Fault{"it ends too early", again};
    if (byte(0) != 0 || byte(1) != 0 || byte(2) != 8 || byte(3) == 0 || byte(3) > 4)
        return Fault{"it does not begin as an idx file of bytes does", "two zero bytes, an 8, and from 1 to 4 dimensions"};
    const std::size_t begin = 4 + 4 * byte(3);
    if (bytes.size() < begin) return Fault{"it ends too early", again};
    Array array;
    for (std::size_t at = 4; at < begin; at += 4) {
        array.shape.push_back(byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3));
        if (array.shape.back() == 0) return Fault{"a dimension is 0", again};
    }
    const auto claimed = product(array.shape, most_idx_values);
    if (!claimed) return Fault{"it claims to hold more than 2 GiB", again};
    const std::size_t held = bytes.size() - begin;
    if (*claimed > held) return Fault{"it ends too early: it claims " + std::to_string(*claimed) + " values and has " + std::to_string(held), again};
    if (*claimed < held) return Fault{"there is more in it than its header says", again};
    const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data()) + begin;
    array.values = std::vector<std::uint8_t>(first, first + held);
    return array;
}

}  // namespace grapevine::formats
