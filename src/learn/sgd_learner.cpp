#include "grapevine/learn/sgd_learner.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "elements.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/schedule.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;

namespace {

// So many steps are laid out before they begin: what a device records and plays again.
constexpr std::uint32_t most_at_once = 16;
constexpr const char* augment_key = "augment_drawn";

kernels::Step step_of(const config::TrainOptions& train) {
    kernels::Step step;
    using Optimizer = config::TrainOptions::Optimizer;
    switch (train.optimizer) {
        case Optimizer::sgd: step.rule = kernels::Step::Rule::sgd; break;
        case Optimizer::momentum: step.rule = kernels::Step::Rule::momentum; break;
        case Optimizer::nesterov: step.rule = kernels::Step::Rule::nesterov; break;
        case Optimizer::adamw: step.rule = kernels::Step::Rule::adamw; break;
    }
    const bool adamw = step.rule == kernels::Step::Rule::adamw;
    step.mu = static_cast<float>(adamw ? train.beta1 : train.momentum);
    step.beta2 = static_cast<float>(train.beta2);
    step.epsilon = static_cast<float>(train.epsilon);
    step.weight_decay = static_cast<float>(train.weight_decay);
    return step;
}

std::size_t states_of(kernels::Step::Rule rule) {
    switch (rule) {
        case kernels::Step::Rule::sgd: return 0;
        case kernels::Step::Rule::momentum:
        case kernels::Step::Rule::nesterov: return 1;
        case kernels::Step::Rule::adamw: return 2;
    }
    return 0;
}

// Of each 64 elements whether they decay: weights do, biases and gains do not.
std::vector<std::uint8_t> decaying(const TensorTable& table) {
    std::vector<std::uint8_t> flags(on_boundary(table.size()) / 64, 0);
    for (const Tensor& t : table.tensors())
        if (t.shape.size() >= 2) std::fill_n(flags.begin() + static_cast<std::ptrdiff_t>(t.offset / 64), on_boundary(t.size()) / 64, std::uint8_t{1});
    return flags;
}

// What a device can decode as it mixes.
std::optional<kernels::Encoded> encoded(const Snapshot& s) {
    using As = kernels::Encoded::As;
    switch (s.encoding) {
        case Encoding::float32: return kernels::Encoded{As::float32, s.range.count, s.bytes.data};
        case Encoding::bf16: return kernels::Encoded{As::bf16, s.range.count, s.bytes.data};
        case Encoding::int8: return kernels::Encoded{As::int8, s.range.count, s.bytes.data};
        case Encoding::float64:
        case Encoding::top_k: return std::nullopt;
    }
    return std::nullopt;
}

std::span<float> floats(std::byte* bytes, std::size_t count) { return {reinterpret_cast<float*>(bytes), count}; }

}  // namespace

// An order's memory: the gradient, what stage() writes for each step, and a pass.
struct SgdLearner::Work {
    DeviceSpan gradient, rates, memory;
    kernels::IndexSpan staged;
};

SgdLearner::SgdLearner(const config::Config& config, std::size_t peer, std::shared_ptr<const Task> task,
                       std::vector<std::uint32_t> rows, std::unique_ptr<kernels::Backend> backend)
    : OrderedLearner(*task, Encoding::float32),
      task_(std::move(task)),
      backend_(std::move(backend)),
      model_(*task_->model),
      train_(keep(*task_->sets.train, *backend_)),
      test_(keep(*task_->sets.test, *backend_)),
      batches_(std::move(rows), config.data.batch, stream(config.seed, Purpose::batches).split(peer)),
      augment_(stream(config.seed, Purpose::augment).split(peer)),
      seed_(config.seed),
      options_(config.train),
      how_(step_of(config.train)),
      evaluation_limit_(std::min<std::size_t>(task_->sets.test->rows(),
                                              config.metrics.evaluate_samples.value_or(UINT32_MAX))),
      states_(states_of(how_.rule)) {
    slots_.resize(1);
    slot(model_slot);
    if (!task_->initial.empty()) backend_->upload(task_->initial, slot(model_slot));
    for (std::size_t i = 0; i < states_; ++i) state_[i] = backend_->allocate(size());
    if (how_.weight_decay > 0) {
        decay_flags_ = decaying(task_->table);
        decays_.flags = backend_->keep(std::span<const std::uint8_t>(decay_flags_));
    }
}

