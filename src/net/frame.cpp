#include "frame.hpp"

namespace grapevine::net {

Writer::Writer(const Header& h) {
    bytes_.reserve(header_bytes + 32);
    number(magic, 4).number(h.version, 2).number(static_cast<std::uint8_t>(h.kind), 1).number(0, 1);
    u64(h.run).u64(h.from.value).u64(h.to.value);
}

Writer& Writer::number(std::uint64_t v, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<char>((v >> (8 * i)) & 0xff));
    return *this;
}

std::uint64_t Reader::number(std::size_t size) {
    if (!ok_ || rest_.size() < size) {
        ok_ = false;
        return 0;
    }
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < size; ++i)
        v |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(size);
    return v;
}

std::optional<Header> read_header(Reader& reader) {
    const bool ours = reader.u32() == magic;
    Header h;
    h.version = reader.u16();
    h.kind = static_cast<Kind>(reader.u8());
    reader.u8();
    if (!reader.ok() || !ours) return std::nullopt;
    if (h.version != wire_version) return h;
    h.run = reader.u64();
    h.from.value = reader.u64();
    h.to.value = reader.u64();
    if (!reader.ok() || !h.from) return std::nullopt;
    return h;
}

}  // namespace grapevine::net
