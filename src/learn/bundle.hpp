#pragma once

#include <string>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// Both parts of a set, with the fingerprint that says what they are.
Sets bundle(const std::string& name, Dataset train, Dataset test);

}  // namespace grapevine::learn
