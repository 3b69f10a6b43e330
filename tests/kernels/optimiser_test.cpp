#include "reference.hpp"

using namespace grapevine;
using namespace grapevine::kernels;

ON_EVERY_BACKEND("axpby scales and adds, and with b = 0 does not read y") {
    for (const std::size_t n : lengths)
        for (const float b : {0.f, 1.f, -0.25f}) {
            CAPTURE(n);
            CAPTURE(b);
            const Values x = random_values(n, 1), y = b == 0 ? poison(n) : random_values(n, 2);
            Exact expected(n);
            for (std::size_t i = 0; i < n; ++i) expected[i] = 1.5 * x[i] + (b == 0 ? 0 : static_cast<double>(b) * y[i]);
            const DeviceSpan out = on(backend, y);
            backend.axpby(1.5f, on(backend, x), b, out);
            CHECK(error(backend, out, expected) < allowed);
        }
}

ON_EVERY_BACKEND("squared norm and distance") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values x = random_values(n, 1), y = random_values(n, 2);
        double norm = 0, distance = 0;
        for (std::size_t i = 0; i < n; ++i) {
            norm += static_cast<double>(x[i]) * x[i];
            distance += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
        }
        const DeviceSpan a = on(backend, x), b = on(backend, y);
        CHECK(std::abs(backend.squared_norm(a) - norm) <= allowed * norm);
        CHECK(std::abs(backend.squared_distance(a, b) - distance) <= allowed * distance);
        CHECK(backend.squared_distance(a, a) == 0);
    }
}

ON_EVERY_BACKEND("a gradient that is too long is cut to its limit, and a shorter one left alone") {
    for (const std::size_t n : {1, 65, 4097}) {
        CAPTURE(n);
        const Values g = random_values(n, 1);
        double norm = 0;
        for (const float v : g) norm += static_cast<double>(v) * v;
        norm = std::sqrt(norm);
        const auto limit = static_cast<float>(0.3 * norm);
        Exact expected(n);
        for (std::size_t i = 0; i < n; ++i) expected[i] = g[i] * limit / norm;
        const DeviceSpan cut = on(backend, g), whole = on(backend, g);
        backend.clip(limit, cut);
        CHECK(error(backend, cut, expected) < allowed);
        backend.clip(static_cast<float>(1.01 * norm), whole);
        CHECK(back(backend, whole) == g);
    }
    const DeviceSpan nothing = backend.allocate(0);
    backend.clip(1, nothing);
}

namespace {

// What a step makes of one parameter; decays: whether this one does.
struct One {
    double p, first, second;
};
One stepped(const Step& how, const Rates& now, bool decays, double g, One at) {
    const double mu = how.mu, beta2 = how.beta2, rate = now.rate, decay = decays ? how.weight_decay : 0, d = g + decay * at.p;
    switch (how.rule) {
        case Step::Rule::sgd: return {at.p - rate * d, 0, 0};
        case Step::Rule::momentum: at.first = mu * at.first + d; return {at.p - rate * at.first, at.first, 0};
        case Step::Rule::nesterov: at.first = mu * at.first + d; return {at.p - rate * (d + mu * at.first), at.first, 0};
        case Step::Rule::adamw: break;
    }
    at.first = mu * at.first + (1 - mu) * g;
    at.second = beta2 * at.second + (1 - beta2) * g * g;
    return {at.p - rate * (at.first * now.correction1 / (std::sqrt(at.second * now.correction2) + how.epsilon) + decay * at.p), at.first, at.second};
}

}  // namespace

ON_EVERY_BACKEND("steps by each rule, with weight decay where the flags say so") {
    for (const auto rule : {Step::Rule::sgd, Step::Rule::momentum, Step::Rule::nesterov, Step::Rule::adamw})
        for (const std::size_t n : lengths)
            for (const bool flagged : {false, true}) {
                CAPTURE(static_cast<int>(rule));
                CAPTURE(n);
                CAPTURE(flagged);
                const Step how{.rule = rule, .mu = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f, .weight_decay = 0.01f};
                const Rates now{.rate = 0.1f, .correction1 = 1.5f, .correction2 = 3};
                const std::size_t offset = flagged ? 128 : 0;
                std::vector<std::uint8_t> flags((offset + n) / 64 + 1);
                for (std::size_t i = 0; i < flags.size(); ++i) flags[i] = i % 5 < 2 || i % 7 == 6;
                const Values g = random_values(n, 1), first = random_values(n, 2), p = random_values(n, 4);
                Values second = random_values(n, 3);
                for (float& v : second) v *= v;
                Exact firsts(n), seconds(n), parameters(n);
                for (std::size_t i = 0; i < n; ++i) {
                    const One one = stepped(how, now, !flagged || flags[(offset + i) / 64] != 0, g[i], {p[i], first[i], second[i]});
                    parameters[i] = one.p;
                    firsts[i] = one.first;
                    seconds[i] = one.second;
                }
                const bool has_first = rule != Step::Rule::sgd, has_second = rule == Step::Rule::adamw;
                const DeviceSpan one = has_first ? on(backend, first) : DeviceSpan{}, two = has_second ? on(backend, second) : DeviceSpan{}, out = on(backend, p);
                const Decays decays = flagged ? Decays{backend.keep(flags), offset} : Decays{};
                backend.step(how, on(backend, Values{now.rate, now.correction1, now.correction2, 0}), decays, on(backend, g), one, two, out);
                CHECK(error(backend, out, parameters) < allowed);
                if (has_first) CHECK(error(backend, one, firsts) < allowed);
                if (has_second) CHECK(error(backend, two, seconds) < allowed);
            }
}

ON_EVERY_BACKEND("mix weighs both, and says how far apart they were before") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values ours = random_values(n, 1), theirs = random_values(n, 2);
        Exact expected(n);
        double distance = 0, norm = 0;
        for (std::size_t i = 0; i < n; ++i) {
            expected[i] = 0.75 * ours[i] + 0.5 * theirs[i];
            distance += (static_cast<double>(theirs[i]) - ours[i]) * (static_cast<double>(theirs[i]) - ours[i]);
            norm += static_cast<double>(ours[i]) * ours[i];
        }
        const DeviceSpan x = on(backend, ours);
        const Mixed mixed = backend.mix(0.75f, x, 0.5f, theirs);
        CHECK(error(backend, x, expected) < allowed);
        CHECK(std::abs(mixed.squared_distance - distance) <= allowed * distance);
        CHECK(std::abs(mixed.squared_norm - norm) <= allowed * norm);

        const DeviceSpan diverged = on(backend, poison(n));
        backend.mix(0, diverged, 1, theirs);
        CHECK(back(backend, diverged) == theirs);
    }
}

ON_EVERY_BACKEND("halves of equals are what they were, to the bit") {
    const Values x = random_values(1001, 1);
    const DeviceSpan span = on(backend, x);
    const Mixed mixed = backend.mix(0.5f, span, 0.5f, x);
    CHECK(back(backend, span) == x);
    CHECK(mixed.squared_distance == 0);
}
