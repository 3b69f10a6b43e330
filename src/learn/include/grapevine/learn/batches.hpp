#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grapevine/random.hpp"

namespace grapevine::learn {

// A shard's rows, some at a time, shuffled anew for each epoch. All batches are of one size; the few rows at the
// end of an epoch that make no whole batch wait for the next shuffle. A batch larger than the shard is the
// whole shard.
class Batches {
public:
    Batches(std::vector<std::uint32_t> rows, std::size_t batch, Random random);

    std::size_t size() const { return batch_; }     // rows in each
    std::size_t rows() const { return rows_.size(); }
    std::span<const std::uint32_t> next();          // valid until the next call

    // Other rows from here on, each once and at least one. The epoch goes on: of those that stay, what it has used it has used, and the
    // others come in an order drawn anew with those that are new. The same rows change nothing.
    void deal(std::vector<std::uint32_t> rows);
    void size(std::size_t batch);                   // so many in each from here on

    // Where it is, to go on from there. False: these are other rows than ours, and nothing has changed.
    struct Place {
        std::vector<std::uint32_t> rows;  // in this epoch's order
        std::uint64_t taken = 0, drawn = 0;
    };
    Place place() const { return {rows_, taken_, random_.drawn()}; }
    bool go_on_from(const Place& place);

private:
    std::vector<std::uint32_t> rows_;
    std::size_t wanted_, batch_;  // as asked for, and as there are rows
    std::size_t taken_;  // of this epoch
    Random random_;
};

}  // namespace grapevine::learn
