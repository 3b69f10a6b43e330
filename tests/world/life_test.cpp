// Machines that come and go, are slow, have clocks of their own and cost energy.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "churn.hpp"
#include "grapevine/sim/run/memory.hpp"
#include "scenario.hpp"
#include "up_set.hpp"

using namespace grapevine;
using namespace grapevine::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* lan = R"(
until = "60s"
[model]
kind = "average"
initial = "index"
[exchange]
kind = "local"
[[group]]
name = "lan"
count = 32
[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "1ms", max = "3ms" }
)";

sim::RunResult run(const config::Config& config) {
    sim::RunResult result = sim::run(request_of(config));
    CHECK(!result.violation);
    return result;
}
record::Summary summary(const std::string& more, const std::string& base = lan) { return run(config_of(base + more)).summary; }

constexpr const char* law = "session = { dist = \"exponential\", mean = \"20s\" }\ndowntime = { dist = \"exponential\", mean = \"5s\" }\n";

// When each machine of a config goes and comes within a while, with nobody in it.
std::map<std::string, std::vector<std::pair<Instant, sim::Churn::To>>> turns_of(const config::Config& config, Duration until) {
    sim::World world({.seed = config.seed});
    auto prepared = learn::prepare(config);
    sim::Population population(config, std::get<std::shared_ptr<const learn::Task>>(prepared), world);
    population.start();
    sim::Churn churn(config, population);
    for (std::uint32_t m = 0; m < population.machines(); ++m) churn.begins(Instant{}, m);
    std::map<std::string, std::vector<std::pair<Instant, sim::Churn::To>>> turns;
    while (churn.next() && *churn.next() <= Instant(until)) {
        const Instant now = *churn.next();
        while (const auto turn = churn.take(now)) {
            turns[population.name_of(turn->machine)].emplace_back(now, turn->to);
            churn.done(now, *turn);
        }
    }
    return turns;
}

}  // namespace

TEST_CASE("the k-th that is up is found, whoever has gone") {
    sim::UpSet set;
    std::vector<std::uint32_t> up;
    Random random(3);
    for (std::uint32_t i = 0; i < 500; ++i) {
        const bool is_up = random.chance(0.7);
        set.add(is_up);
        if (is_up) up.push_back(i);
    }
    while (!up.empty()) {
        REQUIRE(set.count() == up.size());
        for (std::size_t k = 0; k < up.size(); ++k) CHECK(set.at(k) == up[k]);
        const std::size_t goes = random.below(up.size());
        set.remove(up[goes]);
        set.remove(up[goes]);  // told twice
        up.erase(up.begin() + static_cast<std::ptrdiff_t>(goes));
    }
}

TEST_CASE("churn keeps its law: of an M/M machine the share of 20 s up and 5 s down is 0.8") {
    // 32 machines over 4000 s are 32 * 160 cycles: the share's standard error is about 0.8 * 0.2 * sqrt(2 / 5120) = 0.0032.
    double up = 0;
    const Instant end{4000s};
    const auto turns = turns_of(config_of(std::string(lan) + "[churn]\n" + law), 4000s);
    CHECK(turns.size() == 32);
    for (const auto& [name, list] : turns) {
        Instant since{};
        bool is_up = true;
        for (const auto& [at, to] : list) {
            CHECK((to == sim::Churn::To::up) != is_up);
            if (is_up) up += seconds(at - since);
            is_up = !is_up, since = at;
        }
        if (is_up) up += seconds(end - since);
    }
    CHECK(up / (32 * 4000.0) == doctest::Approx(0.8).epsilon(0.016));
}

