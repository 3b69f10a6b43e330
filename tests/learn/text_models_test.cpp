#include <cmath>
#include <functional>
#include <numeric>

#include "data/text.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"
#include "text_models_literals.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

std::shared_ptr<const Model> model_of(const config::Config& config, const DataShape& data) {
    auto made = make_model(config, data);
    REQUIRE(std::holds_alternative<std::shared_ptr<const Model>>(made));
    return std::get<std::shared_ptr<const Model>>(made);
}

config::Config reader(config::ModelKind kind, std::uint32_t width, std::uint32_t layers, std::uint32_t heads, std::uint32_t length) {
    config::Config config;
    config.model.kind = kind;
    config.model.width = width;
    config.model.layers = layers;
    config.model.heads = heads;
    config.model.length = length;
    return config;
}

// Bytes of all values, drawn.
Dataset text_of(std::size_t rows, std::size_t length, std::uint64_t seed) {
    Random random(seed);
    std::vector<std::uint8_t> text(rows * length + 1);
    for (std::uint8_t& b : text) b = static_cast<std::uint8_t>(random.below(256));
    return windows(text, length);
}

// ---- the same models in plain loops and in double, a text at a time ----
using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;  // a row for each place

struct Plain {
    const config::Model& model;
    const TensorTable& table;
    const Vector& block;

    double at(const std::string& name, std::size_t i) const {
        const Tensor* tensor = table.find(name);
        REQUIRE(tensor);
        return block[tensor->offset + i];
    }
    // x w + b
    Vector product(const Vector& x, const std::string& w, const std::string& b, std::size_t outputs) const {
        const Tensor &weights = *table.find(w), &biases = *table.find(b);
        Vector y(outputs);
        for (std::size_t j = 0; j < outputs; ++j) {
            y[j] = block[biases.offset + j];
            for (std::size_t i = 0; i < x.size(); ++i) y[j] += x[i] * block[weights.offset + i * outputs + j];
        }
        return y;
    }
    Vector normalised(const Vector& x, const std::string& name) const {
        const auto n = static_cast<double>(x.size());
        double mean = 0, variance = 0;
        for (const double v : x) mean += v / n;
        for (const double v : x) variance += (v - mean) * (v - mean) / n;
        Vector y(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) y[i] = at(name + ".gain", i) * (x[i] - mean) / std::sqrt(variance + 1e-5) + at(name + ".b", i);
        return y;
    }

    // Outputs of each place.
    Matrix gru(const std::uint8_t* bytes) const {
        const std::size_t w = model.width;
        Matrix x(model.length, Vector(w));
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t i = 0; i < w; ++i) x[t][i] = at("embed.w", bytes[t] * w + i);
        const auto sigma = [](double v) { return 1 / (1 + std::exp(-v)); };
        for (std::size_t l = 1; l <= model.layers; ++l) {
            const std::string name = "gru" + std::to_string(l);
            Vector h(w, 0.0);
            for (Vector& place : x) {
                const Vector in = product(place, name + ".wi", name + ".bi", 3 * w), hidden = product(h, name + ".wh", name + ".bh", 3 * w);
                for (std::size_t i = 0; i < w; ++i) {
                    const double r = sigma(in[i] + hidden[i]), z = sigma(in[w + i] + hidden[w + i]), n = std::tanh(in[2 * w + i] + r * hidden[2 * w + i]);
                    h[i] = (1 - z) * n + z * h[i];
                }
                place = h;
            }
        }
        for (Vector& place : x) place = product(place, "out.w", "out.b", 256);
        return x;
    }

    Matrix transformer(const std::uint8_t* bytes) const {
        const std::size_t w = model.width, head = w / model.heads;
        Matrix x(model.length, Vector(w));
        for (std::size_t t = 0; t < x.size(); ++t)
            for (std::size_t i = 0; i < w; ++i) x[t][i] = at("embed.w", bytes[t] * w + i) + at("embed.places", t * w + i);
        for (std::size_t l = 1; l <= model.layers; ++l) {
            const std::string block_name = "block" + std::to_string(l);
            Matrix qkv;
            for (const Vector& place : x) qkv.push_back(product(normalised(place, block_name + ".attention.norm"), block_name + ".attention.in.w", block_name + ".attention.in.b", 3 * w));
            for (std::size_t t = 0; t < x.size(); ++t) {
                Vector seen(w, 0.0);
                for (std::size_t h = 0; h < model.heads; ++h) {
                    Vector weights(t + 1);
                    double sum = 0;
                    for (std::size_t s = 0; s <= t; ++s) {
                        for (std::size_t i = 0; i < head; ++i) weights[s] += qkv[t][h * head + i] * qkv[s][w + h * head + i];
                        sum += weights[s] = std::exp(weights[s] / std::sqrt(static_cast<double>(head)));
                    }
                    for (std::size_t s = 0; s <= t; ++s)
                        for (std::size_t i = 0; i < head; ++i) seen[h * head + i] += weights[s] / sum * qkv[s][2 * w + h * head + i];
                }
                const Vector y = product(seen, block_name + ".attention.out.w", block_name + ".attention.out.b", w);
                for (std::size_t i = 0; i < w; ++i) x[t][i] += y[i];
            }
            for (Vector& place : x) {
                Vector wide = product(normalised(place, block_name + ".dense.norm"), block_name + ".dense.in.w", block_name + ".dense.in.b", 4 * w);
                for (double& v : wide) v = 0.5 * v * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v)));
                const Vector y = product(wide, block_name + ".dense.out.w", block_name + ".dense.out.b", w);
                for (std::size_t i = 0; i < w; ++i) place[i] += y[i];
            }
        }
        for (Vector& place : x) place = product(normalised(place, "last"), "out.w", "out.b", 256);
        return x;
    }

    // Mean cross-entropy over all places.
    double loss(const Dataset& set) const {
        const auto& text = std::get<std::vector<std::uint8_t>>(set.values);
        double sum = 0;
        for (std::size_t row = 0; row < set.rows(); ++row) {
            const std::uint8_t* const bytes = text.data() + row * set.stride;
            const Matrix outputs = model.kind == config::ModelKind::gru ? gru(bytes) : transformer(bytes);
            for (std::size_t t = 0; t < outputs.size(); ++t) {
                double exponentials = 0;
                for (const double v : outputs[t]) exponentials += std::exp(v);
                sum += std::log(exponentials) - outputs[t][bytes[t + 1]];
            }
        }
        return sum / static_cast<double>(set.rows() * set.length);
    }
};

