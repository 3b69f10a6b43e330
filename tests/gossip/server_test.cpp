// Exchanges with a server: one side alone, with messages that a whole cluster would rarely give it, and whole clusters.
#include <doctest/doctest.h>

#include <array>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace grapevine::test;

namespace {

struct Three final : Company {  // peers 2, 3 and 4
    std::size_t size() const override { return 3; }
    bool contains(PeerId peer) const override { return peer.value >= 2 && peer.value <= 4; }
    std::optional<PeerId> draw(Random&) const override { return PeerId{2}; }
    std::vector<PeerId> all() const override { return {PeerId{2}, PeerId{3}, PeerId{4}}; }
};

struct Alone {
    Config config;
    std::unique_ptr<Exchange> exchange;
    Exchange::Effects effects;
    Instant now{};
    Three company;
    std::vector<Order> orders;  // not yet answered
    std::uint64_t steps = 0;

    explicit Alone(bool serves, Kind kind = Kind::parameter_server, Mode mode = Mode::sync, std::uint32_t wait_for = 0) {
        config.kind = kind;
        config.mode = mode;
        config.wait_for = wait_for;
        config.every_steps = 1;
        config.serves = serves;
        config.layout = 9;
        config.size = 2;
        exchange = make_exchange(config, PeerId{serves ? 1u : 5u}, Random(3));
        give(Start{});
    }
    void give(Exchange::Input input) {
        effects.list.clear();
        exchange->step(now, std::move(input), company, effects);
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Exchange::Effects::Tell>(&e))
                if (const auto* o = std::get_if<Order>(&t->event)) orders.push_back(*o);
    }
    void hear(Message message, std::uint64_t from) { give(Received<Message>{PeerId{from}, std::move(message)}); }
    template <class M>
    std::vector<std::pair<PeerId, M>> sent() const {
        std::vector<std::pair<PeerId, M>> all;
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Exchange::Effects::Send>(&e))
                if (const auto* m = std::get_if<M>(&s->message)) all.emplace_back(s->to, *m);
        return all;
    }
    template <class E>
    const E* told() const {
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Exchange::Effects::Tell>(&e))
                if (const auto* x = std::get_if<E>(&t->event)) return x;
        return nullptr;
    }
    template <class O>
    std::size_t ordered() const {
        return static_cast<std::size_t>(std::count_if(orders.begin(), orders.end(), [](const Order& o) { return std::holds_alternative<O>(o.what); }));
    }
    Snapshot snapshot(double weight = 1) const {
        auto values = std::make_shared<std::vector<float>>(2, 1.f);
        Snapshot s;
        s.layout = 9;
        s.range = {0, 2};
        s.bytes = {reinterpret_cast<const std::byte*>(values->data()), 8, values};
        s.weight = weight;
        return s;
    }
    void learner_answers() {
        const Order o = orders.front();
        orders.erase(orders.begin());
        now += 1ms;
        if (std::holds_alternative<Publish>(o.what)) give(Completion{o.tag, 0, steps, Published{snapshot()}});
        else if (std::holds_alternative<Combine>(o.what)) give(Completion{o.tag, 0, steps, Combined{1, 2}});
        else if (std::holds_alternative<Fold>(o.what)) give(Completion{o.tag, 0, steps, Folded{}});
        else if (std::holds_alternative<Swap>(o.what)) give(Completion{o.tag, 0, steps, Swapped{}});
        else give(Completion{o.tag, 0, steps += std::get<Train>(o.what).steps, Trained{std::get<Train>(o.what).steps, 0.1, 1}});
    }
    // The learner answers until the model has been handed out, or it has nothing to do.
    std::vector<std::pair<PeerId, Handout>> until_handed_out() {
        while (!orders.empty()) {
            learner_answers();
            if (const auto all = sent<Handout>(); !all.empty()) return all;
        }
        return {};
    }
    void first_round() {  // of a server
        for (std::uint64_t worker = 2; worker <= 4; ++worker) {
            hear(Ready{1, 0}, worker);
            hear(Handin{1, 1, snapshot()}, worker);
        }
        REQUIRE(until_handed_out().size() == 3);
    }
};

ClusterOptions serving(std::uint32_t peers, Kind kind = Kind::parameter_server, std::uint32_t every = 5) {
    ClusterOptions o;
    o.peers = peers;
    o.exchange.kind = kind;
    o.exchange.every_steps = every;
    return o;
}

