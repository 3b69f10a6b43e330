#include "lookup.hpp"

#include <thread>

namespace grapevine::net {

void Lookups::start(const std::string& endpoint, const HostPort& where) {
    std::thread([answers = answers_, endpoint, where] {
        Found found{endpoint, {}, {}};
        found.endpoints = look_up(where, found.why);
        answers->put(std::move(found));
    }).detach();
}

}  // namespace grapevine::net
