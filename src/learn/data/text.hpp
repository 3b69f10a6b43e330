#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// A text as windows of length + 1 bytes, each of which begins with the last byte of the one before: every byte but the first is wanted
// once. What is left over at the end is left out. The text holds at least one window.
Dataset windows(std::vector<std::uint8_t> text, std::size_t length);

// What set = "kjv" and format = "text" name, train and test: without test_files the end of the text is held out, in one piece, so that no
// window of it overlaps what is trained on. The fingerprint is not set.
std::variant<Sets, Error> load_text(const config::Data& data, std::size_t length);

// Without reading more than the files' sizes: bytes of text, as far as can be said.
double bytes_of_text(const config::Data& data);

}  // namespace grapevine::learn
