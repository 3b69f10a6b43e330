// Who watches must be seen to notice: each rule is broken once.
#include <doctest/doctest.h>

#include "cluster.hpp"
#include "grapevine/sim/invariants.hpp"

using namespace grapevine;
using namespace grapevine::test;
using membership::Rumor;
using membership::Standing;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Peer 1 hears of peer 2. It is a real one before the step, and whoever is wanted after it.
struct Table {
    membership::Book book;
    std::vector<membership::Handle> selves;
    std::vector<membership::Handle> watched;  // by the invariants, which keep it up to date
    sim::Invariants invariants{book, watched};
    membership::Config config{.confirm = false};  // one message makes any standing

    Table() {
        for (std::uint32_t i = 0; i < 3; ++i) {
            selves.push_back(of(i, 0));
            watched.push_back(selves.back());
        }
    }
    membership::Handle of(std::uint32_t peer, std::uint32_t incarnation, std::uint64_t generation = 1) {
        membership::Record record;
        record.contact.id = sim::id_of(peer);
        record.incarnation = incarnation;
        record.generation = generation;
        return *book.intern(record);
    }
    // One that has come to hold peer 2 for this.
    membership::Membership holding(std::uint32_t incarnation, Standing standing) {
        membership::Membership m(book, selves[0], config, Random(1), {of(1, incarnation), selves[2]});
        if (standing != Standing::alive) {
            membership::Membership::Effects effects;
            m.receive(Instant(1s), sim::id_of(2), message(of(1, incarnation), standing), effects);
        }
        CHECK(m.roster().find(sim::id_of(1))->standing == standing);
        return m;
    }
    static membership::Message message(membership::Handle about, Standing standing) {
        membership::Message m{membership::Gossip{}, {}};
        m.rumors.push_back(Rumor{about, standing, sim::id_of(2)});
        return m;
    }
    std::string step(const membership::Membership& before, const membership::Membership& after, std::size_t cap = 100) {
        const Peer::Input input = Received<Peer::Message>{sim::id_of(2), Peer::Message(message(selves[1], Standing::alive))};
        CHECK(invariants.before(Instant(2s), 0, before, input));
        invariants.after(Instant(2s), 0, after, cap);
        return invariants.first() ? invariants.first()->what : "";
    }
};

}  // namespace

TEST_CASE("who holds another otherwise than before must have a reason") {
    const auto after = [](std::uint32_t i, Standing before, std::uint32_t j, Standing then) {
        Table t;
        return t.step(t.holding(i, before), t.holding(j, then));
    };
    using S = Standing;
    CHECK(after(0, S::alive, 0, S::alive).empty());
    CHECK(after(0, S::alive, 0, S::suspect).empty());
    CHECK(after(0, S::suspect, 0, S::dead).empty());
    CHECK(after(0, S::dead, 0, S::left).empty());
    CHECK(after(0, S::suspect, 1, S::alive).empty());
    CHECK(after(0, S::dead, 1, S::alive).empty());
    CHECK(after(0, S::left, 1, S::alive).empty());
    for (const S gone : {S::suspect, S::dead, S::left}) CHECK(contains(after(0, gone, 0, S::alive), "nobody comes back at the same incarnation"));
    CHECK(contains(after(0, S::dead, 0, S::suspect), "nobody comes back"));
    CHECK(contains(after(0, S::left, 0, S::dead), "what has left never becomes dead"));
    CHECK(contains(after(0, S::left, 1, S::dead), "what has left never becomes dead"));
    CHECK(contains(after(2, S::alive, 1, S::alive), "an incarnation never falls"));
    CHECK(contains(after(2, S::dead, 1, S::dead), "an incarnation never falls"));
}

TEST_CASE("nobody raises an incarnation but its owner") {
    Table t;
    const membership::Membership observer = t.holding(0, Standing::alive);
    const auto hear = [&](membership::Handle about) {
        t.invariants.before(Instant(2s), 0, observer, Received<Peer::Message>{sim::id_of(2), Peer::Message(Table::message(about, Standing::alive))});
        return t.invariants.first() ? t.invariants.first()->what : "";
    };
    CHECK(hear(t.of(1, 0)).empty());
    CHECK(hear(t.of(7, 9)).empty());  // nobody of this world: a stranger's business
    CHECK(contains(hear(t.of(1, 1)), "is told of p2 at incarnation 1 of generation 1, which itself is at 0 of 1"));
    CHECK(t.invariants.first()->peer == 0);
    CHECK(t.invariants.first()->at == Instant(2s));
    Table other;
    other.invariants.before(Instant(2s), 0, other.holding(0, Standing::alive),
                            Received<Peer::Message>{sim::id_of(2), Peer::Message(Table::message(other.of(1, 0, 2), Standing::alive))});
    CHECK(other.invariants.first());
}

TEST_CASE("rumors stay under their cap, and a view holds nobody twice nor its owner") {
    Table t;
    CHECK(contains(t.step(t.holding(0, Standing::alive), t.holding(0, Standing::dead), 0), "more than its cap of 0"));
    const auto look = [](const std::vector<std::uint32_t>& view) {
        Table table;
        std::vector<membership::Handle> known;
        for (const std::uint32_t p : view) known.push_back(table.of(p, p == 1 ? static_cast<std::uint32_t>(known.size()) : 0));
        table.invariants.look_at_roster(Instant(3s), 0, membership::Roster(table.book, known));
        return table.invariants.first() ? table.invariants.first()->what : "";
    };
    CHECK(look({1, 2}).empty());
    CHECK(contains(look({1, 1, 2}), "p2 twice"));
    CHECK(contains(look({0, 1, 2}), "itself"));
}

TEST_CASE("a world notices a forged rumor, and says when and where; an honest one is never accused") {
    Cluster cluster(gossiping(5));
    cluster.run_for(3s);
    cluster.world().crash(3);
    cluster.world().pause(2, sim::World::Timers::run);
    cluster.run_for(20s);
    cluster.world().resume(2, sim::World::Timers::run);
    cluster.run_for(20s);
    cluster.world().look_at_views();
    CHECK(!cluster.world().violation());
    membership::Record record = cluster.world().book().at(cluster.world().peer(1).members().self());
    cluster.world().forge(0, 4, record, Standing::alive);
    cluster.run_for(1ms);
    CHECK(!cluster.world().violation());
    record.incarnation += 3;
    cluster.world().forge(0, 4, record, Standing::alive);
    cluster.run_for(1s);
    REQUIRE(cluster.world().violation());
    CHECK(cluster.world().violation()->peer == 4);
    CHECK(cluster.world().violation()->at == Instant(43s + 1ms));
    CHECK(contains(cluster.world().violation()->what, "p2"));
}