TEST_CASE("a machine's life is its own: another group, another law there and another size change nothing") {
    const std::string churn = std::string("[[churn]]\ngroups = [\"lan\"]\nleaves = 0.3\n") + law;
    const auto alone = turns_of(config_of(lan + churn), 200s);
    const std::string text = "[model]\nkind = \"average\"\n[exchange]\nkind = \"local\"\n[[group]]\nname = \"first\"\ncount = 7\n[[group]]\nname = \"lan\"\ncount = 40\n";
    const auto among = turns_of(config_of(text + "[[churn]]\ngroups = [\"first\"]\nsession = { dist = \"weibull\", scale = \"3s\", shape = 0.6 }\ndowntime = \"1s\"\n" + churn), 200s);
    CHECK(alone.size() == 32);
    for (const auto& [name, list] : alone) CHECK(among.at(name) == list);
    CHECK(among.size() > alone.size());
    std::size_t left = 0, gone = 0;
    for (const auto& [name, list] : alone)
        for (const auto& [at, to] : list) left += to == sim::Churn::To::left, gone += to != sim::Churn::To::up;
    CHECK(static_cast<double>(left) / static_cast<double>(gone) == doctest::Approx(0.3).epsilon(0.5));  // of about 250: standard error 0.03
}

TEST_CASE("by day more come and fewer go, and what happens in a whole period does not change") {
    using sim::happens;
    CHECK(happens(Instant{3s}, 7s, {}, 0, true) == Instant{10s});
    CHECK(happens(Instant{}, 6s, 20s, 0.5, true) == Instant{4s});              // at 1.5 a second
    CHECK(happens(Instant{}, 6s, 20s, 0.5, false) == Instant{10666666667ns});  // 5 by day at a half, then 1 at 1.5
    CHECK(happens(Instant{}, 15s, 20s, 0.5, true) == Instant{10s});
    CHECK(happens(Instant{}, 16s, 20s, 0.5, true) == Instant{12s});            // by night at 0.5
    CHECK(happens(Instant{7s}, 200s, 20s, 0.9, true) == Instant{207s});
    CHECK(happens(Instant{12s}, 1s, 20s, 1, true) == Instant{20500ms});        // never by night
    CHECK(happens(Instant{}, Duration::max(), 20s, 0.5, true) == Instant(Duration::max() / 4));
}

TEST_CASE("churned peers are crashes to those who look on, and come back by their names") {
    const record::Summary s = summary("[churn]\n" + std::string(law));
    const record::MembershipResult& m = s.membership;
    REQUIRE(m.first_detection_seconds.median);
    CHECK(*m.first_detection_seconds.median > 1);
    CHECK(m.false_positives_about_healthy == 0);
    CHECK(s.peers_max == 32);
    CHECK(s.final.peers_alive < 32);
    CHECK(*s.final.peers_alive > 16);
    CHECK(summary("[churn]\n" + std::string(law)).trace_hash == s.trace_hash);
    CHECK(summary("").trace_hash != s.trace_hash);
    // All say goodbye: there is nothing to detect.
    const record::MembershipResult polite = summary("[churn]\nleaves = 1\n" + std::string(law)).membership;
    REQUIRE(polite.leave_dissemination_seconds.median);
    CHECK(!m.leave_dissemination_seconds.median);
}

TEST_CASE("a trace is followed to the instant; who first comes up was down before") {
    using Turn = config::Churn::Turn;
    config::Config config = config_of("until = \"12s\"\n[model]\nkind = \"average\"\n[exchange]\nkind = \"local\"\n[[group]]\nname = \"p\"\ncount = 4\n");
    config.churns.push_back({.groups = {}, .session = {}, .downtime = {}, .leaves = 0, .checkpoint = false, .day = {}, .amplitude = 0, .file = "life.csv",
                             .trace = {{Instant{1500ms}, 0, 0, Turn::To::down}, {Instant{2s}, 0, 1, Turn::To::left}, {Instant{7500ms}, 0, 2, Turn::To::up}, {Instant{9s}, 0, 0, Turn::To::up}}});
    const auto samples = run(config).samples;
    REQUIRE(samples.size() == 13);
    CHECK(samples[1].peers_alive == 3);
    CHECK(samples[2].peers_alive <= 2);
    CHECK(samples[7].peers_alive == 1);  // the one that is in no line
    CHECK(samples[8].peers_alive == 2);
    CHECK(samples[9].peers_alive == 3);
    CHECK(samples[12].peers_alive == 3);
}

