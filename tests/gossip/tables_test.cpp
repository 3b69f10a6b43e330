// The arithmetic of exchanges, apart from their messages.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "grapevine/gossip/exchange.hpp"
#include "pace.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;

TEST_CASE("a matching is one: partners agree, nobody is with themselves, one sits out where n is odd") {
    for (const std::uint64_t n : {2ull, 3ull, 4ull, 5ull, 16ull, 63ull, 64ull, 1000ull})
        for (std::uint64_t round = 0; round < 50; ++round) {
            std::uint64_t alone = 0;
            for (std::uint64_t i = 0; i < n; ++i) {
                const auto partner = matched(i, n, 7, round);
                if (!partner) {
                    ++alone;
                    continue;
                }
                CHECK(*partner < n);
                CHECK(*partner != i);
                CHECK(matched(*partner, n, 7, round) == i);
            }
            CHECK(alone == n % 2);
        }
    CHECK(!matched(0, 1, 7, 0));
    CHECK(!matched(0, 0, 7, 0));
}

TEST_CASE("over many rounds everybody meets everybody equally often: chi-square over the partners of one") {
    constexpr std::uint64_t n = 10;
    constexpr int rounds = 9000;
    int met[n] = {};
    for (int round = 0; round < rounds; ++round) ++met[*matched(3, n, 11, static_cast<std::uint64_t>(round))];
    double chi = 0;
    for (std::uint64_t j = 0; j < n; ++j)
        if (j != 3) chi += std::pow(met[j] - rounds / 9.0, 2) / (rounds / 9.0);
    CHECK(met[3] == 0);
    CHECK(chi < 26.1);  // 8 degrees of freedom, p = 0.001
}

TEST_CASE("weights: half between equals, by samples with a newcomer, and both sides add to one") {
    CHECK(mixing_weight(0, 0) == 0.5);
    CHECK(mixing_weight(100, 100) == 0.5);
    CHECK(mixing_weight(100, 200) == 0.5);
    CHECK(mixing_weight(0, 500) == 1);
    CHECK(mixing_weight(500, 0) == 0);
    CHECK(mixing_weight(100, 300) == 0.75);
    for (const double a : {0.0, 1.0, 10.0, 1e6})
        for (const double b : {0.0, 3.0, 10.0, 1e9}) CHECK(mixing_weight(a, b) + mixing_weight(b, a) == doctest::Approx(1));
}

TEST_CASE("patience follows what exchanges take, and not what a few of them waited for in vain") {
    const Config config;
    Patience patience;
    CHECK(patience.now(config) == 5s);
    for (int i = 0; i < 50; ++i) patience.took(200ms);
    CHECK(seconds(patience.now(config)) == doctest::Approx(2));
    patience.took(1h);
    CHECK(seconds(patience.now(config)) == doctest::Approx(2.8));
    // A third of them wait for something lost, for as long as patience has it.
    for (int i = 0; i < 200; ++i) {
        patience.took(200ms);
        patience.took(200ms);
        patience.took(patience.now(config));
        CHECK(patience.now(config) < 10s);
    }
    for (int i = 0; i < 50; ++i) patience.took(20s);  // all have become slow
    CHECK(seconds(patience.now(config)) == doctest::Approx(200).epsilon(0.01));
    for (int i = 0; i < 50; ++i) patience.took(1ms);
    CHECK(patience.now(config) == 1s);
    patience.took(10s);
    CHECK(patience.now(config) < 2s);
}

TEST_CASE("what cannot run is refused, with a reason") {
    Config good;
    good.period = std::chrono::milliseconds(250);
    CHECK(!refused(good, false));
    const auto with = [&](auto change) {
        Config c = good;
        change(c);
        return c;
    };
    CHECK(refused(with([](Config& c) { c.period.reset(); }), true));
    CHECK(refused(with([](Config& c) { c.every_steps = 3; }), true));
    CHECK(refused(with([](Config& c) { c.period = Duration::zero(); }), true));
    CHECK(refused(with([](Config& c) { c.period.reset(), c.every_steps = 0; }), true));
    CHECK(refused(with([](Config& c) { c.period.reset(), c.every_steps = 5, c.trains = false; }), true));
    CHECK(refused(with([](Config& c) { c.kind = Kind::dpsgd; }), true));
    CHECK(refused(with([](Config& c) { c.kind = Kind::allreduce, c.clock = Clock::poisson; }), true));
    CHECK(!refused(with([](Config& c) { c.kind = Kind::allreduce, c.clock = Clock::rounds; }), true));
    CHECK(refused(with([](Config& c) { c.kind = Kind::allreduce, c.clock = Clock::rounds; }), false));
    CHECK(refused(with([](Config& c) { c.clock = Clock::shuffled; }), false));
    CHECK(!refused(with([](Config& c) { c.kind = Kind::local, c.period.reset(); }), false));
}

