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

    explicit One(bool trains = false) {
        config.period = 250ms;
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
        if (std::holds_alternative<Publish>(o.what)) give(Completion{o.tag, 0, 0, Published{snapshot()}});
        else if (std::holds_alternative<Combine>(o.what)) give(Completion{o.tag, 0, 0, Combined{1, 2}});
        else give(Completion{o.tag, 5, 5, Trained{5, 0.1, 5}});
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