struct Told {
    std::size_t mixed = 0, gone = 0, overdue = 0, finished = 0;
};
Told told_by(Cluster& c, std::uint32_t peer) {
    Told told;
    for (const sim::Note& note : c.world().take_notes()) {
        if (note.peer != peer) continue;
        told.mixed += std::holds_alternative<MixedWith>(note.event);
        told.finished += std::holds_alternative<Finished>(note.event);
        if (const auto* failed = std::get_if<Failed>(&note.event)) {
            told.gone += failed->why == Failure::partner_gone;
            told.overdue += failed->why == Failure::overdue;
        }
    }
    return told;
}

}  // namespace

TEST_CASE("a server says that it serves, and again until it is answered") {
    Alone server(true);
    CHECK(server.sent<Serving>().size() == 3);
    server.hear(Ready{1, 0}, 2);
    server.hear(Handin{1, 1, server.snapshot()}, 2);
    server.now += 1s;
    server.give(Woken<Timer>{Due{~std::uint64_t{0} - 1}});
    const auto again = server.sent<Serving>();
    REQUIRE(again.size() == 2);
    CHECK(again[0].first == PeerId{3});
}

TEST_CASE("a round is closed when all are in, and the mean goes to all at once") {
    Alone server(true);
    server.learner_answers();  // its own step
    for (std::uint64_t worker = 2; worker <= 4; ++worker) {
        CHECK(server.ordered<Swap>() == 0);
        server.hear(Handin{1, 1, server.snapshot()}, worker);
    }
    CHECK(server.ordered<Swap>() == 1);
    CHECK(server.ordered<Combine>() == 3);
    while (!server.told<MixedWith>()) server.learner_answers();
    CHECK(server.told<MixedWith>()->weight == doctest::Approx(0.75));
}

TEST_CASE("what is doubled, of a foreign round or of another layout counts for nothing") {
    Alone server(true);
    server.first_round();
    const std::size_t before = server.ordered<Combine>();
    server.hear(Handin{2, 1, server.snapshot()}, 2);
    CHECK(server.ordered<Combine>() == before + 1);
    server.hear(Handin{2, 1, server.snapshot()}, 2);  // doubled
    server.hear(Handin{1, 1, server.snapshot()}, 3);  // of a round that is done
    server.hear(Handin{3, 1, server.snapshot()}, 3);  // of one to come
    server.hear(Handin{2, 1, server.snapshot()}, 9);  // of a stranger
    CHECK(server.ordered<Combine>() == before + 1);
    Snapshot other = server.snapshot();
    other.layout = 8;
    server.hear(Handin{2, 1, other}, 3);
    REQUIRE(server.told<Failed>());
    CHECK(server.told<Failed>()->why == Failure::other_layout);
    Snapshot half = server.snapshot();
    half.range = {0, 1};
    half.bytes.size = 4;
    server.hear(Handin{2, 1, half}, 4);
    CHECK(server.told<Failed>()->why == Failure::other_layout);
    CHECK(server.ordered<Combine>() == before + 1);
    CHECK(server.until_handed_out().size() == 1);  // to who is left
}

TEST_CASE("a weight that nobody can have is not believed") {
    for (const double weight : {0.0, -1.0, 1e300, std::nan("")}) {
        Alone server(true, Kind::fedavg);
        for (std::uint64_t worker = 2; worker <= 4; ++worker) server.hear(Ready{1, 0}, worker);
        const auto handed = server.until_handed_out();
        REQUIRE(handed.size() == 3);
        server.hear(Handin{handed[0].second.round + 1, 1, server.snapshot(weight)}, 2);
        CHECK(server.told<Failed>());
        CHECK(server.ordered<Combine>() == 0);
    }
}

TEST_CASE("with wait_for = K the first K make the round, and who is late gets the new model") {
    Alone server(true, Kind::parameter_server, Mode::sync, 3);
    server.learner_answers();
    server.hear(Handin{1, 1, server.snapshot()}, 2);
    CHECK(server.ordered<Swap>() == 0);
    server.hear(Handin{1, 1, server.snapshot()}, 3);
    CHECK(server.ordered<Swap>() == 1);
    const auto handed = server.until_handed_out();
    REQUIRE(handed.size() == 2);  // not to the fourth: it is at work
    CHECK(handed[0].first == PeerId{2});
    const std::size_t before = server.ordered<Combine>();
    server.hear(Handin{1, 1, server.snapshot()}, 4);
    CHECK(server.ordered<Combine>() == before);
    REQUIRE(server.sent<Handout>().size() == 1);
    CHECK(server.sent<Handout>()[0].second.round == 1);
}

