#include <doctest/doctest.h>

#include <string>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

// What a peer has trained since its last exchange is not lost with it, and it is gone soon whatever it exchanges by.
TEST_CASE("who leaves mixes once more, within two seconds, by every exchange") {
    using gossip::Kind;
    struct Row {
        const char* name;
        Kind kind;
        bool robust, convex;
        std::uint32_t group_size;
        bool mixes;  // with somebody, in the time between
    };
    const Row rows[] = {
        {"gossip", Kind::gossip, false, false, 2, true},         {"gossip, convex", Kind::gossip, false, true, 2, true},
        {"epidemic", Kind::epidemic, false, false, 2, false},    {"push-sum", Kind::push_sum, false, false, 2, false},
        {"robust", Kind::push_sum, true, false, 2, false},       {"outer", Kind::outer, false, false, 2, true},
        {"outer, all", Kind::outer, false, false, 0, false},     {"dpsgd", Kind::dpsgd, false, false, 2, false},
        {"group", Kind::group, false, false, 2, false},          {"allreduce", Kind::allreduce, false, false, 2, false},
        {"server", Kind::parameter_server, false, false, 2, false}, {"fedavg", Kind::fedavg, false, false, 2, false},
        {"local", Kind::local, false, false, 2, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        ClusterOptions o = gossiping(5, 400ms);
        o.exchange.kind = row.kind;
        o.exchange.robust = row.robust;
        o.exchange.form = row.convex ? gossip::Form::convex : gossip::Form::delta;
        o.exchange.group_size = row.group_size;
        const bool by_steps = row.kind == Kind::outer || row.kind == Kind::dpsgd || row.kind == Kind::group || row.kind == Kind::allreduce ||
                              row.kind == Kind::parameter_server || row.kind == Kind::fedavg;
        if (by_steps) o.exchange.period.reset(), o.exchange.every_steps = 40;
        Cluster cluster(o);
        cluster.run_for(2s);
        cluster.world().take_notes();
        cluster.world().leave(3);
        cluster.world().run_until(cluster.world().now() + 2300ms);  // two seconds, and two rounds of farewells
        CHECK(!cluster.world().up(3));
        bool mixed = false;
        for (const auto& note : cluster.world().take_notes()) mixed = mixed || (note.peer == 3 && std::holds_alternative<gossip::MixedWith>(note.event));
        if (row.mixes) CHECK(mixed);
        CHECK(cluster.world().up_count() == 4);
    }
}
