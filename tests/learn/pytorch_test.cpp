// Held against PyTorch: literals_from_pytorch.py makes these numbers, and its initial parameters and data by the same formula.
#include <array>
#include <cmath>

#include "grapevine/learn/model.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;
using Optimizer = config::TrainOptions::Optimizer;

namespace {

constexpr std::size_t rows = 24, side = 8, channels = 2, classes = 5;

double drawn(std::size_t of, std::size_t i) {
    const double x = std::sin(static_cast<double>(i) * 12.9898 + static_cast<double>(of) * 78.233) * 43758.5453;
    return 2 * (x - std::floor(x)) - 1;
}

std::shared_ptr<const Dataset> pictures() {
    auto set = std::make_shared<Dataset>();
    set->features = side * side * channels;
    set->classes = classes;
    set->picture = {side, side, channels};
    std::vector<float> values(rows * set->features);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(drawn(100, i));
    set->values = values;
    for (std::size_t i = 0; i < rows; ++i) set->labels.push_back(static_cast<std::int32_t>((drawn(200, i) + 1) / 2 * classes));
    return set;
}

TaskPointer task_for(const config::Config& config) {
    auto task = std::make_shared<Task>();
    task->sets = {.train = pictures(), .test = pictures()};
    auto made = make_model(config, *task->sets.train);
    REQUIRE(std::holds_alternative<std::shared_ptr<const Model>>(made));
    task->model = std::get<std::shared_ptr<const Model>>(made);
    task->table = task->model->table();
    task->initial.resize(task->table.size());
    for (std::size_t t = 0; t < task->table.tensors().size(); ++t) {
        const Tensor& tensor = task->table.tensors()[t];
        const double amplitude = tensor.shape.size() == 1 ? 0.1 : std::sqrt(3.0 * static_cast<double>(tensor.shape.back()) / static_cast<double>(tensor.size()));
        for (std::size_t i = 0; i < tensor.size(); ++i) task->initial[tensor.offset + i] = static_cast<float>(amplitude * drawn(t, i));
    }
    task->pool = std::make_shared<BufferPool>();
    return task;
}

config::Config of(config::ModelKind kind, Optimizer optimizer, double rate) {
    config::Config config;
    config.model.kind = kind;
    config.data.batch = rows;  // all of them in each step, in any order
    config.train.optimizer = optimizer;
    config.train.learning_rate = rate;
    return config;
}

void check_losses(const config::Config& config, const std::array<double, 5>& losses) {
    const auto task = task_for(config);
    std::vector<std::uint32_t> all(rows);
    for (std::uint32_t i = 0; i < rows; ++i) all[i] = i;
    for (const auto products : {kernels::Products::library, kernels::Products::own}) {
        const auto learner = make_learner(config, 0, 1, task, all, kernels::make_cpu_backend(1, products));
        for (const double loss : losses) CHECK(std::get<Trained>(learner->carry_out({0, Train{1}}).what).loss == doctest::Approx(loss).epsilon(1e-4));
    }
}

}  // namespace

TEST_CASE("the first losses of logistic regression are PyTorch's: SGD, weight decay, steps") {
    auto config = of(config::ModelKind::logistic, Optimizer::sgd, 0.5);
    config.train.weight_decay = 0.01;
    config.train.schedule = {.kind = config::Schedule::Kind::step, .every = 2, .factor = 0.5};
    check_losses(config, {1.6110417, 0.94489616, 0.58738898, 0.48826522, 0.41382655});
}

TEST_CASE("those of a linear SVM: momentum, weight decay") {
    auto config = of(config::ModelKind::svm, Optimizer::momentum, 0.1);
    config.train.momentum = 0.9;
    config.train.weight_decay = 0.05;
    check_losses(config, {0.71880764, 0.60215396, 0.40068387, 0.20066257, 0.070573368});
}

