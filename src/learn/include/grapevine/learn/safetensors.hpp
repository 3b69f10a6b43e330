#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/tensor_table.hpp"
#include "grapevine/snapshot.hpp"

// Models in files that other programs read: https://github.com/huggingface/safetensors, of which float32 is
// understood here.
namespace grapevine::learn {

struct StoredTensor {
    std::string name;  // as in the tensor table; the optimiser's are "opt." and that
    std::vector<std::uint64_t> shape;
    std::vector<float> values;
};

struct Checkpoint {
    std::map<std::string, std::string> metadata;  // step, samples, seed, layout, config: text, by convention
    std::vector<StoredTensor> tensors;

    const StoredTensor* find(const std::string& name) const;
};

// Whole or not at all: written beside, synced, renamed.
std::optional<Error> save(const std::string& path, const Checkpoint& checkpoint);

// Trusts nothing it reads: takes no more memory than a few times the file's size.
std::variant<Checkpoint, Error> load_checkpoint(const std::string& path);

// A block of parameters as tensors by name, and back: gaps become zero, and tensors that are missing or of
// another shape are an error that shows both. `prefix`: "opt." for the optimiser's.
void add(const TensorTable& table, std::span<const float> block, const std::string& prefix, Checkpoint& to);
std::variant<std::vector<float>, Error> block_of(const TensorTable& table, const Checkpoint& from,
                                                 const std::string& prefix = {});

// A whole snapshot and what stands behind it: tensors, and the metadata step, samples and layout.
Checkpoint to_checkpoint(const TensorTable& table, const Snapshot& whole);
std::variant<Snapshot, Error> to_snapshot(const TensorTable& table, const Checkpoint& from);  // in float32

}  // namespace grapevine::learn
