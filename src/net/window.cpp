#include "window.hpp"

#include <algorithm>
#include <utility>

#include "frame.hpp"

namespace grapevine::net {
namespace {

constexpr int rounds_held = 16;
constexpr Duration epoch = std::chrono::seconds(10);

}  // namespace

std::uint64_t Window::chunk_bytes() const {
    return std::clamp<std::uint64_t>(bytes_ / 2, least_bytes / 2, max_chunk_bytes);
}

Duration Window::least() const {
    const Duration least = std::min(least_, least_before_);
    return least == Duration::max() ? Duration::zero() : least;
}

void Window::acknowledged(Instant now, std::uint64_t bytes, Duration round_trip) {
    if (now - epoch_ > epoch) {
        epoch_ = now;
        least_before_ = std::exchange(least_, Duration::max());
    }
    least_ = std::min(least_, round_trip);
    best_ = std::min(best_, round_trip);
    smooth_ = smooth_ == Duration::zero() ? round_trip : smooth_ + (round_trip - smooth_) / 8;
    acknowledged_ += bytes;
    if (acknowledged_ >= bytes_) end_round();
}

void Window::end_round() {
    const Duration least = std::min(least_, least_before_);
    const Duration allowed = least + std::max(harmless, least / 4);
    if (best_ > allowed) {
        const double share = std::max(0.5, seconds(allowed) / seconds(best_));
        bytes_ = std::max(least_bytes, static_cast<std::uint64_t>(static_cast<double>(bytes_) * share));
        doubling_ = false;
        held_ = rounds_held;
    } else if (held_ > 0) {
        --held_;
    } else if (limited_) {
        bytes_ = std::min(most_bytes, doubling_ ? bytes_ * 2 : bytes_ + bytes_ / 8);
    }
    acknowledged_ = 0;
    best_ = Duration::max();
    limited_ = false;
}

}  // namespace grapevine::net
