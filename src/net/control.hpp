#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "links.hpp"
#include "lookup.hpp"
#include "tally.hpp"

namespace grapevine::net {

// The control plane: greetings and small frames. Lives on the node's thread.
//
// A greeting:   greet ─▶ (look-up) ─▶ dialled ─┬─ welcome ───────────▶ Hello
//                            │                 ├─ another version ───▶ OtherVersion
//                            └─ no such host ──┴─ nothing in time ───▶ NoAnswer
class Control {
public:
    Control(zmq::context_t& context, const Self& self, Tally& tally, const Options& options, int io_thread);

    Links& links() { return links_; }
    void set_greeting(std::string greeting) { greeting_ = std::move(greeting); }
    void greet(const std::string& endpoint, Instant now);
    void send(PeerId to, std::string_view bytes, Instant now);

    std::optional<Inbound> take(Instant now);  // what came in or fell due; never waits
    Instant due() const;                       // when take() has something to do although nothing came in
    Bell& bell() { return lookups_.bell(); }   // rings when take() has something that is not on the socket

private:
    struct Greeting {
        std::uint64_t token = 0;
        std::vector<std::string> dialled;
        Instant deadline{};
    };

    std::optional<Inbound> handle(const Links::Arrived& arrived, Instant now);
    std::optional<Inbound> welcomed(const Links::Arrived& arrived, const Header& header, Reader reader, Instant now);
    std::optional<Inbound> other_version(const Links::Arrived& arrived, Versions theirs);
    void greeted(const Links::Arrived& arrived, const Header& header, Reader reader, Instant now);
    void reach(const std::string& endpoint, const std::vector<std::string>& numeric, const std::string& why, Instant now);
    void give_up(const std::string& endpoint, const std::string& why);
    std::optional<Inbound> expired(Instant now);
    std::optional<Inbound> dropped(Drop reason);
    bool put(const Route& route, const std::string& frame, Instant now);
    Header header(Kind kind, PeerId to) const { return {wire_version, kind, self_.run, self_.id, to}; }

    const Self& self_;
    Tally& tally_;
    Links links_;
    Lookups lookups_;
    std::string greeting_;
    Duration greet_patience_;
    std::map<std::string, Greeting> greetings_;  // under way, by endpoint
    std::deque<Inbound> failed_;                 // greetings that ended without the network
    Instant next_tidy_{};
};

}  // namespace grapevine::net
