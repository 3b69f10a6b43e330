// Models of pictures: their gradients against an independent pass in double, what their tensors are called and where they begin.
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "grapevine/learn/model.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

constexpr std::size_t rows = 7, classes = 4;
constexpr kernels::Picture picture{9, 7, 2};

std::shared_ptr<Dataset> pictures() {
    auto set = std::make_shared<Dataset>();
    set->features = picture.size();
    set->classes = classes;
    set->picture = picture;
    Random random(1);
    std::vector<float> values(rows * set->features);
    for (float& x : values) x = static_cast<float>(random.normal());
    set->values = values;
    for (std::size_t i = 0; i < rows; ++i) set->labels.push_back(static_cast<std::int32_t>(random.below(classes)));
    return set;
}

std::shared_ptr<const Model> model_of(const config::Config& config, const DataShape& data) {
    auto made = make_model(config, data);
    REQUIRE(std::holds_alternative<std::shared_ptr<const Model>>(made));
    return std::get<std::shared_ptr<const Model>>(made);
}

config::Config net(const std::vector<std::uint32_t>& channels, const std::vector<std::uint32_t>& hidden, bool residual) {
    config::Config config;
    config.model.kind = config::ModelKind::cnn;
    config.model.channels = channels;
    config.model.hidden = hidden;
    config.model.residual = residual;
    return config;
}

// A picture on its way, in double and pixel by pixel. Knows tensors by their names and nothing of layers.
struct Plain {
    const TensorTable& table;
    const std::vector<double>& block;

    struct Image {
        std::size_t height, width, channels;
        std::vector<double> values;
        double at(std::size_t i, std::size_t j, std::size_t k) const { return values[(i * width + j) * channels + k]; }
    };
    const double* where(const std::string& name) const { return block.data() + table.find(name)->offset; }

    Image convolve(const Image& x, const std::string& name, std::size_t stride = 1) const {
        const auto& shape = table.find(name + ".w")->shape;
        const std::size_t side = shape[0], outputs = shape[3];
        REQUIRE(shape[2] == x.channels);
        const double *const w = where(name + ".w"), *const b = where(name + ".b");
        Image y{(x.height + stride - 1) / stride, (x.width + stride - 1) / stride, outputs, {}};
        for (std::size_t i = 0; i < y.height; ++i)
            for (std::size_t j = 0; j < y.width; ++j)
                for (std::size_t o = 0; o < outputs; ++o) {
                    double sum = b[o];
                    for (std::size_t r = 0; r < side; ++r)
                        for (std::size_t c = 0; c < side; ++c) {
                            const auto row = static_cast<std::ptrdiff_t>(i * stride + r) - static_cast<std::ptrdiff_t>(side / 2);
                            const auto column = static_cast<std::ptrdiff_t>(j * stride + c) - static_cast<std::ptrdiff_t>(side / 2);
                            if (row < 0 || column < 0 || row >= static_cast<std::ptrdiff_t>(x.height) || column >= static_cast<std::ptrdiff_t>(x.width)) continue;
                            for (std::size_t k = 0; k < x.channels; ++k)
                                sum += w[((r * side + c) * x.channels + k) * outputs + o] * x.at(static_cast<std::size_t>(row), static_cast<std::size_t>(column), k);
                        }
                    y.values.push_back(sum);
                }
        return y;
    }
    static Image relu(Image x) {
        for (double& v : x.values) v = std::max(0.0, v);
        return x;
    }
    static Image plus(Image x, const Image& y) {
        REQUIRE(x.values.size() == y.values.size());
        for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
        return x;
    }
    static Image halved(const Image& x) {
        Image y{x.height / 2, x.width / 2, x.channels, {}};
        for (std::size_t i = 0; i < y.height; ++i)
            for (std::size_t j = 0; j < y.width; ++j)
                for (std::size_t k = 0; k < x.channels; ++k)
                    y.values.push_back(std::max({x.at(2 * i, 2 * j, k), x.at(2 * i + 1, 2 * j, k), x.at(2 * i, 2 * j + 1, k), x.at(2 * i + 1, 2 * j + 1, k)}));
        return y;
    }
    static std::vector<double> mean(const Image& x) {
        std::vector<double> y(x.channels);
        for (std::size_t i = 0; i < x.values.size(); ++i) y[i % x.channels] += x.values[i] / static_cast<double>(x.height * x.width);
        return y;
    }
    std::vector<double> dense(const std::vector<double>& x, const std::string& w, const std::string& b) const {
        std::vector<double> y(table.find(b)->size());
        for (std::size_t j = 0; j < y.size(); ++j) {
            y[j] = where(b)[j];
            for (std::size_t i = 0; i < x.size(); ++i) y[j] += x[i] * where(w)[i * y.size() + j];
        }
        return y;
    }
};

