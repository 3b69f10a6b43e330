#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "grapevine/kernels/backend.hpp"

namespace grapevine::learn {

// The next boundary of 256 bytes at which a tensor may start, in elements of float32.
constexpr std::uint64_t on_boundary(std::uint64_t elements) { return (elements + 63) / 64 * 64; }

struct Tensor {
    // How it merges with those of others, its merge kind. average: exchanges mix it. local: stays with its peer (no model
    // has one yet). sum: of what all peers have counted; each adds its own changes, and only an exchange that keeps the
    // mean over peers may carry it (gossip::Config::sums). set: places for immutable pieces, of which each fills its own; it
    // merges by union (pieces.hpp), and only an exchange that combines whole models may carry it (gossip::Config::sets).
    enum class Role : std::uint8_t { average, local, sum, set };

    std::string name;
    std::vector<std::uint64_t> shape;
    Role role = Role::average;
    std::uint64_t offset = 0;  // of its first element in the block

    std::uint64_t size() const;  // elements
};

// Where each tensor lies in the one flat block of a model's parameters. Each starts on 256 bytes (as float32),
// so that a device reads it at full width; the gaps are zero and stay so. One block: an optimiser is one loop,
// a checkpoint one write, mixing one kernel.
class TensorTable {
public:
    std::uint64_t add(std::string name, std::vector<std::uint64_t> shape, Tensor::Role role = Tensor::Role::average);  // its offset

    const std::vector<Tensor>& tensors() const { return tensors_; }
    const Tensor* find(const std::string& name) const;  // null where there is none
    std::uint64_t size() const { return size_; }        // elements of the block, gaps between included

    std::vector<kernels::Part> gaps() const;            // between the tensors
    std::uint64_t layout() const;    // hash of all the above: peers with another cannot mix with us
    bool holds_sums() const;
    bool holds_sets() const;
    std::string describe() const;    // "w1 784x128, b1 128": so that both can be shown when they differ

private:
    std::vector<Tensor> tensors_;
    std::uint64_t size_ = 0;
};

}  // namespace grapevine::learn
