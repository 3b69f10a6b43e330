#include "grapevine/gossip/sketching.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

namespace grapevine::gossip {

namespace {

// Push-pull leaves 0.3 of the variance of the weights a tick (Jelasity, Montresor, Babaoglu 2005); one peer that lies far from all
// others is the hardest, and the more so the more of them there are.
int halves_among(std::size_t peers) { return std::min(10, 4 + static_cast<int>(std::bit_width(std::max<std::size_t>(peers, 1) - 1))); }

bool finite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

double squared_distance(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += d * d;
    }
    return sum;
}

}  // namespace

double Sketching::cost(std::uint64_t size, std::size_t peers) {
    constexpr double beside = 48;  // of a message
    return 2.0 * halves_among(peers) * (sizeof(float) * static_cast<double>(Sketcher::length(size)) + beside);
}

void Sketching::enter(std::uint32_t epoch, std::size_t peers, std::optional<double> sent) {
    epoch_ = epoch;
    looks_ = false;
    halves_ = 0;
    weight_ = squares_ = 0;
    mean_.reset();
    if (!looked_ && epoch != 1) looked_ = epoch;  // a newcomer: what others have looked at is not known
    double every = seldom;
    if (sent && *sent > 0) every = std::clamp(std::ceil(cost(size_, peers) / (share * *sent)), 1.0, every);
    if (!looked_ || epoch - *looked_ >= static_cast<std::uint32_t>(every)) told_to_look(epoch, peers);
}

void Sketching::told_to_look(std::uint32_t epoch, std::size_t peers) {
    if (looks_) return;
    looks_ = true;
    looked_ = epoch;
    halves_ = halves_among(peers);
}

Sketch Sketching::order(Instant now) {
    at_ = now;
    return {Random(seed_).split(epoch_).bits()};
}

// A model that has left the numbers is as far from the others as can be; it would spoil what all know of the rest.
void Sketching::sketched(const Sketched& done) {
    assert(done.values && done.values->size() == Sketcher::length(size_));
    if (finite(*done.values)) add(1, 0, done.values);
}

bool Sketching::sound(const Moments& m) const {
    constexpr double most = 1e9;  // peers
    if (!(m.weight >= 0 && m.weight <= most) || !(m.squares >= 0) || !std::isfinite(m.squares)) return false;
    if (!m.mean) return m.weight == 0 && m.squares == 0;
    return m.mean->size() == Sketcher::length(size_) && finite(*m.mean);
}

void Sketching::received(const Moments& m) { add(m.weight, m.squares, m.mean); }

void Sketching::add(double weight, double squares, const std::shared_ptr<const std::vector<float>>& mean) {
    if (!(weight > 0)) return;
    if (!mean_) {
        weight_ = weight, squares_ = squares, mean_ = mean;
        return;
    }
    const double sum = weight_ + weight, theirs = weight / sum;
    squares_ += squares + weight_ * theirs * squared_distance(*mean_, *mean);
    auto mixed = std::make_shared<std::vector<float>>(mean_->size());
    for (std::size_t i = 0; i < mixed->size(); ++i) {
        const double ours = static_cast<double>((*mean_)[i]);
        (*mixed)[i] = static_cast<float>(ours + theirs * (static_cast<double>((*mean)[i]) - ours));
    }
    mean_ = std::move(mixed);
    weight_ = sum;
}

Moments Sketching::half(bool answer) {
    weight_ /= 2, squares_ /= 2;
    return {epoch_, answer, weight_, squares_, mean_};
}

std::optional<Moments> Sketching::ticked() {
    if (!looks_ || halves_ == 0) return std::nullopt;
    --halves_;
    return half(false);
}

Moments Sketching::all() { return {epoch_, true, std::exchange(weight_, 0), std::exchange(squares_, 0), std::exchange(mean_, nullptr)}; }

std::optional<Consensus> Sketching::conclude() const {
    if (!mean_ || !(weight_ > 0)) return std::nullopt;
    double norm = 0;
    for (const float x : *mean_) norm += static_cast<double>(x) * static_cast<double>(x);
    Consensus found{squares_ / weight_, {}, at_};
    if (!std::isfinite(found.distance)) return std::nullopt;
    if (norm > 0) found.relative = std::sqrt(found.distance / norm);
    return found;
}

}  // namespace grapevine::gossip
