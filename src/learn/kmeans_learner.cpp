#include "grapevine/learn/kmeans_learner.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "elements.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/room.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;

namespace {

constexpr const char *block_key = "state.block", *centroids_key = "state.centroids", *assigned_key = "state.assigned";

constexpr std::size_t sample_of_initial = 2000;
constexpr std::size_t rows_at_once = 256;
// A cluster with fewer rows a peer than one at a hundred of them is empty but for rounding.
constexpr double fewest = 0.01;

void read_row(const Dataset& set, std::size_t row, std::span<float> to) {
    std::visit([&](const auto& values) {
        for (std::size_t f = 0; f < set.features; ++f)
            to[f] = set.normalisation.scale * static_cast<float>(values[row * set.features + f]) + set.normalisation.shift;
    }, set.values);
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += d * d;
    }
    return sum;
}

double squared_norm(std::span<const float> a) {
    double sum = 0;
    for (const float x : a) sum += static_cast<double>(x) * static_cast<double>(x);
    return sum;
}

}  // namespace

TensorTable KmeansLearner::table(std::size_t k, std::size_t features) {
    TensorTable table;
    table.add("sums", {k, features}, Tensor::Role::sum);
    table.add("counts", {k}, Tensor::Role::sum);
    return table;
}

std::vector<float> KmeansLearner::initial(const Dataset& held_out, std::size_t k, std::uint64_t seed) {
    Random random = stream(seed, Purpose::centroids);
    const std::size_t features = held_out.features, n = std::min(sample_of_initial, held_out.rows());
    std::vector<std::uint32_t> order(held_out.rows());
    std::iota(order.begin(), order.end(), 0u);
    for (std::size_t i = 0; i < n; ++i) std::swap(order[i], order[i + random.below(order.size() - i)]);
    std::vector<float> rows(n * features);
    const auto row = [&](std::size_t i) { return std::span(rows).subspan(i * features, features); };
    for (std::size_t i = 0; i < n; ++i) read_row(held_out, order[i], row(i));

    std::vector<float> centroids;
    std::vector<double> nearest(n, std::numeric_limits<double>::infinity());
    std::size_t chosen = random.below(n);
    for (std::size_t c = 0; c < k; ++c) {
        const auto centroid = row(chosen);
        centroids.insert(centroids.end(), centroid.begin(), centroid.end());
        double all = 0;
        for (std::size_t i = 0; i < n; ++i) all += nearest[i] = std::min(nearest[i], squared_distance(row(i), centroid));
        double left = random.uniform() * all;  // the next one: by its squared distance to those there are
        chosen = 0;
        while (chosen + 1 < n && (left -= nearest[chosen]) >= 0) ++chosen;
    }
    return centroids;
}

KmeansLearner::KmeansLearner(const config::Config& config, std::size_t peer, std::size_t peers, std::shared_ptr<const Task> task,
                             std::vector<std::uint32_t> rows, std::unique_ptr<kernels::Backend> backend)
    : AverageLearner(config, peer, peers, task),
      task_(std::move(task)),
      backend_(std::move(backend)),
      k_(config.model.k),
      features_(task_->sets.train->features),
      sums_(task_->table.find("sums")->offset),
      counts_(task_->table.find("counts")->offset),
      batches_(rows, config.data.batch, stream(config.seed, Purpose::batches).split(peer)),
      evaluation_limit_(std::min<std::size_t>(task_->sets.test->rows(), config.metrics.evaluate_samples.value_or(UINT32_MAX))),
      centroids_(task_->centroids),
      rows_(std::move(rows)) {
    std::sort(rows_.begin(), rows_.end());
    rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
    assigned_.assign(rows_.size(), none);
    unseen_ = rows_.size();
    std::fill(model().begin(), model().end(), 0.0);
    for (std::uint32_t c = 0; c < k_; ++c) count(1, c, std::span(task_->centroids).subspan(c * features_, features_));
}

void KmeansLearner::count(double sign, std::uint32_t cluster, std::span<const float> row) {
    double* const sum = model().data() + sums_ + cluster * features_;
    for (std::size_t f = 0; f < features_; ++f) sum[f] += sign * static_cast<double>(row[f]);
    model()[counts_ + cluster] += sign;
}

void KmeansLearner::centroids_of(std::span<const double> block, std::vector<float>& centroids) const {
    for (std::size_t c = 0; c < k_; ++c) {
        const double rows = block[counts_ + c];
        if (!(rows >= fewest)) continue;
        for (std::size_t f = 0; f < features_; ++f)
            centroids[c * features_ + f] = static_cast<float>(block[sums_ + c * features_ + f] / rows);
    }
}

