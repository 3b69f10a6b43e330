// Which guard a peer puts on a mix, by what it has seen: the default exchange alone, answering offers of others.
#include <doctest/doctest.h>

#include <cmath>

#include "grapevine/gossip/exchange.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;

namespace {

struct Nobody final : Company {
    std::size_t size() const override { return 0; }
    bool contains(PeerId) const override { return false; }
    std::optional<PeerId> draw(Random&) const override { return std::nullopt; }
    std::vector<PeerId> all() const override { return {}; }
};

struct Asked {
    Config config;
    std::unique_ptr<Exchange> exchange;
    Exchange::Effects effects;
    Instant now{};
    Nobody company;
    std::uint32_t round = 0;

    explicit Asked(Clip clip, Duration until = Duration::zero(), bool newcomer = false) {
        config.period = 250ms;
        config.trains = false;
        config.layout = 9;
        config.size = 2;
        config.clip = clip;
        config.newcomer = newcomer;
        if (until > Duration::zero()) config.until = until;
        exchange = make_exchange(config, PeerId{1}, Random(3));
        give(Start{});
    }
    void give(Exchange::Input input) {
        effects.list.clear();
        exchange->step(now, std::move(input), company, effects);
    }
    template <class E>
    const E* told() const {
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Exchange::Effects::Tell>(&e))
                if (const auto* x = std::get_if<E>(&t->event)) return x;
        return nullptr;
    }
    Snapshot snapshot(double samples) const {
        auto values = std::make_shared<std::vector<float>>(2, 1.f);
        Snapshot s;
        s.layout = 9;
        s.range = {0, 2};
        s.bytes = {reinterpret_cast<const std::byte*>(values->data()), 8, values};
        s.samples = samples;
        return s;
    }
    // One exchange that `partner` asked for, whose model lies that far off. What the learner was told to do.
    Combine mixes(std::uint64_t partner, double distance, double samples = 0, double taken = 1) {
        const PeerId from{partner};
        give(Received<Message>{from, Offer{++round}});
        const std::uint32_t publish = told<Order>()->tag;
        give(Completion{publish, 100, 0, Published{snapshot(100)}});
        give(Received<Message>{from, Half{round, false, 1, snapshot(samples)}});
        const Order order = *told<Order>();
        give(Completion{order.tag, 100, 0, Combined{distance, 10, taken}});
        return std::get<Combine>(order.what);
    }
};

}  // namespace

TEST_CASE("self-centred: three are held against our own norm, later ones against twice the median") {
    Asked one(Clip::self_centred);
    for (std::uint64_t partner = 2; partner < 5; ++partner) {
        const Guard g = one.mixes(partner, static_cast<double>(partner)).guard;
        CHECK(g.refuse == 1);
        CHECK(g.clip == 0);
    }
    Guard g = one.mixes(5, 100).guard;  // of 2, 3, 4
    CHECK(g.refuse == 1);
    CHECK(g.clip == 6);
    CHECK(one.mixes(6, 5).guard.clip == 8);  // of 2, 3, 4, 100
    CHECK(one.mixes(7, 5).guard.clip == 8);  // of 2, 3, 4, 5, 100
}

TEST_CASE("self-centred: a partner counts once, however often it comes, and fifteen count at most") {
    Asked one(Clip::self_centred);
    for (std::uint64_t partner = 2; partner < 7; ++partner) one.mixes(partner, 1);
    for (int i = 0; i < 50; ++i) one.mixes(9, 1000 + i);
    CHECK(one.mixes(9, 1).guard.clip == 2);
    for (std::uint64_t partner = 20; partner < 35; ++partner) one.mixes(partner, 3);
    CHECK(one.mixes(40, 3).guard.clip == 6);
}

TEST_CASE("self-centred: who finds most beyond its own norm is astray, and refuses them no longer") {
    Asked one(Clip::self_centred);  // its norm is 10
    for (std::uint64_t partner = 2; partner < 5; ++partner) CHECK(one.mixes(partner, 20, 0, 0).guard.refuse == 1);
    const Guard g = one.mixes(5, 20).guard;
    CHECK(g.refuse == 0);
    CHECK(g.clip == 40);
}

TEST_CASE("self-centred: among those who are alike the radius is small, and never none") {
    Asked one(Clip::self_centred);
    for (std::uint64_t partner = 2; partner < 7; ++partner) one.mixes(partner, 0);
    const Guard g = one.mixes(8, 1).guard;
    CHECK(g.clip > 0);
    CHECK(g.clip < 1e-300);
    for (std::uint64_t partner = 10; partner < 13; ++partner) one.mixes(partner, std::nan(""));
    CHECK(std::isfinite(one.mixes(8, 1).guard.clip));
}

TEST_CASE("balance: the share of our norm that is near enough falls by e in a run") {
    Asked one(Clip::balance, 100s);
    CHECK(one.mixes(2, 1).guard.refuse == doctest::Approx(0.3));
    one.now = Instant(50s);
    CHECK(one.mixes(2, 1).guard.refuse == doctest::Approx(0.3 * std::exp(-0.5)));
    one.now = Instant(1000s);
    CHECK(one.mixes(2, 1).guard.refuse == doctest::Approx(0.3 * std::exp(-1.0)));
    CHECK(one.mixes(2, 1).guard.clip == 0);
    Asked endless(Clip::balance);
    endless.now = Instant(1000s);
    CHECK(endless.mixes(2, 1).guard.refuse == doctest::Approx(0.3));
}

TEST_CASE("who clips does not believe how many samples stand behind a model; a newcomer believes the first it meets") {
    Asked one(Clip::self_centred);
    CHECK(one.mixes(2, 1, 1e300).theirs_weight == 0.5);
    CHECK(one.mixes(2, 1, 1e300).ours_weight == 0.5);
    Asked newcomer(Clip::self_centred, Duration::zero(), true);
    CHECK(!newcomer.mixes(2, 5, 1e6).guard);
    CHECK(newcomer.mixes(2, 5, 1e6).guard.refuse == 1);
    Asked off(Clip::off);
    CHECK(!off.mixes(2, 5).guard);
}

TEST_CASE("a model of which nothing was taken is no mix, and said") {
    Asked one(Clip::self_centred);
    one.mixes(2, 50, 0, 0);
    REQUIRE(one.told<Failed>());
    CHECK(one.told<Failed>()->why == Failure::clipped);
    CHECK(!one.told<MixedWith>());
    one.mixes(2, 5, 0, 0.5);
    REQUIRE(one.told<MixedWith>());
    CHECK(one.told<MixedWith>()->taken == 0.5);
}

TEST_CASE("top-k is refused where partners change, with the reason") {
    Config config;
    config.encoding = Encoding::top_k;
    const auto why = [&](Kind kind) {
        config.kind = kind;
        return refused(config, true).value_or("");
    };
    config.every_steps = 1;
    CHECK(why(Kind::dpsgd) == "");
    CHECK(why(Kind::gossip).find("error feedback") != std::string::npos);
    CHECK(why(Kind::allreduce).find("fixed partners") != std::string::npos);
    config.graph = Graph::matching;
    CHECK(why(Kind::dpsgd).find("fixed partners") != std::string::npos);
    config.graph = Graph::one_peer_exponential;
    CHECK(why(Kind::dpsgd).find("fixed partners") != std::string::npos);
    config.graph = Graph::ring;
    config.every_steps.reset();
    config.period = 1s;
    config.clock = Clock::rounds;
    CHECK(why(Kind::dpsgd).find("every_steps") != std::string::npos);
}
