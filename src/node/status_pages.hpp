#pragma once

#include <string>

#include "grapevine/membership/membership.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/record/sample.hpp"
#include "workshop.hpp"

namespace grapevine::node {

// What the status port says of a node, besides its sample.
struct StatusFacts {
    std::string name, run_name, phase, device, exchange;
    std::uint64_t run = 0;
    std::uint64_t mixes = 0, failures = 0, skipped = 0, refused = 0, staleness = 0;
    double distance = 0;       // relative, of the last mix
    double training_loss = 0;  // of the last order
    Workshop::Times times;
};

std::string status_json(const StatusFacts& facts, const record::Sample& sample);
std::string members_json(const StatusFacts& facts, const Contact& self, const membership::Membership& members, const membership::Book& book);
// Text exposition format 0.0.4; base units, _total for what only grows.
std::string prometheus_text(const StatusFacts& facts, const record::Sample& sample, const net::Counters& traffic);

}  // namespace grapevine::node
