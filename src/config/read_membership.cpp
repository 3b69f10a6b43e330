#include <algorithm>
#include <iterator>

#include "section.hpp"

// [membership] and [metrics].
namespace grapevine::config {
namespace {

void read_suspicion(Section& section, Membership& membership) {
    const Value* value = section.value("suspicion");
    if (!value) return;
    const char* hint = "suspicion = \"off\", or suspicion = { alpha = 4, beta = 6 }";
    if (const auto* word = std::get_if<std::string>(&value->is)) {
        if (*word != "on" && *word != "off") section.fault("suspicion", in_quotes(*word) + " is no suspicion of [membership]", hint);
        membership.suspicion = *word != "off";
        return;
    }
    if (!std::holds_alternative<Table>(value->is))
        return section.fault("suspicion", "'suspicion' in [membership] wants a table or \"off\", this is " + kind_of(*value), hint);
    Section table = section.table("suspicion", "suspicion");
    table.above("alpha", membership.suspicion_alpha, 0);
    table.number("beta", membership.suspicion_beta, 1, 1e6);
    table.finish();
}

void read_lifeguard(Section& section, Membership& membership) {
    const Value* value = section.value("lifeguard");
    if (!value) return;
    bool* const parts[] = {&membership.local_health, &membership.dogpile, &membership.buddy, &membership.nacks, &membership.confirm, &membership.damping};
    if (const auto* all = std::get_if<bool>(&value->is)) {
        for (bool* part : parts) *part = *all;
        return;
    }
    if (!std::holds_alternative<Table>(value->is))
        return section.fault("lifeguard", "'lifeguard' in [membership] wants true, false or a table, this is " + kind_of(*value),
                             "lifeguard = { local_health = true, dogpile = false }");
    Section table = section.table("lifeguard", "lifeguard");
    const char* const names[] = {"local_health", "dogpile", "buddy", "nacks", "confirm", "damping"};
    for (std::size_t i = 0; i < std::size(parts); ++i) table.truth(names[i], *parts[i]);
    table.finish();
}

}  // namespace

void read_membership(Section& file, Config& config) {
    Section section = file.table("membership", "[membership]");
    Membership& membership = config.membership;
    section.choice("kind", membership.kind, membership_kinds, {});
    if (membership.kind == MembershipKind::fixed) {
        section.belongs({"period", "probe_timeout", "indirect", "suspicion", "lifeguard", "start", "over"}, "kind = \"swim\"",
                        "this membership is \"static\": everybody is known from the start and nobody is probed");
        section.finish();
        return;
    }
    section.longer_than_zero("period", membership.period, "1s");
    membership.probe_timeout = std::min(membership.probe_timeout, membership.period / 2);
    if (section.longer_than_zero("probe_timeout", membership.probe_timeout, "500ms") && membership.probe_timeout >= membership.period)
        section.fault("probe_timeout",
                      "'probe_timeout' must be shorter than the membership's period, " + format_duration(membership.period) +
                          ": helpers are asked in what is left of it",
                      "probe_timeout = \"" + format_duration(membership.period / 2) + "\"");
    section.integer("indirect", membership.indirect, 0, 64);
    read_suspicion(section, membership);
    read_lifeguard(section, membership);
    const std::vector<std::string> starts{"full", "join"};
    if (const auto index = section.pick("start", starts, {})) membership.start_full = *index == 0;
    if (!membership.start_full) section.duration("over", membership.start_over, "10s");
    else section.belongs({"over"}, "start = \"join\"", "here everybody is there from the start");
    section.finish();
}

void read_metrics(Section& file, Config& config) {
    Section section = file.table("metrics", "[metrics]");
    Metrics& metrics = config.metrics;
    section.longer_than_zero("every", metrics.every, "1s");
    section.longer_than_zero("evaluate_every", metrics.evaluate_every, "1s");
    section.integer("evaluate_peers", metrics.evaluate_peers, 1, 1'000'000'000);
    if (const Value* value = section.value("evaluate_samples")) {
        std::uint32_t samples = 0;
        if (std::holds_alternative<std::string>(value->is)) {
            if (section.pick("evaluate_samples", {"all"}, {})) metrics.evaluate_samples.reset();
        } else if (section.integer("evaluate_samples", samples, 1, 1'000'000'000)) {
            metrics.evaluate_samples = samples;
        }
    }
    if (Duration tally{}; section.duration("tally", tally, "500ms")) metrics.tally = tally;
    if (bool views = false; section.truth("views", views)) metrics.views = views;
    constexpr std::int64_t most = 10'000'000;
    if (config.until && *config.until / metrics.every > most)
        section.fault("every",
                      "a sample every " + format_duration(metrics.every) + " until " + format_duration(*config.until) +
                          " would be more than ten million samples",
                      "every = \"" + format_duration(std::max<Duration>(std::chrono::seconds(1), *config.until / 1000)) + "\"");
    section.finish();
}

}  // namespace grapevine::config
