// One side of the default exchange, alone: what it does with messages that a whole cluster would rarely give it.
#include <doctest/doctest.h>

#include "grapevine/gossip/exchange.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;

namespace {

struct Pair final : Company {  // one other, peer 2
    std::size_t size() const override { return 1; }
    bool contains(PeerId peer) const override { return peer.value == 2; }
    std::optional<PeerId> draw(Random&) const override { return PeerId{2}; }
    std::vector<PeerId> all() const override { return {PeerId{2}}; }
};

struct One {
    Config config;
    std::unique_ptr<Exchange> exchange;
    Exchange::Effects effects;
    Instant now{};
    Pair company;
    std::vector<Order> orders;  // not yet answered
    std::uint64_t taken = 0;    // steps

    explicit One(bool trains = false, Config given = {}) : config(std::move(given)) {
        if (!config.every_steps) config.period = 250ms;
        config.trains = trains;
        config.layout = 9;
        config.size = 2;
        exchange = make_exchange(config, PeerId{1}, Random(3));
        give(Start{});
    }
    void give(Exchange::Input input) {
        effects.list.clear();
        exchange->step(now, std::move(input), company, effects);
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Exchange::Effects::Tell>(&e))
                if (const auto* o = std::get_if<Order>(&t->event)) orders.push_back(*o);
    }
    void hear(Message message, PeerId from = PeerId{2}) { give(Received<Message>{from, std::move(message)}); }
    template <class M>
    const M* sent() const {
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Exchange::Effects::Send>(&e))
                if (const auto* m = std::get_if<M>(&s->message)) return m;
        return nullptr;
    }
    template <class E>
    const E* told() const {
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Exchange::Effects::Tell>(&e))
                if (const auto* x = std::get_if<E>(&t->event)) return x;
        return nullptr;
    }
    Snapshot snapshot(double samples = 0) const {
        auto values = std::make_shared<std::vector<float>>(2, 1.f);
        Snapshot s;
        s.layout = 9;
        s.range = {0, 2};
        s.bytes = {reinterpret_cast<const std::byte*>(values->data()), 8, values};
        s.samples = samples;
        return s;
    }
    void learner_answers() {
        const Order o = orders.front();
        orders.erase(orders.begin());
        if (std::holds_alternative<Publish>(o.what)) give(Completion{o.tag, 0, taken, Published{snapshot()}});
        else if (std::holds_alternative<Combine>(o.what)) give(Completion{o.tag, 0, taken, Combined{1, 2}});
        else if (std::holds_alternative<Fold>(o.what)) give(Completion{o.tag, 0, 0, Folded{}});
        else give(Completion{o.tag, 5, taken += 5, Trained{5, 0.1, 5}});
    }
    std::uint32_t offer() {  // lets the timer fire
        for (std::uint64_t turn = 1; turn < 100; ++turn) {
            now += 250ms;
            give(Woken<Timer>{Due{turn}});
            if (const auto* o = sent<Offer>()) return o->round;
        }
        FAIL("it never offers");
        return 0;
    }
};

}  // namespace

TEST_CASE("an offer is accepted, published for, and mixed once their half is here, whichever comes first") {
    for (const bool half_first : {false, true}) {
        One one;
        one.hear(Offer{7});
        CHECK(one.sent<Accept>()->round == 7);
        if (half_first) one.hear(Half{7, false, 1, one.snapshot()});
        one.learner_answers();
        REQUIRE(one.sent<Half>());
        CHECK(one.sent<Half>()->answer);
        if (!half_first) one.hear(Half{7, false, 1, one.snapshot()});
        REQUIRE(one.orders.size() == 1);
        CHECK(std::get<Combine>(one.orders.front().what).theirs_weight == 0.5);
        one.learner_answers();
        REQUIRE(one.told<MixedWith>());
        CHECK(one.told<MixedWith>()->with == PeerId{2});
    }
}

TEST_CASE("what comes twice counts once") {
    One one;
    one.hear(Offer{7});
    one.hear(Offer{7});
    CHECK(!one.sent<Accept>());
    CHECK(one.orders.size() == 1);
    one.learner_answers();
    one.hear(Half{7, false, 1, one.snapshot()});
    one.hear(Half{7, false, 1, one.snapshot()});
    CHECK(one.orders.size() == 1);
}

TEST_CASE("a third offer meets two answers on their way, and is declined") {
    One one;
    one.hear(Offer{1}, PeerId{2});
    one.hear(Offer{1}, PeerId{3});
    one.hear(Offer{1}, PeerId{4});
    REQUIRE(one.sent<Decline>());
    CHECK(one.sent<Decline>()->why == Why::busy);
}

TEST_CASE("an offer is answered while one's own is out") {
    One one;
    one.offer();
    one.hear(Offer{3});
    CHECK(one.sent<Accept>());
}

