#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

// A fuzz target: bytes that came from anywhere go in, and nothing comes out but what its assertions and the sanitizers say. Each
// is built twice: with main.cpp (its seeds and changes of them, in every build's tests) and, by tools/fuzz, with libFuzzer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace grapevine::fuzz {

// Inputs that are taken as they stand, written by the encoders of this build: what a corpus begins with.
std::vector<std::string> seeds();

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const std::byte*>(data), size}; }
inline std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace grapevine::fuzz
