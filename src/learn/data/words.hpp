#pragma once

#include <cstdint>
#include <variant>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// A text as words: "topics" (generated), "kjv-words", or files of text. Letters are those of ASCII, made small, and all bytes beyond;
// what lies between them parts words. Words outside of the model's vocabulary are left out, and so are, drawn by the seed, some of the
// most frequent ones (Mikolov et al. 2013). What remains is cut into passages, of which an even share is held out.
std::variant<Sets, Error> load_words(const config::Data& data, const config::Model& model, std::uint64_t seed);

// How many words a set has at most, as long as it is not read.
double most_words(const config::Data& data);

}  // namespace grapevine::learn