// |x - c|^2 = |x|^2 - 2 (x c - |c|^2 / 2): one product of matrices for all rows and centroids.
void KmeansLearner::assign(const Dataset& set, std::span<const std::uint32_t> rows, const std::vector<float>& centroids) {
    const std::size_t n = rows.size();
    Room room;
    const auto lay_out = [&](Room& in) { return std::tuple(in.floats(n * features_), in.floats(k_ * features_), in.floats(n * k_), in.indices(n)); };
    lay_out(room);
    room = Room(backend_->scratch(room.used()));
    const auto [inputs, to, products, staged] = lay_out(room);
    gather(set, rows, *backend_, staged, inputs);
    backend_->upload(centroids, to);
    backend_->gemm({.m = n, .n = k_, .k = features_, .transpose_b = true}, inputs, to, products);
    inputs_.resize(n * features_);
    products_.resize(n * k_);
    backend_->download(inputs, inputs_);
    backend_->download(products, products_);

    std::vector<double> halves(k_);
    for (std::size_t c = 0; c < k_; ++c) halves[c] = squared_norm(std::span(centroids).subspan(c * features_, features_)) / 2;
    near_.assign(n, {});
    for (std::size_t i = 0; i < n; ++i) {
        double best = -std::numeric_limits<double>::infinity();
        for (std::size_t c = 0; c < k_; ++c) {
            const double nearness = static_cast<double>(products_[i * k_ + c]) - halves[c];
            if (nearness > best) best = nearness, near_[i].cluster = static_cast<std::uint32_t>(c);
        }
        near_[i].squared_distance = std::max(0.0, squared_norm(std::span(inputs_).subspan(i * features_, features_)) - 2 * best);
    }
}

Trained KmeansLearner::train(const Train& order) {
    if (order.slice) {  // a row may change any cluster: the first slice does it all
        if (order.slice->index == 0) sliced_step_ = train(Train{1, order.drift, order.rate_scale});
        return order.slice->last() ? sliced_step_ : Trained{};
    }
    const Dataset& set = *task_->sets.train;
    double inertia = 0, samples = 0;
    for (std::uint32_t s = 0; s < order.steps; ++s) {
        centroids_of(model(), centroids_);
        const auto batch = batches_.next();
        for (std::size_t begin = 0; begin < batch.size(); begin += rows_at_once) {
            const auto rows = batch.subspan(begin, std::min(rows_at_once, batch.size() - begin));
            assign(set, rows, centroids_);
            for (std::size_t i = 0; i < rows.size(); ++i) {
                const auto row = std::span<const float>(inputs_).subspan(i * features_, features_);
                std::uint32_t& was = assigned_[static_cast<std::size_t>(std::lower_bound(rows_.begin(), rows_.end(), rows[i]) - rows_.begin())];
                inertia += near_[i].squared_distance;
                if (was == near_[i].cluster) continue;
                if (was != none) count(-1, was, row);
                else if (--unseen_ == 0)
                    for (std::uint32_t c = 0; c < k_; ++c) count(-1, c, std::span(task_->centroids).subspan(c * features_, features_));
                was = near_[i].cluster;
                count(1, was, row);
            }
            samples += static_cast<double>(rows.size());
        }
    }
    return {order.steps, samples > 0 ? inertia / samples : 0, samples};
}

Evaluation KmeansLearner::evaluate() {
    std::vector<float> centroids = centroids_;
    centroids_of(model(), centroids);
    return evaluate_with(centroids);
}

Evaluation KmeansLearner::evaluate(const Snapshot& whole) {
    assert(fits(whole, layout(), size()));
    assert(whole.range == (Range{0, size()}));
    std::vector<double> block(size());
    for_pieces_as<double>(whole, [&](std::size_t begin, std::span<const double> piece) {
        std::copy(piece.begin(), piece.end(), block.begin() + static_cast<std::ptrdiff_t>(begin));
    });
    std::vector<float> centroids = task_->centroids;  // of clusters that are empty in it
    centroids_of(block, centroids);
    return evaluate_with(centroids);
}

Evaluation KmeansLearner::evaluate_with(const std::vector<float>& centroids) {
    double inertia = 0;
    std::vector<std::uint32_t> rows;
    for (std::size_t begin = 0; begin < evaluation_limit_; begin += rows_at_once) {
        rows.resize(std::min(rows_at_once, evaluation_limit_ - begin));
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
        assign(*task_->sets.test, rows, centroids);
        for (const Near& near : near_) inertia += near.squared_distance;
    }
    return {evaluation_limit_ > 0 ? inertia / static_cast<double>(evaluation_limit_) : 0, {}};
}

// The block lies in float64: as float32 tensors it is for others to read.
void KmeansLearner::save_state(Checkpoint& to) const {
    to.states.push_back({block_key, model()});
    to.states.push_back({centroids_key, std::vector<double>(centroids_.begin(), centroids_.end())});
    to.states.push_back({assigned_key, assigned_});
    learn::save_state(batches_, to);
}

std::optional<Error> KmeansLearner::load_state(const Checkpoint& from) {
    const auto *block = from.state<double>(block_key), *centroids = from.state<double>(centroids_key);
    const auto* assigned = from.state<std::uint32_t>(assigned_key);
    if (!block || block->size() != size() || !centroids || centroids->size() != centroids_.size() || !assigned || assigned->size() != assigned_.size())
        return not_of_this_run("it does not say to which clusters the rows were counted");
    const auto finite = [](double x) { return std::isfinite(x); };
    if (!std::all_of(block->begin(), block->end(), finite) || !std::all_of(centroids->begin(), centroids->end(), finite) ||
        std::any_of(assigned->begin(), assigned->end(), [&](std::uint32_t c) { return c != none && c >= k_; }))
        return not_of_this_run("its clusters are damaged");
    if (auto error = learn::load_state(from, batches_)) return error;
    std::copy(block->begin(), block->end(), model().begin());
    std::transform(centroids->begin(), centroids->end(), centroids_.begin(), [](double x) { return static_cast<float>(x); });
    assigned_ = *assigned;
    unseen_ = static_cast<std::size_t>(std::count(assigned_.begin(), assigned_.end(), none));
    return std::nullopt;
}

}  // namespace grapevine::learn
