#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "knock.hpp"
#include "links.hpp"
#include "lookup.hpp"
#include "dial_back.hpp"
#include "rates.hpp"
#include "tally.hpp"

namespace grapevine::net {

// The control plane: greetings and small frames. Lives on the node's thread.
//
// A greeting:   greet ─▶ (look-up) ─▶ (knock) ─▶ dialled ─┬─ welcome ───────────▶ Hello
//                            │            │               ├─ another version ───▶ OtherVersion
//                            │            └─ turned away ─┼────────────────────▶ TurnedAway
//                            └─ no such host ─────────────┴─ nothing in time ──▶ NoAnswer
//
// With keys we knock first, since one has to be expected. Without, we knock where nobody answered: to see whether it is because
// others have keys.
class Control {
public:
    Control(zmq::context_t& context, const Self& self, Tally& tally, const Options& options, int io_thread, const Gatekeeper* keeper = nullptr);

    Links& links() { return links_; }
    void set_greeting(std::string greeting) { greeting_ = std::move(greeting); }
    void greet(const std::string& endpoint, const std::vector<std::string>& keys, Instant now);
    void send(PeerId to, std::string_view bytes, Instant now);
    void call(PeerId to, Instant now) { send(Kind::call, to, {}, now); }
    std::optional<PeerId> take_call();         // who has called, and wants our bulk plane to dial its
    void ask_back(PeerId who, const std::string& our_endpoint, Instant now);

    std::optional<Inbound> take(Instant now);  // what came in or fell due; never waits
    Instant due() const;                       // when take() has something to do although nothing came in
    bool reads(Instant now) const { return rates_.may_read(now); }  // or what came in waits until due()
    Bell& bell() { return lookups_.bell(); }   // rings when take() has something that is not on the socket; so does
    Knocks& knocks() { return knocks_; }       // the bell of these

private:
    struct Greeting {
        std::uint64_t token = 0;
        std::vector<std::string> dialled;
        std::vector<KeyText> keys;  // whose it may be
        bool knocked = false;
        Instant deadline{};
    };

    void send(Kind kind, PeerId to, std::string_view bytes, Instant now);
    std::optional<Inbound> of_run(const Header& header, Reader reader, const KeyText& key, Instant now);
    void try_out(PeerId asker, std::uint64_t token, std::string endpoint, const KeyText& key, Instant now);
    void tell_tried(const DialBack::Trial& trial, bool reached, Instant now);
    std::optional<Inbound> handle(const Links::Arrived& arrived, Instant now);
    std::optional<Inbound> welcomed(const Links::Arrived& arrived, const Header& header, Reader reader, Instant now);
    std::optional<Inbound> other_version(const Links::Arrived& arrived, Versions theirs);
    void greeted(const Links::Arrived& arrived, const Header& header, Reader reader, Instant now);
    void reach(const std::string& endpoint, const std::vector<std::string>& numeric, const std::string& why, Instant now);
    void dial(const std::string& endpoint, const std::vector<std::string>& numeric, const KeyText& key, const std::string& why, Instant now);
    void opened(const Knocks::Answer& answer, Instant now);
    void give_up(const std::string& endpoint, const std::string& why);
    void end(const std::string& endpoint, Inbound how);
    std::optional<Inbound> expired(Instant now);
    std::optional<Inbound> dropped(Drop reason);
    bool put(const Route& route, const std::string& frame, Instant now);
    Header header(Kind kind, PeerId to) const { return {wire_version, kind, self_.run, self_.id, to}; }

    const Self& self_;
    Tally& tally_;
    Links links_;
    Lookups lookups_;
    Knocks knocks_;
    std::optional<Keys> keys_;  // ours
    std::string greeting_;
    Duration greet_patience_;
    std::map<std::string, Greeting> greetings_;  // under way, by endpoint
    DialBack dial_back_;
    Rates rates_;
    std::deque<PeerId> calls_;
    std::deque<Inbound> failed_;                 // greetings that ended without the network
    Instant next_tidy_{};
};

}  // namespace grapevine::net
