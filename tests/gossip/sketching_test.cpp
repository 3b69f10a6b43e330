// The consensus distance from sketches: what a sketch keeps of a vector, and whole clusters, whose peers' word is held against the
// truth that only a simulator has.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

#include "../support/cluster.hpp"
#include "grapevine/gossip/tallier.hpp"
#include "grapevine/sim/tap.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;

namespace {

std::vector<float> sketch(std::uint64_t seed, const std::vector<double>& values) {
    Sketcher s(seed, values.size());
    s.add(0, std::span<const double>(values));
    return s.take();
}
double squared(const auto& values) {
    double sum = 0;
    for (const auto x : values) sum += static_cast<double>(x) * static_cast<double>(x);
    return sum;
}

std::vector<double> drawn(std::uint64_t seed, std::size_t size, double centre = 0) {
    Random random(seed);
    std::vector<double> values(size);
    for (double& x : values) x = centre + random.normal();
    return values;
}

struct Truth {
    double distance = 0, norm = 0;
};
Truth truth(test::Cluster& cluster) {
    const auto n = static_cast<std::uint32_t>(cluster.world().size());
    std::vector<double> mean(cluster.learner(0).values().size());
    double peers = 0;
    for (std::uint32_t i = 0; i < n; ++i)
        if (cluster.world().up(i)) {
            ++peers;
            for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += cluster.learner(i).values()[k];
        }
    for (double& x : mean) x /= peers;
    Truth t;
    for (std::uint32_t i = 0; i < n; ++i)
        if (cluster.world().up(i))
            for (std::size_t k = 0; k < mean.size(); ++k) t.distance += std::pow(cluster.learner(i).values()[k] - mean[k], 2) / peers;
    t.norm = std::sqrt(squared(mean));
    return t;
}
const Consensus& told(test::Cluster& cluster, std::uint32_t peer) {
    const auto cluster_figures = cluster.world().peer(peer).cluster();
    REQUIRE(cluster_figures);
    REQUIRE(cluster_figures->consensus);
    static Consensus copy;
    return copy = *cluster_figures->consensus;
}

struct Traffic : sim::Tap {  // on their way: of parameters, and of what looks for the distance
    double parameters = 0, moments = 0;
    void sent(Instant, const Parcel& parcel) override {
        parameters += static_cast<double>(parcel.payload);
        const auto* m = std::get_if<gossip::Message>(&parcel.message);
        if (m && std::holds_alternative<Moments>(*m)) moments += static_cast<double>(parcel.control);
    }
    void order_begun(Instant now, std::uint32_t, const Order& order) override { look(now, order); }
    void order_ended(Instant now, std::uint32_t, const Order& order) override { look(now, order); }
    void look(Instant now, const Order& order) {
        if (std::holds_alternative<Sketch>(order.what) && cluster) truths[now] = truth(*cluster).distance;
    }
    test::Cluster* cluster = nullptr;
    std::map<Instant, double> truths;  // whenever anybody sketches
};

}  // namespace

// The vectors: one direction only, few values that are not 0, a column of a matrix whose width is a power of two, and noise.
TEST_CASE("a sketch keeps the squared length of a vector to 3 %, of whatever kind it is") {
    constexpr std::size_t size = 100'003;
    std::vector<std::vector<double>> kinds(4, std::vector<double>(size));
    for (double& x : kinds[0]) x = 2;
    for (std::size_t k = 0; k < 20; ++k) kinds[1][k * 4999] = 1.0 + static_cast<double>(k);
    for (std::size_t k = 0; k < size; k += 128) kinds[2][k] = 1;
    kinds[3] = drawn(5, size);
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        CAPTURE(kind);
        const double real = squared(kinds[kind]);
        double sum = 0, squares = 0;
        constexpr int seeds = 400;
        for (int seed = 1; seed <= seeds; ++seed) {
            const double ratio = squared(sketch(static_cast<std::uint64_t>(seed), kinds[kind])) / real;
            sum += ratio - 1, squares += (ratio - 1) * (ratio - 1);
        }
        const double mean = sum / seeds, deviation = std::sqrt(squares / seeds);
        MESSAGE("kind ", kind, ": mean ", 1 + mean, ", deviation ", deviation);
        CHECK(std::abs(mean) < 4 * 0.0313 / std::sqrt(seeds));
        CHECK(deviation < 0.0313 * 1.15);  // whose own standard error is 3.5 % of it
    }
}