using Forward = std::function<std::vector<double>(const Plain&, const Plain::Image&)>;

double cross_entropy(const std::vector<double>& x, std::size_t target) {
    double sum = 0;
    for (const double v : x) sum += std::exp(v);
    return std::log(sum) - x[target];
}

double hinge(const std::vector<double>& x, std::size_t target) {
    double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j)
        if (j != target) sum += std::max(0.0, 1 + x[j] - x[target]);
    return sum / static_cast<double>(x.size());
}

// Largest difference between a backend's gradient and central differences, over the gradient's largest element.
double disagreement(const config::Config& config, const Forward& forward, double (*loss_of)(const std::vector<double>&, std::size_t), kernels::Backend& backend) {
    const auto set = pictures();
    const auto model = model_of(config, *set);
    const TensorTable& table = model->table();
    Random random(3);
    std::vector<float> parameters(table.size());
    for (const Tensor& t : table.tensors()) {
        const double deviation = t.shape.size() == 1 ? 0.2 : std::sqrt(1.5 * static_cast<double>(t.shape.back()) / static_cast<double>(t.size()));
        for (std::size_t i = 0; i < t.size(); ++i) parameters[t.offset + i] = static_cast<float>(deviation * random.normal());
    }
    const auto block = backend.allocate(table.size()), gradient = backend.allocate(table.size());
    backend.upload(std::span<const float>(parameters), block);
    std::vector<std::uint32_t> all(rows);
    std::iota(all.begin(), all.end(), 0u);
    std::vector<std::int32_t> staged(rows);
    model->stage(*set, all, nullptr, staged);
    Room room(backend.allocate(1 << 20));
    const auto on_device = room.indices(rows);
    backend.upload(std::span<const std::int32_t>(staged), on_device);
    const Kept kept = keep(*set, backend);
    const auto memory = room.floats(model->memory(backend.element(), rows, true));
    backend.upload(std::span<const float>(std::vector<float>(memory.size, NAN)), memory);
    backend.upload(std::span<const float>(std::vector<float>(gradient.size, NAN)), gradient);
    const Pass pass{backend, *set, kept, rows, true, on_device, block, backend.shadow(block), gradient, memory};
    backend.take_losses();
    model->forward(pass);
    model->lose(pass);
    model->backward(pass);
    std::vector<float> found(table.size());
    backend.download(gradient, found);

    std::vector<double> exact(parameters.begin(), parameters.end());
    const auto& inputs = std::get<std::vector<float>>(set->values);
    const auto loss = [&] {
        double sum = 0;
        for (std::size_t row = 0; row < rows; ++row) {
            const auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(row * picture.size());
            const Plain::Image image{picture.height, picture.width, picture.channels, {begin, begin + static_cast<std::ptrdiff_t>(picture.size())}};
            sum += loss_of(forward(Plain{table, exact}, image), static_cast<std::size_t>(set->labels[row]));
        }
        return sum / rows;
    };
    CHECK(backend.take_losses().sum / rows == doctest::Approx(loss()));
    double worst = 0, largest = 0;
    for (const Tensor& t : table.tensors()) {
        double largest_here = 0;
        for (std::size_t i = t.offset; i < t.offset + t.size(); ++i) {
            constexpr double h = 1e-6;
            const double here = exact[i];
            exact[i] = here + h;
            const double above = loss();
            exact[i] = here - h;
            const double slope = (above - loss()) / (2 * h);
            exact[i] = here;
            worst = std::max(worst, std::isfinite(found[i]) ? std::abs(slope - static_cast<double>(found[i])) : HUGE_VAL);
            largest_here = std::max(largest_here, std::abs(slope));
        }
        CAPTURE(t.name);
        CHECK(largest_here > 1e-3);  // every tensor is trained
        largest = std::max(largest, largest_here);
    }
    return worst / largest;
}

void check_gradient(const config::Config& config, const Forward& forward, double (*loss)(const std::vector<double>&, std::size_t) = cross_entropy) {
    CHECK(disagreement(config, forward, loss, *kernels::make_cpu_backend()) < 1e-5);
    CHECK(disagreement(config, forward, loss, *kernels::make_cpu_backend(1, kernels::Products::own)) < 1e-5);
}

}  // namespace

TEST_CASE("the gradient of a linear SVM is what central differences say") {
    config::Config config;
    config.model.kind = config::ModelKind::svm;
    check_gradient(config, [](const Plain& p, const Plain::Image& x) { return p.dense(x.values, "w1", "b1"); }, hinge);
}

