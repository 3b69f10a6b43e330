// What a peer was told, written down and given to a fresh one, which must want the same.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>

#include "cluster.hpp"
#include "grapevine/wire/recording.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

std::span<const std::byte> bytes_of(const std::string& s) { return {reinterpret_cast<const std::byte*>(s.data()), s.size()}; }

// All that one peer was told, as bytes, and what it wanted.
struct Recorded final : sim::Tap {
    explicit Recorded(std::uint32_t peer) : of(peer) {}
    void born(Instant, std::uint32_t peer, const Birth& b) override {
        book = &b.book;
        if (peer == of) birth = wire::encode_birth(b.book, b.self, b.config, b.seed, b.splits, b.known);
    }
    void handed(Instant, std::uint32_t peer, const Peer::Input& input, Instant now) override {
        if (peer != of) return;
        inputs.push_back(wire::encode_input(now, input, *book));
        words.insert(word(input));
    }
    void answered(Instant, std::uint32_t peer, const Peer::Effects& effects) override {
        if (peer == of) wanted.push_back(wire::digests(effects, *book));
    }
    std::uint32_t of;
    const membership::Book* book = nullptr;
    std::string birth;
    std::vector<std::string> inputs;
    std::vector<std::vector<std::uint64_t>> wanted;
    std::set<std::string> words;
};

struct Fresh {
    explicit Fresh(const wire::Birth& birth) : self(*book.intern(birth.self)) {
        std::vector<membership::Handle> known;
        for (const auto& record : birth.known) known.push_back(*book.intern(record));
        peer.emplace(book, self, birth.config, birth.random(), known);
    }
    std::vector<std::uint64_t> step(const std::string& input) {
        auto given = wire::decode_input(bytes_of(input), book);
        REQUIRE(given);
        effects.list.clear();
        peer->step(given->at, std::move(given->input), effects);
        return wire::digests(effects, book);
    }
    membership::Book book;
    membership::Handle self;
    std::optional<Peer> peer;
    Peer::Effects effects;
};

// The first input at which a fresh peer wants something else; as many as there are if none.
std::size_t first_difference(const Recorded& recorded, const wire::Birth& birth) {
    Fresh fresh(birth);
    for (std::size_t i = 0; i < recorded.inputs.size(); ++i)
        if (fresh.step(recorded.inputs[i]) != recorded.wanted[i]) return i;
    return recorded.inputs.size();
}

ClusterOptions eventful(gossip::Kind kind) {
    ClusterOptions o = gossiping(6, 100ms);
    o.exchange.kind = kind;
    o.loss = 0.05;
    o.duplicate = 0.05;
    o.rate = 1e5;
    o.dimension = 40;
    o.tally = 300ms;
    o.exponential_steps = true;
    if (kind == gossip::Kind::allreduce || kind == gossip::Kind::parameter_server || kind == gossip::Kind::fedavg || kind == gossip::Kind::outer) {
        o.exchange.period.reset();
        o.exchange.every_steps = 5;
    }
    if (kind == gossip::Kind::dpsgd) o.exchange.clock = gossip::Clock::rounds;
    return o;
}

// Somebody crashes, one joins, one leaves, one stands still.
void let_much_happen(Cluster& cluster) {
    cluster.run_for(2s);
    cluster.world().crash(2);
    cluster.run_for(1s);
    cluster.join(0);
    cluster.world().pause(1, sim::World::Timers::wait);
    cluster.run_for(3s);
    cluster.world().resume(1, sim::World::Timers::wait);
    cluster.world().leave(4);
    cluster.world().observe(1, {0.5, 0.25});
    sim::LocalClock fast;
    fast.set(cluster.world().now(), 2s, 1e-3);
    cluster.world().set_clock(0, fast);
    cluster.run_for(4s);
    cluster.world().finish(1);
    cluster.run_for(3s);
}

}  // namespace

TEST_CASE("a fresh peer that is told the same wants the same, under every exchange") {
    using enum gossip::Kind;
    for (const gossip::Kind kind : {gossip::Kind::gossip, epidemic, dpsgd, push_sum, group, outer, allreduce, parameter_server, fedavg, local})
        for (const std::uint32_t of : {0u, 1u, 6u}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(of);
            Recorded recorded(of);
            ClusterOptions o = eventful(kind);
            o.tap = &recorded;
            Cluster cluster(o);
            let_much_happen(cluster);
            REQUIRE(recorded.inputs.size() > 100);
            REQUIRE(recorded.inputs.size() == recorded.wanted.size());
            const auto birth = wire::decode_birth(bytes_of(recorded.birth));
            REQUIRE(birth);
            CHECK(birth->self.contact.id == sim::id_of(of));
            CHECK(first_difference(recorded, *birth) == recorded.inputs.size());
        }
}

TEST_CASE("a fresh peer of a partial view wants the same as well") {
    Recorded recorded(3);
    ClusterOptions o = eventful(gossip::Kind::gossip);
    o.peers = 30;
    o.membership.partial = true;
    o.joins = true;
    o.tap = &recorded;
    Cluster cluster(o);
    let_much_happen(cluster);
    CHECK(recorded.words.count("shuffle") == 1);
    CHECK(recorded.words.count("met") == 1);
    const auto birth = wire::decode_birth(bytes_of(recorded.birth));
    REQUIRE(birth);
    CHECK(first_difference(recorded, *birth) == recorded.inputs.size());
}

