#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "grapevine/formats/fault.hpp"

namespace grapevine::formats {

bool is_gzip(std::span<const std::byte> bytes);

// What was compressed, checked against its checksum; one member. Memory grows with what comes out, and more than `most` bytes do not.
std::variant<std::vector<std::byte>, Fault> gunzip(std::span<const std::byte> bytes, std::size_t most);

}  // namespace grapevine::formats
