#include "grapevine/sim/network.hpp"

#include <algorithm>
#include <cmath>

#include "grapevine/portable_math.hpp"

namespace grapevine::sim {

double draw(const config::Distribution& d, Random& random, std::uint32_t& drawn) {
    using Kind = config::Distribution::Kind;
    switch (d.kind) {
        case Kind::constant: return d.a;
        case Kind::uniform: return d.a + (d.b - d.a) * random.uniform();
        case Kind::exponential: return d.a * random.exponential();
        case Kind::shifted_exponential: return d.a + d.b * random.exponential();
        case Kind::normal: return std::max(0.0, d.a + d.b * random.normal());
        case Kind::lognormal: return d.a * portable::exp(d.b * random.normal());
        case Kind::pareto: return d.a * portable::pow(1.0 - random.uniform(), -1.0 / d.b);
        case Kind::weibull: return d.a * portable::pow(random.exponential(), 1.0 / d.b);
        case Kind::trace: return d.values.empty() ? 0 : d.values[drawn++ % d.values.size()];
    }
    return 0;
}

double least(const config::Distribution& d) {
    using Kind = config::Distribution::Kind;
    switch (d.kind) {
        case Kind::constant:
        case Kind::uniform:
        case Kind::shifted_exponential:
        case Kind::pareto: return d.a;
        case Kind::trace: return d.values.empty() ? 0 : *std::min_element(d.values.begin(), d.values.end());
        case Kind::exponential:
        case Kind::normal:
        case Kind::lognormal:
        case Kind::weibull: return 0;
    }
    return 0;
}

void Card::go_at(Instant now, double up, double down) {
    const auto again = [&](Instant& free, double before, double after) {
        if (free > now) free = now + (before > 0 && after > 0 ? scaled(free - now, before / after) : Duration::zero());
    };
    for (Instant& free : up_free) again(free, uplink, up);
    for (Instant& free : down_free) again(free, downlink, down);
    uplink = up, downlink = down;
}

Instant Card::takes(Instant now, Duration held, Plane plane) {
    if (downlink <= 0) return now + held;
    Instant& free = down_free[static_cast<std::size_t>(plane)];
    return free = std::max(now, free) + held;
}

namespace {
// Purposes of a message's own draws, and of a pair's.
constexpr std::uint64_t of_faults = 1, of_reordering = 2, of_traces = 0x74726163;
constexpr std::uint64_t of_distance = 1, of_bursts = 2;
}  // namespace

Network::Network(const std::vector<config::Group>& groups, const std::vector<config::Link>& links, std::uint64_t seed)
    : pairs_(Random(seed).split(0x70616972)), groups_(groups.size()) {
    for (const config::Group& group : groups) nat_.push_back(group.nat);
    table_.assign(groups_ * groups_, -1);
    const auto is = [&](const std::string& pattern, std::size_t g) { return pattern == "*" || pattern == groups[g].name; };
    for (const config::Link& link : links) {
        Between between{link.latency, link.loss, link.duplicate, {}, {}, link.reorder, link.rate, link.largest};
        if (link.distance != config::Distribution()) between.distance = link.distance;
        if (link.bursts) between.bursts.emplace(*link.bursts, pairs_.split(of_bursts).split(links_.size()));
        links_.push_back(std::move(between));
        for (std::size_t a = 0; a < groups_; ++a)
            for (std::size_t b = 0; b < groups_; ++b)
                if ((is(link.from, a) && is(link.to, b)) || (link.both_ways && is(link.from, b) && is(link.to, a)))
                    table_[a * groups_ + b] = static_cast<std::int32_t>(links_.size()) - 1;
    }
    double latency = table_.empty() ? 0 : HUGE_VAL;
    for (const std::int32_t link : table_) latency = std::min(latency, link < 0 ? 0 : least(links_[static_cast<std::size_t>(link)].latency));
    least_latency_ = std::max(Duration::zero(), from_seconds(latency) - Duration(1));  // but for what rounding takes
}

Duration Network::distance(const Between& link, std::uint32_t a, std::uint32_t b) const {
    Random pair = pairs_.split(of_distance).split(std::uint64_t{std::min(a, b)} << 32 | std::max(a, b));
    auto traced = static_cast<std::uint32_t>(pair.split(of_traces).bits() >> 33);
    return from_seconds(draw(*link.distance, pair, traced));
}

Network::Fate Network::send(Instant now, End from, End to, std::uint64_t bytes, Plane plane, Random& random, Random& faulty, std::uint32_t serial,
                            std::uint32_t& traced) const {
    Fate fate;
    const Between* link = nullptr;
    if (groups_ > 0)
        if (const std::int32_t i = table_[from.group * groups_ + to.group]; i >= 0) link = &links_[static_cast<std::size_t>(i)];
    const auto own = [&random, serial](std::uint64_t purpose) { return random.split(serial).split(purpose); };
    if (from.card && behind_nat(from.group)) {
        if (!from.card->connections) from.card->connections = std::make_unique<Connections>();
        from.card->connections->sends(now, to.peer);
    }

    // Sending takes the uplink whether the message arrives or not.
    const double up = from.card ? from.card->uplink : 0, down = to.card ? to.card->downlink : 0;
    const double rate = std::min(up > 0 ? up : HUGE_VAL, down > 0 ? down : HUGE_VAL);
    if (rate < HUGE_VAL) fate.held = from_seconds(static_cast<double>(bytes) / rate);
    // A path slower than both cards: what else they do goes on beside it.
    fate.takes = link && link->rate > 0 ? std::max(fate.held, from_seconds(static_cast<double>(bytes) / link->rate)) : fate.held;
    Instant starts = now;
    if (up > 0) {
        Instant& free = from.card->up_free[static_cast<std::size_t>(plane)];
        starts = std::max(now, free);
        free = starts + fate.held;
    }

    if (link && link->largest > 0 && bytes > link->largest) return fate;
    if (link && link->bursts && link->bursts->silent(starts, from.peer, to.peer)) return fate;
    if (link && link->loss > 0 && random.chance(link->loss)) return fate;
    int copies = link && link->duplicate > 0 && random.chance(link->duplicate) ? 2 : 1;
    Duration latency[3]{};
    if (link) {
        const auto once = [&](Random& draws) {
            if (link->latency.kind != config::Distribution::Kind::trace || link->latency.values.empty()) return from_seconds(draw(link->latency, draws, traced));
            // Each sender goes through the file by itself, from a place of its own: they would else all meet its worst at once.
            auto place = traced++ + static_cast<std::uint32_t>(random.split(of_traces).below(link->latency.values.size()));
            return from_seconds(draw(link->latency, draws, place));
        };
        const Duration distant = link->distance ? distance(*link, from.peer, to.peer) : Duration::zero();
        for (int i = 0; i < copies; ++i) latency[i] = distant + once(random);
        if (link->reorder > 0)
            for (int i = 0; i < copies; ++i)
                if (Random more = own(of_reordering).split(static_cast<std::uint64_t>(i)); more.chance(link->reorder)) latency[i] += once(more);
    }
    fate.in_line = down > 0 ? copies : 0;
    if (faults_.any()) {
        if (faults_.take(from.peer, to.peer, faulty, plane == Plane::bulk)) return fate;
        if (faults_.harms()) {
            const Faults::Mischief m = faults_.meddle(now, from.peer, to.peer, own(of_faults));
            for (int i = 0; i < copies; ++i) latency[i] += m.delay;
            if (m.delay > Duration::zero()) fate.in_line = 0;  // what comes late comes beside the others
            fate.garbled = m.garbled;
            if (m.again) {
                latency[copies] = latency[0] + *m.again;
                ++copies;
            }
        }
    }
    fate.copies = copies;
    for (int i = 0; i < copies; ++i) fate.arrives[i] = starts + latency[i];
    return fate;
}

bool Network::lets_in(Instant now, std::uint32_t from, std::uint32_t from_group, End to) const {
    if (!behind_nat(to.group)) return true;
    return !behind_nat(from_group) && to.card && to.card->connections && to.card->connections->lets_in(now, from);
}

}  // namespace grapevine::sim
