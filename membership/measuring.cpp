// The round trip between any two members, for whoever asks: the one of them is asked to ping the other.
#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

namespace {
constexpr std::size_t at_a_time = 16;
}

void Membership::measure(Instant now, const Measure& m, Out& out) {
    if (m.from == id_) return measure_for(now, id_, m.serial, m.to, out);
    if (!roster_.contains(m.from) || measuring() >= at_a_time) return out.tell(Measured{m.serial, std::nullopt});
    // Our own round is only waited for: the answer comes as a report.
    occasional().measurements.push_back({++round_, m.serial, id_, now});
    send(m.from, MeasureRequest{m.serial, m.to}, out);
    out.wake(now + 4 * config_.probe_timeout, MeasureOverdue{round_});
}

void Membership::measure_for(Instant now, PeerId asker, std::uint32_t serial, PeerId to, Out& out) {
    const bool possible = to != id_ && roster_.contains(to) && reaches(to) && measuring() < at_a_time;
    if (!possible) {
        if (asker == id_) out.tell(Measured{serial, std::nullopt});
        else send(asker, MeasureReport{serial, false, 0}, out);
        return;
    }
    occasional().measurements.push_back({++round_, serial, asker, now});
    send(to, Ping{round_, {}, false}, out);
    out.wake(now + 2 * config_.probe_timeout, MeasureOverdue{round_});
}

void Membership::measured(Instant now, std::uint32_t round, bool answered, Out& out) {
    if (!occasional_) return;
    auto& measurements = occasional_->measurements;
    const auto at = std::find_if(measurements.begin(), measurements.end(), [&](const Measurement& m) { return m.round == round; });
    if (at == measurements.end()) return;
    const Measurement m = *at;
    measurements.erase(at);
    const Duration took = now - m.sent;
    if (m.asker == id_) out.tell(Measured{m.serial, answered ? std::optional(took) : std::nullopt});
    else send(m.asker, MeasureReport{m.serial, answered, answered ? static_cast<std::uint64_t>(took.count()) : 0}, out);
}

}  // namespace grapevine::membership
