// Two peers whose pings come through and whose parameters do not.
#include <doctest/doctest.h>

#include "../support/cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

struct Count {
    int mixed = 0, failed = 0, shut = 0, open = 0, suspected = 0;
};
// What `peer` has told of `other` since the last time.
Count told(const std::vector<sim::Note>& notes, std::uint32_t peer, std::uint32_t other) {
    Count c;
    const PeerId who = sim::id_of(other);
    for (const sim::Note& note : notes) {
        if (note.peer != peer) continue;
        if (const auto* m = std::get_if<gossip::MixedWith>(&note.event)) c.mixed += m->with == who;
        if (const auto* f = std::get_if<gossip::Failed>(&note.event)) c.failed += f->with == who && f->why != gossip::Failure::declined;
        if (const auto* s = std::get_if<membership::Suspected>(&note.event)) c.suspected += s->peer == who;
        if (const auto* b = std::get_if<membership::BulkWay>(&note.event)) {
            c.shut += b->peer == who && b->way == membership::Way::shut;
            c.open += b->peer == who && b->way == membership::Way::open;
        }
    }
    return c;
}

}  // namespace

TEST_CASE("two peers between which no parameters come through skip each other, mix through the others, and find it out when they do") {
    ClusterOptions o = gossiping(4, 250ms);
    Cluster cluster(o);
    cluster.run_for(5s);
    const auto cut = cluster.world().network().faults().bulk_cut({0}, {1});
    cluster.run_for(30s);
    std::vector<sim::Note> notes = cluster.world().take_notes();
    for (const auto& [peer, other] : {std::pair{0u, 1u}, {1u, 0u}}) {
        const Count c = told(notes, peer, other);
        CHECK(c.shut == 1);
        CHECK(c.suspected == 0);
        CHECK(cluster.world().peer(peer).members().bulk_way(sim::id_of(other)) == membership::Way::shut);
    }
    cluster.run_for(60s);
    notes = cluster.world().take_notes();
    for (std::uint32_t peer = 0; peer < 4; ++peer)
        for (std::uint32_t other = 0; other < 4; ++other) {
            if (peer == other) continue;
            CAPTURE(peer);
            CAPTURE(other);
            const bool apart = peer + other == 1;
            const Count c = told(notes, peer, other);
            if (apart) CHECK(c.mixed == 0);
            else CHECK(c.mixed > 40);   // of 240 that it began
            CHECK(c.failed <= (apart ? 3 : 0));
            CHECK((c.shut == 0 && c.open == 0));
        }
    CHECK(cluster.spread() < 0.01);
    cluster.world().network().faults().end(cut);
    cluster.run_for(90s);  // longer than the pause it has come to
    notes = cluster.world().take_notes();
    for (const auto& [peer, other] : {std::pair{0u, 1u}, {1u, 0u}}) {
        const Count c = told(notes, peer, other);
        CHECK(c.open == 1);
        CHECK(c.mixed > 10);
        CHECK(cluster.world().peer(peer).members().bulk_way(sim::id_of(other)) == membership::Way::open);
    }
}