void SgdLearner::claim(Slot slots) {
    if (slots_.size() < slots) slots_.resize(slots);
}

void SgdLearner::draw_initial() {
    if (task_->initial.empty()) backend_->upload(model_.initial(seed_), slot(model_slot));
}

// Some exchanges need one now and then only, or never: it takes memory from its first use on.
DeviceSpan SgdLearner::slot(Slot s) {
    if (slots_[s].size == 0) slots_[s] = backend_->allocate(size());
    return slots_[s];
}

SgdLearner::Work SgdLearner::work(Room& room, std::uint32_t steps) const {
    Work w;
    w.gradient = room.floats(size());
    w.rates = room.floats(steps * kernels::rates_size);
    w.staged = room.indices(steps * batches_.size() * model_.indices_per_row());
    w.memory = room.floats(model_.memory(backend_->element(), batches_.size(), true));
    return w;
}

Pass SgdLearner::pass(const Work& w, std::uint32_t step) {
    const std::size_t staged = batches_.size() * model_.indices_per_row();
    const DeviceSpan model = slot(model_slot);
    return {*backend_, *task_->sets.train, train_, batches_.size(), true, w.staged.part(step * staged, staged), model, backend_->shadow(model), w.gradient, w.memory};
}

// The rows and the rates of the next steps.
void SgdLearner::stage(const Work& w, std::uint32_t count, double rate_scale) {
    const std::size_t each = batches_.size() * model_.indices_per_row();
    std::vector<std::int32_t> staged(count * each);
    std::vector<float> rates(count * kernels::rates_size);
    for (std::uint32_t s = 0; s < count; ++s) {
        model_.stage(*task_->sets.train, batches_.next(), &augment_, std::span(staged).subspan(s * each, each));
        const std::uint64_t step = steps_before_ + s;
        float* const r = &rates[s * kernels::rates_size];
        r[0] = static_cast<float>(options_.learning_rate * rate_factor(options_.schedule, step) * rate_scale);
        if (how_.rule != kernels::Step::Rule::adamw) continue;
        const auto t = static_cast<double>(step + 1);
        r[1] = static_cast<float>(1 / (1 - std::pow(options_.beta1, t)));
        r[2] = static_cast<float>(1 / (1 - std::pow(options_.beta2, t)));
    }
    backend_->upload(std::span<const std::int32_t>(staged), w.staged.part(0, staged.size()));
    backend_->upload(std::span<const float>(rates), w.rates.part(0, rates.size()));
}

Trained SgdLearner::train(const Train& order) {
    if (order.slice) return take_slice(order);
    const std::uint32_t at_once = std::min(order.steps, most_at_once);
    Room room;
    work(room, at_once);
    const DeviceSpan memory = backend_->scratch(room.used());
    room = Room(memory);
    const Work w = work(room, at_once);
    backend_->clear(w.gradient, task_->table.gaps());
    backend_->take_losses();
    for (std::uint32_t begin = 0; begin < order.steps; begin += at_once) {
        const std::uint32_t count = std::min(at_once, order.steps - begin);
        steps_before_ = steps() + begin;
        stage(w, count, order.rate_scale);
        const auto address = [](DeviceSpan span) { return reinterpret_cast<std::uintptr_t>(span.data); };
        const kernels::Recipe recipe = {address(slot(model_slot)), address(memory), address(w.memory), batches_.size(),
                                        order.drift ? address(slot(order.drift->slot)) : 0, order.drift ? std::bit_cast<std::uint64_t>(order.drift->weight) : 0};
        backend_->repeat(recipe, count, [&](std::uint32_t s) {
            const Pass p = pass(w, s);
            forward(p, order);
            model_.backward(p);
            update(p, w.rates.part(s * kernels::rates_size, kernels::rates_size), {0, size()});
        });
    }
    const kernels::Losses losses = backend_->take_losses();
    return {order.steps, losses.rows == 0 ? 0 : losses.sum / static_cast<double>(losses.rows), static_cast<double>(order.steps * batches_.size())};
}

