#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/formats/fault.hpp"

namespace grapevine::formats {

// Zip archives of stored entries, as numpy.savez writes them (APPNOTE.TXT of PKWARE, without encryption, parts and zip64).
struct ZipEntry {
    std::string name;
    std::span<const std::byte> content;  // lies in the archive
};

inline constexpr std::size_t most_zip_entries = 4096;
bool is_zip(std::span<const std::byte> bytes);
// The entries in the order of the archive's directory, checked against their checksums. Together they are no longer than the archive.
std::variant<std::vector<ZipEntry>, Fault> decode_zip(std::span<const std::byte> bytes);

// The same entries give the same bytes: the time of all of them is the first of January 1980. Nothing if it would pass 4 GiB.
std::optional<std::vector<std::byte>> encode_zip(std::span<const ZipEntry> entries);

}  // namespace grapevine::formats
