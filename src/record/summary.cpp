#include "grapevine/record/summary.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <utility>

#include "grapevine/record/run.hpp"
#include "json.hpp"
#include "summary_json.hpp"

namespace grapevine::record {
namespace {

// In the order in which they are written.
constexpr std::pair<const char*, Quantiles MembershipResult::*> times[] = {
    {"first_ping_seconds", &MembershipResult::first_ping_seconds},
    {"first_suspicion_seconds", &MembershipResult::first_suspicion_seconds},
    {"first_detection_seconds", &MembershipResult::first_detection_seconds},
    {"full_dissemination_seconds", &MembershipResult::full_dissemination_seconds},
    {"leave_dissemination_seconds", &MembershipResult::leave_dissemination_seconds},
};
constexpr std::pair<const char*, std::optional<double> MembershipResult::*> numbers[] = {
    {"leave_suspicions", &MembershipResult::leave_suspicions},
    {"false_positives", &MembershipResult::false_positives},
    {"false_positives_at_healthy", &MembershipResult::false_positives_at_healthy},
    {"false_positives_about_healthy", &MembershipResult::false_positives_about_healthy},
    {"false_positives_among_healthy", &MembershipResult::false_positives_among_healthy},
    {"false_detections", &MembershipResult::false_detections},
    {"false_detections_per_member_period", &MembershipResult::false_detections_per_member_period},
    {"refutations", &MembershipResult::refutations},
    {"refutations_max", &MembershipResult::refutations_max},
    {"views_full_at_seconds", &MembershipResult::views_full_at_seconds},
    {"probe_messages_per_member_period", &MembershipResult::probe_messages_per_member_period},
    {"messages_per_member_period", &MembershipResult::messages_per_member_period},
};

constexpr std::pair<const char*, std::optional<double> LastFive::*> fives[] = {
    {"loss", &LastFive::loss},
    {"accuracy", &LastFive::accuracy},
    {"worst_accuracy", &LastFive::worst_accuracy},
    {"merged_loss", &LastFive::merged_loss},
    {"merged_accuracy", &LastFive::merged_accuracy},
};
constexpr std::pair<const char*, std::optional<double> ExchangeCounts::*> fates[] = {
    {"started", &ExchangeCounts::started},
    {"mixed", &ExchangeCounts::mixed},
    {"declined", &ExchangeCounts::declined},
    {"overdue", &ExchangeCounts::overdue},
    {"undelivered", &ExchangeCounts::undelivered},
    {"partner_gone", &ExchangeCounts::partner_gone},
    {"other_layout", &ExchangeCounts::other_layout},
    {"no_graph", &ExchangeCounts::no_graph},
    {"clipped", &ExchangeCounts::clipped},
    {"skipped", &ExchangeCounts::skipped},
};
constexpr std::pair<const char*, std::optional<double> NetworkCounts::*> ways[] = {
    {"lost", &NetworkCounts::lost},
    {"garbled", &NetworkCounts::garbled},
    {"misread", &NetworkCounts::misread},
    {"shut_out", &NetworkCounts::shut_out},
};
constexpr std::array<const char*, Staleness::bins> bins{"0",     "1",      "2-3",     "4-7",     "8-15",     "16-31",
                                                        "32-63", "64-127", "128-255", "256-511", "512-1023", "1024+"};

template <class T, std::size_t N> Json json_of(const T& of, const std::pair<const char*, std::optional<double> T::*> (&members)[N]) {
    Json::Object out;
    for (const auto& [name, value] : members) out.emplace_back(name, of.*value);
    return out;
}

Json json_of(const Staleness& s) {
    Json::Object out{{"mean", s.mean}, {"max", s.max}};
    for (std::size_t i = 0; i < bins.size(); ++i) out.emplace_back(bins[i], s.counts[i]);
    return out;
}

Json json_of(const Quantiles& q) {
    return Json::Object{{"median", q.median}, {"p99", q.p99}, {"p9999", q.p9999}, {"max", q.max}, {"mean", q.mean}};
}

Json json_of(const Estimate& e) {
    return Json::Object{{"steps", e.steps}, {"training_flops", e.training_flops}, {"evaluation_flops", e.evaluation_flops}, {"seconds", e.seconds}, {"model_bytes", e.model_bytes}};
}

Json json_of(const TargetResult& target) {
    return Json::Object{{"metric", target.metric},
                        {"value", target.value},
                        {"reached_at_seconds", target.reached_at_seconds},
                        {"reached_at_samples", target.reached_at_samples},
                        {"reached_at_bytes", target.reached_at_bytes}};
}

Json json_of(const MembershipResult& m) {
    Json::Object out;
    for (const auto& [name, value] : times) out.emplace_back(name, json_of(m.*value));
    for (const auto& [name, value] : numbers) out.emplace_back(name, m.*value);
    return out;
}

// A member that is an object itself; absent and null leave the default.
template <class T> T part(Fields& fields, const char* key, const std::function<T(Fields&)>& read) {
    const Json* found = fields.member(key);
    if (!found) return {};
    Fields inner(*found, fields.where() + ": '" + key + "'");
    T value = inner.error() ? T{} : read(inner);
    fields.take(inner);
    return value;
}

Quantiles read_quantiles(Fields& f) { return {f.number("median"), f.number("p99"), f.number("p9999"), f.number("max"), f.number("mean")}; }

template <class T, std::size_t N> T read_members(Fields& f, const std::pair<const char*, std::optional<double> T::*> (&members)[N]) {
    T out;
    for (const auto& [name, value] : members) out.*value = f.number(name);
    return out;
}

Staleness read_staleness(Fields& f) {
    Staleness s;
    s.mean = f.number("mean");
    s.max = f.number("max");
    for (std::size_t i = 0; i < bins.size(); ++i) s.counts[i] = f.number(bins[i]);
    return s;
}

MembershipResult read_membership(Fields& f) {
    MembershipResult m;
    for (const auto& [name, value] : times) m.*value = part<Quantiles>(f, name, read_quantiles);
    for (const auto& [name, value] : numbers) m.*value = f.number(name);
    return m;
}

ExpectResult read_expect(Fields& f) {
    ExpectResult e;
    e.metric = f.text("metric");
    e.when = f.text("when");
    e.instant = f.number("instant");
    e.what = f.text("what");
    e.value = f.must_number("value");
    e.within = f.number("within");
    e.over = f.text("over");
    e.variant = f.text("variant");
    e.relative_to = f.text("relative_to");
    e.measured = f.number("measured");
    e.low = f.number("low");
    e.high = f.number("high");
    e.holds = f.truth("holds");
    return e;
}

}  // namespace

LastFive last_five(const std::vector<Sample>& samples) {
    constexpr std::size_t five = 5;
    const auto mean = [&](std::optional<double> Sample::*metric) -> std::optional<double> {
        double sum = 0;
        std::size_t found = 0;
        for (auto s = samples.rbegin(); s != samples.rend() && found < five; ++s)
            if (const auto& value = (*s).*metric) sum += *value, ++found;
        return found == five ? std::optional(sum / five) : std::nullopt;
    };
    return {mean(&Sample::loss), mean(&Sample::accuracy), mean(&Sample::worst_accuracy), mean(&Sample::merged_loss), mean(&Sample::merged_accuracy)};
}

const char* staleness_bin(std::size_t i) { return bins.at(i); }

void ExchangeTally::mixed(std::uint64_t staleness) {
    ++mixed_;
    most_ = std::max(most_, staleness);
    sum_ += static_cast<double>(staleness);
    ++bins_[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(staleness)), bins_.size() - 1)];
}

