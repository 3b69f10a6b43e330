#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace grapevine::kernels {

// What numbers on a device are made of. bf16 is what tensor cores multiply; a backend that computes in it keeps parameters, their
// gradients and an optimiser's state in float32.
enum class Element : std::uint8_t { float32, bf16 };

// Memory of a device. Its own type, so that the host cannot read it by mistake. Elements of bf16 lie two in the place of a float.
struct DeviceSpan {
    float* data = nullptr;
    std::size_t size = 0;  // elements
    Element element = Element::float32;

    DeviceSpan part(std::size_t offset, std::size_t count) const {
        float* const begin = element == Element::float32 ? data + offset : reinterpret_cast<float*>(reinterpret_cast<std::uint16_t*>(data) + offset);
        return {begin, count, element};
    }
    explicit operator bool() const { return size > 0; }
};

// Whole numbers on a device: rows of a table, classes, words.
struct IndexSpan {
    std::int32_t* data = nullptr;
    std::size_t size = 0;

    IndexSpan part(std::size_t offset, std::size_t count) const { return {data + offset, count}; }
};

// Numbers that do not change, where the device can read them: see Backend::keep(). Row r of such a table begins at r * stride.
struct Table {
    enum class Type : std::uint8_t { bytes, floats, indices };
    const void* data = nullptr;
    std::size_t size = 0;  // numbers
    Type type = Type::bytes;
};

struct Part {
    std::size_t offset = 0, count = 0;
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

// Pictures lie row by row, a pixel's channels side by side: (height, width, channels).
struct Picture {
    std::size_t height = 0, width = 0, channels = 0;
    std::size_t size() const { return height * width * channels; }
};

// A layer y = x w + b over `rows` rows, w (inputs, outputs). With `relu`, what is negative in y becomes 0. With `x_is_relu`, x is
// what such a layer gave, and the gradient of x is 0 where x is: so that who makes a gradient masks it, once.
struct Dense {
    std::size_t rows = 0, inputs = 0, outputs = 0;
    bool relu = false, x_is_relu = false;
};

// A convolution of `rows` pictures with kernels of side x side, w (side, side, channels, outputs): as in every library for
// learning, a correlation. `padding` zeros on each of the four sides. relu, x_is_relu: as for Dense.
struct Convolution {
    std::size_t rows = 0;
    Picture in;
    std::size_t outputs = 0, side = 3, stride = 1, padding = 1;
    bool relu = false, x_is_relu = false;

    Picture out() const {
        return {(in.height + 2 * padding - side) / stride + 1, (in.width + 2 * padding - side) / stride + 1, outputs};
    }
    std::size_t weights() const { return side * side * in.channels * outputs; }
};

// The largest (or the mean) of each square of side x side of `rows` pictures, channel by channel; squares that do not fit are left out.
struct Pooling {
    std::size_t rows = 0;
    Picture in;
    std::size_t side = 2, stride = 2;

    Picture out() const { return {(in.height - side) / stride + 1, (in.width - side) / stride + 1, in.channels}; }
};

// Causal self-attention with several heads over `rows` texts of `length` places: qkv (rows, length, 3 * width) holds queries, keys
// and values side by side, each of them head by head. out (rows, length, width).
struct Attention {
    std::size_t rows = 0, length = 0, width = 0, heads = 1;
    std::size_t probabilities() const { return rows * heads * length * length; }
};

// One step of a GRU as PyTorch's (Cho et al. 2014): from_input, from_state (rows, 3 * width) with biases, in the order r, z, n:
// r = sigma(ir + hr), z = sigma(iz + hz), n = tanh(in + r * hn), h' = (1 - z) n + z h.
struct Gru {
    std::size_t rows = 0, width = 0;
};

// One step: d = gradient + weight_decay * parameters; sgd: p -= rate * d; momentum: v = mu * v + d,
// p -= rate * v; nesterov: v = mu * v + d, p -= rate * (d + mu * v). adamw (Loshchilov and Hutter 2019): m = mu * m + (1 - mu) g,
// v = beta2 * v + (1 - beta2) g^2, p -= rate * (m * correction1 / (sqrt(v * correction2) + epsilon) + weight_decay * p).
struct Step {
    enum class Rule { sgd, momentum, nesterov, adamw };
    Rule rule = Rule::sgd;
    float mu = 0, beta2 = 0.999f, epsilon = 1e-8f, weight_decay = 0;
};
// What changes from step to step, in this order in the memory of the device.
struct Rates {
    float rate = 0, correction1 = 1, correction2 = 1;  // 1 / (1 - mu^t), 1 / (1 - beta2^t): of adamw
    float unused = 0;
};
constexpr std::size_t rates_size = sizeof(Rates) / sizeof(float);
// Which parameters decay: of each 64 elements of a block one flag. The step's first parameter lies at `offset` of it.
struct Decays {
    Table flags;  // bytes; none: all of them do
    std::size_t offset = 0;
};

// Of all rows that went through a loss since the last time.
struct Losses {
    double sum = 0;             // of the rows' losses
    std::uint64_t correct = 0;  // rows whose largest output is their target's
    std::uint64_t rows = 0;
};

struct Mixed {
    double squared_distance = 0;  // |theirs - ours|^2, before
    double squared_norm = 0;      // |ours|^2, before
};

// Values as they travel: float32; the upper halves of float32; or blocks of 256, the last one shorter, each a float32 scale and a
// signed byte a value. They begin anywhere in host memory.
struct Encoded {
    enum class As : std::uint8_t { float32, bf16, int8 };
    As as = As::float32;
    std::size_t count = 0;  // values
    const std::byte* data = nullptr;

