#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "grapevine/gossip/exchange.hpp"
#include "grapevine/membership/membership.hpp"
#include "grapevine/net/transport.hpp"

namespace grapevine::node {

// To and from whom parameters flow, and what came of it. Of the last `most` partners: in a large cluster everybody is one sooner or later.
class Partners {
public:
    static constexpr std::size_t most = 256;

    // Parameters that were handed to the transport, or came in whole. `t`: seconds since the node started, here and below.
    void sent(double t, PeerId to, std::uint64_t bytes);
    void received(double t, PeerId from, std::uint64_t bytes);
    void mixed(double t, const gossip::MixedWith& mix);
    void failed(double t, const gossip::Failed& failed);

    // What the status port says of them, as JSON: with what the transport knows of the way to each.
    std::string json(double t, const std::string& node, const net::Counters& traffic, const membership::Membership& members, const membership::Book& book) const;

private:
    struct Partner {
        double heard_of = 0;  // when anything last happened
        std::uint64_t sent_bytes = 0, received_bytes = 0, mixes = 0, failures = 0;
        std::uint32_t failures_in_a_row = 0;  // of those that speak of the way there: nobody answered, or parameters were given up
        std::optional<gossip::Failure> why;   // of the last that failed, if none was mixed since
        struct Mix {
            double t, took;
            std::uint64_t staleness;
            std::optional<double> distance;   // relative
        };
        std::optional<Mix> last;
    };
    Partner& at(double t, PeerId who);

    std::map<PeerId, Partner> all_;
};

}  // namespace grapevine::node