ExchangeTally& ExchangeTally::operator+=(const ExchangeTally& other) {
    for (std::size_t i = 0; i < failed_.size(); ++i) failed_[i] += other.failed_[i];
    for (std::size_t i = 0; i < bins_.size(); ++i) bins_[i] += other.bins_[i];
    mixed_ += other.mixed_, skipped_ += other.skipped_;
    most_ = std::max(most_, other.most_);
    sum_ += other.sum_;
    return *this;
}

ExchangeCounts ExchangeTally::counts() const {
    const auto of = [&](Failure why) { return static_cast<double>(failed_[static_cast<std::size_t>(why)]); };
    return {.started = {},
            .mixed = static_cast<double>(mixed_),
            .declined = of(Failure::declined),
            .overdue = of(Failure::overdue),
            .undelivered = of(Failure::undelivered),
            .partner_gone = of(Failure::partner_gone),
            .other_layout = of(Failure::other_layout),
            .no_graph = of(Failure::no_graph),
            .clipped = of(Failure::clipped),
            .skipped = static_cast<double>(skipped_)};
}

Staleness ExchangeTally::staleness() const {
    Staleness s;
    for (std::size_t i = 0; i < bins_.size(); ++i) s.counts[i] = static_cast<double>(bins_[i]);
    if (mixed_ > 0) s.mean = sum_ / static_cast<double>(mixed_), s.max = static_cast<double>(most_);
    return s;
}

Json json_of(const ExpectResult& e) {
    return Json::Object{{"metric", e.metric},
                        {"when", e.when},
                        {"instant", e.instant},
                        {"what", e.what},
                        {"value", e.value},
                        {"within", e.within},
                        {"over", null_if_empty(e.over)},
                        {"variant", null_if_empty(e.variant)},
                        {"relative_to", null_if_empty(e.relative_to)},
                        {"measured", e.measured},
                        {"low", e.low},
                        {"high", e.high},
                        {"holds", e.holds}};
}

