// What is refused, and what happens where it is forced: a refusal that claims divergence, drift or bias has it shown here.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace grapevine::test;

namespace {

struct Row {
    std::function<void(Config&)> set;
    const char* why;  // of the reason; "": taken
};

Config of(Kind kind) {  // as little as it takes
    Config c;
    c.kind = kind;
    c.form = Form::delta;
    c.every_steps = 10;
    return c;
}

void in_steps(Config& c, Kind kind) {
    c.kind = kind;
    c.period.reset();
    c.every_steps = 10;
}

// Eight peers of which every second one adds 1 to 4 to its model in a step, 400 steps at exponential times, and then time to
// come to rest: the mean of all models over what it would be had nothing been lost or added. And how far they are apart.
struct Rest {
    double share, spread;
};
Rest of_what_was_added(const std::function<void(Config&)>& set, std::uint64_t seed = 1) {
    ClusterOptions o = gossiping(8);
    o.seed = seed;
    o.latency = 50ms;
    o.exponential_steps = true;
    o.adds = {1, 0, 2, 0, 3, 0, 4, 0};
    o.exchange.form = Form::delta;
    o.exchange.sums = o.exchange.unchecked = true;
    o.exchange.until_steps = 400;
    set(o.exchange);
    Cluster cluster(o);
    cluster.run_for(60s);
    double expected = 28;  // peer i begins at i
    for (std::uint32_t i = 0; i < 8; ++i) expected += o.adds[i] * static_cast<double>(cluster.world().steps(i));
    return {8 * cluster.mean() / expected, cluster.spread()};
}

}  // namespace

TEST_CASE("which option goes with which exchange") {
    constexpr Kind all[] = {Kind::gossip, Kind::epidemic, Kind::dpsgd, Kind::push_sum, Kind::group, Kind::outer, Kind::allreduce, Kind::parameter_server, Kind::fedavg};
    struct Option {
        std::function<void(Config&)> set;
        std::vector<Kind> with;
        const char* why;
    };
    const Option options[] = {
        {[](Config&) {}, {std::begin(all), std::end(all)}, ""},
        {[](Config& c) { c.quasi_global = 0.9; }, {Kind::gossip, Kind::epidemic, Kind::dpsgd, Kind::group}, "quasi-global momentum is for"},
        {[](Config& c) { c.fragments = 4; }, {Kind::gossip, Kind::dpsgd}, "fragments are for"},
        {[](Config& c) { c.clip = Clip::balance, c.form = Form::convex; }, {Kind::gossip, Kind::epidemic, Kind::dpsgd}, "clipping holds another's model"},
        {[](Config& c) { c.staleness_weight = 1; }, {Kind::gossip}, "are of gossip"},
        {[](Config& c) { c.consensus = 0.1; }, {Kind::gossip}, "are of gossip"},
        {[](Config& c) { c.speed_scaled = true; }, {Kind::gossip}, "are of gossip"},
        {[](Config& c) { c.encoding = Encoding::int8; }, {std::begin(all), std::end(all)}, ""},
        {[](Config& c) { c.encoding = Encoding::top_k; }, {Kind::dpsgd}, "error feedback"},
    };
    for (const Option& option : options)
        for (const Kind kind : all) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(option.why);
            Config c = of(kind);
            option.set(c);
            const std::string why = refused(c, true).value_or("");
            const bool takes = std::find(option.with.begin(), option.with.end(), kind) != option.with.end();
            CAPTURE(why);
            CHECK((takes ? why.empty() : why.find(option.why) != std::string::npos));
        }
}

TEST_CASE("options that do not go together") {
    const Row rows[] = {
        {[](Config& c) { c.clip = Clip::balance; }, "delta form mixes differences"},
        {[](Config& c) { c.clip = Clip::balance, c.form = Form::convex, c.fragments = 2; }, "another part"},
        {[](Config& c) { c.quasi_global = 0.5, c.trains = false, c.every_steps.reset(), c.period = 1s; }, "about steps"},
        {[](Config& c) { c.speed_scaled = true, c.trains = false, c.every_steps.reset(), c.period = 1s; }, "about steps"},
        {[](Config& c) { c.consensus = 0.1, c.every_steps.reset(), c.period = 1s; }, "goes by a period"},
        {[](Config& c) { c.fragments = 0; }, "0 fragments"},
        {[](Config& c) { c.kind = Kind::dpsgd, c.encoding = Encoding::top_k, c.fragments = 2; }, "top-k sends what differs most"},
        {[](Config& c) { c.kind = Kind::dpsgd, c.encoding = Encoding::top_k, c.clip = Clip::balance; }, "whole models"},
        {[](Config& c) { c.kind = Kind::dpsgd, c.encoding = Encoding::top_k, c.quasi_global = 0.5; }, ""},
        {[](Config& c) { c.kind = Kind::dpsgd, c.fragments = 4, c.quasi_global = 0.5, c.encoding = Encoding::int8; }, ""},
        {[](Config& c) { c.kind = Kind::dpsgd, c.clip = Clip::balance, c.quasi_global = 0.5; }, ""},
        {[](Config& c) { c.kind = Kind::epidemic, c.clip = Clip::balance, c.quasi_global = 0.5; }, ""},
        {[](Config& c) { c.form = Form::convex, c.clip = Clip::balance, c.quasi_global = 0.5; }, ""},
        {[](Config& c) { c.kind = Kind::group, c.group_size = 1; }, "nobody mixes"},
        {[](Config& c) { c.kind = Kind::push_sum, c.robust = true, c.encoding = Encoding::bf16; }, "robust push-sum"},
    };
    for (const Row& row : rows) {
        Config c = of(Kind::gossip);
        row.set(c);
        const std::string why = refused(c, true).value_or("");
        CAPTURE(why);
        CAPTURE(row.why);
        CHECK((*row.why ? why.find(row.why) != std::string::npos : why.empty()));
    }
}

