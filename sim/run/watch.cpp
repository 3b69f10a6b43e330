#include "watch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace grapevine::sim {

namespace {
constexpr std::size_t all_told = 10'000, some_told = 1'000;  // peers who are asked whether they heard of a leave: all of so many, else some
}

void Watch::crashed(Instant at, std::uint32_t peer) {
    of(peer).up = false;
    of(peer).death = deaths_.size();
    deaths_.push_back({at, peer, {}, {}, {}});
}

void Watch::leaves(Instant at, std::uint32_t peer, const World& world) {
    if (of(peer).farewell) return;  // told to leave twice
    of(peer).farewell = farewells_.size();
    Farewell& farewell = farewells_.emplace_back(Farewell{at, {}});
    // Of a large world some, at even distance: who leaves is not to cost a walk over a million.
    const std::uint32_t stride = world.size() <= all_told ? 1 : static_cast<std::uint32_t>(world.size() / some_told);
    for (std::uint32_t i = peer % stride; i < world.size(); i += stride)
        if (i != peer && world.up(i) && world.peer(i).members().roster().contains(id_of(peer))) farewell.told[i];
}

void Watch::paused(std::uint32_t peer) {
    ++of(peer).paused;
    of(peer).touched = true;
}

void Watch::see(const Note& note, const World& world) {
    const auto known = [&](PeerId id) { return index_of(id) < world.size(); };
    if (const auto* f = std::get_if<membership::ProbeFailed>(&note.event)) {
        if (known(f->peer) && of(index_of(f->peer)).up && of(index_of(f->peer)).paused == 0) ++false_detections_;
    } else if (const auto* s = std::get_if<membership::Suspected>(&note.event)) {
        if (!known(s->peer)) return;
        const State& subject = of(index_of(s->peer));
        if (subject.death && !deaths_[*subject.death].suspected) deaths_[*subject.death].suspected = note.at;
        if (subject.farewell) ++leave_suspicions_;
    } else if (const auto* g = std::get_if<membership::Gone>(&note.event)) {
        if (known(g->peer)) gone(note, *g);
    } else if (std::holds_alternative<membership::Departed>(note.event)) {
        of(note.peer).up = false;
    }
}

void Watch::gone(const Note& note, const membership::Gone& gone) {
    const State& subject = of(index_of(gone.peer));
    if (gone.why == membership::Standing::left) {
        if (!subject.farewell) return;
        auto& told = farewells_[*subject.farewell].told;
        if (const auto observer = told.find(note.peer); observer != told.end() && !observer->second) observer->second = note.at;
    } else if (subject.death) {
        Death& death = deaths_[*subject.death];
        if (!death.detected) death.detected = note.at;
        death.last = note.at;
    } else if (subject.up && subject.paused == 0) {
        ++false_positives_;
        at_healthy_ += healthy(note.peer);
        about_healthy_ += healthy(index_of(gone.peer));
        among_healthy_ += healthy(note.peer) && healthy(index_of(gone.peer));
    }
}

record::Quantiles quantiles(std::vector<double> values, std::size_t never) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const std::size_t all = values.size() + never;
    const auto at = [&](double share) -> std::optional<double> {
        const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(all))));
        return rank <= values.size() ? std::optional(values[rank - 1]) : std::nullopt;
    };
    record::Quantiles q{.median = at(0.5), .p99 = at(0.99), .p9999 = at(0.9999), .max = at(1), .mean = {}};
    if (never == 0) q.mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(all);
    return q;
}

// From the crash to the verdict of the last peer; deaths that somebody who is up has not heard of do not count.
record::Quantiles Watch::full_dissemination(const World& world) const {
    std::vector<bool> missed(deaths_.size());
    for (std::uint32_t i = 0; i < world.size() && !deaths_.empty(); ++i) {
        if (!world.up(i)) continue;
        for (const auto& entry : world.peer(i).members().roster().entries()) {
            if (entry.standing > membership::Standing::suspect) continue;
            const std::uint32_t about = index_of(world.book().id(entry.record));
            if (about < peers_.size() && peers_[about].death) missed[*peers_[about].death] = true;
        }
    }
    std::vector<double> values;
    for (std::size_t d = 0; d < deaths_.size(); ++d)
        if (deaths_[d].detected && !missed[d]) values.push_back(seconds(deaths_[d].last - deaths_[d].at));
    return quantiles(std::move(values));
}

// From each leave until each that knew the leaver has heard of it. Who went itself before it heard does not count.
record::Quantiles Watch::leave_dissemination(const World& world) const {
    std::vector<double> values;
    std::size_t never = 0;
    for (const Farewell& f : farewells_)
        for (const auto& [observer, heard] : f.told) {
            if (heard) values.push_back(seconds(*heard - f.at));
            else if (world.up(observer)) ++never;
        }
    return quantiles(std::move(values), never);
}

record::MembershipResult Watch::figures(const World& world, Duration period) const {
    record::MembershipResult m;
    const auto over_deaths = [&](auto&& instant) {
        std::vector<double> values;
        for (const Death& d : deaths_)
            if (const std::optional<Instant> at = instant(d)) values.push_back(seconds(*at - d.at));
        return quantiles(std::move(values));
    };
    m.first_ping_seconds = over_deaths([&](const Death& d) { return world.missed(d.peer); });
    m.first_suspicion_seconds = over_deaths([](const Death& d) { return d.suspected; });
    m.first_detection_seconds = over_deaths([](const Death& d) { return d.detected; });
    m.full_dissemination_seconds = full_dissemination(world);
    m.leave_dissemination_seconds = leave_dissemination(world);
    m.leave_suspicions = static_cast<double>(leave_suspicions_);
    m.false_positives = static_cast<double>(false_positives_);
    m.false_positives_at_healthy = static_cast<double>(at_healthy_);
    m.false_positives_about_healthy = static_cast<double>(about_healthy_);
    m.false_positives_among_healthy = static_cast<double>(among_healthy_);
    m.false_detections = static_cast<double>(false_detections_);
    double most = 0, all = 0;
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        const double incarnation = world.book().incarnation(world.peer(i).members().self());
        most = std::max(most, incarnation), all += incarnation;
    }
    m.refutations = all;
    m.refutations_max = most;
    const double member_periods = seconds(world.member_time()) / seconds(period);
    if (member_periods > 0) {
        const Counters& c = world.counters();
        m.false_detections_per_member_period = static_cast<double>(false_detections_) / member_periods;
        m.probe_messages_per_member_period = static_cast<double>(c.probe_messages) / member_periods;
        m.messages_per_member_period = static_cast<double>(c.control_messages) / member_periods;
    }
    return m;
}

}  // namespace grapevine::sim
