#include "grapevine/chronicle/chronicle.hpp"

#include <cmath>

namespace grapevine::chronicle {

std::optional<record::RunEvent> event_of(double t, std::string peer, const Peer::Event& event,
                                         const std::function<std::string(PeerId)>& name_of) {
    record::RunEvent e;
    e.t = t;
    e.peer = std::move(peer);
    const auto about = [&](const char* kind, PeerId who) {
        e.kind = kind;
        if (who) e.about = name_of(who);
        return e;
    };
    return std::visit(
        Cases{
            [&](const membership::Joined& j) -> std::optional<record::RunEvent> { return about("joined", j.peer); },
            [&](const membership::Changed& c) -> std::optional<record::RunEvent> { return about("changed", c.peer); },
            [&](const membership::Superseded& s) -> std::optional<record::RunEvent> { return about("superseded", s.by); },
            [&](const membership::Refused&) -> std::optional<record::RunEvent> { return about("refused", {}); },
            [](const membership::Reachable&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [](const membership::Unreachable&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [](const membership::Measured&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [&](const membership::BulkWay& b) -> std::optional<record::RunEvent> {
                static constexpr const char* kinds[] = {"bulk_open", "bulk_doubtful", "bulk_narrow", "bulk_shut"};
                return about(kinds[static_cast<int>(b.way)], b.peer);
            },
            [](const membership::EchoWanted&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [](const membership::ProbeFailed&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [&](const membership::Suspected& s) -> std::optional<record::RunEvent> { return about("suspected", s.peer); },
            [&](const membership::Refuted& r) -> std::optional<record::RunEvent> { return about("refuted", r.peer); },
            [&](const membership::Gone& g) -> std::optional<record::RunEvent> {
                return about(g.why == membership::Standing::dead ? "dead" : "left", g.peer);
            },
            [&](const membership::Departed&) -> std::optional<record::RunEvent> { return about("departed", {}); },
            [&](const gossip::MixedWith& m) -> std::optional<record::RunEvent> {
                about("mixed", m.with);
                e.fields = {{"staleness", static_cast<double>(m.staleness)}, {"distance", m.distance},
                            {"relative", m.norm > 0 ? m.distance / m.norm : std::nan("")}, {"weight", m.weight},
                            {"bytes", static_cast<double>(m.bytes)}, {"took", seconds(m.took)}, {"taken", m.taken}};
                return e;
            },
            [&](const gossip::Failed& f) -> std::optional<record::RunEvent> {
                static constexpr const char* kinds[] = {"declined", "timed_out", "undelivered", "partner_gone", "other_layout", "no_graph", "clipped"};
                return about(kinds[static_cast<int>(f.why)], f.with);
            },
            [&](const gossip::RollFormed& r) -> std::optional<record::RunEvent> {
                about("roll", {});
                e.fields = {{"epoch", static_cast<double>(r.epoch)}, {"size", static_cast<double>(r.size)}, {"rank", static_cast<double>(r.rank)}};
                return e;
            },
            [&](const gossip::Finished&) -> std::optional<record::RunEvent> { return about("finished", {}); },
            [&](const gossip::Tallied& t) -> std::optional<record::RunEvent> {
                about("tallied", {});
                e.fields = {{"epoch", static_cast<double>(t.epoch)}};
                if (t.loss) e.fields.emplace_back("loss", *t.loss);
                if (t.accuracy) e.fields.emplace_back("accuracy", *t.accuracy);
                if (t.worst_accuracy) e.fields.emplace_back("worst_accuracy", *t.worst_accuracy);
                if (t.consensus) e.fields.emplace_back("consensus_distance", t.consensus->distance);
                return e;
            },
            [&](const gossip::Fetched& f) -> std::optional<record::RunEvent> {
                about("fetched", {});
                e.fields = {{"whole", f.whole ? 1.0 : 0.0}, {"donors", static_cast<double>(f.donors)}, {"pieces", static_cast<double>(f.pieces)},
                            {"bytes", static_cast<double>(f.bytes)}, {"took", seconds(f.took)}};
                return e;
            },
            [](const gossip::Collected&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [](const gossip::Skipped&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [](const gossip::TrainedSome&) -> std::optional<record::RunEvent> { return std::nullopt; },
            [](const Order&) -> std::optional<record::RunEvent> { return std::nullopt; },
        },
        event);
}

}  // namespace grapevine::chronicle