TEST_CASE("who dies or trains no more is no longer waited for") {
    for (const bool dies : {true, false}) {
        Alone server(true);
        server.first_round();
        while (!server.orders.empty()) server.learner_answers();  // its own part
        server.hear(Handin{2, 1, server.snapshot()}, 2);
        server.hear(Handin{2, 1, server.snapshot()}, 3);
        CHECK(server.ordered<Swap>() == 0);
        if (dies) server.give(PeerDown{PeerId{4}});
        else server.hear(Decline{1, Why::leaving}, 4);
        CHECK(server.ordered<Swap>() == 1);
    }
}

TEST_CASE("an asynchronous server adds what comes in full, and hands back to its sender alone") {
    Alone server(true, Kind::parameter_server, Mode::async);
    for (std::uint64_t worker = 2; worker <= 3; ++worker) server.hear(Ready{1, 0}, worker);
    std::size_t handed = 0;
    while (handed < 2) handed += server.until_handed_out().size();
    server.orders.clear();
    server.hear(Handin{2, 1, server.snapshot()}, 2);
    server.hear(Handin{2, 1, server.snapshot()}, 3);
    REQUIRE(server.orders.size() == 4);
    const auto& add = std::get<Combine>(server.orders.front().what);
    CHECK(add.ours_weight == 1);
    CHECK(add.theirs_weight == 1);
    server.learner_answers();
    CHECK(server.told<MixedWith>()->staleness == 0);
    server.learner_answers();
    REQUIRE(server.sent<Handout>().size() == 1);
    CHECK(server.sent<Handout>()[0].first == PeerId{2});
    CHECK(server.sent<Handout>()[0].second.round == 2);
    server.learner_answers();
    CHECK(server.told<MixedWith>()->staleness == 1);
}

TEST_CASE("of two servers the lower id is believed, by workers and by the other one") {
    Alone server(true);
    server.hear(Serving{7}, 2);
    CHECK(server.sent<Serving>().size() == 1);  // "I do"
    Alone worker(false);
    worker.hear(Serving{7}, 3);
    CHECK(worker.sent<Ready>().size() == 1);
    worker.hear(Serving{7}, 4);
    CHECK(worker.sent<Ready>().empty());
    worker.hear(Serving{7}, 2);
    CHECK(worker.sent<Ready>().size() == 1);
    Alone yields(true);
    yields.exchange = make_exchange(yields.config, PeerId{6}, Random(3));
    yields.give(Start{});
    yields.hear(Serving{7}, 2);
    REQUIRE(yields.sent<Ready>().size() == 1);
    CHECK(yields.sent<Ready>()[0].first == PeerId{2});
}

TEST_CASE("a worker takes a model once, and sends again what was lost") {
    Alone worker(false);
    worker.hear(Serving{3}, 2);
    CHECK(worker.orders.empty());  // it waits for the model
    worker.hear(Handout{3, 1, worker.snapshot()}, 2);
    worker.hear(Handout{3, 1, worker.snapshot()}, 2);
    worker.hear(Handout{2, 1, worker.snapshot()}, 2);
    CHECK(worker.ordered<Combine>() == 1);
    worker.learner_answers();
    worker.learner_answers();
    worker.learner_answers();
    REQUIRE(worker.sent<Handin>().size() == 1);
    const Handin handin = worker.sent<Handin>()[0].second;
    CHECK(handin.round == 4);
    worker.give(Undelivered{PeerId{2}, handin.ticket});
    CHECK(worker.sent<Handin>().size() == 1);
    worker.give(Undelivered{PeerId{2}, handin.ticket + 1});
    CHECK(worker.sent<Handin>().empty());
    Snapshot other = worker.snapshot();
    other.layout = 8;
    worker.hear(Handout{4, 2, other}, 2);
    CHECK(worker.told<Failed>()->why == Failure::other_layout);
    CHECK(worker.orders.empty());
}

TEST_CASE("every round of a synchronous server makes all equal") {
    Cluster c(serving(8));
    c.run_for(80ms);  // the word of the server, five steps, there and back
    for (std::uint32_t i = 0; i < 8; ++i) {
        REQUIRE(c.world().agreed(i));
        CHECK(*reinterpret_cast<const double*>(c.world().agreed(i)->bytes.data) == doctest::Approx(3.5 * std::pow(0.9, 5)).epsilon(1e-12));
    }
    c.run_for(7s);
    CHECK(c.world().steps(3) == 505);  // the 101st round's ended at 60 ms + 100 * 70 ms
}

