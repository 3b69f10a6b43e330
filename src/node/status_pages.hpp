#pragma once

#include <array>
#include <map>
#include <string>

#include "grapevine/membership/membership.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/record/summary.hpp"
#include "metadata.hpp"
#include "workshop.hpp"

namespace grapevine::node {

// What a member is called to people: its standing, but for one that is alive and finds its own links bad.
enum class Status { alive, degraded, suspect, dead, left };
inline constexpr std::array<const char*, 5> status_words{"alive", "degraded", "suspect", "dead", "left"};
Status status_of(membership::Standing standing, bool degraded);
// How many there are of each, ourselves included.
std::array<std::size_t, 5> count_members(const membership::Membership& members, const membership::Book& book);

// What the status port says of a node, besides its sample.
struct StatusFacts {
    std::string name, version, run_name, phase, device, exchange, model, directory;
    Contact self;
    std::uint16_t status_port = 0;
    std::string status_host;
    std::uint64_t run = 0;
    std::uint64_t mixes = 0, failures = 0, skipped = 0, refused = 0, staleness = 0;
    record::ExchangeCounts counts;
    double distance = 0;       // relative, of the last mix
    double training_loss = 0;  // of the last order
    Workshop::Times times;
    struct Rates {             // a second, over the last ten
        double samples = 0, messages_out = 0, messages_in = 0, bytes_out = 0, bytes_in = 0;
    } rates;
    Metadata metadata;         // our own, as of now
    std::optional<double> clock_offset;  // by how much the others' clocks are ahead, s
};

std::string status_json(const StatusFacts& facts, const record::Sample& sample);
std::string members_json(const StatusFacts& facts, double unix_time, const membership::Membership& members, const membership::Book& book,
                         const std::map<PeerId, PeerId>& accusers);
std::string info_json(const StatusFacts& facts, const record::Sample& sample, const membership::Membership& members, const membership::Book& book);

std::string status_url(const std::string& host, std::uint16_t port);
std::string hex(std::uint64_t x);  // 16 digits: how an id is written

}  // namespace grapevine::node
