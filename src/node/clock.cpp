// The clock on the wall: the others are told what ours shows, and people by how much it is off.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "grapevine/record/format.hpp"
#include "log.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {
constexpr Duration look_every = std::chrono::seconds(1);
constexpr std::int64_t as_before = 1'000'000;          // ns: a clock that is only kept right
constexpr Duration far = std::chrono::seconds(1);      // logs of several machines no longer tell what came first
constexpr Duration near = std::chrono::milliseconds(500);
}  // namespace

void Node::look_at_the_clock() {
    if (now() < next_look_at_clock_) return;
    next_look_at_clock_ = now() + look_every;
    const auto shows = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const std::int64_t at_zero = shows - now().time_since_epoch().count();
    if (std::abs(at_zero - clock_told_) > as_before) {
        clock_told_ = at_zero;
        step(membership::WallClock{at_zero});
    }
    const auto ahead = peer_->members().others_ahead();
    set_offset(ahead ? std::optional(seconds(*ahead)) : std::nullopt);
    if (!ahead) return;
    if (clock_said_ != Duration::zero() && std::chrono::abs(*ahead) < near) {
        clock_said_ = Duration::zero();
        log(Level::info, "node", "the clock of this machine is as the others' again");
    } else if (std::chrono::abs(*ahead) >= far && std::chrono::abs(*ahead - clock_said_) >= std::max(far, std::chrono::abs(clock_said_) / 2)) {  // one that runs wrong is not said each second
        clock_said_ = *ahead;
        log(Level::warn, "node", "the clock of this machine is " + record::format_seconds(seconds(std::chrono::abs(*ahead))) + (*ahead > Duration::zero() ? " behind" : " ahead of") +
                                     " the others', by their answers to pings: times in this log are off by as much, and nothing else is. Does something keep it right (NTP)?");
    }
}

}  // namespace grapevine::node