TEST_CASE("a peer that decides otherwise is found out at the first input where it does") {
    Recorded recorded(1);
    ClusterOptions o = eventful(gossip::Kind::gossip);
    o.tap = &recorded;
    Cluster cluster(o);
    let_much_happen(cluster);
    const auto birth = wire::decode_birth(bytes_of(recorded.birth));
    REQUIRE(birth);
    wire::Birth slower = *birth;
    slower.config.membership.period *= 2;
    CHECK(first_difference(recorded, slower) < 20);
    wire::Birth luckier = *birth;
    luckier.seed = 77;
    CHECK(first_difference(recorded, luckier) < 20);
    // One input less, from the middle: what it would have changed shows soon.
    Recorded less = recorded;
    const std::size_t middle = recorded.inputs.size() / 2;
    less.inputs.erase(less.inputs.begin() + static_cast<std::ptrdiff_t>(middle));
    less.wanted.erase(less.wanted.begin() + static_cast<std::ptrdiff_t>(middle));
    const std::size_t differs = first_difference(less, *birth);
    CHECK(differs >= middle);
    CHECK(differs < middle + 300);
}

TEST_CASE("bytes that are no recording are no recording, whatever they say") {
    Recorded recorded(1);
    ClusterOptions o = eventful(gossip::Kind::gossip);
    o.tap = &recorded;
    Cluster cluster(o);
    cluster.run_for(2s);
    for (std::size_t length = 0; length < recorded.birth.size(); ++length) CHECK_FALSE(wire::decode_birth(bytes_of(recorded.birth).first(length)));
    Random random(5);
    std::size_t refused = 0;
    membership::Book book;
    for (int i = 0; i < 20'000; ++i) {
        const bool birth = i % 4 == 0;
        std::string bytes = birth ? recorded.birth : recorded.inputs[random.below(recorded.inputs.size())];
        for (std::uint64_t n = 1 + random.below(4); n > 0; --n) bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
        if (random.chance(0.3)) bytes.resize(random.below(bytes.size() + 1));
        refused += birth ? !wire::decode_birth(bytes_of(bytes)) : !wire::decode_input(bytes_of(bytes), book);
    }
    CHECK(refused > 5000);
    CHECK_FALSE(wire::decode_digests(bytes_of(std::string("\xff\xff\xff\xff", 4))));
}

TEST_CASE("who listens changes nothing") {
    const auto hash = [](bool listened) {
        Recorded recorded(1);
        ClusterOptions o = eventful(gossip::Kind::gossip);
        if (listened) o.tap = &recorded;
        Cluster cluster(o);
        let_much_happen(cluster);
        return cluster.world().trace_hash();
    };
    CHECK(hash(true) == hash(false));
}

TEST_CASE("a tap hears of each message once from its sender, and once from each copy that arrives") {
    struct Ear final : sim::Tap {
        void sent(Instant now, const Parcel& p) override {
            for (int copy = 0; copy < p.copies; ++copy)
                CHECK(under_way.emplace(std::pair(p.passage.from, p.passage.serial + static_cast<std::uint32_t>(copy)), std::pair(p.passage.to, now)).second);
            copies[static_cast<std::size_t>(p.copies)]++;
            bytes += p.payload + p.control;
        }
        void arrived(Instant now, const Passage& p, bool taken) override {
            const auto found = under_way.find({p.from, p.serial});
            REQUIRE(found != under_way.end());
            CHECK(found->second.first == p.to);
            CHECK(found->second.second <= now);
            under_way.erase(found);
            gone += !taken;
        }
        void order_begun(Instant, std::uint32_t peer, const Order& order) override { CHECK(orders.emplace(peer, order.tag).second); }
        void order_ended(Instant, std::uint32_t peer, const Order& order) override {
            REQUIRE(orders.count(peer) == 1);
            CHECK(orders[peer] == order.tag);
            orders.erase(peer);
        }
        void stopped(Instant, std::uint32_t peer) override { orders.erase(peer), ++stops; }
        void paused(Instant, std::uint32_t) override { ++pauses; }
        void resumed(Instant, std::uint32_t) override { ++resumes; }
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::uint32_t, Instant>> under_way;
        std::map<std::uint32_t, std::uint32_t> orders;
        std::array<int, 3> copies{};
        std::uint64_t bytes = 0;
        int gone = 0, stops = 0, pauses = 0, resumes = 0;
    } ear;
    ClusterOptions o = eventful(gossip::Kind::gossip);
    o.tap = &ear;
    Cluster cluster(o);
    let_much_happen(cluster);
    const sim::Counters& c = cluster.world().counters();
    CHECK(static_cast<std::uint64_t>(ear.copies[0]) == c.lost);
    CHECK(static_cast<std::uint64_t>(ear.copies[0] + ear.copies[1] + ear.copies[2]) == c.messages);
    CHECK(ear.copies[2] > 0);
    CHECK(ear.bytes == c.bytes_payload + c.bytes_control);
    CHECK(ear.gone > 0);
    CHECK(ear.under_way.size() < 30);
    CHECK(ear.stops == 2);
    CHECK(ear.pauses == 1);
    CHECK(ear.resumes == 1);
}
