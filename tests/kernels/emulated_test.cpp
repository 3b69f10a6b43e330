#include <cstring>

#include "reference.hpp"

// What only an emulation can show: that the CUDA backend orders, waits, allocates and fails as it should.
using namespace grapevine::kernels;

namespace {

struct EachOrder {
    ~EachOrder() { emulated::set_order(emulated::Order::last); }
    template <class F>
    void operator()(F&& f) const {
        for (const auto order : {emulated::Order::last, emulated::Order::first, emulated::Order::mixed}) {
            CAPTURE(static_cast<int>(order));
            emulated::set_order(order);
            f();
        }
    }
};

float rounded_to_bf16(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// A small perceptron's step, as a learner orders it: shadows, two layers there and back, the loss, and momentum.
struct Perceptron {
    static constexpr std::size_t rows = 9, inputs = 20, hidden = 65, classes = 7;
    static constexpr std::size_t w1 = 0, b1 = 1344, w2 = 1472, b2 = 1984, size = 2048;

    explicit Perceptron(Backend& b) : backend(b) {
        Values initial(size, 0);
        const Values numbers = random_values(size, 5);
        for (std::size_t i = 0; i < inputs * hidden; ++i) initial[w1 + i] = 0.3f * numbers[i];
        for (std::size_t i = 0; i < hidden * classes; ++i) initial[w2 + i] = 0.2f * numbers[w2 + i];
        parameters = on(backend, initial);
        velocity = backend.allocate(size);
        gradient = backend.allocate(size);
        const Element e = backend.element();
        const auto activations = [&](std::size_t n) { return DeviceSpan{backend.allocate(n).data, n, e}; };
        x = activations(rows * inputs), h = activations(rows * hidden), y = activations(rows * classes), dh = activations(rows * hidden);
        set = random_values(50 * inputs, 6);
        for (std::int32_t i = 0; i < 50; ++i) labels.push_back(i % static_cast<std::int32_t>(classes));
        const DeviceSpan two = backend.allocate(2 * 64);
        staged = {reinterpret_cast<std::int32_t*>(two.data), 2 * 64};
        targets = {reinterpret_cast<std::int32_t*>(backend.allocate(64).data), rows};
        rates = backend.allocate(rates_size);
    }

    void step(std::uint32_t s) {
        const DeviceSpan shadow = backend.shadow(parameters);
        const IndexSpan these = staged.part(64 * s, rows);
        backend.gather(backend.keep(std::span<const float>(set)), inputs, inputs, these, {}, x);
        backend.take(backend.keep(std::span<const std::int32_t>(labels)), 1, 1, 0, these, false, targets);
        const Dense first{rows, inputs, hidden, true, false}, second{rows, hidden, classes, false, true};
        backend.dense(first, x, shadow.part(w1, inputs * hidden), parameters.part(b1, hidden), h);
        backend.dense(second, h, shadow.part(w2, hidden * classes), parameters.part(b2, classes), y);
        backend.softmax_cross_entropy(classes, targets, y);
        backend.dense_backward(second, h, shadow.part(w2, hidden * classes), y, dh, gradient.part(w2, hidden * classes), gradient.part(b2, classes));
        backend.dense_backward(first, x, shadow.part(w1, inputs * hidden), dh, {}, gradient.part(w1, inputs * hidden), gradient.part(b1, hidden));
        backend.clip(1, gradient);
        backend.step({.rule = Step::Rule::momentum, .mu = 0.9f, .weight_decay = 0.001f}, rates, {}, gradient, velocity, {}, parameters);
    }

    // Two steps at a time, each time on other rows and at another rate.
    double train(int times) {
        for (int t = 0; t < times; ++t) {
            std::vector<std::int32_t> numbers(2 * 64);
            for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>((i * 7 + static_cast<std::size_t>(t) * 13) % 50);
            backend.upload(std::span<const std::int32_t>(numbers), staged);
            const float rate[rates_size] = {0.1f / static_cast<float>(1 + t), 1, 1, 0};
            backend.upload(std::span<const float>(rate), rates);
            backend.repeat({1, 2, 3}, 2, [&](std::uint32_t s) { step(s); });
        }
        const Losses losses = backend.take_losses();
        CHECK(losses.rows == 2 * rows * static_cast<std::size_t>(times));
        return losses.sum;
    }

    Backend& backend;
    DeviceSpan parameters, velocity, gradient, x, h, y, dh, rates;
    IndexSpan staged, targets;
    Values set;
    std::vector<std::int32_t> labels;
};

}  // namespace

TEST_CASE("steps are recorded and played again, and learn what a CPU does (cuda emulated on the host)") {
    const auto cpu = make_cpu_backend(1, Products::own);
    Perceptron there(*cpu);
    const double loss = there.train(6);
    const Values expected = back(*cpu, there.parameters);
    EachOrder{}([&] {
        const auto backend = emulated::make_backend();
        Perceptron here(*backend);
        const std::uint64_t before = emulated::graph_launches();
        CHECK(here.train(6) == doctest::Approx(loss).epsilon(1e-5));
        CHECK(emulated::graph_launches() - before == 5);  // all but the first
        CHECK(error(back(*backend, here.parameters), Exact(expected.begin(), expected.end())) < allowed);
    });
}

TEST_CASE("steps in bf16 follow those in float32, and keep parameters in float32 (cuda emulated on the host)") {
    const auto cpu = make_cpu_backend(1, Products::own);
    Perceptron there(*cpu);
    const double loss = there.train(6);
    const Values expected = back(*cpu, there.parameters);
    EachOrder{}([&] {
        const auto backend = emulated::make_backend(Element::bf16);
        Perceptron here(*backend);
        CHECK(here.train(6) == doctest::Approx(loss).epsilon(1e-2));
        const Values parameters = back(*backend, here.parameters);
        CHECK(error(parameters, Exact(expected.begin(), expected.end())) < 1e-2);
        Values rounded = parameters;
        for (float& v : rounded) v = rounded_to_bf16(v);
        CHECK(back(*backend, backend->shadow(here.parameters)) == rounded);
        CHECK(parameters != rounded);
    });
}

TEST_CASE("once they are recorded, steps neither allocate nor wait (cuda emulated on the host)") {
    const auto backend = emulated::make_backend();
    Perceptron p(*backend);
    p.train(3);
    const std::uint64_t allocated = emulated::allocations(), launched = emulated::graph_launches();
    for (int i = 0; i < 3; ++i) {
        std::uint64_t waited = emulated::waits();
        backend->repeat({1, 2, 3}, 2, [](std::uint32_t) { FAIL("played, not carried out"); });
        CHECK(emulated::waits() == waited);
    }
    CHECK(emulated::allocations() == allocated);
    CHECK(emulated::graph_launches() == launched + 3);
}

TEST_CASE("memory that grows makes what was recorded be recorded anew (cuda emulated on the host)") {
    const auto cpu = make_cpu_backend(1, Products::own);
    Perceptron there(*cpu);
    there.train(3);
    there.train(3);
    const Values expected = back(*cpu, there.parameters);
    EachOrder{}([&] {
        const auto backend = emulated::make_backend();
        Perceptron here(*backend);
        here.train(3);
        const DeviceSpan large = DeviceSpan{backend->allocate(4 * 3'000).data, 4 * 3'000};
        const std::vector<std::int32_t> zeros(3'000, 0);
        const IndexSpan targets{reinterpret_cast<std::int32_t*>(backend->allocate(3'000).data), 3'000};
        backend->upload(std::span<const std::int32_t>(zeros), targets);
        backend->softmax_cross_entropy(4, targets, large);  // more rows than there were
        backend->take_losses();
        here.train(3);
        CHECK(error(back(*backend, here.parameters), Exact(expected.begin(), expected.end())) < allowed);
    });
}

TEST_CASE("a library without epilogues gives the same (cuda emulated on the host)") {
    const auto with = emulated::make_backend(), cpu = make_cpu_backend(1, Products::own);
    emulated::refuse_epilogues(true);
    const auto without = emulated::make_backend();
    Perceptron there(*cpu), here(*without);
    there.train(4);
    here.train(4);
    emulated::refuse_epilogues(false);
    const Values expected = back(*cpu, there.parameters);
    CHECK(error(back(*without, here.parameters), Exact(expected.begin(), expected.end())) < allowed);
}

TEST_CASE("what is frozen stays what it was while training goes on (cuda emulated on the host)") {
    EachOrder{}([&] {
        const auto backend = emulated::make_backend();
        Perceptron p(*backend);
        p.train(2);
        const Values now = back(*backend, p.parameters);
        const auto to = backend->host_memory(now.size() * sizeof(float)), half = backend->host_memory(now.size() * 2);
        const auto underway = backend->freeze(p.parameters, Encoded::As::float32, to);
        const auto second = backend->freeze(p.parameters, Encoded::As::bf16, half);
        p.train(2);
        underway->wait();
        second->wait();
        CHECK(std::memcmp(to.get(), now.data(), now.size() * sizeof(float)) == 0);
        for (std::size_t i = 0; i < now.size(); ++i) {
            std::uint16_t bits;
            std::memcpy(&bits, half.get() + 2 * i, 2);
            const std::uint32_t all = std::uint32_t{bits} << 16;
            float value;
            std::memcpy(&value, &all, sizeof value);
            REQUIRE(value == rounded_to_bf16(now[i]));
        }
        CHECK(back(*backend, p.parameters) != now);
    });
}

TEST_CASE("what is brought may change at once, and is mixed as it was, in each encoding (cuda emulated on the host)") {
    const std::size_t n = 1001;
    const Values ours = random_values(n, 1), theirs = random_values(n, 2);
    EachOrder{}([&] {
        for (const Element element : {Element::float32, Element::bf16})
            for (const auto as : {Encoded::As::float32, Encoded::As::bf16, Encoded::As::int8}) {
                const auto backend = emulated::make_backend(element);
                Values decoded = theirs;
                Encoded encoded{as, n, nullptr};
                std::vector<std::byte> bytes(encoded.bytes());
                for (std::size_t i = 0; i < n; ++i) {
                    if (as == Encoded::As::float32) std::memcpy(&bytes[4 * i], &theirs[i], 4);
                    if (as == Encoded::As::bf16) {
                        decoded[i] = rounded_to_bf16(theirs[i]);
                        std::memcpy(&bytes[2 * i], reinterpret_cast<const char*>(&decoded[i]) + 2, 2);
                    }
                    if (as == Encoded::As::int8) {
                        const float scale = 0.01f + 0.001f * static_cast<float>(i / 256);
                        const auto byte = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
                        if (i % 256 == 0) std::memcpy(&bytes[i / 256 * 260], &scale, 4);
                        std::memcpy(&bytes[i / 256 * 260 + 4 + i % 256], &byte, 1);
                        decoded[i] = scale * static_cast<float>(byte);
                    }
                }
                encoded.data = bytes.data();
                const DeviceSpan x = on(*backend, ours), shadow = backend->shadow(x);
                const auto underway = backend->bring(encoded);
                std::fill(bytes.begin(), bytes.end(), std::byte{0x55});
                Exact expected(n);
                double distance = 0;
                for (std::size_t i = 0; i < n; ++i) {
                    expected[i] = 0.75 * ours[i] + 0.25 * decoded[i];
                    distance += (static_cast<double>(decoded[i]) - ours[i]) * (static_cast<double>(decoded[i]) - ours[i]);
                }
                const Mixed measured = backend->mix_brought(1, x, 0, encoded, *underway);
                CHECK(back(*backend, x) == ours);
                const Mixed mixed = backend->mix_brought(0.75f, x, 0.25f, encoded, *underway);
                CHECK(std::abs(mixed.squared_distance - distance) <= allowed * distance);
                CHECK(measured.squared_distance == mixed.squared_distance);
                CHECK(error(back(*backend, x), expected) < allowed);
                Values now = back(*backend, x);
                if (element == Element::bf16)
                    for (float& v : now) v = rounded_to_bf16(v);
                CHECK(back(*backend, shadow) == now);
            }
    });
}

TEST_CASE("a device that is full or lost says which call failed, and where (cuda emulated on the host)") {
    const auto backend = emulated::make_backend();
    emulated::limit_memory(1 << 20);
    try {
        backend->allocate(1 << 20);
        FAIL("there is no such memory");
    } catch (const DeviceFailure& failure) {
        CHECK(std::string(failure.what()).find("cuda_backend.cu:") != std::string::npos);
        CHECK(std::string(failure.what()).find("cudaMalloc") != std::string::npos);
        CHECK(std::string(failure.what()).find("out of memory") != std::string::npos);
    }
    emulated::limit_memory(~std::uint64_t{0});
    for (int calls = 0; calls < 400; calls += 7) {  // lost at any moment, in a recording too
        CAPTURE(calls);
        const auto other = emulated::make_backend();
        Perceptron p(*other);
        emulated::fail_after(calls);
        CHECK_THROWS_AS(p.train(40), DeviceFailure);
        emulated::fail_after(-1);
    }
}
