#include "grapevine/learn/law_learners.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

#include "elements.hpp"
#include "grapevine/portable_math.hpp"
#include "grapevine/learn/resume.hpp"
#include "purposes.hpp"

namespace grapevine::learn {
namespace {

// What a law's model draws for, within a peer's stream.
enum Draw : std::uint64_t { start, gradient };
constexpr std::uint64_t everybody = UINT64_MAX;  // a stream that is no peer's

double initial(const config::Initial& how, std::size_t peer, std::size_t peers) {
    using Rule = config::Initial::Rule;
    switch (how.rule) {
        case Rule::normal: break;  // drawn, not reckoned
        case Rule::delta: return peer == 0 ? 1 : 0;
        case Rule::index: return static_cast<double>(peer);
        case Rule::alternate: return peer % 2 == 0 ? 1 : -1;
        case Rule::wave: return portable::cos_turn(static_cast<double>(peer) / static_cast<double>(peers));
        case Rule::number: return how.number;
    }
    return 0;
}

// A list that is shorter than the company (somebody joined) starts again.
double value(const config::PerPeer& of, std::size_t peer, std::size_t peers) {
    using Rule = config::PerPeer::Rule;
    switch (of.rule) {
        case Rule::number: break;
        case Rule::list: return of.list[peer % of.list.size()];
        case Rule::index: return peers < 2 ? 0 : static_cast<double>(peer) / static_cast<double>(peers - 1);
        case Rule::alternate: return peer % 2 == 0 ? 1 : -1;
    }
    return of.number;
}

}  // namespace

AverageLearner::AverageLearner(const config::Config& config, std::size_t peer, std::size_t peers,
                               std::shared_ptr<const Task> task)
    : OrderedLearner(*task, Encoding::float64) {
    const auto& how = config.model.initial;
    std::vector<double> values(size());
    if (!how || how->rule == config::Initial::Rule::normal) {
        Random random = stream(config.seed, Purpose::laws).split(how ? peer : everybody).split(start);
        for (double& v : values) v = random.normal();
    } else {
        values.assign(size(), initial(*how, peer, peers));
    }
    slots_.push_back(std::move(values));
}

std::optional<Error> AverageLearner::load_state(const Checkpoint&) { return not_of_this_run("the laws' models have none"); }

void AverageLearner::claim(Slot slots) {
    if (slots_.size() < slots) slots_.resize(slots, std::vector<double>(size()));
}

void AverageLearner::freeze(Slot slot, Range range, std::byte* to) {
    if (range.count > 0) std::memcpy(to, slots_[slot].data() + range.offset, range.count * sizeof(double));
}

Combined AverageLearner::combine(const Combine& order, std::shared_ptr<void>) {
    double* const ours = slots_[order.slot].data() + order.theirs.range.offset;
    double distance = 0, norm = 0;
    if (order.guard) {  // measured first: nothing is written that the guard does not let pass
        for_pieces_as<double>(order.theirs, [&](std::size_t begin, std::span<const double> theirs) {
            for (std::size_t i = 0; i < theirs.size(); ++i) {
                const double x = ours[begin + i];
                distance += (theirs[i] - x) * (theirs[i] - x);
                norm += x * x;
            }
        });
        distance = std::sqrt(distance), norm = std::sqrt(norm);
        const double taken = passes(order.guard, distance, norm), weight = order.theirs_weight * taken;
        if (taken == 0) return {distance, norm, 0};
        for_pieces_as<double>(order.theirs, [&](std::size_t begin, std::span<const double> theirs) {
            for (std::size_t i = 0; i < theirs.size(); ++i) ours[begin + i] = (1 - weight) * ours[begin + i] + weight * theirs[i];
        });
        return {distance, norm, taken};
    }
    for_pieces_as<double>(order.theirs, [&](std::size_t begin, std::span<const double> theirs) {
        for (std::size_t i = 0; i < theirs.size(); ++i) {
            double& x = ours[begin + i];
            distance += (theirs[i] - x) * (theirs[i] - x);
            norm += x * x;
            x = (order.ours_weight == 0 ? 0 : order.ours_weight * x) + order.theirs_weight * theirs[i];
        }
    });
    return {std::sqrt(distance), std::sqrt(norm)};
}

void AverageLearner::fold(const Fold& order, Range range) {
    for (std::size_t i = range.offset; i < range.offset + range.count; ++i) {
        double& to = slots_[order.to][i];
        to = (order.to_weight == 0 ? 0 : order.to_weight * to) + order.from_weight * slots_[order.from][i];
    }
}

void AverageLearner::drift(const Train& order) {
    if (order.drift) fold({model_slot, order.drift->slot, 1, order.drift->weight, {}}, {0, size()});
}

void AverageLearner::swap(Slot slot) {
    if (slot != model_slot) slots_[model_slot].swap(slots_[slot]);
}

QuadraticLearner::QuadraticLearner(const config::Config& config, std::size_t peer, std::size_t peers,
                                   std::shared_ptr<const Task> task)
    : AverageLearner(config, peer, peers, std::move(task)),
      a_(value(config.model.a, peer, peers)),
      b_(value(config.model.b, peer, peers)),
      noise_(config.model.noise),
      rate_(config.train.learning_rate),
      random_(stream(config.seed, Purpose::laws).split(peer).split(gradient)) {}

double QuadraticLearner::loss(const double* x) const {
    double sum = 0;
    for (std::size_t i = 0; i < size(); ++i) sum += (x[i] - b_) * (x[i] - b_);
    return a_ / 2 * sum;
}

void QuadraticLearner::begin_step() {
    step_loss_ = loss(model().data());
    if (noise_ == 0) return;
    drawn_.resize(size());
    for (double& d : drawn_) d = noise_ * random_.normal();
}

void QuadraticLearner::move(Range range, double rate_scale) {
    for (std::size_t i = range.offset; i < range.offset + range.count; ++i) {
        double& x = model()[i];
        x -= rate_scale * rate_ * (a_ * (x - b_) + (noise_ == 0 ? 0 : drawn_[i]));
    }
}

Trained QuadraticLearner::train(const Train& order) {
    if (const auto& slice = order.slice) {
        if (slice->index == 0) drift(order), begin_step();
        move(slice->of({0, size()}), order.rate_scale);
        return slice->last() ? Trained{1, step_loss_, 1} : Trained{};
    }
    const std::uint32_t steps = order.steps;
    double losses = 0;
    for (std::uint32_t s = 0; s < steps; ++s) {
        drift(order);
        begin_step();
        losses += step_loss_;
        move({0, size()}, order.rate_scale);
    }
    return {steps, steps == 0 ? 0 : losses / steps, static_cast<double>(steps)};
}

Evaluation QuadraticLearner::evaluate() { return {loss(model().data()), {}}; }

Evaluation QuadraticLearner::evaluate(const Snapshot& whole) {
    assert(fits(whole, layout(), size()));
    assert(whole.range == (Range{0, size()}));
    std::vector<double> values(size());
    for_pieces_as<double>(whole, [&](std::size_t begin, std::span<const double> piece) {
        std::copy(piece.begin(), piece.end(), values.begin() + static_cast<std::ptrdiff_t>(begin));
    });
    return {loss(values.data()), {}};
}

}  // namespace grapevine::learn
