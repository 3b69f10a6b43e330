#include "dial_back.hpp"

#include <algorithm>

#include "address.hpp"

namespace grapevine::net {

bool DialBack::answered(PeerId by, std::uint64_t token, Instant now) {
    if (!asked_ || asked_->who != by || asked_->token != token || now > asked_->deadline) return false;
    asked_.reset();
    return true;
}

std::optional<DialBack::Trial> DialBack::begin(PeerId asker, std::uint64_t theirs, std::uint64_t ours, const std::string& endpoint, Instant now) {
    const bool again = std::any_of(trials_.begin(), trials_.end(), [&](const Trial& t) { return t.asker == asker; });
    if (again || trials_.size() >= at_once || endpoint.size() > longest_endpoint || !is_numeric(endpoint)) return std::nullopt;
    return trials_.emplace_back(Trial{asker, theirs, ours, endpoint, now + patience});
}

std::optional<DialBack::Trial> DialBack::welcomed(PeerId by, std::uint64_t ours, const std::string& endpoint) {
    const auto at = std::find_if(trials_.begin(), trials_.end(), [&](const Trial& t) { return t.ours == ours && t.asker == by && t.endpoint == endpoint; });
    if (at == trials_.end()) return std::nullopt;
    Trial trial = std::move(*at);
    trials_.erase(at);
    return trial;
}

void DialBack::end(std::uint64_t ours) {
    std::erase_if(trials_, [&](const Trial& t) { return t.ours == ours; });
}

std::vector<DialBack::Trial> DialBack::expire(Instant now) {
    std::vector<Trial> over;
    const auto first = std::stable_partition(trials_.begin(), trials_.end(), [&](const Trial& t) { return t.deadline > now; });
    over.assign(std::make_move_iterator(first), std::make_move_iterator(trials_.end()));
    trials_.erase(first, trials_.end());
    return over;
}

Instant DialBack::due() const {
    Instant first = Instant::max();
    for (const Trial& t : trials_) first = std::min(first, t.deadline);
    return first;
}

}  // namespace grapevine::net
