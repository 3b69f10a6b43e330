#include "grapevine/formats/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>

namespace grapevine::formats {
namespace {

constexpr std::uint32_t local_mark = 0x04034b50, directory_mark = 0x02014b50, end_mark = 0x06054b50;
constexpr std::size_t local_size = 30, directory_size = 46, end_size = 22;
constexpr std::uint32_t new_year_1980 = 1 << 5 | 1;  // of the month and the day

std::uint32_t crc_of(std::span<const std::byte> bytes) {
    return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// Little-endian numbers of a span whose length has been checked.
struct Fields {
    std::span<const std::byte> bytes;
    std::uint32_t two(std::size_t at) const { return std::to_integer<std::uint32_t>(bytes[at]) | std::to_integer<std::uint32_t>(bytes[at + 1]) << 8; }
    std::uint32_t four(std::size_t at) const { return two(at) | two(at + 2) << 16; }
};

struct Writer {
    std::vector<std::byte>& to;
    void number(std::uint64_t n, int bytes) {
        for (int i = 0; i < bytes; ++i) to.push_back(static_cast<std::byte>(n >> (8 * i) & 0xff));
    }
    void text(const std::string& s) {
        for (const char c : s) to.push_back(static_cast<std::byte>(c));
    }
};

}  // namespace

bool is_zip(std::span<const std::byte> bytes) {
    return bytes.size() >= 4 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'} && (bytes[2] == std::byte{3} || bytes[2] == std::byte{5});
}

std::variant<std::vector<ZipEntry>, Fault> decode_zip(std::span<const std::byte> bytes) {
    const std::string again = "write it again, with numpy.savez or grapevine export";
    const Fields all{bytes};
    if (bytes.size() < end_size) return Fault{"it is too short for a zip archive", again};
    std::size_t end = bytes.size() - end_size;  // it is at the very end, but for a comment
    const std::size_t first = end > 0xffff ? end - 0xffff : 0;
    while (all.four(end) != end_mark || all.two(end + 20) != bytes.size() - end - end_size)
        if (end-- == first) return Fault{"it has no directory at its end, as zip archives do: it is cut short, or none", again};
    const std::size_t count = all.two(end + 10), length = all.four(end + 12), begin = all.four(end + 16);
    if (all.two(end + 4) != 0 || all.two(end + 6) != 0 || all.two(end + 8) != count) return Fault{"it is one part of several", again};
    if (count == 0xffff || length == 0xffffffff || begin == 0xffffffff) return Fault{"it is of the large kind, zip64", "models of more than 4 GiB: safetensors"};
    if (count > most_zip_entries) return Fault{"it has more than " + std::to_string(most_zip_entries) + " entries", again};
    if (begin > end || length > end - begin) return Fault{"its directory lies outside of it", again};

    std::vector<ZipEntry> entries;
    std::set<std::string> names;
    std::size_t at = begin, total = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (begin + length - at < directory_size || all.four(at) != directory_mark) return Fault{"its directory is damaged", again};
        const std::uint32_t flags = all.two(at + 8), method = all.two(at + 10), crc = all.four(at + 16);
        const std::size_t packed = all.four(at + 20), size = all.four(at + 24), name_size = all.two(at + 28), where = all.four(at + 42);
        const std::size_t whole = directory_size + name_size + all.two(at + 30) + all.two(at + 32);
        if (whole > begin + length - at) return Fault{"its directory is damaged", again};
        ZipEntry entry{{reinterpret_cast<const char*>(bytes.data()) + at + directory_size, name_size}, {}};
        const std::string name = shown(entry.name.data(), entry.name.size());
        at += whole;
        if ((flags & 1) != 0) return Fault{name + " in it is encrypted", again};
        if (method != 0 || packed != size) return Fault{name + " in it is compressed", "write it again with numpy.savez, not savez_compressed"};
        if (size == 0xffffffff || where == 0xffffffff) return Fault{"it is of the large kind, zip64", "models of more than 4 GiB: safetensors"};
        if (!names.insert(entry.name).second) return Fault{"it has two entries " + name, again};
        if (where > begin || begin - where < local_size || all.four(where) != local_mark) return Fault{name + " in it is not where its directory says", again};
        const std::size_t content = where + local_size + all.two(where + 26) + all.two(where + 28);
        if (content > begin || size > begin - content) return Fault{name + " in it ends too early", again};
        total += size;
        if (total > bytes.size()) return Fault{"its entries overlap", again};
        entry.content = bytes.subspan(content, size);
        if (crc_of(entry.content) != crc) return Fault{name + " in it does not match its checksum", again};
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::optional<std::vector<std::byte>> encode_zip(std::span<const ZipEntry> entries) {
    std::uint64_t size = end_size;
    for (const ZipEntry& e : entries) size += local_size + directory_size + 2 * e.name.size() + e.content.size();
    if (size >= 0xffffffff || entries.size() >= 0xffff) return std::nullopt;
    std::vector<std::byte> bytes, directory;
    bytes.reserve(size);
    for (const ZipEntry& e : entries) {
        const std::uint64_t where = bytes.size();
        const std::uint32_t crc = crc_of(e.content);
        const auto common = [&](Writer w) {  // of both headers
            w.number(0, 2);                  // flags
            w.number(0, 2);                  // stored
            w.number(0, 2);
            w.number(new_year_1980, 2);
            w.number(crc, 4);
            w.number(e.content.size(), 4);
            w.number(e.content.size(), 4);
            w.number(e.name.size(), 2);
            w.number(0, 2);                  // nothing extra
        };
        Writer local{bytes}, listed{directory};
        local.number(local_mark, 4);
        local.number(10, 2);                 // needs version 1.0
        common(local);
        local.text(e.name);
        bytes.insert(bytes.end(), e.content.begin(), e.content.end());
        listed.number(directory_mark, 4);
        listed.number(3 << 8 | 10, 2);       // made on Unix
        listed.number(10, 2);
        common(listed);
        listed.number(0, 2);                 // no comment
        listed.number(0, 2);
        listed.number(0, 2);
        listed.number(std::uint64_t{0100644} << 16, 4);
        listed.number(where, 4);
        listed.text(e.name);
    }
    const std::uint64_t begin = bytes.size();
    bytes.insert(bytes.end(), directory.begin(), directory.end());
    Writer end{bytes};
    end.number(end_mark, 4);
    end.number(0, 4);
    end.number(entries.size(), 2);
    end.number(entries.size(), 2);
    end.number(directory.size(), 4);
    end.number(begin, 4);
    end.number(0, 2);
    return bytes;
}

}  // namespace grapevine::formats
