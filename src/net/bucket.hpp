#pragma once

#include <algorithm>
#include <cstdint>

#include "grapevine/time.hpp"

namespace grapevine::net {

// So much a second, and a burst beside it: a leaky bucket, kept as the instant at which what was taken is paid for (the virtual
// scheduling of ITU-T I.371). What is taken may exceed the burst; then the next waits the longer, and the rate is kept exactly.
// No clock.
class Bucket {
public:
    Bucket() = default;                                                      // without a limit
    Bucket(double per_second, Duration burst) : per_second_(per_second), burst_(burst) {}

    bool limited() const { return per_second_ > 0; }
    double per_second() const { return per_second_; }
    bool may(Instant now) const { return !limited() || paid_ <= now + burst_; }
    Instant due() const { return paid_ - burst_; }                           // when it may
    void take(Instant now, double amount) {
        if (limited()) paid_ = std::max(paid_, now) + from_seconds(amount / per_second_);
    }
    bool take_one(Instant now) {                                             // if it may
        if (!may(now)) return false;
        take(now, 1);
        return true;
    }

private:
    double per_second_ = 0;
    Duration burst_{};
    Instant paid_{};
};

}  // namespace grapevine::net