    std::size_t bytes() const { return as == As::float32 ? 4 * count : as == As::bf16 ? 2 * count : count + (count + 255) / 256 * 4; }
};

// What a device does beside its other work.
class Underway {
public:
    virtual ~Underway() = default;
    virtual void wait() = 0;  // from any thread
};

// Which memory a step reads and writes: the same recipe promises the same calls with the same arguments.
using Recipe = std::array<std::uintptr_t, 8>;

// The arithmetic of training, on one device. Matrices are row-major. Calls queue up in order; download() and the functions that
// return a number wait for all before them. With one thread the same calls give the same bits on the same machine. One caller at a
// time, from any thread. Gradients are written, never added to, unless it is said. Spans of activations are of element(); those of
// parameters, gradients of parameters and an optimiser's state of float32; those named `shadow` come from shadow().
class Backend {
public:
    virtual ~Backend() = default;

    virtual std::string name() const = 0;  // of the device and of who does its products, for a log
    virtual Element element() const { return Element::float32; }  // of activations

    // ---- memory ----
    virtual DeviceSpan allocate(std::size_t size) = 0;  // zeroed floats; lives as long as the backend, and never moves

    // Memory for what is not needed any longer when the caller's order is done; its content is anybody's. The
    // next call of scratch() takes it back, whoever makes it: on a CPU all learners of a thread share it, so
    // that thousands of them fit into a process.
    virtual DeviceSpan scratch(std::size_t size) = 0;  // floats

    // These parts of a block become 0; what lies between them may too.
    virtual void clear(DeviceSpan block, std::span<const Part> parts) = 0;

    // What lies at these addresses and stays there unchanged as long as the backend lives. A CPU reads it where it is; another device
    // has a copy, one of each address.
    virtual Table keep(std::span<const std::uint8_t> values) = 0;
    virtual Table keep(std::span<const float> values) = 0;
    virtual Table keep(std::span<const std::int32_t> values) = 0;

    virtual void upload(std::span<const float> from, DeviceSpan to) = 0;
    virtual void upload(std::span<const std::int32_t> from, IndexSpan to) = 0;  // `from` is the caller's again when it returns
    virtual void download(DeviceSpan from, std::span<float> to) = 0;             // of either element

    // The same parameters as products want them: themselves, or a copy in bf16. step(), mix(), axpby() and upload() to a block that
    // allocate() gave keep it up to date.
    virtual DeviceSpan shadow(DeviceSpan parameters) { return parameters; }

    // Carries out step(0) to step(count - 1). A device may record what they queue up and play it again where the recipe and the count
    // are those of an earlier call. Between two calls of one recipe only what lies in memory may differ. Nothing in a step waits.
    virtual void repeat(const Recipe& recipe, std::uint32_t count, const std::function<void(std::uint32_t)>& step) = 0;