// One way there and back over all rows of a set.
struct There {
    double loss;
    std::vector<float> gradient;
};
There there_and_back(const Model& model, const Dataset& set, std::span<const float> parameters, kernels::Backend& backend) {
    const auto rows = set.rows();
    const auto block = backend.allocate(parameters.size()), gradient = backend.allocate(parameters.size());
    backend.upload(parameters, block);
    std::vector<std::uint32_t> all(rows);
    std::iota(all.begin(), all.end(), 0u);
    std::vector<std::int32_t> staged(rows);
    model.stage(set, all, nullptr, staged);
    const std::size_t memory = model.memory(backend.element(), rows, true);
    Room room(backend.allocate(on_boundary(rows) + memory));
    const auto on_device = room.indices(rows);
    backend.upload(std::span<const std::int32_t>(staged), on_device);
    const Kept kept = keep(set, backend);
    // What memory holds before must not matter.
    const Pass pass{backend, set, kept, rows, true, on_device, block, backend.shadow(block), gradient, room.floats(memory)};
    backend.upload(std::vector<float>(memory, std::nanf("")), pass.memory);
    backend.take_losses();
    model.forward(pass);
    model.lose(pass);
    model.backward(pass);
    const kernels::Losses losses = backend.take_losses();
    REQUIRE(losses.rows == rows * set.length);
    There there{losses.sum / static_cast<double>(losses.rows), std::vector<float>(parameters.size())};
    backend.download(gradient, there.gradient);
    return there;
}

// Largest difference between a backend's gradient and central differences, over the gradient's largest element.
double disagreement(const config::Config& config, std::size_t rows, kernels::Backend& backend) {
    const Dataset set = text_of(rows, config.model.length, 5);
    const auto model = model_of(config, set);
    const TensorTable& table = model->table();
    auto parameters = model->initial(3);
    Random random(4);  // biases and gains that are not what they begin with; weights large enough to matter
    for (const Tensor& t : table.tensors())
        for (std::uint64_t i = 0; i < t.size(); ++i) parameters[t.offset + i] += static_cast<float>(0.2 * random.normal());
    const There there = there_and_back(*model, set, parameters, backend);
    Vector exact(parameters.begin(), parameters.end());
    const Plain plain{config.model, table, exact};
    CHECK(there.loss == doctest::Approx(plain.loss(set)).epsilon(1e-6));
    double worst = 0, largest = 0;
    for (const Tensor& tensor : table.tensors()) {
        // Of a large tensor some, in an even distance that is prime to its rows.
        const std::uint64_t step = tensor.size() > 60 ? tensor.size() / 60 | 1 : 1;
        double here_largest = 0;
        for (std::uint64_t e = 0; e < tensor.size(); e += step) {
            constexpr double h = 1e-5;
            const std::uint64_t i = tensor.offset + e;
            const double here = exact[i];
            exact[i] = here + h;
            const double above = plain.loss(set);
            exact[i] = here - h;
            const double slope = (above - plain.loss(set)) / (2 * h);
            exact[i] = here;
            worst = std::max(worst, std::abs(slope - there.gradient[i]));
            here_largest = std::max(here_largest, std::abs(slope));
        }
        CAPTURE(tensor.name);
        const bool from_zero = config.model.length == 1 && tensor.name == "gru1.wh";  // the only state there is to multiply is the first, zero
        if (tensor.name != "embed.w" && !from_zero) CHECK(here_largest > 1e-5);         // some of those rows no byte of the text names
        largest = std::max(largest, here_largest);
    }
    CHECK(largest > 0.01);
    return worst / largest;
}

