#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "grapevine/keys/keys.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/net/keys.hpp"

namespace grapevine::node {

// Whose word counts: who holds a key that is allowed, about itself. As the notary of the node's book it signs our own record and
// refuses those that their subjects did not sign; to the transport it says who may connect.
//
// Without a list who holds our own key is a member: one file, copied to all. With a list each has its own. The file may
// change while we run; it is believed when it has kept still from one look to the next, so that nobody is thrown out by an editor
// that has written half of it.
//
//   as read ── another size, time or file ──▶ changed ── still so at the next look ──▶ read anew: taken, or said to be wrong
//                                                └── changed again: one more look ──┘
class Admission : public membership::Notary {
public:
    Admission(keys::Pair pair, std::vector<keys::Allowed> allowed, std::string list);  // list: its path, or empty

    std::string sign(const membership::Record& record) override;
    void signed_to(std::function<void(const std::string&)> listener) { listener_ = std::move(listener); }  // who hears of each signature
    bool genuine(const membership::Record& record) const override;

    const std::string& key() const { return pair_.public_key; }
    PeerId draw_id() const;
    bool allows(const std::string& key) const { return allowed_.contains(key); }
    std::string label(const std::string& key) const;            // as the list calls it; else the key's beginning

    net::Keys for_transport() const;
    std::vector<std::string> allowed() const;                   // for the transport, as the next two
    std::string transport_key(const std::string& key) const;    // empty if it is not allowed
    std::vector<std::string> expected(const std::string& key) const;  // at a seed; empty: anybody's

    // Now and then. What became of the list, if it has changed.
    struct Change {
        std::vector<std::string> in, out;       // keys
        std::optional<keys::Error> fault;       // then it stays as it was
    };
    std::optional<Change> look();

private:
    struct Known {
        std::string curve, label;
    };
    struct Stamp {
        long long seconds = 0, nanoseconds = 0, size = -1;
        unsigned long long file = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    Stamp stamp() const;
    static std::map<std::string, Known> known(const std::vector<keys::Allowed>& allowed);

    keys::Pair pair_;
    std::string list_;
    std::function<void(const std::string&)> listener_;
    std::map<std::string, Known> allowed_;      // by key
    std::vector<std::string> order_;            // of the list
    Stamp read_, seen_;
};

// "tcp://KEY@HOST:PORT" as a key (empty: none was said) and the address.
struct Seed {
    std::string key, address;
};
Seed seed_of(const std::string& text);

}  // namespace grapevine::node