TEST_CASE("a slow worker holds up a server that waits for all, and not one that waits for K") {
    std::uint64_t steps[2];
    for (const std::uint32_t wait_for : {0u, 4u}) {
        ClusterOptions o = serving(5, Kind::parameter_server, 1);
        o.exchange.wait_for = wait_for;
        o.exchange.order = 1ms;
        Cluster c(o);
        c.world().slow(4, 4);
        c.run_for(20s);
        steps[wait_for > 0] = c.world().steps(1);
        CHECK(c.world().steps(4) > 0);
        CHECK(told_by(c, 4).mixed > 50);  // it is given the new model each time
    }
    CHECK(static_cast<double>(steps[0]) == doctest::Approx(20 / 0.06).epsilon(0.02));  // 4 * 10 ms, and 10 ms each way
    CHECK(static_cast<double>(steps[1]) == doctest::Approx(20 / 0.03).epsilon(0.02));
}

TEST_CASE("a worker that dies in mid-round holds the others up until membership knows, and no longer") {
    Cluster c(serving(6));
    c.run_for(10s);
    const std::uint64_t before = c.world().steps(1);
    c.world().crash(4);
    c.run_for(30s);
    CHECK(c.world().steps(1) > before + 1500);
    CHECK(c.spread() < 1e-9);
}

TEST_CASE("without a server workers wait, then go on alone and say so once; a new one takes over what they have") {
    Cluster c(serving(5));
    c.run_for(10s);
    (void)c.world().take_notes();
    c.world().crash(0);
    c.run_for(30s);
    std::vector<std::size_t> gone(5);
    for (const sim::Note& note : c.world().take_notes())
        if (const auto* failed = std::get_if<Failed>(&note.event)) gone[note.peer] += failed->why == Failure::partner_gone;
    const std::vector<std::size_t> once{0, 1, 1, 1, 1};
    CHECK(gone == once);
    for (std::uint32_t i = 1; i < 5; ++i) CHECK(c.world().steps(i) > 2000);
    CHECK(c.world().agreed(3) == nullptr);
    c.join(1, true);
    for (int i = 0; i < 200; ++i) {
        c.run_for(50ms);
        CHECK(c.value(1) < 1e-3);  // it begins at 5 and would be heard
    }
    CHECK(c.world().agreed(3) != nullptr);
}

TEST_CASE("a newcomer gets the model of the round, and does not spoil it") {
    for (const Kind kind : {Kind::parameter_server, Kind::fedavg}) {
        Cluster c(serving(4, kind));
        c.run_for(10s);
        const std::uint32_t newcomer = c.join(2);
        for (int i = 0; i < 100; ++i) {
            c.run_for(50ms);
            CHECK(c.value(1) < 1e-3);  // it begins at 4 and would be heard
        }
        CHECK(c.world().agreed(newcomer));
        CHECK(c.world().steps(newcomer) > 100);
    }
}

TEST_CASE("of a federated round are so many as it says, drawn anew each time") {
    ClusterOptions o = serving(8, Kind::fedavg, 10);
    o.exchange.clients = 0.25;
    Cluster c(o);
    c.run_for(60s);
    double steps = 0, least = 1e9, most = 0;
    for (std::uint32_t i = 0; i < 8; ++i) {
        const auto s = static_cast<double>(c.world().steps(i));
        steps += s;
        least = std::min(least, s);
        most = std::max(most, s);
    }
    const std::size_t rounds = told_by(c, 0).mixed;
    CHECK(steps == doctest::Approx(20.0 * static_cast<double>(rounds)).epsilon(0.01));
    // Each is drawn with probability 1/4: four standard deviations of the steps of one.
    const double mean = 2.5 * static_cast<double>(rounds), deviation = 10 * std::sqrt(static_cast<double>(rounds) * 0.25 * 0.75);
    CHECK(least > mean - 4 * deviation);
    CHECK(most < mean + 4 * deviation);
}

TEST_CASE("loss and doubling cost time and nothing else") {
    for (const Kind kind : {Kind::parameter_server, Kind::fedavg}) {
        ClusterOptions o = serving(6, kind);
        o.loss = 0.05;
        o.duplicate = 0.1;
        Cluster c(o);
        c.run_for(120s);
        const std::uint64_t before = c.world().steps(2);
        c.run_for(60s);
        CHECK(c.world().steps(2) > before + 50);
        for (std::uint32_t i = 0; i < 6; ++i) CHECK((c.value(i) >= 0 && c.value(i) < 6));
    }
}

