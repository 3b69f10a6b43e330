#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"

namespace grapevine::learn {

using Error = config::Error;  // what is wrong with a file or with the world, and what to do

// Rows of numbers and the class of each. Never changed once it is made: all learners of a process share it.
//
// What came as bytes stays bytes and is normalised on its way to a device: Fashion-MNIST takes 47 MB instead of
// 188 in memory, and a random batch (rows far apart, so each a cache miss) a quarter of the traffic.
struct Dataset {
    std::size_t features = 0, classes = 0;
    std::variant<std::vector<std::uint8_t>, std::vector<float>> values;  // (rows, features)
    kernels::Normalisation normalisation;
    std::vector<std::int32_t> labels;  // (rows), each below `classes`

    std::size_t rows() const { return labels.size(); }
};

// to (rows, features): these rows, normalised.
void gather(const Dataset& set, std::span<const std::uint32_t> rows, kernels::Backend& backend,
            kernels::DeviceSpan to);

struct Sets {
    std::shared_ptr<const Dataset> train, test;
    // Hash of name, decoded content, classes and normalisation: peers with another train something else.
    std::uint64_t fingerprint = 0;
};

// The training set without this share of its rows, and these in place of the test set, which nobody reads then.
std::variant<Sets, Error> hold_out(const Sets& all, double share);

// The seed is only for sets that are generated.
std::variant<Sets, Error> load(const config::Data& data, std::uint64_t seed);

}  // namespace grapevine::learn