// A stage's gradient is made as a whole when the first of its parameters is wanted, and with it what goes to the layer
// below: that needs the weights as they were.
Trained SgdLearner::take_slice(const Train& order) {
    const Slice& slice = *order.slice;
    if (slice.index == 0) {  // a larger batch than before needs more
        Room room;
        work(room, 1);
        if (sliced_.size < room.used()) sliced_ = backend_->allocate(room.used());
    }
    Room room(sliced_);
    const Work w = work(room, 1);
    const Pass p = pass(w, 0);
    if (slice.index == 0) {
        backend_->take_losses();
        steps_before_ = steps();
        stage(w, 1, order.rate_scale);
        forward(p, order);
        const kernels::Losses losses = backend_->take_losses();
        sliced_step_ = {1, losses.rows == 0 ? 0 : losses.sum / static_cast<double>(losses.rows), static_cast<double>(batches_.size())};
        stages_left_ = model_.stages();
    }
    const Range range = slice.of({0, size()});
    const auto end_of = [&](std::size_t stage) { return model_.parameters_of(stage).offset + model_.parameters_of(stage).count; };
    std::size_t stop = 0;  // the first stage with parameters of this slice, or behind it; some have none at all
    while (stop < stages_left_ && !slice.last() && range.offset >= end_of(stop)) ++stop;
    while (stages_left_ > stop) {
        --stages_left_;
        model_.backward(p, stages_left_);
    }
    update(p, w.rates.part(0, kernels::rates_size), range);
    return slice.last() ? sliced_step_ : Trained{};
}

void SgdLearner::forward(const Pass& p, const Train& order) {
    if (order.drift) backend_->axpby(static_cast<float>(order.drift->weight), slot(order.drift->slot), 1, slot(model_slot));
    model_.forward(p);
    model_.lose(p);
}

void SgdLearner::update(const Pass& p, DeviceSpan rates, Range range) {
    const auto here = [&](DeviceSpan of) { return of ? of.part(range.offset, range.count) : of; };
    assert(options_.gradient_clip == 0 || range.count == size());  // no part of a gradient has its length
    if (options_.gradient_clip > 0) backend_->clip(static_cast<float>(options_.gradient_clip), p.gradient);
    kernels::Decays decays = decays_;
    decays.offset = range.offset;
    backend_->step(how_, rates, decays, here(p.gradient), here(state_[0]), here(state_[1]), here(p.parameters));
}

void SgdLearner::freeze(Slot from, Range range, std::byte* to) {
    backend_->download(slot(from).part(range.offset, range.count), floats(to, range.count));
}

std::shared_ptr<std::byte> SgdLearner::blank(std::size_t bytes) {
    return backend_->transfers() ? backend_->host_memory(bytes) : OrderedLearner::blank(bytes);
}

bool SgdLearner::freezes_beside(Encoding encoding) const {
    return backend_->transfers() && (encoding == Encoding::float32 || encoding == Encoding::bf16);
}

std::function<void()> SgdLearner::begin_freeze(Slot from, Range range, Encoding encoding, std::shared_ptr<std::byte> to) {
    const auto as = encoding == Encoding::bf16 ? kernels::Encoded::As::bf16 : kernels::Encoded::As::float32;
    return [underway = backend_->freeze(slot(from).part(range.offset, range.count), as, std::move(to))] { underway->wait(); };
}

std::shared_ptr<void> SgdLearner::look_ahead(const Order& order) {
    const auto* combine = std::get_if<Combine>(&order.what);
    const auto theirs = combine && backend_->transfers() ? encoded(combine->theirs) : std::nullopt;
    return theirs ? backend_->bring(*theirs) : nullptr;
}