TEST_CASE("by the clock nobody is forgotten whose call to hand in was lost, though the round goes on without it") {
    ClusterOptions o = serving(4);
    o.exchange.every_steps.reset();
    o.exchange.period = 500ms;
    o.exchange.wait_for = 1;
    o.loss = 0.1;
    Cluster cluster(o);
    cluster.run_for(200s);
    cluster.world().take_notes();
    cluster.run_for(60s);
    std::array<int, 4> mixes{};
    for (const sim::Note& note : cluster.world().take_notes()) mixes[note.peer] += std::holds_alternative<MixedWith>(note.event);
    for (const int n : mixes) CHECK(n >= 10);
}

TEST_CASE("an asynchronous server lives through loss, doubling, deaths and newcomers") {
    ClusterOptions o = serving(6, Kind::parameter_server, 1);
    o.exchange.mode = Mode::async;
    o.loss = 0.05;
    o.duplicate = 0.1;
    Cluster c(o);
    c.run_for(30s);
    c.world().crash(4);
    const std::uint32_t newcomer = c.join(1);
    c.run_for(60s);
    std::vector<std::uint64_t> before;
    for (std::uint32_t i = 0; i < c.world().size(); ++i) before.push_back(c.world().steps(i));
    c.run_for(60s);
    for (const std::uint32_t i : {0u, 1u, 2u, 3u, 5u, newcomer}) CHECK(c.world().steps(i) > before[i] + 100);
    CHECK(std::abs(c.value(0)) < 1e-3);  // six in flight at a tenth of the way: stable up to 0.28
}

TEST_CASE("what was handed in is not counted twice when its sender begins anew") {
    Alone server(true);
    server.first_round();
    server.hear(Handin{2, 1, server.snapshot()}, 2);
    server.hear(Ready{2, 0}, 2);
    CHECK(server.sent<Handout>().empty());
    const std::size_t before = server.ordered<Combine>();
    server.hear(Handin{2, 1, server.snapshot()}, 2);
    CHECK(server.ordered<Combine>() == before);
    server.hear(Ready{2, 0}, 3);  // it lost the model
    REQUIRE(server.sent<Handout>().size() == 1);
    CHECK(server.sent<Handout>()[0].second.round == 1);
}

TEST_CASE("when all have made their steps all hold the last model, and nobody hangs at the end") {
    for (int how = 0; how < 4; ++how) {
        CAPTURE(how);
        ClusterOptions o = serving(6, how == 3 ? Kind::fedavg : Kind::parameter_server, 7);
        o.exchange.until_steps = 100;
        if (how == 1) o.exchange.wait_for = 3;
        if (how == 2) o.exchange.mode = Mode::async;
        if (how == 3) o.exchange.clients = 0.5;
        Cluster c(o);
        c.world().slow(5, 3);
        c.run_for(60s);
        for (std::uint32_t i = 0; i < 6; ++i) CHECK(c.world().steps(i) == 100);
        CHECK(c.spread() < 1e-20);
        (void)c.world().take_notes();
        for (std::uint32_t i = 0; i < 6; ++i) c.world().finish(i);
        c.run_for(1s);
        std::vector<std::size_t> finished(6);
        for (const sim::Note& note : c.world().take_notes()) finished[note.peer] += std::holds_alternative<Finished>(note.event);
        if (how != 3) CHECK(finished == std::vector<std::size_t>(6, 1));
        c.run_for(10s);
    }
}

TEST_CASE("told to finish in mid-round, all hand in what they have and end with one model") {
    for (int how = 0; how < 3; ++how) {
        CAPTURE(how);
        ClusterOptions o = serving(6, how == 2 ? Kind::fedavg : Kind::parameter_server, 50);
        if (how == 1) o.exchange.mode = Mode::async, o.exchange.every_steps = 3;
        if (how == 2) o.exchange.clients = 0.5;
        Cluster c(o);
        c.run_for(4200ms);
        (void)c.world().take_notes();
        for (std::uint32_t i = 0; i < 6; ++i) c.world().finish(i);
        c.run_for(3s);
        std::vector<std::size_t> finished(6);
        for (const sim::Note& note : c.world().take_notes()) finished[note.peer] += std::holds_alternative<Finished>(note.event);
        CHECK(finished == std::vector<std::size_t>(6, 1));
        if (how != 1) CHECK(c.spread() < 1e-20);
    }
}

TEST_CASE("what a server that is gone had sent comes late to who was stopped, and makes it nobody's server again") {
    Alone worker(false);
    worker.hear(Serving{7}, 9);  // whom membership does not know, or no longer
    CHECK(worker.sent<Ready>().empty());
    worker.hear(Serving{7}, 3);
    CHECK(worker.sent<Ready>().size() == 1);
}
