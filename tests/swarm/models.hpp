#pragma once

#include <cassert>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::swarm {

// Of the laws' models, which compute in float64.
inline std::vector<double> parameters_of(sim::World& world, std::uint32_t peer) {
    Learner& learner = world.learner(peer);
    const Completion done = learner.carry_out({0, Publish{model_slot, {0, learner.size()}}});
    const Snapshot& s = std::get<Published>(done.what).snapshot;
    assert(s.encoding == Encoding::float64);
    const auto* values = reinterpret_cast<const double*>(s.bytes.data);
    return {values, values + s.range.count};
}

inline bool anybody_lies(const config::Config& c) {
    for (const config::Event& e : c.events)
        if (e.kind == config::Event::Kind::liar) return true;
    return false;
}

// Then a message may say another mass, another weight, or that somebody is dead at an incarnation that was never reached: what any of
// these does to the cluster is what a garbled word says, and only that nobody stops at it can be asked for.
inline bool anything_is_garbled(const config::Config& c) {
    for (const config::Event& e : c.events)
        if (e.kind == config::Event::Kind::corrupt) return true;
    return false;
}

// Between which two numbers lies what peers 0 to peers - 1 train towards.
inline std::pair<double, double> goals(const config::Config& c, std::size_t peers) {
    double started = 0;
    for (const config::Group& g : c.groups) started += g.count;
    using Rule = config::PerPeer::Rule;
    switch (c.model.b.rule) {
        case Rule::number: return {c.model.b.number, c.model.b.number};
        case Rule::index: return {0, started < 2 ? 0 : std::max(1.0, static_cast<double>(peers - 1) / (started - 1))};
        case Rule::alternate: return {-1, 1};
        case Rule::list: break;
    }
    assert(false);
    return {};
}

}  // namespace grapevine::swarm