    // ---- what a batch is made of ----
    // to (rows, width): rows of a table, normalised.
    virtual void gather(const Table& table, std::size_t width, std::size_t stride, IndexSpan rows, Normalisation normalisation, DeviceSpan to) = 0;
    // The same for pictures, each moved and turned over: moves (rows) = (down + 128) | (right + 128) << 8 | mirrored << 16. What comes
    // in at the edges is the value 0 of the table.
    virtual void gather_moved(const Table& table, Picture picture, IndexSpan rows, IndexSpan moves, Normalisation normalisation, DeviceSpan to) = 0;
    // to (rows, width), or (width, rows) with by_place: numbers of a table of bytes or indices, each row's from `skip` on.
    virtual void take(const Table& table, std::size_t width, std::size_t stride, std::size_t skip, IndexSpan rows, bool by_place, IndexSpan to) = 0;

    // ---- products ----
    virtual void gemm(const Gemm& shape, DeviceSpan a, DeviceSpan b, DeviceSpan c) = 0;  // float32

    virtual void dense(const Dense& shape, DeviceSpan x, DeviceSpan shadow, DeviceSpan biases, DeviceSpan y) = 0;
    // dy (rows, outputs) is masked already if y went through ReLU. dx may be empty: then nobody wants it; so may
    // dweights. Empty biases: there are none.
    virtual void dense_backward(const Dense& shape, DeviceSpan x, DeviceSpan shadow, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) = 0;

    virtual void convolve(const Convolution& shape, DeviceSpan x, DeviceSpan shadow, DeviceSpan biases, DeviceSpan y) = 0;
    virtual void convolve_backward(const Convolution& shape, DeviceSpan x, DeviceSpan shadow, DeviceSpan dy, DeviceSpan dx, DeviceSpan dweights, DeviceSpan dbiases) = 0;

    // probabilities: shape.probabilities() elements, for the way back.
    virtual void attend(const Attention& shape, DeviceSpan qkv, DeviceSpan probabilities, DeviceSpan out) = 0;
    virtual void attend_backward(const Attention& shape, DeviceSpan qkv, DeviceSpan probabilities, DeviceSpan dout, DeviceSpan dqkv) = 0;

    // ---- one pass each ----
    virtual void axpby(float a, DeviceSpan x, float b, DeviceSpan y) = 0;  // y = a x + b y; b = 0: y is not read
    virtual double squared_norm(DeviceSpan x) = 0;
    virtual double squared_distance(DeviceSpan x, DeviceSpan y) = 0;

    virtual void add_relu(DeviceSpan x, DeviceSpan y, DeviceSpan to) = 0;       // to = max(0, x + y)
    virtual void add(DeviceSpan x, DeviceSpan y, DeviceSpan to) = 0;            // to = x + y; `to` may be one of them
    virtual void mask(DeviceSpan activations, DeviceSpan gradient) = 0;        // where an activation is 0, its gradient becomes 0

    virtual void pool_largest(const Pooling& shape, DeviceSpan x, DeviceSpan y) = 0;
    // To the first of equals.
    virtual void pool_largest_backward(const Pooling& shape, DeviceSpan x, DeviceSpan y, DeviceSpan dy, DeviceSpan dx) = 0;
    // Of all pixels of a picture, channel by channel: x (rows, pixels, channels), y (rows, channels).
    virtual void pool_mean(std::size_t rows, std::size_t pixels, DeviceSpan x, DeviceSpan y) = 0;
    // x_is_relu: as for Dense, then x is needed.
    virtual void pool_mean_backward(std::size_t rows, std::size_t pixels, DeviceSpan x, bool x_is_relu, DeviceSpan dy, DeviceSpan dx) = 0;

    // y = gain * (x - mean) / sqrt(variance + 1e-5) + bias, row by row; width = gain.size. statistics: floats (rows, 2), mean and
    // 1 / deviation, for the way back.
    virtual void normalise(DeviceSpan x, DeviceSpan gain, DeviceSpan bias, DeviceSpan statistics, DeviceSpan y) = 0;
    virtual void normalise_backward(DeviceSpan x, DeviceSpan gain, DeviceSpan statistics, DeviceSpan dy, DeviceSpan dx, DeviceSpan dgain, DeviceSpan dbias) = 0;

    // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), Hendrycks and Gimpel 2016, as GPT-2 has it.
    virtual void gelu(DeviceSpan x, DeviceSpan y) = 0;
    virtual void gelu_backward(DeviceSpan x, DeviceSpan dy, DeviceSpan dx) = 0;

