#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace grapevine::kernels {

// Memory of a device. Its own type, so that the host cannot read it by mistake.
struct DeviceSpan {
    float* data = nullptr;
    std::size_t size = 0;

    DeviceSpan part(std::size_t offset, std::size_t count) const { return {data + offset, count}; }
};

// A device that cannot go on: which call said so, and where. The run ends with it.
class DeviceFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// c (m,n) = alpha op(a) op(b) + beta c, where op(a) is (m,k) and op(b) is (k,n). With beta = 0 what was in c
// does not matter, not even when it was not a number.
struct Gemm {
    std::size_t m = 0, n = 0, k = 0;
    bool transpose_a = false, transpose_b = false;  // a lies as (k,m), b as (n,k)
    float alpha = 1, beta = 0;
};

// What a row of a data set goes through on its way to a device: scale * value + shift.
struct Normalisation {
    float scale = 1, shift = 0;
};

// One step: d = gradient + weight_decay * parameters; sgd: p -= rate * d; momentum: v = mu * v + d,
// p -= rate * v; nesterov: v = mu * v + d, p -= rate * (d + mu * v).
struct Step {
    enum class Rule { sgd, momentum, nesterov };
    Rule rule = Rule::sgd;
    float rate = 0, mu = 0, weight_decay = 0;
};

// Of all rows that went through softmax_cross_entropy() since the last time.
struct Losses {
    double sum = 0;             // of the rows' cross-entropies
    std::uint64_t correct = 0;  // rows whose largest logit is their target's
    std::uint64_t rows = 0;
};

struct Mixed {
    double squared_distance = 0;  // |theirs - ours|^2, before
    double squared_norm = 0;      // |ours|^2, before
};

// The arithmetic of training, on one device, in float32. Matrices are row-major. Calls queue up in order;
// download() and the functions that return a number wait for all before them. With one thread the same calls
// give the same bits on the same machine. One caller at a time, from any thread.
class Backend {
public:
    virtual ~Backend() = default;

    virtual std::string name() const = 0;  // of the device and of who does its products, for a log

    virtual DeviceSpan allocate(std::size_t size) = 0;  // zeroed; lives as long as the backend

    // Memory for what is not needed any longer when the caller's order is done; its content is anybody's. The
    // next call of scratch() takes it back, whoever makes it: on a CPU all learners of a thread share it, so
    // that thousands of them fit into a process.
    virtual DeviceSpan scratch(std::size_t size) = 0;

    virtual void upload(std::span<const float> from, DeviceSpan to) = 0;
    virtual void download(DeviceSpan from, std::span<float> to) = 0;

    // Some rows of a table in host memory, each `width` long, normalised: to is (rows, width).
    virtual void gather(std::span<const std::uint8_t> table, std::size_t width, std::span<const std::uint32_t> rows,
                        Normalisation normalisation, DeviceSpan to) = 0;
    virtual void gather(std::span<const float> table, std::size_t width, std::span<const std::uint32_t> rows,
                        Normalisation normalisation, DeviceSpan to) = 0;

    virtual void gemm(const Gemm& shape, DeviceSpan a, DeviceSpan b, DeviceSpan c) = 0;

    virtual void axpby(float a, DeviceSpan x, float b, DeviceSpan y) = 0;  // y = a x + b y; b = 0: y is not read
    virtual double squared_norm(DeviceSpan x) = 0;
    virtual double squared_distance(DeviceSpan x, DeviceSpan y) = 0;

    virtual void bias(DeviceSpan biases, DeviceSpan x) = 0;       // every row of x (m,n) += biases (n)
    virtual void bias_relu(DeviceSpan biases, DeviceSpan x) = 0;  // and what is negative then becomes 0

    // sums (n) = of the columns of x (m,n): the gradient of biases.
    virtual void column_sums(DeviceSpan x, DeviceSpan sums) = 0;
    // First where the activation (m,n) is 0, its gradient (m,n) becomes 0 too; then as column_sums().
    virtual void relu_backward(DeviceSpan activations, DeviceSpan gradient, DeviceSpan sums) = 0;

    // Turns each row of logits (targets, classes) into its softmax less its one-hot target, over the number of
    // rows: the gradient of the mean cross-entropy. Adds to the losses. Targets are below `classes`.
    virtual void softmax_cross_entropy(std::size_t classes, std::span<const std::int32_t> targets,
                                       DeviceSpan logits) = 0;
    virtual Losses take_losses() = 0;  // and starts again from none

    // With sgd there is no velocity: an empty span.
    virtual void step(const Step& how, DeviceSpan gradient, DeviceSpan velocity, DeviceSpan parameters) = 0;

    // ours = ours_weight * ours + theirs_weight * theirs, and how far apart they were, in one pass. With
    // ours_weight = 0 ours may have been no number. `theirs` lies in host memory.
    virtual Mixed mix(float ours_weight, DeviceSpan ours, float theirs_weight, std::span<const float> theirs) = 0;
};

}  // namespace grapevine::kernels
