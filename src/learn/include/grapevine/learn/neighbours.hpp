#pragma once

#include <string>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/safetensors.hpp"

namespace grapevine::learn {

struct Neighbour {
    std::string word;
    double cosine = 0;  // of the angle between both vectors, -1 to 1
};

// The words whose vectors point most in the direction of this word's, the nearest first, without itself; equal ones in the vocabulary's order.
// vocabulary: of the text that the model was trained on.
std::variant<std::vector<Neighbour>, Error> nearest(const Checkpoint& from, const Vocabulary& vocabulary, const std::string& word, std::size_t most);

}  // namespace grapevine::learn