TEST_CASE("due while one is out is skipped, not queued") {
    One one;
    one.offer();
    bool skipped = false;
    for (std::uint64_t turn = 1; turn < 100 && !skipped; ++turn) {
        one.give(Woken<Timer>{Due{turn}});
        skipped = one.told<Skipped>();
        CHECK(!one.sent<Offer>());
    }
    CHECK(skipped);
}

TEST_CASE("an exchange ends with its partner, a refusal, its time or what could not be delivered; then another may begin") {
    for (int how = 0; how < 4; ++how) {
        One one;
        const std::uint32_t round = one.offer();
        if (how == 0) one.give(PeerDown{PeerId{2}});
        if (how == 1) one.hear(Decline{round, Why::busy});
        if (how == 2) one.give(Woken<Timer>{Overdue{round}});
        if (how == 3) {
            one.hear(Accept{round});
            one.learner_answers();
            one.give(Undelivered{PeerId{2}, one.sent<Half>()->ticket});
        }
        REQUIRE(one.told<Failed>());
        CHECK(one.told<Failed>()->with == PeerId{2});
        CHECK(one.offer() == round + 1);
    }
}

TEST_CASE("parameters of another layout or size are refused, and the exchange is over") {
    for (int how = 0; how < 3; ++how) {
        One one;
        one.hear(Offer{7});
        Snapshot s = one.snapshot();
        if (how == 0) s.layout = 8;
        if (how == 1) s.range = {1, 2};
        if (how == 2) s.range = {0, 1}, s.bytes.size = 4;
        one.hear(Half{7, false, 1, s});
        REQUIRE(one.sent<Decline>());
        CHECK(one.sent<Decline>()->why == Why::other_layout);
        CHECK(one.told<Failed>()->why == Failure::other_layout);
    }
}

TEST_CASE("training goes on while an exchange is out") {
    One one(true);
    CHECK(std::holds_alternative<Train>(one.orders.front().what));
    one.offer();
    one.learner_answers();  // what it was training
    REQUIRE(one.orders.size() == 1);
    CHECK(std::holds_alternative<Train>(one.orders.front().what));
}

TEST_CASE("whoever leaves declines, and starts nothing") {
    One one(true);
    one.give(Halt{});
    one.hear(Offer{7});
    CHECK(one.sent<Decline>()->why == Why::leaving);
    one.learner_answers();
    CHECK(one.orders.empty());
}

namespace {

Config with(auto set) {
    Config config;
    set(config);
    return config;
}

}  // namespace

TEST_CASE("delta: who was asked adds the difference to what it sent") {
    One one(false, with([](Config& c) { c.form = Form::delta; }));
    one.hear(Offer{7});
    CHECK(one.sent<Accept>());
    one.learner_answers();
    REQUIRE(one.sent<Half>());
    const Snapshot sent = one.sent<Half>()->snapshot;
    one.hear(Half{7, false, 1, one.snapshot()});
    REQUIRE(one.orders.size() == 2);
    const auto plus = std::get<Combine>(one.orders[0].what), minus = std::get<Combine>(one.orders[1].what);
    CHECK(plus.ours_weight == 1);
    CHECK(plus.theirs_weight == 0.5);
    CHECK(minus.ours_weight == 1);
    CHECK(minus.theirs_weight == -0.5);
    CHECK(minus.theirs.bytes.data == sent.bytes.data);  // not what it has become since
    one.learner_answers();
    CHECK(one.told<MixedWith>());
    one.learner_answers();
    CHECK(one.orders.empty());
}

TEST_CASE("delta: who asks publishes and mixes at the instant theirs is there") {
    One one(false, with([](Config& c) { c.form = Form::delta; }));
    const std::uint32_t round = one.offer();
    one.hear(Accept{round});
    CHECK(one.orders.empty());  // nothing is frozen before it is to be mixed
    one.hear(Half{round, true, 1, one.snapshot()});
    REQUIRE(one.orders.size() == 2);
    CHECK(std::holds_alternative<Publish>(one.orders[0].what));
    const auto mix = std::get<Combine>(one.orders[1].what);
    CHECK(mix.ours_weight == 0.5);
    CHECK(mix.theirs_weight == 0.5);
    one.learner_answers();
    REQUIRE(one.sent<Half>());
    CHECK_FALSE(one.sent<Half>()->answer);
    one.learner_answers();
    CHECK(one.told<MixedWith>()->with == PeerId{2});
}