// Decoded where it is mixed, in the pass that reads it.
Combined SgdLearner::combine_beside(const Combine& order, std::shared_ptr<void> ahead) {
    const kernels::Encoded theirs = *encoded(order.theirs);
    const DeviceSpan ours = slot(order.slot).part(order.theirs.range.offset, order.theirs.range.count);
    const auto coming = ahead ? std::static_pointer_cast<kernels::Underway>(ahead) : backend_->bring(theirs);
    const auto mix = [&](double ours_weight, double theirs_weight) {
        return backend_->mix_brought(static_cast<float>(ours_weight), ours, static_cast<float>(theirs_weight), theirs, *coming);
    };
    const kernels::Mixed mixed = order.guard ? mix(1, 0) : mix(order.ours_weight, order.theirs_weight);  // measured first
    const double distance = std::sqrt(mixed.squared_distance), norm = std::sqrt(mixed.squared_norm);
    const double taken = passes(order.guard, distance, norm), weight = order.theirs_weight * taken;
    if (order.guard && taken > 0) mix(1 - weight, weight);
    return {distance, norm, taken};
}

Combined SgdLearner::combine(const Combine& order, std::shared_ptr<void> ahead) {
    if (backend_->transfers() && encoded(order.theirs)) return combine_beside(order, std::move(ahead));
    const Snapshot& theirs = order.theirs;
    const DeviceSpan ours = slot(order.slot).part(theirs.range.offset, theirs.range.count);
    const auto ours_weight = static_cast<float>(order.ours_weight);
    const auto theirs_weight = static_cast<float>(order.theirs_weight);
    if (order.guard) {  // measured first, on a copy where we compute: nothing is written that the guard does not let pass
        const DeviceSpan staged = backend_->scratch(theirs.range.count);
        for_pieces_as<float>(theirs, [&](std::size_t begin, std::span<const float> piece) { backend_->upload(piece, staged.part(begin, piece.size())); });
        const DeviceSpan there = staged.part(0, theirs.range.count);
        const double distance = std::sqrt(backend_->squared_distance(there, ours)), norm = std::sqrt(backend_->squared_norm(ours));
        const double taken = passes(order.guard, distance, norm), weight = order.theirs_weight * taken;
        if (taken > 0) backend_->axpby(static_cast<float>(weight), there, static_cast<float>(1 - weight), ours);
        return {distance, norm, taken};
    }
    kernels::Mixed mixed;
    for_pieces_as<float>(theirs, [&](std::size_t begin, std::span<const float> piece) {
        const auto part = backend_->mix(ours_weight, ours.part(begin, piece.size()), theirs_weight, piece);
        mixed.squared_distance += part.squared_distance;
        mixed.squared_norm += part.squared_norm;
    });
    return {std::sqrt(mixed.squared_distance), std::sqrt(mixed.squared_norm)};
}

void SgdLearner::fold(const Fold& order, Range range) {
    if (order.to == order.from) {  // a scaling of what is there
        const DeviceSpan there = slot(order.to).part(range.offset, range.count);
        backend_->axpby(0, there, static_cast<float>(order.to_weight + order.from_weight), there);
        return;
    }
    backend_->axpby(static_cast<float>(order.from_weight), slot(order.from).part(range.offset, range.count),
                    static_cast<float>(order.to_weight), slot(order.to).part(range.offset, range.count));
}

void SgdLearner::swap(Slot other) {
    slot(other);
    std::swap(slots_[model_slot], slots_[other]);
}

// As many as fit into some memory.
std::size_t SgdLearner::evaluation_rows() const {
    constexpr std::size_t floats_at_most = std::size_t{1} << 24;
    const std::size_t each = model_.memory(backend_->element(), 1, false);
    return std::min({evaluation_limit_, std::size_t{256}, std::max<std::size_t>(1, floats_at_most / each)});
}

Evaluation SgdLearner::evaluate() {
    const std::size_t rows = evaluation_rows();
    return evaluate(slot(model_slot), Room(backend_->scratch(on_boundary(rows * model_.indices_per_row()) + model_.memory(backend_->element(), rows, false))));
}