TEST_CASE("those of a perceptron: Nesterov, warm-up, a clipped gradient") {
    auto config = of(config::ModelKind::mlp, Optimizer::nesterov, 0.1);
    config.model.hidden = {6};
    config.train.momentum = 0.8;
    config.train.weight_decay = 0.02;
    config.train.gradient_clip = 0.4;
    config.train.schedule.warmup = 3;
    check_losses(config, {1.7438802, 1.7230739, 1.6694464, 1.583343, 1.5018158});
}

TEST_CASE("those of a convolutional net: AdamW, half a wave") {
    auto config = of(config::ModelKind::cnn, Optimizer::adamw, 0.01);
    config.model.channels = {4, 6};
    config.model.hidden = {7};
    config.train.weight_decay = 0.1;
    config.train.schedule = {.kind = config::Schedule::Kind::cosine, .steps = 8, .floor = 0.1};
    check_losses(config, {1.5826518, 1.5347829, 1.4940774, 1.4599261, 1.43279});
}

TEST_CASE("those of a residual net: AdamW of other constants, a clipped gradient") {
    auto config = of(config::ModelKind::cnn, Optimizer::adamw, 0.003);
    config.model.residual = true;
    config.model.channels = {4, 6};
    config.model.hidden = {};
    config.train.beta1 = 0.8, config.train.beta2 = 0.99, config.train.epsilon = 1e-6;
    config.train.weight_decay = 0.01;
    config.train.gradient_clip = 0.5;
    check_losses(config, {1.6373665, 1.6229107, 1.6096665, 1.5972776, 1.5865288});
}

TEST_CASE("each optimiser goes where PyTorch's goes") {
    struct Row {
        const char* name;
        kernels::Step how;
        float clip;
        std::array<double, 3> end;
    };
    using Rule = kernels::Step::Rule;
    const Row table[] = {
        {"sgd", {.rule = Rule::sgd, .weight_decay = 0.1f}, 0, {0.68065211, 0.35162232, 1.2855935}},
        {"momentum", {.rule = Rule::momentum, .mu = 0.9f, .weight_decay = 0.1f}, 0, {0.95146816, 2.1515659, -0.62325512}},
        {"nesterov", {.rule = Rule::nesterov, .mu = 0.9f, .weight_decay = 0.1f}, 0, {0.97587459, 1.7734499, 0.29398181}},
        {"adamw", {.rule = Rule::adamw, .mu = 0.9f, .beta2 = 0.99f, .weight_decay = 0.1f}, 0, {0.94206981, -0.4639501, 2.366725}},
        {"clipped", {.rule = Rule::sgd}, 1.5f, {0.55610734, -0.57171813, 2.3869967}},
    };
    for (const Row& row : table) {
        CAPTURE(row.name);
        const auto backend = kernels::make_cpu_backend();
        const auto x = backend->allocate(3), gradient = backend->allocate(3), first = backend->allocate(3), second = backend->allocate(3);
        const auto rates = backend->allocate(kernels::rates_size);
        std::array<float, 3> now{0.5f, -1, 3};
        backend->upload(std::span<const float>(now), x);
        for (int t = 1; t <= 5; ++t) {
            std::array<float, 3> slopes{};
            for (std::size_t k = 0; k < 3; ++k) slopes[k] = static_cast<float>(k + 1) * (now[k] - 1);
            const std::array<float, kernels::rates_size> rate{0.1f, static_cast<float>(1 / (1 - std::pow(0.9, t))), static_cast<float>(1 / (1 - std::pow(0.99, t))), 0};
            backend->upload(std::span<const float>(slopes), gradient);
            backend->upload(std::span<const float>(rate), rates);
            if (row.clip > 0) backend->clip(row.clip, gradient);
            backend->step(row.how, rates, {}, gradient, row.how.rule == Rule::sgd ? kernels::DeviceSpan{} : first, row.how.rule == Rule::adamw ? second : kernels::DeviceSpan{}, x);
            backend->download(x, now);
        }
        for (std::size_t k = 0; k < 3; ++k) CHECK(now[k] == doctest::Approx(row.end[k]).epsilon(1e-5));
    }
}
