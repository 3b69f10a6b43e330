#include "grapevine/gossip/tallier.hpp"

#include <algorithm>
#include <cmath>

namespace grapevine::gossip {

namespace {

// Epochs are numbers on a circle (RFC 1982): none is the last one, so nobody can hold a cluster at it.
bool later(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

// What is no sum over observations spoils every peer's figures until the epoch ends.
bool sound(const Tally& t) {
    constexpr double most = 1e9;  // peers; and each has one observation of weight 1
    if (!(t.weight >= 0 && t.weight <= most) || !std::isfinite(t.loss) || t.elapsed < 0) return false;
    if (!(t.accuracy >= 0 && t.accuracy <= t.weight * 1.000001)) return false;
    return !t.worst || (*t.worst >= 0 && *t.worst <= 1);
}

}  // namespace

void Tallier::start(Instant now, Exchange::Out& out) {
    began_ = now;
    out.wake(now + Duration(1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(tick_.count())))), TallyDue{});
}

void Tallier::observe(Instant now, const Observed& observed) {
    if (!std::isfinite(observed.loss) || (observed.accuracy && !(*observed.accuracy >= 0 && *observed.accuracy <= 1))) return;
    observed_ = observed;
    contribute(now);
}

void Tallier::received(Instant now, PeerId from, const Tally& tally, Exchange::Out& out) {
    if (left_ || !sound(tally) || later(epoch_, tally.epoch)) return;
    const Instant began = now - std::min(Duration(tally.elapsed), length());
    if (later(tally.epoch, epoch_)) {
        conclude(now, out);
        enter(tally.epoch, began, now);
    }
    began_ = std::min(began_, began);
    if (!tally.answer) out.send(from, half(now, true));
    weight_ += tally.weight;
    loss_ += tally.loss;
    accuracy_ += tally.accuracy;
    if (tally.worst) worst_ = std::min(worst_.value_or(1), *tally.worst);
}

void Tallier::woken(Instant now, const Company& company, Exchange::Out& out) {
    if (left_) return;
    out.wake(now + tick_, TallyDue{});
    if (now - began_ >= length()) {
        conclude(now, out);
        enter(epoch_ + 1, now, now);
    }
    if (const auto partner = company.draw(random_)) out.send(*partner, half(now, false));
}

void Tallier::leave(Instant now, const Company& company, Exchange::Out& out) {
    if (left_) return;
    left_ = true;
    const auto heir = company.draw(random_);
    if (!heir) return;
    Tally all = half(now, true);
    all.weight += weight_, all.loss += loss_, all.accuracy += accuracy_;
    out.send(*heir, all);
}

void Tallier::enter(std::uint32_t epoch, Instant began, Instant now) {
    epoch_ = epoch;
    began_ = began;
    weight_ = loss_ = accuracy_ = 0;
    worst_.reset();
    contributed_ = false;
    contribute(now);
}

void Tallier::contribute(Instant now) {
    if (contributed_ || !observed_ || now - began_ > length() / 4) return;
    contributed_ = true;
    weight_ += 1;
    loss_ += observed_->loss;
    if (!observed_->accuracy) return;
    accuracy_ += *observed_->accuracy;
    worst_ = std::min(worst_.value_or(1), *observed_->accuracy);
}

// An epoch that others began the next one of a little before its end has come far enough; one that was cut short has not.
void Tallier::conclude(Instant now, Exchange::Out& out) {
    if (now - began_ < length() / 4 * 3 || !(weight_ > 0)) return;
    Tallied figures{epoch_, loss_ / weight_, {}, {}};
    if (worst_) figures.accuracy = std::min(accuracy_ / weight_, 1.0), figures.worst_accuracy = worst_;
    told_ = figures;
    out.tell(figures);
}

Tally Tallier::half(Instant now, bool answer) {
    weight_ /= 2, loss_ /= 2, accuracy_ /= 2;
    return {epoch_, answer, (now - began_).count(), weight_, loss_, accuracy_, worst_};
}

}  // namespace grapevine::gossip
