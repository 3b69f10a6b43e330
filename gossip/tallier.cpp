#include "grapevine/gossip/tallier.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace grapevine::gossip {

namespace {

// Epochs are numbers on a circle (RFC 1982): none is the last one, so nobody can hold a cluster at it.
bool later(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

// What is no sum over observations spoils every peer's figures until the epoch ends.
bool sound(const Tally& t) {
    constexpr double most = 1e9;  // peers; and each has one observation of weight 1
    if (!(t.weight >= 0 && t.weight <= most) || !std::isfinite(t.loss) || t.elapsed < 0) return false;
    if (!(t.accuracy >= 0 && t.accuracy <= t.weight * 1.000001)) return false;
    if (!(t.peers >= 0 && t.peers <= most) || !(t.sent >= 0) || !std::isfinite(t.sent)) return false;
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

void Tallier::received(Instant now, PeerId from, const Tally& tally, const Company& company, Exchange::Out& out) {
    if (left_ || !sound(tally) || later(epoch_, tally.epoch)) return;
    const Instant began = now - std::min(Duration(tally.elapsed), length());
    if (later(tally.epoch, epoch_)) {
        conclude(now, out);
        enter(tally.epoch, began, now, company.size());
    }
    began_ = std::min(began_, began);
    if (sketching_ && tally.sketches && now - began_ < tick_ * Sketching::sketched_at) sketching_->told_to_look(epoch_, company.size() + 1);
    if (!tally.answer) out.send(from, half(now, true));
    weight_ += tally.weight;
    loss_ += tally.loss;
    accuracy_ += tally.accuracy;
    peers_ += tally.peers;
    spent_ += tally.sent;
    if (tally.worst) worst_ = std::min(worst_.value_or(1), *tally.worst);
}

void Tallier::received(Instant, PeerId from, const Moments& moments, Exchange::Out& out) {
    if (left_ || !sketching_ || moments.epoch != epoch_) return;
    if (!sketching_->sound(moments)) return;
    if (!moments.answer && sketching_->knows()) out.send(from, sketching_->half(true));
    sketching_->received(moments);
}

void Tallier::woken(Instant now, const Company& company, Exchange::Out& out) {
    if (left_) return;
    out.wake(now + tick_, TallyDue{});
    if (now - began_ >= length()) {
        conclude(now, out);
        enter(epoch_ + 1, now, now, company.size());
    }
    if (const auto partner = company.draw(random_)) out.send(*partner, half(now, false));
    if (!sketching_ || !sketching_->looks()) return;
    const Instant sketched_at = began_ + tick_ * Sketching::sketched_at;
    if (!sketch_due_ && now <= sketched_at && sketched_at <= now + tick_) {
        sketch_due_ = true;
        out.wake(sketched_at, SketchDue{epoch_});
    }
    if (now - began_ < tick_ * Sketching::summed_from) return;
    const auto partner = company.draw(random_);
    if (!partner) return;
    if (auto moments = sketching_->ticked()) out.send(*partner, std::move(*moments));
}

void Tallier::woken(Instant now, const SketchDue& due, bool apart, Exchange::Out& out) {
    if (!left_ && !apart && due.epoch == epoch_) out.tell(Order{epoch_, sketching_->order(now)});
}

void Tallier::sketched(Instant now, std::uint32_t epoch, const Sketched& done) {
    if (epoch == epoch_ && now - began_ < tick_ * Sketching::sketched_until) sketching_->sketched(done);
}

void Tallier::leave(Instant now, const Company& company, Exchange::Out& out) {
    if (left_) return;
    left_ = true;
    const auto heir = company.draw(random_);
    if (!heir) return;
    Tally all = half(now, true);
    all.weight += weight_, all.loss += loss_, all.accuracy += accuracy_, all.peers += peers_, all.sent += spent_;
    out.send(*heir, all);
    if (!sketching_) return;
    if (auto moments = sketching_->all(); moments.weight > 0) out.send(*heir, std::move(moments));
}

void Tallier::enter(std::uint32_t epoch, Instant began, Instant now, std::size_t others) {
    epoch_ = epoch;
    began_ = began;
    weight_ = loss_ = accuracy_ = peers_ = spent_ = 0;
    worst_.reset();
    contributed_ = counted_ = sketch_due_ = false;
    sent_before_ = std::exchange(sent_, 0);
    if (sketching_) sketching_->enter(epoch, others + 1, mean_sent_);
    contribute(now);
}

void Tallier::contribute(Instant now) {
    if (now - began_ > length() / 4) return;
    if (!std::exchange(counted_, true)) peers_ += 1, spent_ += sent_before_;
    if (contributed_ || !observed_) return;
    contributed_ = true;
    weight_ += 1;
    loss_ += observed_->loss;
    if (!observed_->accuracy) return;
    accuracy_ += *observed_->accuracy;
    worst_ = std::min(worst_.value_or(1), *observed_->accuracy);
}

// An epoch that others began the next one of a little before its end has come far enough; one that was cut short has not.
void Tallier::conclude(Instant now, Exchange::Out& out) {
    if (now - began_ < length() / 4 * 3) return;
    if (peers_ > 0) mean_sent_ = spent_ / peers_;
    const auto found = sketching_ ? sketching_->conclude() : std::nullopt;
    if (!(weight_ > 0) && !found) return;
    Tallied figures{epoch_, {}, {}, {}, found};
    if (!found && told_) figures.consensus = told_->consensus;
    if (weight_ > 0) figures.loss = loss_ / weight_;
    if (worst_) figures.accuracy = std::min(accuracy_ / weight_, 1.0), figures.worst_accuracy = worst_;
    told_ = figures;
    out.tell(figures);
}

Tally Tallier::half(Instant now, bool answer) {
    weight_ /= 2, loss_ /= 2, accuracy_ /= 2, peers_ /= 2, spent_ /= 2;
    return {epoch_, answer, (now - began_).count(), weight_, loss_, accuracy_, worst_, peers_, spent_, sketching_ && sketching_->looks()};
}

}  // namespace grapevine::gossip
