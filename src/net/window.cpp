#include "window.hpp"

#include <algorithm>
#include <utility>

#include "frame.hpp"

namespace grapevine::net {
namespace {

constexpr Duration epoch = std::chrono::seconds(10);
constexpr int rounds_looking = 2;  // the first is of what was on its way before

}  // namespace

std::uint64_t Window::chunk_bytes() const {
    return std::clamp<std::uint64_t>(bytes_ / 8, least_bytes / 2, max_chunk_bytes);
}

Duration Window::least() const {
    const Duration least = std::min(least_, least_before_);
    return least == Duration::max() ? Duration::zero() : least;
}

double Window::rate() const { return std::max(rate_, rate_before_); }

void Window::acknowledged(Instant now, std::uint64_t bytes, Duration round_trip) {
    if (now - epoch_ > epoch) {
        epoch_ = now;
        least_before_ = std::exchange(least_, Duration::max());
        rate_before_ = std::exchange(rate_, 0.0);
        // A queue that is always there would pass for the link's own delay. Let it drain, and look.
        bytes_ = std::max(least_bytes, bytes_ / 2);
        looking_ = rounds_looking;
        acknowledged_ = 0;
    }
    least_ = std::min(least_, round_trip);
    smooth_ = smooth_ == Duration::zero() ? round_trip : smooth_ + (round_trip - smooth_) / 8;
    // What was acknowledged while this chunk was on its way: never more than the link carries in that time.
    const Instant sent = now - round_trip;
    while (history_.size() > 1 && history_[1].at <= sent) history_.pop_front();
    const std::uint64_t before = !history_.empty() && history_.front().at <= sent ? history_.front().delivered : delivered_;
    delivered_ += bytes;
    history_.push_back({now, delivered_});
    if (round_trip > Duration::zero()) rate_ = std::max(rate_, static_cast<double>(delivered_ - before) / seconds(round_trip));
    if (const double rate = this->rate(); rate > 0) best_ = std::min(best_, round_trip - from_seconds(static_cast<double>(chunk_bytes()) / rate));
    acknowledged_ += bytes;
    if (acknowledged_ >= bytes_) end_round();
}

void Window::end_round() {
    acknowledged_ = 0;
    const bool limited = std::exchange(limited_, false);
    const Duration best = std::exchange(best_, Duration::max());
    if (looking_ > 0 && --looking_ > 0) return;
    const Duration least = this->least();
    const double carried = rate() * seconds(least + std::max(harmless, least / 5));
    std::uint64_t wanted = std::clamp(static_cast<std::uint64_t>(carried) + chunk_bytes(), least_bytes, most_bytes);
    // The best rate may have been a lucky one, or others have come: then a queue shows all the same.
    const Duration allowed = least + std::max(harmless, least / 4);
    if (best != Duration::max() && best > allowed)
        wanted = std::min(wanted, std::max(least_bytes, static_cast<std::uint64_t>(static_cast<double>(bytes_) * seconds(allowed) / seconds(best))));
    if (wanted < bytes_) bytes_ = std::max(wanted, bytes_ / 2);
    else if (limited) bytes_ = std::min(wanted, bytes_ * 2);
}

}  // namespace grapevine::net
