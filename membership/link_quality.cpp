#include "grapevine/membership/link_quality.hpp"

#include <algorithm>
#include <bit>

namespace grapevine::membership {

void LinkQuality::probed(bool answered) {
    constexpr std::uint64_t full = std::uint64_t{1} << window;
    const bool was_full = history_ >= full;
    history_ = history_ << 1 | (answered ? 0u : 1u);
    if (was_full) history_ = (history_ & (full - 1)) | full;
}

std::uint32_t LinkQuality::failing() const {
    return probes() == 0 ? 0 : static_cast<std::uint32_t>(std::popcount(history_) - 1) * 100 / probes();
}

bool LinkQuality::worse_than(std::uint32_t median, bool already) const {
    if (probes() < fewest) return already;
    // At a uniform loss of 10 % a share of 60 probes exceeds the others' by 20 points once in 7,700 times; a share
    // of 8 needs 55 points for the like.
    const std::uint32_t most = already ? 10 : 20 + 40 * (window - probes()) / window;
    return failing() > median + most;
}

namespace {
constexpr Duration a_minute = std::chrono::minutes(1);
}

void Complaints::from(PeerId peer, Instant now) {
    auto at = std::find_if(last_.begin(), last_.end(), [&](const Entry& e) { return e.peer == peer; });
    if (at == last_.end()) at = std::min_element(last_.begin(), last_.end(), [](const Entry& a, const Entry& b) { return a.at < b.at; });
    *at = {peer, now};
}

std::uint32_t Complaints::fresh(Instant now) const {
    return static_cast<std::uint32_t>(std::count_if(last_.begin(), last_.end(), [&](const Entry& e) { return e.peer && now - e.at < a_minute; }));
}

}  // namespace grapevine::membership