TEST_CASE("sums travel only by exchanges that keep their mean") {
    Config config;
    config.sums = true;
    config.form = Form::convex;
    config.period = std::chrono::milliseconds(250);
    const auto why = [&](Kind kind) {
        config.kind = kind;
        config.clock = Clock::rounds;
        return refused(config, true);
    };
    const auto of_sums = [](const std::optional<std::string>& why) { return why && why->find("holds sums") != std::string::npos; };
    for (const Kind kind : {Kind::gossip, Kind::epidemic, Kind::push_sum, Kind::outer, Kind::parameter_server, Kind::fedavg}) CHECK(of_sums(why(kind)));
    for (const Kind kind : {Kind::dpsgd, Kind::allreduce, Kind::local}) CHECK(!why(kind));
    CHECK(!of_sums(why(Kind::group)));
    config.form = Form::delta;
    CHECK(!why(Kind::gossip));
    config.staleness_weight = 0.5;
    CHECK(of_sums(why(Kind::gossip)));
    config.staleness_weight = 0;
    config.clip = Clip::self_centred;
    CHECK(of_sums(why(Kind::dpsgd)));
    config.clip = Clip::off;
    config.quasi_global = 0.9;
    CHECK(of_sums(why(Kind::dpsgd)));
    config.quasi_global = 0;
    config.encoding = Encoding::bf16;
    CHECK(of_sums(why(Kind::dpsgd)));
    config.encoding.reset();
    config.backup = 1;
    CHECK(of_sums(why(Kind::allreduce)));
    config.sums = false;
    config.form = Form::convex;
    CHECK(!why(Kind::gossip));
}

TEST_CASE("sets travel only by exchanges that combine whole models") {
    Config config;
    config.sets = true;
    config.period = std::chrono::milliseconds(250);
    const auto why = [&](Kind kind) {
        config.kind = kind;
        config.clock = Clock::rounds;
        return refused(config, true);
    };
    const auto of_sets = [](const auto& why) { return why && why->find("holds a set") != std::string::npos; };
    for (const Kind kind : {Kind::group, Kind::outer, Kind::allreduce, Kind::parameter_server, Kind::fedavg}) CHECK(of_sets(why(kind)));
    for (const Kind kind : {Kind::gossip, Kind::epidemic, Kind::push_sum, Kind::dpsgd, Kind::local}) CHECK(!why(kind));
    config.form = Form::delta;
    CHECK(!why(Kind::gossip));
    config.robust = true;
    CHECK(of_sets(why(Kind::push_sum)));
    config.robust = false;
    config.clip = Clip::self_centred;
    CHECK(of_sets(why(Kind::dpsgd)));
    config.clip = Clip::off;
    config.quasi_global = 0.9;
    CHECK(of_sets(why(Kind::dpsgd)));
    config.quasi_global = 0;
    config.encoding = Encoding::bf16;
    CHECK(of_sets(why(Kind::epidemic)));
    config.encoding = Encoding::top_k;
    CHECK(of_sets(why(Kind::dpsgd)));
    config.encoding.reset();
    config.fragments = 2;
    CHECK(of_sets(why(Kind::gossip)));
    config.fragments = 1;
    config.consensus = 0.1;
    CHECK(of_sets(why(Kind::gossip)));
    config.consensus.reset();
    config.period.reset();
    config.every_steps = 1;
    CHECK(why(Kind::dpsgd)->find("give a period") != std::string::npos);
    config.sets = false;
    CHECK(!why(Kind::dpsgd));
}
