#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include <zmq.hpp>

#include "clock.hpp"
#include "frame.hpp"
#include "gatekeeper.hpp"
#include "grapevine/net/transport.hpp"
#include "watch.hpp"

// The connections of one plane. One ROUTER socket both listens and dials, so that waiting costs the same for one
// peer and for a thousand, and a connection serves both directions whoever opened it.
//
//   a connection we dialled  is called 'D' and 16 random bytes here. The name never leaves this process.
//   one a peer dialled       is called 'V', the peer's id and 8 random bytes: the dialler announces that. The
//                            random part makes each connection's name its own and nobody else's to take over.
//
// Of two connections between a pair the one that the lower id opened is used; the other falls idle and is closed.
namespace grapevine::net {

using Route = std::string;  // a connection's name

struct Plane {
    const char* name;        // for error messages
    int io_thread = 0;       // which of the context's
    int max_message = 0;     // bytes of one part; a longer one costs the sender its connection, and us nothing
    int max_queued_out = 0;  // messages, of each connection; likewise below
    int max_queued_in = 0;
    Duration idle{};
    bool nearby = false;     // peers of this machine are met at a Unix socket too
};

class Links {
public:
    // With a keeper every connection is encrypted, and belongs to who holds its key.
    Links(zmq::context_t& context, PeerId self, const Plane& plane, const Gatekeeper* keeper = nullptr);

    std::optional<Error> listen(const std::string& host, std::uint16_t port);
    std::uint16_t port() const { return port_; }
    void watched_by(Watch& watch);  // before its thread starts
    void* socket() { return socket_.handle(); }

    void know(PeerId peer, const std::string& endpoint, const KeyText& key = {});
    void forget(PeerId peer);
    bool knows(PeerId peer) const { return book_.contains(peer); }

    // The connection to use for a peer, dialled if there is none. Nothing if there is no way to it.
    std::optional<Route> route(PeerId peer, Instant now);
    // Nothing also where somebody with another key answers. `who` should be there, if that is known: it may be nearby.
    std::optional<Route> dial(const std::string& endpoint, Instant now, const KeyText& key = {}, PeerId who = {});
    bool nearby(PeerId peer, const Route& route) const;  // does the route that was given for it leave TCP out?
    const KeyText* key_of(const Route& route) const;  // of whom we dialled; null if they did
    void hang_up_on_the_banned();
    void hang_up(const std::string& endpoint);     // and forget what waits there
    void hang_up_route(const Route& route);        // if we dialled it
    void hang_up_unless_known(const std::string& endpoint);

    enum class Sent { yes, full, gone };
    Sent send(const Route& route, const std::string& head, zmq::message_t* body, Instant now);

    struct Arrived {
        Route route;
        zmq::message_t head, body;  // the body has no bytes if there was no second part
        bool two_parts = false;
        std::string_view bytes() const { return {head.data<char>(), head.size()}; }
        std::size_t size() const { return head.size() + body.size(); }
        const char* key = "";  // of whoever dialled us, as long as the head is there
        int file = -1;         // that it came through; it may have been closed meanwhile
    };
    enum class Take { nothing, message, garbage, banned };  // banned: its key is no longer allowed; its connection ends
    Take take(Arrived& arrived);  // never waits
    bool waiting() const { return !stash_.empty(); }  // something to take that polling does not show

    // May a frame that came this way be from `claimed`?
    bool belongs(const Arrived& arrived, PeerId claimed) const;
    KeyText key_over(const Arrived& arrived) const;   // that its connection belongs to; empty without keys
    // The endpoint we dialled, if we did.
    const std::string* dialled(const Route& route) const;
    void heard(const Arrived& arrived, PeerId from, Instant now);
    // A connection that we dialled by address alone turned out to lead to `who`. It may be the only way there:
    // what a peer advertises can be wrong.
    void met(const Arrived& arrived, PeerId who, Instant now);

    void tidy(Instant now);       // closes what is idle; cheap enough for every second
    std::size_t connections() const { return dials_.size() + callers_.size(); }
    void close(Duration linger);

private:
    struct Dial {
        Route route;
        Instant used{};           // last sent or heard
        Instant heard{};
        PeerId met;
        KeyText key;              // that answers there
        std::string connected;    // as ZeroMQ knows it: the endpoint, or one nearby
        bool nearby = false;
    };
    struct Caller {               // a peer that dialled us, or that we met: its latest connection
        Route route;
        Instant heard{};
        bool nearby = false;
    };

    Take receive(Arrived& arrived);  // from the socket
    std::string nearby_to(PeerId who, const std::string& endpoint, Instant now) const;  // empty: TCP
    bool speaks_for(std::string_view key, PeerId claimed) const;
    KeyText key_known(PeerId peer) const;  // of who is in the book

    zmq::socket_t socket_;
    std::deque<std::pair<Take, Arrived>> stash_;     // taken before a connection was hung up
    Watch* watch_ = nullptr;
    PeerId self_;
    Plane plane_;
    const Gatekeeper* keeper_;
    std::map<PeerId, KeyText> keys_;                 // of those in the book
    std::uint16_t port_ = 0;
    std::map<PeerId, std::string> book_;             // to the endpoint; empty: cannot be dialled
    std::map<std::string, Dial> dials_;              // by endpoint
    std::map<std::string, Instant> far_;             // endpoints whose peer was nearby, and did not answer there: since when
    std::map<Route, std::string> dialled_;           // to the endpoint
    std::map<PeerId, Caller> callers_;
};

}  // namespace grapevine::net
