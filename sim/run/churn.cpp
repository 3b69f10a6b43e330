#include "churn.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <xxhash.h>

#include "grapevine/sim/network.hpp"

namespace grapevine::sim {

namespace {

constexpr Duration grain = std::chrono::milliseconds(1);
constexpr Instant never{Duration::max() / 4};

Instant rounded_up(Instant at) {
    const auto ns = at.time_since_epoch().count(), ms = grain.count();
    return at >= never ? never : Instant(Duration((ns + ms - 1) / ms * ms));
}

// A machine that the trace first brings up was down before.
std::vector<config::Churn::Turn> with_first_state(const std::vector<config::Churn::Turn>& trace) {
    using Turn = config::Churn::Turn;
    std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
    std::vector<Turn> all;
    for (const Turn& turn : trace)
        if (seen.insert({turn.group, turn.place}).second && turn.to == Turn::To::up && turn.at > Instant{}) all.push_back({Instant{}, turn.group, turn.place, Turn::To::down});
    all.insert(all.end(), trace.begin(), trace.end());
    return all;
}

}  // namespace

Instant happens(Instant from, Duration amount, std::optional<Duration> period, double amplitude, bool more_by_day) {
    if (amount >= never - from) return never;
    if (!period || amplitude == 0) return from + amount;
    const Duration half = std::max(*period / 2, Duration(1));
    const double rates[2] = {more_by_day ? 1 + amplitude : 1 - amplitude, more_by_day ? 1 - amplitude : 1 + amplitude};
    const double whole_day = seconds(half) * 2;  // happens in one: the rates of its halves make 2
    double left = seconds(amount);
    const double days = std::floor(left / whole_day);
    if (days * whole_day > seconds(never - from)) return never;
    left -= days * whole_day;
    Instant at = from + from_seconds(days * whole_day);
    for (;;) {
        const auto n = at.time_since_epoch() / half;
        const Duration rest = half * (n + 1) - at.time_since_epoch();
        const double rate = rates[n % 2], more = seconds(rest) * rate;
        if (left <= more && rate > 0) return at + std::min(rest, from_seconds(left / rate));
        left -= more;
        at += rest;
    }
}

Churn::Churn(const config::Config& config, const Population& population) : config_(config), population_(population) {
    for (const config::Churn& churn : config.churns)
        if (!churn.file.empty()) trace_ = &churn;
    if (trace_) turns_ = with_first_state(trace_->trace);
}

void Churn::begins(Instant now, std::uint32_t machine) {
    if (trace_ || config_.churns.empty()) return;
    if (machine >= machines_.size()) machines_.resize(machine + std::size_t{1});
    Machine& m = machines_[machine];
    const std::string& group = config_.groups[population_.group_of(machine)].name;
    for (const config::Churn& churn : config_.churns)
        if (std::any_of(churn.groups.begin(), churn.groups.end(), [&](const std::string& g) { return g == "*" || g == group; })) m.law = &churn;
    if (!m.law) return;
    const std::string name = population_.name_of(machine);
    m.random = Random(config_.seed).split(0x636875726e).split(XXH3_64bits(name.data(), name.size()));
    m.drawn = static_cast<std::uint32_t>(m.random.bits() >> 32);
    due_.push({after(now, m, m.law->session, true), machine, To::down});
}

Instant Churn::after(Instant now, Machine& m, const config::Distribution& time, bool up) const {
    const Duration amount = std::max(grain, from_seconds(draw(time, m.random, m.drawn)));
    return rounded_up(happens(now, amount, m.law->day, m.law->amplitude, !up));
}

std::optional<Instant> Churn::next() const {
    std::optional<Instant> next;
    if (!due_.empty() && due_.top().at < never) next = due_.top().at;
    if (next_turn_ < turns_.size() && (!next || turns_[next_turn_].at < *next)) next = turns_[next_turn_].at;
    return next;
}

std::optional<Churn::Turn> Churn::take(Instant now) {
    while (next_turn_ < turns_.size() && turns_[next_turn_].at <= now) {
        const config::Churn::Turn& turn = turns_[next_turn_++];
        if (const auto machine = population_.machine_at(turn.group, turn.place)) return Turn{*machine, turn.to, trace_->checkpoint};
    }
    if (due_.empty() || due_.top().at > now) return {};
    const Due due = due_.top();
    due_.pop();
    Machine& m = machines_[due.machine];
    To to = due.to;
    if (to == To::down && m.law->leaves > 0 && m.random.chance(m.law->leaves)) to = To::left;
    return Turn{due.machine, to, m.law->checkpoint};
}

void Churn::done(Instant now, const Turn& turn) {
    if (trace_) return;
    Machine& m = machines_[turn.machine];
    const bool up = turn.to == To::up;
    due_.push({after(now, m, up ? m.law->session : m.law->downtime, up), turn.machine, up ? To::down : To::up});
}

}  // namespace grapevine::sim