    // to (words, width): row words[i] of `table` (vocabulary, width); with places (length, width) also row i % length of those, added.
    virtual void embed(IndexSpan words, std::size_t width, DeviceSpan table, DeviceSpan places, DeviceSpan to) = 0;
    // All of dtable and dplaces are written: rows that no word named become zero.
    virtual void embed_backward(IndexSpan words, std::size_t width, DeviceSpan dy, DeviceSpan dtable, DeviceSpan dplaces) = 0;

    // kept: elements (rows, 4 * width): r, z, n and hn, for the way back.
    virtual void gru(const Gru& shape, DeviceSpan from_input, DeviceSpan from_state, DeviceSpan state, DeviceSpan kept, DeviceSpan next) = 0;
    // dstate: only what goes past the products, dnext * z; the caller adds dfrom_state times the weights.
    virtual void gru_backward(const Gru& shape, DeviceSpan state, DeviceSpan kept, DeviceSpan dnext, DeviceSpan dfrom_input, DeviceSpan dfrom_state, DeviceSpan dstate) = 0;

    // dots (n) = of row i / group of a (n / group, width) and row i of b (n, width).
    virtual void row_dots(std::size_t width, std::size_t group, DeviceSpan a, DeviceSpan b, DeviceSpan dots) = 0;
    virtual void row_dots_backward(std::size_t width, std::size_t group, DeviceSpan a, DeviceSpan b, DeviceSpan ddots, DeviceSpan da, DeviceSpan db) = 0;

    // ---- losses: each turns outputs into the gradient of the mean over the rows of its loss, and adds to the losses ----
    // Cross-entropy of the softmax of (targets, classes).
    virtual void softmax_cross_entropy(std::size_t classes, IndexSpan targets, DeviceSpan logits) = 0;
    // Sum over the other classes j of max(0, 1 + x_j - x_target), over the number of classes (Weston and Watkins 1999; MultiMarginLoss).
    virtual void hinge(std::size_t classes, IndexSpan targets, DeviceSpan outputs) = 0;
    // (output - target)^2. targets: floats. No row counts as correct.
    virtual void squared_error(DeviceSpan targets, DeviceSpan outputs) = 0;
    // A row is `group` scores, the first of a pair that is, the others of pairs that are not: the sum of -log sigma(+-score) (Mikolov et
    // al. 2013). Correct: the first is the largest.
    virtual void pairs(std::size_t group, DeviceSpan scores) = 0;
    virtual Losses take_losses() = 0;  // and starts again from none

    // ---- the optimiser, and mixing ----
    virtual void clip(float limit, DeviceSpan gradient) = 0;  // to this 2-norm, where it is longer
    // rates: a Rates. first, second: the optimiser's state, empty where the rule has none (sgd; momentum has one, adamw both).
    virtual void step(const Step& how, DeviceSpan rates, const Decays& decays, DeviceSpan gradient, DeviceSpan first, DeviceSpan second, DeviceSpan parameters) = 0;

    // ours = ours_weight * ours + theirs_weight * theirs, and how far apart they were, in one pass. With
    // ours_weight = 0 ours may have been no number. `theirs` lies in host memory.
    virtual Mixed mix(float ours_weight, DeviceSpan ours, float theirs_weight, std::span<const float> theirs) = 0;

    // ---- whole models, beside other work: of a device with memory of its own, where transfers() says so ----
    virtual bool transfers() const { return false; }
    virtual std::shared_ptr<std::byte> host_memory(std::size_t) { return nullptr; }  // where such transfers end; pooled, may outlive the backend
    // `to`, of host_memory(), will hold what is in `from` now; not as int8. Whatever comes after it does not wait for that.
    virtual std::shared_ptr<Underway> freeze(DeviceSpan, Encoded::As, std::shared_ptr<std::byte> /*to*/) { return nullptr; }
    // Begins to bring values; they may change when it returns. The only call that may come beside another's.
    virtual std::shared_ptr<Underway> bring(const Encoded&) { return nullptr; }
    // mix() with what bring() has begun. Weights 1 and 0: only measures.
    virtual Mixed mix_brought(float /*ours_weight*/, DeviceSpan /*ours*/, float /*theirs_weight*/, const Encoded&, Underway&) { return {}; }
};

}  // namespace grapevine::kernels