constexpr auto gru = config::ModelKind::gru, transformer = config::ModelKind::transformer;

}  // namespace

TEST_CASE("the gradient of a GRU is what central differences say") {
    for (const kernels::Products products : {kernels::Products::library, kernels::Products::own}) {
        CHECK(disagreement(reader(gru, 5, 2, 1, 7), 3, *kernels::make_cpu_backend(1, products)) < 2e-5);
        CHECK(disagreement(reader(gru, 3, 1, 1, 1), 2, *kernels::make_cpu_backend(1, products)) < 2e-5);
    }
}

TEST_CASE("so is that of a transformer") {
    for (const kernels::Products products : {kernels::Products::library, kernels::Products::own}) {
        CHECK(disagreement(reader(transformer, 6, 2, 2, 5), 3, *kernels::make_cpu_backend(1, products)) < 2e-5);
        CHECK(disagreement(reader(transformer, 5, 1, 1, 1), 2, *kernels::make_cpu_backend(1, products)) < 2e-5);
    }
}

// Parameters, text and steps as in text_models_literals.py.
TEST_CASE("both lose in their first steps what the same models of PyTorch's modules lose") {
    const auto check = [](config::ModelKind kind, std::span<const double> expected) {
        const config::Config config = reader(kind, literals::width, literals::layers, literals::heads, literals::length);
        std::vector<std::uint8_t> text(literals::rows * literals::length + 1);
        for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>((31 * i * i + 7 * i) % 251);
        const Dataset set = windows(text, literals::length);
        const auto model = model_of(config, set);
        std::vector<float> block(model->table().size());
        std::size_t number = 0;
        for (const Tensor& t : model->table().tensors()) {
            const double around = t.name.ends_with(".gain") ? 1 : 0;
            for (std::size_t i = 0; i < t.size(); ++i) block[t.offset + i] = static_cast<float>(around + static_cast<double>((i * 7919 + number * 104729) % 2003) / 2003 - 0.5);
            ++number;
        }
        const auto backend = kernels::make_cpu_backend();
        for (const double loss : expected) {
            const There there = there_and_back(*model, set, block, *backend);
            CHECK(there.loss == doctest::Approx(loss).epsilon(2e-6));
            for (const Tensor& t : model->table().tensors())
                for (std::uint64_t i = t.offset; i < t.offset + t.size(); ++i) block[i] -= static_cast<float>(literals::rate) * there.gradient[i];
        }
    };
    check(gru, literals::gru);
    check(transformer, literals::transformer);
}

TEST_CASE("each layer's parameters lie together, the last layer's last, and initial ones are as GPT-2's") {
    const Dataset set = text_of(4, 16, 1);
    for (const auto kind : {gru, transformer}) {
        const auto model = model_of(reader(kind, 64, 3, 4, 16), set);
        std::uint64_t end = 0;
        for (std::size_t stage = 0; stage < model->stages(); ++stage) {
            CHECK(model->parameters_of(stage).offset >= end);
            end = model->parameters_of(stage).offset + model->parameters_of(stage).count;
        }
        CHECK(end == model->table().size());
    }
    const auto model = model_of(reader(transformer, 64, 3, 4, 16), set);
    const auto block = model->initial(1);
    const auto deviation = [&](const char* name) {
        const Tensor& t = *model->table().find(name);
        double sum = 0;
        for (std::uint64_t i = 0; i < t.size(); ++i) sum += block[t.offset + i] * block[t.offset + i];
        return std::sqrt(sum / static_cast<double>(t.size()));
    };
    CHECK(deviation("embed.w") == doctest::Approx(0.02).epsilon(0.03));
    CHECK(deviation("block2.dense.in.w") == doctest::Approx(0.02).epsilon(0.03));
    CHECK(deviation("block2.dense.out.w") == doctest::Approx(0.02 / std::sqrt(6)).epsilon(0.03));
    CHECK(deviation("block3.attention.out.w") == doctest::Approx(0.02 / std::sqrt(6)).epsilon(0.05));
    CHECK(deviation("last.gain") == 1);
    CHECK(deviation("out.b") == 0);
}
