#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "address.hpp"
#include "inbox.hpp"

namespace grapevine::net {

// Names are looked up on threads of their own: a name server that does not answer keeps getaddrinfo for many
// seconds, and libzmq would spend them in the thread that carries the pings.
class Lookups {
public:
    struct Found {
        std::string endpoint;                // as it was asked for
        std::vector<std::string> endpoints;  // numeric; none if it failed
        std::string why;
    };

    void start(const std::string& endpoint, const HostPort& where);
    std::optional<Found> take() { return answers_->take(); }
    Bell& bell() { return answers_->bell(); }

private:
    // Shared with the threads, which may outlive us: a look-up cannot be called off.
    std::shared_ptr<Mailbox<Found>> answers_ = std::make_shared<Mailbox<Found>>();
};

}  // namespace grapevine::net
