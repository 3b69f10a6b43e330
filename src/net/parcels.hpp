#pragma once

#include "links.hpp"
#include "tally.hpp"

namespace grapevine::net {

// What both ends of a parcel send with: the plane's connections, our name on the wire, and the counts.
class ParcelWire {
public:
    ParcelWire(Links& links, const Self& self, Tally& tally) : links_(links), self_(self), tally_(tally) {}

    Links& links() { return links_; }
    Tally& tally() { return tally_; }
    Writer begin(Kind kind, PeerId to) const { return Writer(Header{wire_version, kind, self_.run, self_.id, to}); }
    Links::Sent send(const Route& route, const std::string& head, Instant now, zmq::message_t* body = nullptr) {
        const std::size_t size = head.size() + (body ? body->size() : 0);  // sending empties the body
        const Links::Sent sent = links_.send(route, head, body, now);
        if (sent == Links::Sent::yes) {
            Tally::add(tally_.frames_out);
            Tally::add(tally_.bytes_out, size);
        }
        return sent;
    }

private:
    Links& links_;
    const Self& self_;
    Tally& tally_;
};

}  // namespace grapevine::net
