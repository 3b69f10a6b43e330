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

Network::Network(const std::vector<config::Group>& groups, const std::vector<config::Link>& links) : groups_(groups.size()) {
    table_.assign(groups_ * groups_, -1);
    const auto is = [&](const std::string& pattern, std::size_t g) { return pattern == "*" || pattern == groups[g].name; };
    for (const config::Link& link : links) {
        links_.push_back({link.latency, link.loss, link.duplicate});
        for (std::size_t a = 0; a < groups_; ++a)
            for (std::size_t b = 0; b < groups_; ++b)
                if ((is(link.from, a) && is(link.to, b)) || (link.both_ways && is(link.from, b) && is(link.to, a)))
                    table_[a * groups_ + b] = static_cast<std::int32_t>(links_.size()) - 1;
    }
    double latency = table_.empty() ? 0 : HUGE_VAL;
    for (const std::int32_t link : table_) latency = std::min(latency, link < 0 ? 0 : least(links_[static_cast<std::size_t>(link)].latency));
    least_latency_ = std::max(Duration::zero(), from_seconds(latency) - Duration(1));  // but for what rounding takes
}

Network::Fate Network::send(Instant now, End from, End to, std::uint64_t bytes, Plane plane, Random& random, Random& faulty, std::uint32_t& traced) const {
    Fate fate;
    const Between* link = nullptr;
    if (groups_ > 0)
        if (const std::int32_t i = table_[from.group * groups_ + to.group]; i >= 0) link = &links_[static_cast<std::size_t>(i)];

    // Sending takes the uplink whether the message arrives or not.
    const double up = from.card ? from.card->uplink : 0, down = to.card ? to.card->downlink : 0;
    const double rate = std::min(up > 0 ? up : HUGE_VAL, down > 0 ? down : HUGE_VAL);
    if (rate < HUGE_VAL) fate.held = from_seconds(static_cast<double>(bytes) / rate);
    Instant starts = now;
    if (up > 0) {
        Instant& free = from.card->up_free[static_cast<std::size_t>(plane)];
        starts = std::max(now, free);
        free = starts + fate.held;
    }

    if (link && link->loss > 0 && random.chance(link->loss)) return fate;
    const int copies = link && link->duplicate > 0 && random.chance(link->duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) fate.arrives[i] = starts + (link ? from_seconds(draw(link->latency, random, traced)) : Duration::zero());
    if (faults_.any() && faults_.take(from.peer, to.peer, faulty)) return fate;

    fate.copies = copies;
    fate.queues = down > 0;
    return fate;
}

}  // namespace grapevine::sim