Json json_of(const Summary& s) {
    Json::List expects;
    for (const ExpectResult& expect : s.expects) expects.push_back(json_of(expect));
    return Json::Object{{"name", s.name},
                        {"seed", s.seed},
                        {"exchange", s.exchange},
                        {"measure", null_if_empty(s.measure)},
                        {"compute", null_if_empty(s.compute)},
                        {"estimate", s.estimate ? json_of(*s.estimate) : Json()},
                        {"peers", s.peers},
                        {"peers_max", s.peers_max},
                        {"simulated_seconds", s.simulated_seconds},
                        {"interrupted", s.interrupted},
                        {"wall_seconds", s.wall_seconds},
                        {"cpu_seconds", s.cpu_seconds},
                        {"events", s.events},
                        {"events_per_cpu_second", s.events_per_cpu_second},
                        {"peak_bytes", s.peak_bytes},
                        {"bytes_per_peer", s.bytes_per_peer},
                        {"final", object_of(s.final)},
                        {"last5", json_of(s.last5, fives)},
                        {"ema_loss", s.ema_loss},
                        {"ema_accuracy", s.ema_accuracy},
                        {"target", s.target ? json_of(*s.target) : Json()},
                        {"time", Json::Object{{"computing", s.time.computing}, {"mixing", s.time.mixing}, {"waiting", s.time.waiting}}},
                        {"exchange_counts", json_of(s.exchange_counts, fates)},
                        {"staleness", json_of(s.staleness)},
                        {"membership", json_of(s.membership)},
                        {"network", json_of(s.network, ways)},
                        {"split_rounds", s.split_rounds},
                        {"trace_hash", null_if_empty(s.trace_hash)},
                        {"model_hash", null_if_empty(s.model_hash)},
                        {"expects", std::move(expects)},
                        {"version", null_if_empty(s.version)},
                        {"command", null_if_empty(s.command)}};
}

std::string to_json(const Summary& summary) { return dump_indented(json_of(summary)); }

Summary summary_of(Fields& f) {
    Summary s;
    s.name = f.text("name");
    s.seed = f.whole("seed");
    s.exchange = f.text("exchange");
    s.measure = f.text("measure");
    s.compute = f.text("compute");
    if (f.member("estimate"))
        s.estimate = part<Estimate>(f, "estimate", [](Fields& e) {
            return Estimate{e.must_number("steps"), e.must_number("training_flops"), e.must_number("evaluation_flops"), e.must_number("seconds"), e.must_number("model_bytes")};
        });
    s.peers = f.whole("peers");
    s.peers_max = f.whole("peers_max");
    s.simulated_seconds = f.number("simulated_seconds");
    s.interrupted = f.truth("interrupted");
    s.wall_seconds = f.number("wall_seconds");
    s.cpu_seconds = f.number("cpu_seconds");
    s.events = f.number("events");
    s.events_per_cpu_second = f.number("events_per_cpu_second");
    s.peak_bytes = f.number("peak_bytes");
    s.bytes_per_peer = f.number("bytes_per_peer");
    s.final = part<Sample>(f, "final", sample_of);
    s.last5 = part<LastFive>(f, "last5", [](Fields& l) { return read_members<LastFive>(l, fives); });
    s.ema_loss = f.number("ema_loss");
    s.ema_accuracy = f.number("ema_accuracy");
    if (f.member("target"))
        s.target = part<TargetResult>(f, "target", [](Fields& t) {
            return TargetResult{t.text("metric"), t.must_number("value"), t.number("reached_at_seconds"), t.number("reached_at_samples"),
                                t.number("reached_at_bytes")};
        });
    s.time = part<TimeShares>(f, "time", [](Fields& t) { return TimeShares{t.number("computing"), t.number("mixing"), t.number("waiting")}; });
    s.exchange_counts = part<ExchangeCounts>(f, "exchange_counts", [](Fields& c) { return read_members<ExchangeCounts>(c, fates); });
    s.staleness = part<Staleness>(f, "staleness", read_staleness);
    s.membership = part<MembershipResult>(f, "membership", read_membership);
    s.network = part<NetworkCounts>(f, "network", [](Fields& n) { return read_members<NetworkCounts>(n, ways); });
    s.split_rounds = f.number("split_rounds");
    s.trace_hash = f.text("trace_hash");
    s.model_hash = f.text("model_hash");
    if (const Json::List* expects = f.list("expects"))
        for (const Json& item : *expects) {
            Fields inner(item, f.where() + ": 'expects'");
            s.expects.push_back(read_expect(inner));
            f.take(inner);
        }
    s.version = f.text("version");
    s.command = f.text("command");
    return s;
}

std::variant<Summary, Error> parse_summary(const std::string& text, const std::string& file) {
    const auto parsed = parse(text);
    if (const auto* why = std::get_if<std::string>(&parsed)) return Error{file + ": " + *why, "was the file cut or changed by hand? run again"};
    Fields fields(std::get<Json>(parsed), file);
    Summary summary = summary_of(fields);
    if (fields.error()) return *fields.error();
    return summary;
}

std::optional<double> value_of(const Summary& summary, const std::string& path) { return number_at(json_of(summary), path); }

std::optional<double> number_at(const Json& whole, const std::string& path) {
    const Json* at = &whole;
    for (std::size_t from = 0; at && from <= path.size();) {
        const std::size_t to = std::min(path.find('.', from), path.size());
        at = at->find(path.substr(from, to - from));
        from = to + 1;
    }
    return at ? at->number() : std::nullopt;
}

}  // namespace grapevine::record