TEST_CASE("so is that of a convolutional net") {
    check_gradient(net({3, 4}, {5}, false), [](const Plain& p, const Plain::Image& x) {
        const auto half = p.halved(p.relu(p.convolve(x, "conv1"))), quarter = p.halved(p.relu(p.convolve(half, "conv2")));
        auto hidden = p.dense(quarter.values, "dense1.w", "dense1.b");
        for (double& v : hidden) v = std::max(0.0, v);
        return p.dense(hidden, "out.w", "out.b");
    });
}

TEST_CASE("of one without hidden layers") {
    check_gradient(net({5}, {}, false), [](const Plain& p, const Plain::Image& x) { return p.dense(p.halved(p.relu(p.convolve(x, "conv1"))).values, "out.w", "out.b"); });
}

TEST_CASE("and that of a residual net, whose shortcuts go past or through a convolution") {
    check_gradient(net({3, 4, 4}, {}, true), [](const Plain& p, const Plain::Image& picture_) {
        auto x = p.relu(p.convolve(picture_, "stem"));
        for (const std::string block : {"block1", "block2", "block3"}) {
            const bool projected = p.table.find(block + ".shortcut.w") != nullptr;
            const std::size_t stride = projected ? 2 : 1;
            const auto branch = p.convolve(p.relu(p.convolve(x, block + ".conv1", stride)), block + ".conv2");
            x = p.relu(p.plus(branch, projected ? p.convolve(x, block + ".shortcut", stride) : x));
        }
        return p.dense(p.mean(x), "out.w", "out.b");
    });
}

TEST_CASE("tensors say what they are") {
    DataShape data;
    data.features = 784, data.classes = 10, data.picture = {28, 28, 1};
    CHECK(model_of(net({32, 64}, {128}, false), data)->table().describe() ==
          "conv1.w 3x3x1x32, conv1.b 32, conv2.w 3x3x32x64, conv2.b 64, dense1.w 3136x128, dense1.b 128, out.w 128x10, out.b 10");
    CHECK(model_of(net({8, 16}, {}, true), data)->table().describe() ==
          "stem.w 3x3x1x8, stem.b 8, block1.conv1.w 3x3x8x8, block1.conv1.b 8, block1.conv2.w 3x3x8x8, block1.conv2.b 8, block2.conv1.w 3x3x8x16, block2.conv1.b 16, "
          "block2.conv2.w 3x3x16x16, block2.conv2.b 16, block2.shortcut.w 1x1x8x16, block2.shortcut.b 16, out.w 16x10, out.b 10");
    // Two for each multiplication and its addition: 28 x 28 x 9 x 32, 14 x 14 x 9 x 32 x 64, 3136 x 128, 1280.
    CHECK(model_of(net({32, 64}, {128}, false), data)->forward_flops() == 2.0 * (225792 + 3612672 + 401408 + 1280));
}

TEST_CASE("a residual net begins with the variances that keep a signal's size, and each block as its shortcut") {
    DataShape data;
    data.features = 784, data.classes = 10, data.picture = {28, 28, 1};
    const auto model = model_of(net({32, 32, 64, 64}, {}, true), data);
    const auto block = model->initial(1);
    const auto variance = [&](const char* name) {
        const Tensor& t = *model->table().find(name);
        double sum = 0;
        for (std::uint64_t i = 0; i < t.size(); ++i) sum += block[t.offset + i] * block[t.offset + i];
        return sum / static_cast<double>(t.size());
    };
    CHECK(variance("stem.w") == doctest::Approx(2.0 / 9).epsilon(0.3));
    CHECK(variance("block1.conv1.w") == doctest::Approx(2.0 / (9 * 32) / 4).epsilon(0.05));  // four blocks
    CHECK(variance("block3.shortcut.w") == doctest::Approx(2.0 / 32).epsilon(0.1));
    for (const char* name : {"block1.conv2.w", "block2.conv2.w", "block3.conv2.w", "block4.conv2.w", "block1.conv1.b"}) CHECK(variance(name) == 0);
    CHECK(block != model->initial(2));
}

TEST_CASE("what cannot be seen is refused, with what to do instead") {
    const auto refusal = [](const config::Config& config, const DataShape& data) {
        const auto made = make_model(config, data);
        REQUIRE(std::holds_alternative<Error>(made));
        return std::get<Error>(made);
    };
    DataShape numbers, small;
    numbers.features = 20, numbers.classes = 4;
    small.features = 30, small.classes = 4, small.picture = {5, 6, 1};
    auto config = net({8, 8}, {}, false);
    config.data.set = "blobs";
    CHECK(refusal(config, numbers).what == "a cnn looks at pictures, and these data are none");
    CHECK(refusal(config, numbers).hint.find("mlp") != std::string::npos);
    config.model.kind = config::ModelKind::mlp;
    config.data.shift = 1;
    CHECK(refusal(config, numbers).what.find("no pictures") != std::string::npos);
    CHECK(refusal(config, numbers).hint.find("augment") != std::string::npos);
    CHECK(model_of(net({8, 8}, {}, false), small)->outputs() == 4);
    CHECK(refusal(net({8, 8, 8}, {}, false), small).what == "each of the 3 convolutions halves the picture, and of 5 x 6 nothing is left after 2");
    CHECK(model_of(net({8, 16, 32, 64, 64}, {}, true), small)->outputs() == 4);  // of one pixel there is always one left
}