Evaluation SgdLearner::evaluate(const Snapshot& whole) {
    assert(fits(whole, layout(), size()));
    assert(whole.range == (Range{0, size()}));
    const std::size_t rows = evaluation_rows();
    Room room(backend_->scratch(on_boundary(size()) + on_boundary(rows * model_.indices_per_row()) + model_.memory(backend_->element(), rows, false)));
    const DeviceSpan parameters = room.floats(size());
    for_pieces_as<float>(whole, [&](std::size_t begin, std::span<const float> piece) {
        backend_->upload(piece, parameters.part(begin, piece.size()));
    });
    return evaluate(parameters, room.rest());
}

Evaluation SgdLearner::evaluate(DeviceSpan parameters, Room room) {
    const Dataset& set = *task_->sets.test;
    const std::size_t at_once = evaluation_rows(), each = model_.indices_per_row();
    const kernels::IndexSpan staged = room.indices(at_once * each);
    const DeviceSpan memory = room.floats(model_.memory(backend_->element(), at_once, false));
    std::vector<std::uint32_t> rows(at_once);
    std::vector<std::int32_t> numbers;
    backend_->take_losses();
    for (std::size_t begin = 0; begin < evaluation_limit_; begin += at_once) {
        rows.resize(std::min(at_once, evaluation_limit_ - begin));
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
        numbers.resize(rows.size() * each);
        model_.stage(set, rows, nullptr, numbers);
        const kernels::IndexSpan here = staged.part(0, numbers.size());
        backend_->upload(std::span<const std::int32_t>(numbers), here);
        const Pass p{*backend_, set, test_, rows.size(), false, here, parameters, backend_->shadow(parameters), {}, memory};
        model_.forward(p);
        model_.lose(p);
    }
    const kernels::Losses losses = backend_->take_losses();
    if (losses.rows == 0) return {};
    const auto count = static_cast<double>(losses.rows);
    Evaluation result{losses.sum / count, {}};
    if (set.classes > 0) result.accuracy = static_cast<double>(losses.correct) / count;
    return result;
}

std::vector<float> SgdLearner::state(std::size_t which) const {
    std::vector<float> values(size());
    backend_->download(state_[which], values);
    return values;
}

void SgdLearner::set_state(std::size_t which, std::span<const float> state) { backend_->upload(state, state_[which]); }

std::vector<std::string> SgdLearner::names_of_states() const {
    if (how_.rule == kernels::Step::Rule::adamw) return {"opt.first.", "opt.second."};
    return states_ > 0 ? std::vector<std::string>{"opt.velocity."} : std::vector<std::string>{};
}

void SgdLearner::save_state(Checkpoint& to) const {
    const auto names = names_of_states();
    for (std::size_t i = 0; i < names.size(); ++i) add(task_->table, state(i), names[i], to);
    learn::save_state(batches_, to);
    to.metadata[augment_key] = std::to_string(augment_.drawn());
}

std::optional<Error> SgdLearner::load_state(const Checkpoint& from) {
    const auto drawn = from.number(augment_key);
    if (!drawn) return not_of_this_run("it holds a model and not where its training was");
    auto model = block_of(task_->table, from);
    if (auto* error = std::get_if<Error>(&model)) return std::move(*error);
    std::vector<std::vector<float>> states;
    for (const std::string& name : names_of_states()) {
        auto block = block_of(task_->table, from, name);
        if (auto* error = std::get_if<Error>(&block)) return not_of_this_run(error->what + ": another optimizer?");
        states.push_back(std::get<std::vector<float>>(std::move(block)));
    }
    if (auto error = learn::load_state(from, batches_)) return error;
    for (std::size_t i = 0; i < states.size(); ++i) set_state(i, states[i]);
    backend_->upload(std::get<std::vector<float>>(model), slot(model_slot));
    augment_.resume(*drawn);
    return std::nullopt;
}

}  // namespace grapevine::learn
