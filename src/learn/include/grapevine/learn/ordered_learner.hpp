#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "grapevine/learn/safetensors.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/learner.hpp"

namespace grapevine::learn {

// What every learner has in common: takes orders apart, counts steps and samples, freezes into pooled buffers.
// The arithmetic is the derived class's.
class OrderedLearner : public Learner {
public:
    std::uint64_t layout() const final { return layout_; }
    std::uint64_t size() const final { return size_; }
    Encoding encoding() const final { return encoding_; }
    Completion carry_out(const Order& order) final;
    Begun begin(const Order& order, std::shared_ptr<void> ahead) final;

    // Not so while a step is made in slices: a checkpoint would hold half of it.
    bool between_steps() const { return next_slice_ == 0; }

    // See task.hpp.
    virtual void draw_initial() {}

    // What a checkpoint says of the model, when a run goes on from one.
    void resume(std::uint64_t steps, double samples_behind) { steps_ = steps, samples_ = samples_behind; }

    // Between two steps: to train on these rows from here on, each once and at least one. Only of models that follow gradients.
    virtual void deal(std::vector<std::uint32_t> rows);

    // What it needs beside its parameters to go on to the same bits: the optimiser's state, the order of the rows, what is drawn from.
    // load_state takes that and the parameters, as they are (to mix them in, with weights of 0 and 1, would make 0 of -0): an error, and then nothing has changed, if that is not there or not of this learner. See resume.hpp.
    virtual void save_state(Checkpoint& to) const = 0;
    virtual std::optional<Error> load_state(const Checkpoint& from) = 0;

protected:
    OrderedLearner(const Task& task, Encoding encoding);

    std::uint64_t steps() const { return steps_; }  // taken before the order that is carried out

    virtual Trained train(const Train& order) = 0;  // slices come in order, and with no training between them
    virtual void freeze(Slot slot, Range range, std::byte* to) = 0;
    virtual Combined combine(const Combine& order, std::shared_ptr<void> ahead) = 0;  // ahead: what look_ahead() gave, or null
    virtual void fold(const Fold& order, Range range) = 0;
    virtual void swap(Slot slot) = 0;
    virtual std::size_t slots() const = 0;  // claimed
    virtual std::shared_ptr<std::byte> blank(std::size_t bytes);  // what freeze() writes to
    virtual std::uint64_t alive() const { return size_; }         // elements; those after them are 0 for ever

    // Where a device freezes beside its other work, and what it can write: then begin_freeze() in place of freeze(), which
    // returns what waits for the end and may be called from any thread.
    virtual bool freezes_beside(Encoding) const { return false; }
    virtual std::function<void()> begin_freeze(Slot, Range, Encoding, std::shared_ptr<std::byte> /*to*/) { return {}; }

private:
    Begun publish(const Publish& order);
    Sketched sketch(const Sketch& order);
    void encode_again(Snapshot& snapshot, Encoding encoding, double kept) const;
    // A mixed model has mixed experience: what stands behind it is weighted as its values are.
    void count(const Combine& order, double taken);

    std::shared_ptr<BufferPool> pool_;
    std::uint64_t layout_, size_;
    Encoding encoding_;
    std::uint64_t steps_ = 0;
    std::uint32_t next_slice_ = 0;  // of a step that is begun
    double samples_ = 0;  // behind the model, whether trained on here or mixed in
};

}  // namespace grapevine::learn
