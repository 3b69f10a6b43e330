#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

inline constexpr std::size_t most_file_bytes = std::size_t{1} << 33;

// A regular file's bytes. `missing`: the hint where there is none.
std::variant<std::vector<std::byte>, Error> read_whole(const std::string& path, const std::string& missing);

// The same, decompressed where gzip wrote it.
std::variant<std::vector<std::byte>, Error> read_unpacked(const std::string& path, const std::string& missing);

// These pieces, one after the other, whole or not at all: written beside, synced, renamed.
std::optional<Error> replace_file(const std::string& path, std::span<const std::span<const std::byte>> pieces);

}  // namespace grapevine::learn
