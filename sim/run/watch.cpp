#include "watch.hpp"

#include <algorithm>
#include <cmath>

namespace grapevine::sim {

void Watch::crashed(Instant at, std::uint32_t peer) { deaths_.push_back({at, peer, {}, {}, {}}); }

void Watch::see(const Note& note, const World& world) {
    const auto death_of = [&](PeerId id) -> Death* {
        for (Death& d : deaths_)
            if (d.peer == index_of(id)) return &d;
        return nullptr;
    };
    if (const auto* s = std::get_if<membership::Suspected>(&note.event)) {
        if (Death* d = death_of(s->peer); d && !d->suspected && note.at >= d->at) d->suspected = note.at;
    } else if (const auto* g = std::get_if<membership::Gone>(&note.event)) {
        if (g->why != membership::Standing::dead) return;
        Death* d = death_of(g->peer);
        if (d && note.at >= d->at) {
            if (!d->detected) d->detected = note.at;
            d->verdicts.emplace(note.peer, note.at);
        } else if (index_of(g->peer) < world.size() && world.up(index_of(g->peer))) {
            ++false_positives_;
        }
    }
}

Watch::Figures Watch::figures(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {  // nearest rank
        const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
        return values[std::max<std::size_t>(rank, 1) - 1];
    };
    return {at(0.5), at(0.99), values.back()};
}

Watch::Figures Watch::first_suspicion() const {
    std::vector<double> values;
    for (const Death& d : deaths_)
        if (d.suspected) values.push_back(seconds(*d.suspected - d.at));
    return figures(std::move(values));
}

Watch::Figures Watch::first_detection() const {
    std::vector<double> values;
    for (const Death& d : deaths_)
        if (d.detected) values.push_back(seconds(*d.detected - d.at));
    return figures(std::move(values));
}

// From the crash to the verdict of the last peer that is up; deaths that somebody has not heard of do not count.
Watch::Figures Watch::full_dissemination(const World& world) const {
    std::vector<double> values;
    for (const Death& d : deaths_) {
        Instant last = d.at;
        bool all = true;
        for (std::uint32_t i = 0; i < world.size(); ++i) {
            if (!world.up(i)) continue;
            const auto verdict = d.verdicts.find(i);
            if (verdict == d.verdicts.end()) {
                const auto* known = world.peer(i).members().roster().find(id_of(d.peer));
                if (known && known->standing <= membership::Standing::suspect) all = false;  // else it came later and never knew it
                continue;
            }
            last = std::max(last, verdict->second);
        }
        if (all && d.detected) values.push_back(seconds(last - d.at));
    }
    return figures(std::move(values));
}

}  // namespace grapevine::sim
