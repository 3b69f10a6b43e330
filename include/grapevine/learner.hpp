#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "grapevine/snapshot.hpp"

namespace grapevine {

// What a protocol wants of a learner. Orders are carried out one at a time, in the order given; each is
// answered by its result, with the same tag. Slow work is an order and its completion an input: so a GPU,
// a CPU and a simulated cost look alike.
//
// A learner has slots, each one block of parameters in the run's layout. Slot 0 is the model in training;
// an exchange claims others at start (a ring's accumulator) and they are counted in memory.
using Slot = std::uint8_t;
inline constexpr Slot model_slot = 0;

struct Drift {  // before every step: model += weight * slot (quasi-global momentum)
    Slot slot = 1;
    double weight = 0;
};
// One step in slices, so that the parameters that are through it can travel while the others are not. The first does the forward
// pass; each goes on with the backward pass until it has the gradient of its own range, the last parameters first, and
// applies it there. Between them come orders that leave the model alone. The last one counts the step; it must come.
struct Slice {
    std::uint32_t index = 0, count = 1;
    constexpr bool last() const { return index + 1 == count; }
    constexpr Range of(Range whole) const { return part(whole, count - 1 - index, count); }
};
struct Train {  // take this many local steps
    std::uint32_t steps = 1;
    std::optional<Drift> drift = {};
    double rate_scale = 1;  // of the learning rate
    std::optional<Slice> slice = {};  // of one step
};
// The share of a step's work that a slice is: a third is the forward pass (one product of matrices a layer, two on the way back).
constexpr double share(const Slice& slice) { return (slice.index == 0 ? 1.0 / 3 : 0.0) + 2.0 / 3 / slice.count; }
struct Publish {  // freeze a range of a slot
    Slot slot = model_slot;
    Range range;
    std::optional<Encoding> encoding = {};  // none: the learner's own
    double kept = 0.01;                     // of top_k: the share of the values that is kept, one at least
};
// How far another's values may lie from ours, in the 2-norm over their range. Needs ours_weight = 1 - theirs_weight.
struct Guard {
    double clip = 0;    // beyond this distance the difference is shortened to it (self-centred clipping); 0: never
    double refuse = 0;  // beyond this many times our own norm nothing is mixed (BALANCE); 0: never
    constexpr explicit operator bool() const { return clip > 0 || refuse > 0; }
};
// The share of the difference that a guard lets pass. With one, what is infinitely far or no number never does.
constexpr double passes(const Guard& guard, double distance, double norm) {
    if (!guard) return 1;
    if (!(distance <= std::numeric_limits<double>::max())) return 0;
    if (guard.refuse > 0 && !(distance <= guard.refuse * norm)) return 0;
    return guard.clip > 0 && distance > guard.clip ? guard.clip / distance : 1;
}
struct Combine {  // over theirs.range: slot = ours_weight * slot + theirs_weight * theirs
    Slot slot = model_slot;
    double ours_weight = 0.5;
    double theirs_weight = 0.5;
    Snapshot theirs;
    Guard guard = {};
};
struct Fold {  // to = to_weight * to + from_weight * from; with to_weight = 0 what was in `to` does not matter
    Slot to = 1;
    Slot from = model_slot;
    double to_weight = 0;
    double from_weight = 1;
    std::optional<Range> range = {};  // none: all of it
};
struct Swap {  // exchange a slot with the model: a whole result becomes the model at once, never torn
    Slot slot = 1;
};

struct Sketch {  // the model, in few numbers (sketch.hpp)
    std::uint64_t seed = 0;
};

struct Order {
    std::uint32_t tag = 0;
    std::variant<Train, Publish, Combine, Fold, Swap, Sketch> what;
};

struct Trained {
    std::uint32_t steps = 0;  // taken by this order; by a slice that is not the last: none yet
    double loss = 0;          // mean over the steps just taken
    double samples = 0;       // used by this order
};
struct Published {
    Snapshot snapshot;
};
struct Combined {
    double distance = 0;  // |theirs - slot| before, over the range, 2-norm
    double norm = 0;      // |slot| before, over the range, 2-norm
    double taken = 1;     // the share of theirs_weight that the guard let pass: 0, nothing was mixed
};
struct Folded {};
struct Swapped {};
struct Sketched {
    std::shared_ptr<const std::vector<float>> values;  // Sketcher::length(size()) of them
};

struct Completion {
    std::uint32_t tag = 0;
    double samples_behind = 0;  // the model's, after the order: trained on, or mixed in
    std::uint64_t steps = 0;    // local steps taken so far, after the order
    std::variant<Trained, Published, Combined, Folded, Swapped, Sketched> what;
};

// An order that is carried out, but for what a device still does beside its other work: parameters on their way out.
struct Begun {
    Completion done;                        // holds once `rest` has been called,
    std::function<void(Completion&)> rest;  // from any thread, also while later orders are carried out. Empty: it holds already
};

// Loss and accuracy on held-out data. Models without classes leave accuracy empty.
struct Evaluation {
    double loss = 0;
    std::optional<double> accuracy;
};

// The only thing in a peer that touches parameters. Protocols decide who mixes with whom and when; a
// learner does the arithmetic, on whatever device it lives. Calls block; the node gives a learner a thread
// of its own, the simulator charges the call's cost to the simulated clock.
class Learner {
public:
    virtual ~Learner() = default;

    virtual std::uint64_t layout() const = 0;         // hash of the tensor table
    virtual std::uint64_t size() const = 0;           // elements of a slot
    virtual Encoding encoding() const = 0;            // in which it publishes
    virtual void claim(Slot slots) = 0;               // have this many slots, the model included

    // `theirs` must have our layout and lie inside it: whoever takes one from outside checks that first.
    // Throws what its device throws: the run cannot go on then.
    virtual Completion carry_out(const Order& order) = 0;

    // The same for who has several orders in hand. look_ahead(): what of an order that comes later may begin now, beside others
    // (parameters on their way in); from another thread than begin(), which takes what it gave. Null where there is nothing, and
    // always unless looks_ahead().
    virtual bool looks_ahead() const { return false; }
    virtual std::shared_ptr<void> look_ahead(const Order&) { return nullptr; }
    virtual Begun begin(const Order& order, std::shared_ptr<void> /*ahead*/) { return {carry_out(order), {}}; }

    // On held-out data: of the model, or of the given whole snapshot.
    virtual Evaluation evaluate() = 0;
    virtual Evaluation evaluate(const Snapshot& whole) = 0;
};

// Whether a learner of this layout can take it: the check for everything that comes from outside.
constexpr bool fits(const Snapshot& s, std::uint64_t layout, std::uint64_t size) {
    return s.layout == layout && s.range.offset <= size && s.range.count <= size - s.range.offset &&
           fits(s.encoding, s.range.count, s.bytes.size);
}

}  // namespace grapevine
