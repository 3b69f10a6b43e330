#include "push_sum.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::gossip {

namespace {
constexpr double least_mass = 0x1p-500, most_mass = 0x1p64;
constexpr std::size_t most_coming = 16;  // in step with all others it is asked by 7 of a thousand at most
constexpr std::size_t most_sent = 64;
constexpr Duration again_after = std::chrono::milliseconds(100);
}  // namespace

PushSum::PushSum(const Config& config, PeerId self, Random random)
    : OneWay(config, self, random, 1), mass_(config.newcomer ? 0 : 1), held_(mass_) {}

double PushSum::freeze() {
    if (halted()) return std::exchange(mass_, 0);
    if (mass_ < least_mass) held_ += mass_, mass_ *= 2;
    return mass_ /= 2;
}

// As if it had been sent to us: what was mixed in meanwhile was weighed without it.
void PushSum::keep(Instant now, Snapshot&& frozen, Out& out) {
    held_ = std::max(0.0, held_ - frozen.weight);
    take(now, self(), 0, std::move(frozen), out);
}

void PushSum::pushed(PeerId to, std::uint32_t ticket, double mass) {
    held_ = std::max(0.0, held_ - mass);
    if (sent_.size() >= most_sent) sent_.erase_front(1);
    sent_.push_back({to, mass, ticket});
}

void PushSum::came(PeerId to, std::uint32_t ticket) {
    sent_.erase_if([&](const Sent& s) { return s.to == to && s.ticket == ticket; });
}

void PushSum::vanished(PeerId to, std::uint32_t ticket) {
    for (const Sent& s : sent_)
        if (s.to == to && s.ticket == ticket) lost_ += s.mass;
    came(to, ticket);
}

bool PushSum::room() const { return accepted() < most_coming; }

bool PushSum::take(Instant now, PeerId from, std::uint32_t, Snapshot&& theirs, Out& out) {
    const double mass = theirs.weight, sum = mass_ + mass;
    if (!(mass > 0 && sum < most_mass)) return false;
    const Task task{.from = from, .weight = mass / sum, .mass = mass, .steps = steps(), .since = now};
    combine(task, mass_ / sum, mass / sum, std::move(theirs), out);
    mass_ = sum;
    return true;
}

void PushSum::mixed(Instant now, const Task& task, const Combined& combined, const Completion& completion, Out& out) {
    held_ += task.mass;
    if (halted()) call_again(now, out);  // it came, or came back, when we had given all away: that too
    if (task.from == self()) return;
    out.tell(MixedWith{task.from, completion.steps - task.steps, combined.distance, combined.norm, task.bytes, now - task.since, task.weight});
    if (catching_up()) caught_up(now, out);
    settle(combined.norm > 0 ? combined.distance / combined.norm : 0, out);
}

void PushSum::begins_alone(Instant, Out&) {
    if (mass_ > 0) return;  // it is just being taken
    mass_ = held_ = 1;
}

void PushSum::again(Instant now, const Company& company, Out& out) {
    if (!halted() || turn_out() || mass_ == 0 || farewells_ == 0) return;
    --farewells_;
    offer(now, company, out);
}

void PushSum::turn_over(Instant now, const Company&, Out& out) {
    if (halted() && mass_ > 0) call_again(now + again_after, out);
}

}  // namespace grapevine::gossip
