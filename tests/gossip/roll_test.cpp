// Rolls, in whole clusters: who is on one, and that no two in force share a peer.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "cluster.hpp"
#include "grapevine/wire/wire.hpp"
#include "roll.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

ClusterOptions averaging(std::uint32_t peers) {
    ClusterOptions o = gossiping(peers);
    o.exchange.kind = gossip::Kind::allreduce;
    o.exchange.period.reset();
    o.exchange.every_steps = 5;
    o.latency = 5ms;
    return o;
}

// Of each peer the last roll it said it is on: epoch and size.
std::map<std::uint32_t, gossip::RollFormed> rolls(Cluster& cluster) {
    std::map<std::uint32_t, gossip::RollFormed> last;
    for (const sim::Note& note : cluster.world().take_notes())
        if (const auto* r = std::get_if<gossip::RollFormed>(&note.event)) last.insert_or_assign(note.peer, *r);
    return last;
}

}  // namespace

TEST_CASE("all come onto one roll, each in a place of its own") {
    for (const std::uint32_t n : {1u, 2u, 3u, 9u}) {
        Cluster cluster(averaging(n));
        cluster.run_for(5s);
        const auto on = rolls(cluster);
        CHECK(on.size() == n);
        std::set<std::uint32_t> ranks;
        for (const auto& [peer, roll] : on) {
            CHECK(roll.size == n);
            CHECK(roll.epoch == on.begin()->second.epoch);
            ranks.insert(roll.rank);
        }
        CHECK(ranks.size() == n);
    }
}

TEST_CASE("both sides of a cut have a roll and train; healed, they agree again") {
    Cluster cluster(averaging(6));
    cluster.run_for(5s);
    rolls(cluster);
    cluster.world().network().partition({0, 0, 0, 1, 1, 1});
    cluster.run_for(30s);
    const auto cut = rolls(cluster);
    CHECK(cut.size() == 6);
    for (const auto& [peer, roll] : cut) CHECK(roll.size == 3);
    const std::uint64_t before = cluster.world().steps(0), other = cluster.world().steps(5);
    cluster.run_for(5s);
    CHECK(cluster.world().steps(0) > before + 100);
    CHECK(cluster.world().steps(5) > other + 100);
    cluster.world().network().heal();
    cluster.run_for(60s);
    const auto healed = rolls(cluster);
    CHECK(healed.size() == 6);
    for (const auto& [peer, roll] : healed) CHECK(roll.size == 6);
    CHECK(cluster.spread() < 1e-9);
}

TEST_CASE("a roll is formed though messages are lost, and training goes on through crashes and joins") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        ClusterOptions o = averaging(6);
        o.seed = seed;
        o.loss = 0.02;
        o.exchange.every_steps = 50;
        Cluster cluster(o);
        cluster.run_for(20s);
        cluster.world().crash(static_cast<std::uint32_t>(seed % 6));
        cluster.run_for(5s);
        const std::uint32_t late = cluster.join(seed % 6 == 0 ? 1 : 0);
        cluster.run_for(120s);
        const std::uint64_t before = cluster.world().steps(late);
        cluster.run_for(120s);
        CHECK(cluster.world().steps(late) > before);
    }
}

TEST_CASE("a roll of 300 is proposed in small messages: a hash to those who see the same, names to who does not") {
    struct View final : Company {
        std::vector<PeerId> ids;
        std::size_t size() const override { return ids.size(); }
        bool contains(PeerId peer) const override { return std::binary_search(ids.begin(), ids.end(), peer); }
        std::optional<PeerId> draw(Random&) const override { return {}; }
        std::vector<PeerId> all() const override { return ids; }
    };
    const auto view = [](std::uint64_t self, std::uint64_t unknown) {
        View v;
        for (std::uint64_t i = 1; i <= 300; ++i)
            if (i != self && i != unknown) v.ids.push_back(PeerId{i});
        return v;
    };
    gossip::RollCall first({}, PeerId{1}), same({}, PeerId{2}), other({}, PeerId{3});
    const View seen_by_first = view(1, 0), seen_by_same = view(2, 0), seen_by_other = view(3, 77);
    gossip::Exchange::Effects effects;
    Instant now{};
    first.start(now, seen_by_first, effects);
    membership::Book book;
    std::size_t hashes = 0, named = 0;
    bool same_has_it = false;
    for (int tick = 0; tick < 4; ++tick) {
        effects.list.clear();
        first.woken(now += 200ms, seen_by_first, effects);
        const auto said = std::move(effects.list);
        for (const auto& effect : said) {
            const auto* send = std::get_if<gossip::Exchange::Effects::Send>(&effect);
            const auto* proposal = send ? std::get_if<gossip::RollProposal>(&send->message) : nullptr;
            if (!proposal) continue;
            CHECK(wire::control_size(Peer::Message(send->message), book) <= 1200 - 24);  // the transport's own
            if (send->to.value > 3) continue;
            effects.list.clear();
            gossip::RollCall& to = send->to.value == 2 ? same : other;
            to.received(now, PeerId{1}, send->message, send->to.value == 2 ? seen_by_same : seen_by_other, effects);
            for (const auto& e : effects.list) {
                const auto* answer = std::get_if<gossip::Exchange::Effects::Send>(&e);
                if (!answer || !std::holds_alternative<gossip::RollYes>(answer->message)) continue;
                if (send->to.value == 2) same_has_it = same_has_it || proposal->ids->empty();
                else named += !proposal->ids->empty();
            }
            hashes += proposal->ids->empty();
        }
    }
    CHECK(hashes == 2);  // to 2 and to 3, once
    CHECK(same_has_it);
    CHECK(named >= 1);
}

TEST_CASE("an epoch that leaves no number for the next is not believed") {
    struct Pair final : Company {
        std::size_t size() const override { return 1; }
        bool contains(PeerId peer) const override { return peer == PeerId{1}; }
        std::optional<PeerId> draw(Random&) const override { return PeerId{1}; }
        std::vector<PeerId> all() const override { return {PeerId{1}}; }
    } company;
    const std::vector<PeerId> both{PeerId{1}, PeerId{2}};
    const auto proposal = [&](std::uint64_t epoch) {
        return gossip::RollProposal{epoch, std::make_shared<const std::vector<PeerId>>(both), gossip::hash_of(epoch, both), 2};
    };
    gossip::RollCall peer({}, PeerId{2});
    gossip::Exchange::Effects effects;
    peer.start({}, company, effects);
    peer.received({}, PeerId{1}, gossip::RollNo{~std::uint64_t{0}, 7}, company, effects);
    peer.received({}, PeerId{1}, proposal(~std::uint64_t{0}), company, effects);
    effects.list.clear();
    CHECK(peer.received({}, PeerId{1}, proposal(5), company, effects));
    REQUIRE(effects.list.size() >= 1);
    const auto* sent = std::get_if<gossip::Exchange::Effects::Send>(&effects.list.front());
    REQUIRE(sent);
    CHECK(std::holds_alternative<gossip::RollYes>(sent->message));
}
