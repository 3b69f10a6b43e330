#include "frame.hpp"

#include <algorithm>

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

std::optional<std::uint16_t> common(Versions ours, Versions theirs) {
    const std::uint16_t highest = std::min(ours.highest, theirs.highest);
    return highest >= std::max(ours.lowest, theirs.lowest) ? std::optional(highest) : std::nullopt;
}

std::string to_string(Versions versions) {
    const std::string lowest = std::to_string(versions.lowest);
    return versions.lowest == versions.highest ? lowest : lowest + " to " + std::to_string(versions.highest);
}

Versions read_versions(Reader& reader, const Header& header) {
    Versions versions{reader.u16(), 0};
    versions.highest = reader.u16();
    return reader.ok() && versions.lowest <= versions.highest ? versions : Versions{header.version, header.version};
}

std::optional<Header> read_header(Reader& reader) {
    const bool ours = reader.u32() == magic;
    Header h;
    h.version = reader.u16();
    h.kind = static_cast<Kind>(reader.u8());
    reader.u8();
    if (!reader.ok() || !ours) return std::nullopt;
    if (!speaks(h.version) && !is_greeting(h.kind)) return h;
    h.run = reader.u64();
    h.from.value = reader.u64();
    h.to.value = reader.u64();
    if (!reader.ok() || !h.from) return std::nullopt;
    return h;
}

}  // namespace grapevine::net