TEST_CASE("an exchange of fragments carries one part, in turn, and takes no other") {
    One one(false, with([](Config& c) { c.fragments = 2; }));
    one.hear(Offer{7});
    CHECK(std::get<Publish>(one.orders.front().what).range == Range{1, 1});
    one.learner_answers();
    one.hear(Half{7, false, 1, one.snapshot()});  // the whole model: not what was asked for
    REQUIRE(one.told<Failed>());
    CHECK(one.told<Failed>()->why == Failure::other_layout);
    one.hear(Offer{8});
    CHECK(std::get<Publish>(one.orders.back().what).range == Range{0, 1});
}

TEST_CASE("the staler our half, the less theirs weighs, if so configured") {
    One one(true, with([](Config& c) { c.staleness_weight = 0.2; }));
    one.hear(Offer{7});
    one.learner_answers();  // 5 steps
    one.learner_answers();  // the half: 5 steps behind it
    one.learner_answers();  // 5 more
    one.hear(Half{7, false, 1, one.snapshot(5)});
    const auto& order = one.orders.back();
    REQUIRE(std::holds_alternative<Combine>(order.what));
    // 5 steps and those under way
    const double staleness = 5 + static_cast<double>(std::get<Train>(one.orders.front().what).steps);
    CHECK(std::get<Combine>(order.what).theirs_weight == doctest::Approx(0.5 / (1 + 0.2 * staleness)));
}

TEST_CASE("who is slow takes longer steps, if so configured") {
    One one(true, with([](Config& c) { c.speed_scaled = true; }));
    CHECK(std::get<Train>(one.orders.front().what).rate_scale == 1);  // nothing is known yet
    one.hear(Offer{7, 200});
    one.now += 100ms;
    one.learner_answers();  // 5 steps in 100 ms: 50 a second
    CHECK(std::get<Train>(one.orders.back().what).rate_scale == doctest::Approx(4));
    One fast(true, with([](Config& c) { c.speed_scaled = true; }));
    fast.hear(Offer{7, 1e-6f});
    fast.now += 100ms;
    fast.learner_answers();
    CHECK(std::get<Train>(fast.orders.back().what).rate_scale == 1.0 / 16);  // and no shorter
}

TEST_CASE("quasi-global momentum drives the steps by how the mixed model moved") {
    One one(true, with([](Config& c) { c.quasi_global = 0.9; }));
    CHECK(one.exchange->slots() == 3);
    CHECK(std::get<Fold>(one.orders[0].what).to == 2);  // where it was
    CHECK(std::get<Train>(one.orders[1].what).drift->weight == -0.9);
    one.learner_answers();
    one.learner_answers();  // 5 steps
    one.hear(Offer{7});
    one.learner_answers();  // those under way: 5
    one.learner_answers();  // the half
    one.hear(Half{7, false, 1, one.snapshot()});
    const std::size_t at = one.orders.size() - 4;
    REQUIRE(std::holds_alternative<Combine>(one.orders[at].what));
    const auto from = std::get<Fold>(one.orders[at + 1].what), less = std::get<Fold>(one.orders[at + 2].what), now = std::get<Fold>(one.orders[at + 3].what);
    const double steps = 10 + static_cast<double>(std::get<Train>(one.orders.front().what).steps);
    CHECK(from.to == 1);
    CHECK(from.from == 2);
    CHECK(from.to_weight == 0.9);
    CHECK(from.from_weight == doctest::Approx(0.1 / steps));
    CHECK(less.from == model_slot);
    CHECK(less.from_weight == doctest::Approx(-0.1 / steps));
    CHECK(now.to == 2);
    CHECK(now.from == model_slot);
}

TEST_CASE("local steps are steered by how far apart models are when they meet") {
    const auto steps_between = [](double distance) {
        One one(true, with([&](Config& c) {
            c.every_steps = 10;
            c.consensus = 0.1;
        }));
        std::uint64_t due = 0, between = 0, steps = 0;
        for (int i = 0; i < 600; ++i) {
            const Order o = one.orders.front();
            one.orders.erase(one.orders.begin());
            if (const auto* train = std::get_if<Train>(&o.what)) {
                steps += train->steps;
                one.now += 2ms * train->steps;
                one.give(Completion{o.tag, 0, steps, Trained{train->steps, 0, 1}});
            } else if (std::holds_alternative<Publish>(o.what)) {
                one.give(Completion{o.tag, 0, steps, Published{one.snapshot()}});
            } else {
                one.give(Completion{o.tag, 0, steps, Combined{distance, 1}});
            }
            const auto* offer = one.sent<Offer>();
            if (offer || one.told<Skipped>()) {
                between = steps - due;
                due = steps;
            }
            if (offer) {
                const auto round = offer->round;
                one.hear(Accept{round});
                one.hear(Half{round, true, 1, one.snapshot()});
            }
        }
        return between;
    };
    CHECK(steps_between(0.1) == 10);    // as wished
    CHECK(steps_between(10) == 1);      // far apart: after every step
    CHECK(steps_between(1e-6) == 160);  // close: seldom, but not never
}
