#pragma once

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// [data] format and files: read, their labels made classes, a share held out where no files are, normalised. All but the fingerprint.
std::variant<Sets, Error> load_own_files(const config::Data& data, std::uint64_t seed, const Figures& figures = {});

}  // namespace grapevine::learn
