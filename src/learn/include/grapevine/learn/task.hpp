#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"
#include "grapevine/learn/buffer_pool.hpp"
#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/learn/tensor_table.hpp"
#include "grapevine/learner.hpp"

namespace grapevine::learn {

// What is to be learnt, the same for all learners of a run: they share one Task in a process.
struct Task {
    Sets sets;                         // empty for the laws' models, which need no data
    std::shared_ptr<const Model> model;  // what follows gradients; else null
    TensorTable table;
    std::vector<float> initial;        // the block all start from; empty for the laws' models, k-means and forests, and where each learner draws it
    std::vector<float> centroids;      // k-means: (k, features), where all start from
    std::shared_ptr<BufferPool> pool;  // for what they publish
    std::shared_ptr<BufferPool> blanks;   // of stand-ins: memory that is zero but for what they wrote; else null
    std::shared_ptr<std::byte> nothing;   // as long as a model, all zero, for stand-ins that never change; else null
};

// Who draws the initial parameters: prepare(), once for all learners of a process, or each learner when it is told to. Until then its
// parameters are zero: who is about to be given others' does not draw a hundred million for nothing, and nobody holds them twice.
enum class Draw : std::uint8_t { at_once, when_told };

// Loads the data, lays out the tensors, draws the initial parameters from the seed. `loaded`: the data of this config,
// where somebody has them already; not all sets depend on the seed (depends_on_seed()). `figures`: as load() has them.
std::variant<std::shared_ptr<const Task>, Error> prepare(const config::Config& config, const Sets* loaded = nullptr, const Figures& figures = {}, Draw draw = Draw::at_once);

// How large it will be, before any data are read; with files of one's own that is less than it really is.
struct Sizes {
    std::uint64_t elements = 0;        // of the model's block
    double bytes_of_data = 0;          // all of it, which the learners of a process share
};
Sizes sizes_of(const config::Config& config);

// The learner of one peer. `rows`: its shard of the training set (split.hpp). `backend`: where it computes; the
// laws' models take none, and compute in float64 on the caller's thread.
std::unique_ptr<Learner> make_learner(const config::Config& config, std::size_t peer, std::size_t peers,
                                      std::shared_ptr<const Task> task, std::vector<std::uint32_t> rows = {},
                                      std::unique_ptr<kernels::Backend> backend = {});

// Its initial parameters, in place of those it has: the same on every machine, and as prepare() would have drawn them. For learners of
// make_learner() whose task was prepared to be drawn when told; others have theirs from the start, and this does nothing.
void draw_initial(Learner& learner);

}  // namespace grapevine::learn
