#pragma once

#include "grapevine/sim/world.hpp"
#include "watch.hpp"

namespace grapevine::sim {

// What the peers' views come to together, at one instant. A walk over all entries of all of them, n^2 of them where
// views are full: only for who asks.
struct Views {
    std::optional<double> full;           // share of the peers up whose view is exactly those that are up
    std::optional<double> disagreements;  // members that some healthy peer holds as present, and another does not
    std::optional<double> suspects;       // pairs of a peer and one that it suspects
    std::optional<double> largest_component;  // share of the peers up that who-holds-whom joins into one
};

// `partial`: views are meant to hold a few; then the first three mean nothing.
Views look_at_views(const World& world, const Watch& watch, bool partial);

}  // namespace grapevine::sim
