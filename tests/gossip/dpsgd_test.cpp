// One peer of dpsgd, alone: whom it tells, for whom it waits, and what it makes of what came.
#include <doctest/doctest.h>

#include <algorithm>

#include "cluster.hpp"
#include "grapevine/gossip/exchange.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace grapevine::test;
using namespace std::chrono_literals;

namespace {

struct Nobody final : Company {
    std::size_t size() const override { return 0; }
    bool contains(PeerId) const override { return false; }
    std::optional<PeerId> draw(Random&) const override { return {}; }
    std::vector<PeerId> all() const override { return {}; }
};

// Peer 1 of peers 1 to n on a fixed roll, its ranks 0 to n - 1. A round is due at every second.
struct One {
    Config config;
    std::unique_ptr<Exchange> exchange;
    Exchange::Effects effects;
    Instant now{};
    Nobody company;
    std::uint64_t roll = 0;
    std::vector<Order> orders;  // not yet answered
    std::vector<std::pair<PeerId, RoundModel>> sent;
    std::vector<std::pair<Instant, Timer>> timers;
    std::vector<Event> told;

    One(Graph graph, std::uint64_t n) {
        auto ids = std::make_shared<std::vector<PeerId>>();
        for (std::uint64_t i = 1; i <= n; ++i) ids->push_back(PeerId{i});
        config.kind = Kind::dpsgd;
        config.graph = graph;
        config.fixed_roll = ids;
        config.period = 1s;
        config.clock = Clock::rounds;
        config.patience = 300ms;
        config.trains = false;
        config.layout = 9;
        config.size = 2;
        exchange = make_exchange(config, PeerId{1}, Random(3));
        give(Start{});
    }
    void give(Exchange::Input input) {
        effects.list.clear();
        exchange->step(now, std::move(input), company, effects);
        for (auto& e : effects.list) {
            if (auto* t = std::get_if<Exchange::Effects::Tell>(&e)) {
                if (const auto* o = std::get_if<Order>(&t->event)) orders.push_back(*o);
                told.push_back(t->event);
            } else if (auto* s = std::get_if<Exchange::Effects::Send>(&e)) {
                if (const auto* m = std::get_if<RoundModel>(&s->message)) sent.emplace_back(s->to, *m), roll = m->roll;
            } else if (auto* w = std::get_if<Exchange::Effects::Wake>(&e)) {
                timers.emplace_back(w->at, w->timer);
            }
        }
    }
    void pass(Duration d) {  // what is due meanwhile happens
        for (const Instant end = now + d;;) {
            const auto next = std::min_element(timers.begin(), timers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
            if (next == timers.end() || next->first > end) {
                now = end;
                return;
            }
            now = next->first;
            const Timer timer = next->second;
            timers.erase(next);
            give(Woken<Timer>{timer});
        }
    }
    Snapshot snapshot() const {
        auto values = std::make_shared<std::vector<float>>(2, 1.f);
        Snapshot s;
        s.layout = 9;
        s.range = {0, 2};
        s.bytes = {reinterpret_cast<const std::byte*>(values->data()), 8, values};
        return s;
    }
    void hear(std::uint64_t from, std::uint64_t round) { give(Received<Message>{PeerId{from}, RoundModel{roll, round, 1, snapshot()}}); }
    void learner_answers() {
        while (!orders.empty()) {
            const Order o = orders.front();
            orders.erase(orders.begin());
            if (std::holds_alternative<Publish>(o.what)) give(Completion{o.tag, 0, 0, Published{snapshot()}});
            else give(Completion{o.tag, 0, 0, Combined{1, 2}});
        }
    }
    void begin() {  // a round, up to what it has published
        pass(1s);
        REQUIRE(orders.size() == 1);
        learner_answers();
    }
    std::vector<double> weights() const {  // of theirs, of the mixes that were ordered
        std::vector<double> of;
        for (const Order& o : orders)
            if (const auto* c = std::get_if<Combine>(&o.what)) {
                CHECK(c->ours_weight == 1 - c->theirs_weight);
                of.push_back(c->theirs_weight);
            }
        return of;
    }
    std::size_t mixed() const {
        return static_cast<std::size_t>(std::count_if(told.begin(), told.end(), [](const Event& e) { return std::holds_alternative<MixedWith>(e); }));
    }
};

}  // namespace

TEST_CASE("on a directed graph it tells those ahead, waits for those behind, and mixes by convex steps that make its row") {
    One one(Graph::exponential, 6);  // tells 2, 3 and 5; hears 6, 5 and 3; 1/4 each
    one.begin();
    std::vector<std::uint64_t> to;
    for (const auto& [peer, model] : one.sent) to.push_back(peer.value);
    std::sort(to.begin(), to.end());
    CHECK(to == std::vector<std::uint64_t>{2, 3, 5});
    one.hear(2, 1);  // whom it does not hear
    one.hear(2, 3);  // and who has gone on: nothing to wait for
    one.hear(6, 1);
    one.hear(5, 1);
    CHECK(one.orders.empty());
    one.hear(3, 1);
    const auto weights = one.weights();
    REQUIRE(weights.size() == 3);
    CHECK(weights[0] == doctest::Approx(1. / 2));
    CHECK(weights[1] == doctest::Approx(1. / 3));
    CHECK(weights[2] == doctest::Approx(1. / 4));
    one.learner_answers();
    CHECK(one.mixed() == 1);
}

TEST_CASE("the weight of who did not come stays with its own model: dead, gone on, or slower than patience") {
    for (int how = 0; how < 3; ++how) {
        CAPTURE(how);
        One one(Graph::ring, 4);  // hears 2 and 4, 1/3 each
        one.begin();
        one.hear(4, 1);
        CHECK(one.orders.empty());
        if (how == 0) one.give(PeerDown{PeerId{2}});
        if (how == 1) one.hear(2, 2);
        if (how == 2) one.pass(400ms);
        REQUIRE(one.weights().size() == 1);
        CHECK(one.weights()[0] == doctest::Approx(1. / 3));
        one.learner_answers();
        CHECK(one.mixed() == 1);
    }
}

TEST_CASE("models of several rounds to come are kept, each for its round") {
    One one(Graph::exponential, 4);  // hears 4 and 3
    one.begin();
    for (std::uint64_t round = 1; round <= 3; ++round) one.hear(4, round);
    one.hear(4, 2);  // doubled on the way
    for (std::uint64_t round = 1; round <= 3; ++round) {
        one.hear(3, round);
        CHECK(one.weights().size() == 2);
        one.learner_answers();
        CHECK(one.mixed() == round);
        if (round < 3) one.begin();
    }
}

TEST_CASE("on an undirected graph the last model of who is ahead is kept, and no more") {
    One one(Graph::ring, 4);
    one.begin();
    one.hear(2, 2);
    one.hear(2, 3);
    one.hear(4, 1);
    one.learner_answers();
    one.begin();
    one.hear(4, 2);
    CHECK(one.weights().size() == 1);  // the model of 2 for this round has given way to its next
    one.learner_answers();
    one.begin();
    one.hear(4, 3);
    CHECK(one.weights().size() == 2);
}

TEST_CASE("who is not on the roll, or sends what does not fit, is not mixed with") {
    One one(Graph::ring, 3);
    one.begin();
    one.hear(2, 1);
    one.hear(7, 1);
    Snapshot other = one.snapshot();
    other.layout = 8;
    one.give(Received<Message>{PeerId{3}, RoundModel{one.roll, 1, 1, other}});
    Snapshot part = one.snapshot();
    part.range = {0, 1};
    part.bytes.size = 4;
    one.give(Received<Message>{PeerId{3}, RoundModel{one.roll, 1, 1, part}});
    CHECK(one.orders.empty());
    one.hear(3, 1);
    CHECK(one.weights().size() == 2);
}

TEST_CASE("by one clock for all, who was in a round at a tick joins its neighbour in the one that began then") {
    // One message was lost, and one of two missed a tick. From then on each was found in the round that the other had just
    // given up, and missed the next tick in its turn.
    ClusterOptions o = gossiping(2, 115ms);
    o.exchange.kind = Kind::dpsgd;
    o.exchange.clock = Clock::rounds;
    o.membership.probing = false;
    o.loss = 0.02;
    Cluster cluster(o);
    cluster.run_for(60s);
    cluster.world().take_notes();
    cluster.run_for(60s);
    int mixes[2] = {};
    for (const sim::Note& note : cluster.world().take_notes()) mixes[note.peer] += std::holds_alternative<MixedWith>(note.event);
    for (const int n : mixes) CHECK(n > 100);
}
