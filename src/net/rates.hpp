#pragma once

#include <map>

#include "bucket.hpp"
#include "grapevine/net/transport.hpp"

namespace grapevine::net {

// How much of the control plane one peer may take, and all together. Of all, what is too much is not read: ZeroMQ reads from
// its connections in turn, so that who sends much waits, and who sends little does not. Of one, it is dropped.
class Rates {
public:
    explicit Rates(const Options& options)
        : per_peer_(options.frames_per_peer), all_(options.frames_of_all, burst), greets_(options.greets_of_all, burst) {}

    bool may_read(Instant now) const { return all_.may(now); }
    void read(Instant now) { reading_ = now, all_.take(now, 1); }
    Instant due() const { return all_.may(reading_) ? Instant::max() : all_.due(); }  // when reading goes on
    bool greet(Instant now) { return greets_.take_one(now); }
    bool frame(PeerId from, Instant now) {
        const auto at = peers_.try_emplace(from, per_peer_, burst).first;
        return at->second.take_one(now);
    }
    // Who has used nothing for a burst's time is as new.
    void tidy(Instant now) {
        std::erase_if(peers_, [&](const auto& peer) { return peer.second.due() + burst <= now; });
    }

private:
    static constexpr Duration burst = std::chrono::seconds(1);

    double per_peer_;
    Bucket all_, greets_;
    std::map<PeerId, Bucket> peers_;
    Instant reading_{};
};

}  // namespace grapevine::net