namespace {

TaskPointer task_for(const config::Config& config, std::shared_ptr<const Dataset> set) {
    auto task = std::make_shared<Task>();
    task->sets = {.train = set, .test = set};
    task->model = model_of(config, *set);
    task->table = task->model->table();
    task->initial = task->model->initial(config.seed);
    task->pool = std::make_shared<BufferPool>();
    return task;
}

std::vector<std::uint32_t> all_of(const Dataset& set) {
    std::vector<std::uint32_t> all(set.rows());
    std::iota(all.begin(), all.end(), 0u);
    return all;
}

}  // namespace

TEST_CASE("pictures move by up to the shift and turn over, evenly, and only when they are trained on") {
    const auto set = pictures();
    auto config = net({2}, {}, false);
    config.data.shift = 2;
    config.data.mirror = true;
    const auto model = model_of(config, *set);
    REQUIRE(model->indices_per_row() == 2);
    const auto all = all_of(*set);
    std::vector<std::int32_t> staged(2 * rows);
    model->stage(*set, all, nullptr, staged);
    for (std::size_t i = 0; i < rows; ++i) {
        CHECK(staged[i] == static_cast<std::int32_t>(i));
        CHECK(staged[rows + i] == (128 | 128 << 8));
    }
    Random random(5);
    std::map<std::int32_t, int> counts;
    constexpr int times = 1000;
    for (int t = 0; t < times; ++t) {
        model->stage(*set, all, &random, staged);
        for (std::size_t i = 0; i < rows; ++i) ++counts[staged[rows + i]];
    }
    CHECK(counts.size() == 5 * 5 * 2);
    for (const auto& [move, count] : counts) {
        CHECK((move & 0xff) >= 126);
        CHECK((move & 0xff) <= 130);
        CHECK((move >> 8 & 0xff) >= 126);
        CHECK((move >> 8 & 0xff) <= 130);
        CHECK(std::abs(count - times * static_cast<int>(rows) / 50) < 60);  // 140 each, five deviations
    }
}

TEST_CASE("augmented training is drawn from the seed, differs from plain training, and leaves an evaluation alone") {
    const auto set = pictures();
    auto config = net({2}, {}, false);
    config.data.batch = rows;
    config.train.learning_rate = 0.05;
    const auto run = [&](const config::Config& of, std::size_t peer = 0) {
        const auto learner = make_learner(of, peer, 2, task_for(of, set), all_of(*set), kernels::make_cpu_backend());
        const double before = learner->evaluate().loss;
        learner->carry_out({0, Train{6}});
        return std::pair(before, values_of<float>(publish(*learner)));
    };
    const auto plain = run(config);
    config.data.shift = 1;
    const auto moved = run(config);
    CHECK(moved.first == plain.first);
    CHECK(moved.second != plain.second);
    CHECK(moved.second == run(config).second);
    CHECK(moved.second != run(config, 1).second);
    config.seed = 2;
    CHECK(moved.second != run(config).second);
}

TEST_CASE("each model of pictures takes a step in slices as it takes a whole one") {
    const auto set = pictures();
    for (const bool residual : {false, true}) {
        auto config = net({3, 4}, {5}, residual);
        config.data.batch = 4;
        config.train.optimizer = config::TrainOptions::Optimizer::adamw;
        config.train.learning_rate = 0.01;
        config.train.weight_decay = 0.1;
        const auto task = task_for(config, set);
        for (const std::uint32_t count : {2u, 5u, 64u}) {
            const auto whole = make_learner(config, 0, 1, task, all_of(*set), kernels::make_cpu_backend());
            const auto sliced = make_learner(config, 0, 1, task, all_of(*set), kernels::make_cpu_backend());
            for (int step = 0; step < 3; ++step) {
                whole->carry_out({0, Train{1}});
                for (std::uint32_t i = 0; i < count; ++i) sliced->carry_out({0, Train{1, {}, 1, Slice{i, count}}});
                CHECK(values_of<float>(publish(*sliced)) == values_of<float>(publish(*whole)));
            }
        }
    }
}
