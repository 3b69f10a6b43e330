#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/formats/fault.hpp"
#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/tensor_table.hpp"
#include "grapevine/snapshot.hpp"

// Models in files that other programs read: https://github.com/huggingface/safetensors, of which float32 is understood here, and
// of what a learner keeps for itself float64 and 32-bit numbers.
namespace grapevine::learn {

struct StoredTensor {
    std::string name;  // as in the tensor table; the optimiser's are "opt." and that
    std::vector<std::uint64_t> shape;
    std::vector<float> values;
};

// What is no tensor of the model: the order of a shard's rows and the like.
struct StoredState {
    std::string name;  // "state." and what it is
    std::variant<std::vector<std::uint32_t>, std::vector<double>> values;
};

struct Checkpoint {
    std::map<std::string, std::string> metadata;  // step, samples, seed, layout, config: text, by convention
    std::vector<StoredTensor> tensors;
    std::vector<StoredState> states;

    const StoredTensor* find(const std::string& name) const;
    template <class T> const std::vector<T>* state(const std::string& name) const {  // null: there is none of this type
        for (const StoredState& s : states)
            if (s.name == name) return std::get_if<std::vector<T>>(&s.values);
        return nullptr;
    }
    // What metadata says under a key, if it is such a number.
    std::optional<std::uint64_t> number(const std::string& key) const;
};

// Of the conventions above. A file says its version and the XXH3 of its values; of a later version, or with other values, it is refused.
inline constexpr std::uint64_t checkpoint_version = 1;

// Whole or not at all: written beside, synced, renamed.
std::optional<Error> save(const std::string& path, const Checkpoint& checkpoint);

// What save() would write of a whole snapshot and what describe() said of it, as it lies in memory: the values are not copied. In float32.
struct ModelFile {
    std::string head;            // with its length before it
    std::vector<Bytes> values;   // each holds on to what it lies in
    std::uint64_t size() const;  // bytes, of all
};
ModelFile model_file(const TensorTable& table, const Snapshot& whole, Checkpoint beside);

// A file in memory. Trusts nothing: takes no more memory than a few times the file's size, and a header of a mebibyte.
inline constexpr std::uint64_t most_checkpoint_header = 1 << 20;
std::variant<Checkpoint, formats::Fault> decode_checkpoint(std::span<const std::byte> bytes);
std::variant<Checkpoint, Error> load_checkpoint(const std::string& path);  // or an npz file: decode_npz()

// The same as numpy reads it: arrays by their tensors' names, and metadata.json. Without states, versions and hashes.
std::optional<Error> save_npz(const std::string& path, const Checkpoint& checkpoint);
std::variant<Checkpoint, formats::Fault> decode_npz(std::span<const std::byte> bytes);

// A block of parameters as tensors by name, and back: gaps become zero, and tensors that are missing or of
// another shape are an error that shows both. `prefix`: "opt." for the optimiser's.
void add(const TensorTable& table, std::span<const float> block, const std::string& prefix, Checkpoint& to);
std::variant<std::vector<float>, Error> block_of(const TensorTable& table, const Checkpoint& from,
                                                 const std::string& prefix = {});

// What stands behind a whole snapshot: step, samples and layout.
std::map<std::string, std::string> metadata_of(const TensorTable& table, const Snapshot& whole);
// A whole snapshot and what stands behind it: tensors and metadata.
Checkpoint to_checkpoint(const TensorTable& table, const Snapshot& whole);
std::variant<Snapshot, Error> to_snapshot(const TensorTable& table, const Checkpoint& from);  // in float32

}  // namespace grapevine::learn
