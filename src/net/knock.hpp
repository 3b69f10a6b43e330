#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gatekeeper.hpp"
#include "inbox.hpp"

namespace grapevine::net {

// Before a stranger's address is greeted it has to be known whose key is behind it: each candidate is tried by a handshake of
// its own, and nothing else is said. It tells also why nobody who listens lets us in, of which libzmq says nothing where frames
// are sent. On a thread of its own with a context of its own: it takes as long as the network does.
//
//   connecting ──┬─ the handshake succeeds ─────────────────▶ in, with that key
//                ├─ other mechanism: keys here or there only ─┐
//                ├─ refused: it does not allow our key ───────┼▶ once all have ended: turned away, and why
//                ├─ broken off, twice: it holds another key ──┘
//                └─ nobody there, until the patience is over ─▶ silence
class Knocks {
public:
    struct Door {
        std::string endpoint;                // as it was greeted
        std::vector<std::string> addresses;  // numeric
        std::vector<KeyText> keys;           // that it may have; none: we have none either
        bool once = false;                   // and do not wait for somebody to listen
    };
    enum class Outcome { in, turned_away, silence };
    struct Answer {
        std::string endpoint;
        Outcome outcome = Outcome::silence;
        std::string address;                 // in: that which answered
        KeyText key;                         // in: its key
        std::string why;                     // turned away: what happened and what to do
    };

    // `ours`: none where we have no key.
    void start(Door door, std::optional<Keys> ours, Duration patience);
    std::optional<Answer> take() { return answers_->take(); }
    Bell& bell() { return answers_->bell(); }

private:
    // Shared with the threads, which may outlive us.
    std::shared_ptr<Mailbox<Answer>> answers_ = std::make_shared<Mailbox<Answer>>();
};

}  // namespace grapevine::net