TEST_CASE("a sketch is linear, comes piece by piece, and is the vector itself where that is short") {
    const auto a = drawn(1, 10'000), b = drawn(2, 10'000);
    std::vector<double> sum(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + 3 * b[i];
    const auto of_a = sketch(9, a), of_b = sketch(9, b), of_sum = sketch(9, sum);
    REQUIRE(of_sum.size() == Sketcher::longest);
    for (std::size_t i = 0; i < of_sum.size(); ++i) REQUIRE(of_sum[i] == doctest::Approx(of_a[i] + 3 * of_b[i]).epsilon(1e-4));
    Sketcher pieces(9, a.size());
    for (const auto& [from, to] : {std::pair{7'000, 10'000}, {0, 1}, {1, 130}, {130, 7'000}})
        pieces.add(static_cast<std::uint64_t>(from), std::span<const double>(a).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
    const auto pieced = pieces.take();
    for (std::size_t i = 0; i < pieced.size(); ++i) REQUIRE(pieced[i] == doctest::Approx(of_a[i]).epsilon(1e-5));
    for (const std::size_t size : {1u, 2047u, 2048u}) {
        const auto values = drawn(3, size);
        const auto same = sketch(4, values);
        REQUIRE(same.size() == size);
        for (std::size_t i = 0; i < size; ++i) REQUIRE(same[i] == static_cast<float>(values[i]));
    }
    CHECK(sketch(4, drawn(3, 2049)).size() == 2048);
}

TEST_CASE("what is no moments is not added") {
    Sketching sketching(1, 3);
    const auto mean = [](float x) { return std::make_shared<const std::vector<float>>(std::vector<float>{1, x, 3}); };
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    CHECK(sketching.sound({0, true, 1, 0, mean(2)}));
    CHECK(sketching.sound({0, true, 0, 0, {}}));
    CHECK(!sketching.sound({0, true, 1, 0, {}}));
    CHECK(!sketching.sound({0, true, 0, 1, {}}));
    CHECK(!sketching.sound({0, true, 1, 0, std::make_shared<const std::vector<float>>(std::vector<float>{1, 2})}));
    CHECK(!sketching.sound({0, true, 1, 0, std::make_shared<const std::vector<float>>(std::vector<float>{1, 2, 3, 4})}));
    for (const float x : {nan, inf, -inf}) CHECK(!sketching.sound({0, true, 1, 0, mean(x)}));
    for (const double x : {double{nan}, double{inf}, -1.0}) {
        CHECK(!sketching.sound({0, true, x, 0, mean(2)}));
        CHECK(!sketching.sound({0, true, 1, x, mean(2)}));
    }
    CHECK(!sketching.sound({0, true, 1e10, 0, mean(2)}));
}

// Differences along one line are the hardest: then nothing averages out of a sketch's error of 3.1 %. With one peer that is far off
// the means of the push-pull sums weigh most.
TEST_CASE("every peer knows the consensus distance within 10 %") {
    constexpr std::size_t size = 5'000;
    int beyond = 0, all = 0;
    double squares = 0;
    for (const std::uint32_t n : {2u, 3u, 8u, 32u})
        for (const int kind : {0, 1, 2})  // on a line; anywhere; one far off
            for (std::uint64_t seed = 1; seed <= 5; ++seed) {
                auto options = test::tallying(n, seed);
                for (std::uint32_t i = 0; i < n; ++i) {
                    options.initial.push_back(kind == 0 ? std::vector<double>(size, 10 + i) : drawn(100 * seed + i, size, 10));
                    if (kind == 2 && i == 1)
                        for (double& x : options.initial.back()) x += 5;
                }
                test::Cluster cluster(options);
                cluster.run_for(31s);
                const Truth real = truth(cluster);
                double worst = 0;
                for (std::uint32_t i = 0; i < n; ++i) {
                    const Consensus found = told(cluster, i);
                    worst = std::max(worst, std::abs(found.distance / real.distance - 1));
                    REQUIRE(found.relative);
                    CHECK(*found.relative == doctest::Approx(std::sqrt(real.distance) / real.norm).epsilon(0.1));
                }
                ++all, beyond += worst > 0.1, squares += worst * worst;
            }
    MESSAGE("the worst peer's error, root of the mean square over ", all, " clusters: ", std::sqrt(squares / all), "; beyond 10 %: ", beyond);
    CHECK(beyond == 0);
    CHECK(std::sqrt(squares / all) < 0.04);
}

TEST_CASE("equal models have no distance, and a model that is short has its own to the last digits") {
    auto equal = test::tallying(4);
    equal.initial.assign(4, drawn(7, 5'000));
    test::Cluster same(equal);
    same.run_for(31s);
    for (std::uint32_t i = 0; i < 4; ++i) CHECK(told(same, i).distance == 0);
    test::Cluster line(test::tallying(8));  // peer i at i: 63 / 12
    line.run_for(31s);
    for (std::uint32_t i = 0; i < 8; ++i) CHECK(told(line, i).distance == doctest::Approx(63.0 / 12).epsilon(0.05));
}

// Models that learn: each goes its own way and they mix, so that the truth jumps with every mix. A peer's word is of the while in which
// all come to sketch: as soon as they are through with the steps they are at.
TEST_CASE("while they learn and mix, what is told is the distance at one moment, within 10 %, for less than a thousandth of the bytes") {
    Traffic traffic;
    constexpr std::uint32_t n = 8;
    auto options = test::tallying(n);
    options.exchange.kind = Kind::gossip;
    options.exchange.period = 250ms;
    options.exchange.trains = true;
    options.exponential_steps = true;
    options.tap = &traffic;
    for (std::uint32_t i = 0; i < n; ++i) options.initial.push_back(drawn(i + 1, 60'000)), options.adds.push_back(1e-3 * i);
    test::Cluster cluster(options);
    traffic.cluster = &cluster;
    int compared = 0;
    std::optional<Instant> last;
    double worst = 0, worst_at_it = 0;
    Duration longest{};
    for (int i = 0; i < 12 * 60; ++i) {
        cluster.run_for(500ms);
        const auto figures = cluster.world().peer(3).cluster();
        if (!figures || !figures->consensus || figures->consensus->at == last) continue;
        last = figures->consensus->at;
        double least = 1e9, most = 0;
        const auto began = traffic.truths.lower_bound(*last - 1s), end = traffic.truths.upper_bound(*last + 1s);
        REQUIRE(began != end);
        for (auto m = began; m != end; ++m) least = std::min(least, m->second), most = std::max(most, m->second);
        longest = std::max(longest, std::prev(end)->first - began->first);
        const double found = figures->consensus->distance;
        worst = std::max({worst, found / most - 1, 1 - found / least});
        worst_at_it = std::max(worst_at_it, std::abs(found / began->second - 1));
        ++compared;
    }
    const double share = traffic.moments / traffic.parameters;
    MESSAGE(compared, " figures in six minutes, the worst ", worst, " beyond what was true while they sketched, ", seconds(longest), " s at most, and ", worst_at_it,
            " off from the beginning of that; moments are ", share, " of the parameters' bytes");
    CHECK(compared >= 7);
    CHECK(worst < 0.1);
    CHECK(share < 0.001);
    CHECK(share > 0);
}
