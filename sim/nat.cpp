#include "grapevine/sim/nat.hpp"

#include <algorithm>

namespace grapevine::sim {

std::vector<Connections::Open>::iterator Connections::place(std::uint32_t peer) {
    return std::lower_bound(open_.begin(), open_.end(), peer, [](const Open& o, std::uint32_t p) { return o.peer < p; });
}

void Connections::sends(Instant now, std::uint32_t to) {
    if (const auto at = place(to); at != open_.end() && at->peer == to) {
        at->used = now;
        return;
    }
    if (open_.size() >= tidy_at_) {
        std::erase_if(open_, [&](const Open& o) { return now - o.used > idle; });
        tidy_at_ = std::max<std::size_t>(16, 2 * open_.size());
    }
    open_.insert(place(to), {to, now});
}

bool Connections::lets_in(Instant now, std::uint32_t from) {
    const auto at = place(from);
    if (at == open_.end() || at->peer != from || now - at->used > idle) return false;
    at->used = now;
    return true;
}

}  // namespace grapevine::sim