TEST_CASE("who crashed for good does not come back with the churn, and who was taken down for a while does") {
    const std::string churn = "[churn]\nsession = \"10s\"\ndowntime = \"1s\"\n";
    const record::Summary s = summary(event("5s", "kind = \"crash\"\nnodes = \"lan:8\"") + churn);
    CHECK(s.final.peers_alive == 24);
    const record::Summary back = summary(event("9s", "kind = \"restart\"\nnodes = \"lan:8\"\ndown = \"5s\"") + churn);
    CHECK(back.final.peers_alive == 32);
}

TEST_CASE("a peer that comes back with its checkpoint has its parameters; without it starts where all do") {
    // Nobody mixes, and peer i stands at i: only a checkpoint brings that back. A newcomer of this model starts elsewhere.
    const std::string alone = "until = \"10s\"\n[model]\nkind = \"quadratic\"\na = 1\nb = 100\nnoise = 0\ninitial = 0\n[train]\nlearning_rate = 0.1\n[exchange]\nkind = \"local\"\n[[group]]\ncount = 2\n";
    const auto after = [&](const std::string& more) {
        const auto samples = run(config_of(alone + event("9990ms", "kind = \"restart\"\nnodes = \"peers[1]\"\n" + more))).samples;
        return samples.back().mean->front();
    };
    CHECK(after("checkpoint = true") == doctest::Approx(100).epsilon(0.01));
    CHECK(after("") < 75);  // one of two began again 10 ms ago
    CHECK(run(config_of(alone + event("5s", "kind = \"restart\"\nnodes = \"peers[1]\"\ndown = \"1h\""))).samples.back().peers_alive == 1);
}

TEST_CASE("a machine that is slow twice is fast again when both have ended") {
    const std::string base = "until = \"40s\"\n[model]\nkind = \"quadratic\"\n[exchange]\nkind = \"local\"\n[[group]]\nstep_time = \"10ms\"\n";
    const auto steps = [&](const std::string& more) { return *summary(more, base).final.steps; };
    CHECK(steps("") == doctest::Approx(4000).epsilon(0.002));
    const std::string one = event("0s", "kind = \"slow\"\nnodes = \"*\"\nfactor = 2\nfor = \"20s\""), two = event("10s", "kind = \"slow\"\nnodes = \"*\"\nfactor = 5\nfor = \"20s\"");
    CHECK(steps(one) == doctest::Approx(3000).epsilon(0.01));
    CHECK(steps(one + two) == doctest::Approx(500 + 100 + 200 + 1000).epsilon(0.01));
    CHECK(steps("slowness = 4\n") == doctest::Approx(1000).epsilon(0.01));
    // The machine is slow, whatever process runs on it.
    CHECK(steps(one + event("5s", "kind = \"restart\"\nnodes = \"*\"")) == doctest::Approx(3000).epsilon(0.01));
    CHECK(steps("slowness = 4\n" + event("5s", "kind = \"restart\"\nnodes = \"*\"")) == doctest::Approx(1000).epsilon(0.01));
}

TEST_CASE("slowness is drawn once a machine, by its name") {
    const std::string many = "until = \"20s\"\n[model]\nkind = \"quadratic\"\n[exchange]\nkind = \"local\"\n[[group]]\ncount = 400\nstep_time = \"100ms\"\nslowness = { dist = \"uniform\", min = 1, max = 2 }\n";
    // The mean of 1/s over [1, 2] is ln 2; of 200 steps each loses half a step at its end on average. Deviation 0.141 / sqrt(400).
    CHECK(*summary("", many).final.steps == doctest::Approx(400 * (200 * std::log(2) - 0.5)).epsilon(0.04));
}