TEST_CASE("unchecked lifts what claims drift or divergence, and nothing else") {
    const auto lifted = [](Config c) {
        const bool before = refused(c, true).has_value();
        c.unchecked = true;
        return before && !refused(c, true);
    };
    const auto with = [](Kind kind, const std::function<void(Config&)>& set) {
        Config c = of(kind);
        set(c);
        return c;
    };
    CHECK(lifted(with(Kind::outer, [](Config& c) { c.group_size = 2, c.momentum = 0.9; })));
    CHECK(lifted(with(Kind::gossip, [](Config& c) { c.encoding = Encoding::top_k; })));
    CHECK(lifted(with(Kind::gossip, [](Config& c) { c.sums = true, c.form = Form::convex; })));
    CHECK(lifted(with(Kind::epidemic, [](Config& c) { c.sums = true; })));
    CHECK_FALSE(lifted(with(Kind::group, [](Config& c) { c.fragments = 2; })));
    CHECK_FALSE(lifted(with(Kind::gossip, [](Config& c) { c.clip = Clip::balance; })));
    CHECK_FALSE(lifted(with(Kind::push_sum, [](Config& c) { c.quasi_global = 0.5; })));
    CHECK_FALSE(lifted(with(Kind::allreduce, [](Config& c) { c.buckets = 2, c.backup = 1; })));
}

TEST_CASE("sums that are carried stay what they are") {
    for (const Kind kind : {Kind::gossip, Kind::dpsgd, Kind::group, Kind::allreduce})
        for (const std::uint64_t seed : {1u, 2u}) {
            const Rest rest = of_what_was_added([&](Config& c) { if (kind != Kind::gossip) in_steps(c, kind); }, seed);
            CAPTURE(static_cast<int>(kind));
            CHECK(rest.share == doctest::Approx(1).epsilon(1e-9));
        }
}

TEST_CASE("sums, forced: what takes from them or adds to them, and how much") {
    struct Forced {
        const char* what;
        std::function<void(Config&)> set;
        double least, most;  // of the share that is there at the end, in each of four runs
    };
    const Forced all[] = {
        {"convex gossip", [](Config& c) { c.form = Form::convex; }, 0.7, 0.9},
        {"staleness_weight = 0.1", [](Config& c) { c.staleness_weight = 0.1; }, 0.8, 0.95},
        {"clip", [](Config& c) { c.form = Form::convex, c.clip = Clip::self_centred; }, 0.3, 0.75},
        {"clip, dpsgd", [](Config& c) { in_steps(c, Kind::dpsgd), c.clip = Clip::self_centred; }, 0.01, 0.1},
        {"epidemic", [](Config& c) { c.kind = Kind::epidemic; }, 0.5, 0.8},
        {"push-sum", [](Config& c) { c.kind = Kind::push_sum; }, 0.65, 0.95},
        {"robust push-sum", [](Config& c) { c.kind = Kind::push_sum, c.robust = true; }, 0.65, 0.95},
        {"outer", [](Config& c) { in_steps(c, Kind::outer), c.group_size = 2; }, 1.15, 1.5},
        {"quasi_global = 0.5, dpsgd", [](Config& c) { in_steps(c, Kind::dpsgd), c.quasi_global = 0.5; }, 1.7, 2},  // 1 / (1 - 0.5) in the end
        {"fedavg, half of the clients", [](Config& c) { in_steps(c, Kind::fedavg), c.clients = 0.5; }, 1.9, 2.5},
        {"asynchronous server", [](Config& c) { in_steps(c, Kind::parameter_server), c.mode = Mode::async; }, 7.5, 8.5},  // n times
        {"bf16, dpsgd", [](Config& c) { in_steps(c, Kind::dpsgd), c.encoding = Encoding::bf16; }, 0.97, 0.99},
    };
    for (const Forced& forced : all)
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            CAPTURE(forced.what);
            const Rest rest = of_what_was_added(forced.set, seed);
            CHECK(rest.share > forced.least);
            CHECK(rest.share < forced.most);
        }
    // These lose what comes late and so go either way: by no less than 2 % in any of four runs.
    for (const bool backup : {false, true})
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            const Rest rest = of_what_was_added([&](Config& c) {
                in_steps(c, backup ? Kind::allreduce : Kind::parameter_server);
                if (backup) c.backup = 2;
                else c.wait_for = 4;
            }, seed);
            CHECK(std::abs(rest.share - 1) > 0.02);
        }
}

TEST_CASE("top-k to random partners, forced: what is left out goes to nothing") {
    // Eight values of which four travel: what did not is taken for 0 by whoever mixes it.
    for (const Kind kind : {Kind::gossip, Kind::epidemic, Kind::dpsgd}) {
        ClusterOptions o = gossiping(8);
        o.dimension = 8;
        o.exchange.kind = kind;
        if (kind == Kind::dpsgd) o.exchange.graph = Graph::matching, o.exchange.clock = Clock::rounds;
        o.exchange.encoding = Encoding::top_k;
        o.exchange.kept = 0.5;
        o.exchange.unchecked = true;
        o.exchange.trains = false;
        Cluster cluster(o);
        cluster.run_for(30s);
        double mean = 0;  // 3.5 at the beginning, and for ever where all of it travels
        for (std::uint32_t i = 0; i < 8; ++i) mean += cluster.learner(i).values()[7] / 8;
        CAPTURE(static_cast<int>(kind));
        CHECK(mean < 0.01);
        CHECK(cluster.mean() > 2);  // the first of them travels always
    }
}