TEST_CASE("clocks of their own: probes go by them, and a common offset changes nothing that peers can see") {
    const record::Summary plain = summary("");
    CHECK(summary("clock = { offset = \"1h\" }\n", "until = \"60s\"\n[model]\nkind = \"average\"\ninitial = \"index\"\n[exchange]\nkind = \"local\"\n"
                                                  "[[link]]\nbetween = [\"*\", \"*\"]\nlatency = { dist = \"uniform\", min = \"1ms\", max = \"3ms\" }\n[[group]]\nname = \"lan\"\ncount = 32\n")
              .trace_hash == plain.trace_hash);
    // Clocks that gain half a second a second probe half as often again.
    const record::Summary fast = summary(event("0s", "kind = \"clock\"\nnodes = \"*\"\ndrift = 0.5"));
    CHECK(*fast.final.messages / *plain.final.messages == doctest::Approx(1.5).epsilon(0.05));
    CHECK(fast.membership.false_positives == 0);
    const record::Summary a_while = summary(event("0s", "kind = \"clock\"\nnodes = \"*\"\ndrift = 0.5\nfor = \"30s\""));
    CHECK(*a_while.final.messages / *plain.final.messages == doctest::Approx(1.25).epsilon(0.05));
    // Clocks that differ by hours and by a per cent: nobody takes anybody for dead.
    const record::Summary mixed = summary(event("3s", "kind = \"clock\"\nnodes = \"lan:16\"\noffset = \"3h\"\ndrift = -0.01"));
    CHECK(mixed.membership.false_positives == 0);
    CHECK(mixed.trace_hash != plain.trace_hash);
}

TEST_CASE("energy is what machines draw while they work, while they do not, and for what they send") {
    const std::string base = "until = \"10s\"\n[model]\nkind = \"quadratic\"\n[exchange]\nkind = \"local\"\n[membership]\nkind = \"static\"\n[[group]]\ncount = 3\n";
    CHECK(!summary("", base).final.energy_joules);
    CHECK(*summary("power = { busy = \"300W\", idle = \"60W\" }\n", base).final.energy_joules == doctest::Approx(3 * 10 * 300.0));
    const std::string idle = "until = \"10s\"\n[model]\nkind = \"average\"\n[exchange]\nkind = \"local\"\n[[group]]\ncount = 3\n";
    CHECK(*summary("power = { busy = \"300W\", idle = \"60W\" }\n" + event("5s", "kind = \"crash\"\nnodes = \"*:1\""), idle).final.energy_joules == doctest::Approx(25 * 60.0));
    const record::Summary sent = summary("power = { per_byte = \"5nJ\" }\n", idle);
    CHECK(*sent.final.bytes_control > 0);
    CHECK(*sent.final.energy_joules == doctest::Approx(5e-9 * *sent.final.bytes_control));
}

TEST_CASE("memory: models by their slots, views by their square") {
    const auto needed = [](const std::string& more) { return sim::memory_needed(config_of(more)); };
    const sim::Memory law = needed("[model]\nkind = \"average\"\ndimension = 6400\n[exchange]\nkind = \"gossip\"\nperiod = \"1s\"\n[[group]]\ncount = 100\n");
    CHECK(law.models == doctest::Approx(100 * 2 * 6400 * 8));
    CHECK(law.views == doctest::Approx(100 * 100 * 8));
    CHECK(law.data == 0);
    const std::string mlp = "[model]\nkind = \"logistic\"\n[data]\nset = \"blobs\"\n[exchange]\nkind = \"allreduce\"\n[[group]]\ncount = 10\n";
    CHECK(needed(mlp + "[train]\noptimizer = \"momentum\"\n").models > needed(mlp).models);
    CHECK(needed(mlp).data > 0);
}
