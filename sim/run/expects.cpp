#include "grapevine/sim/run/expects.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "grapevine/record/comparison.hpp"

namespace grapevine::sim {

namespace {

constexpr double instant_slack = 1e-6;  // samples carry their time as a double of seconds

bool meets(const config::Expect& e, double value) {
    switch (e.what) {
        case config::Expect::What::at_least: return value >= e.value;
        case config::Expect::What::at_most: return value <= e.value;
        case config::Expect::What::equals: return std::abs(value - e.value) <= e.within * std::abs(e.value);
    }
    return false;
}

// The metric at each sample; with ratio_over its ratio to itself that long before, where both are known.
std::vector<std::pair<double, double>> series(const config::Expect& e, const std::vector<record::Sample>& samples) {
    std::vector<std::pair<double, double>> values;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const auto now = record::value_of(samples[i], e.metric);
        if (!now) continue;
        if (!e.ratio_over) {
            values.emplace_back(samples[i].t, *now);
            continue;
        }
        for (std::size_t j = i; j-- > 0;)
            if (std::abs(samples[i].t - samples[j].t - seconds(*e.ratio_over)) < instant_slack) {
                const auto before = record::value_of(samples[j], e.metric);
                if (before && *before > 0) values.emplace_back(samples[i].t, *now / *before);
                break;
            }
    }
    return values;
}

record::ExpectResult asked(const config::Expect& e) {
    record::ExpectResult result;
    result.metric = e.metric;
    static constexpr const char* whens[] = {"at", "by", "from", "end"};
    static constexpr const char* whats[] = {"at_least", "at_most", "equals"};
    result.when = whens[static_cast<int>(e.when)];
    result.what = whats[static_cast<int>(e.what)];
    if (e.when != config::Expect::When::end) result.instant = seconds(e.instant);
    result.value = e.value;
    if (e.what == config::Expect::What::equals) result.within = e.within;
    return result;
}

// Null is what never came: later than all others for a median, no figure otherwise.
std::optional<double> figure(const config::Expect& e, const std::string& variant, const std::vector<MeasuredRun>& runs, record::ExpectResult* into) {
    using Over = config::Expect::Over;
    std::vector<double> known;
    std::size_t all = 0;
    for (const MeasuredRun& run : runs) {
        if (!variant.empty() && run.variant != variant) continue;
        ++all;
        if (run.measured) known.push_back(*run.measured);
    }
    if (known.empty()) return {};
    std::sort(known.begin(), known.end());
    if (e.over == Over::median) {
        const std::size_t low = (all - 1) / 2, high = all / 2;
        return high < known.size() ? std::optional((known[low] + known[high]) / 2) : std::nullopt;
    }
    if (known.size() < all) return {};
    if (e.over == Over::max) return known.back();
    const double sum = std::accumulate(known.begin(), known.end(), 0.0);
    if (e.over == Over::sum) return sum;
    const record::Interval interval = record::interval_of(known);
    if (into) into->low = interval.low, into->high = interval.high;
    return interval.mean;
}

}  // namespace

record::ExpectResult judge(const config::Expect& e, const std::vector<MeasuredRun>& runs) {
    record::ExpectResult result = asked(e);
    result.over = config::to_string(e.over);
    result.variant = e.variant;
    result.relative_to = e.relative_to;
    result.measured = figure(e, e.variant, runs, e.relative_to.empty() ? &result : nullptr);
    if (!e.relative_to.empty()) {
        const auto base = figure(e, e.relative_to, runs, nullptr);
        // Nothing to be measured by: 0 of 0 says nothing about either.
        result.measured = result.measured && base && *base != 0 ? std::optional(*result.measured / *base) : std::nullopt;
    }
    result.holds = result.measured && meets(e, *result.measured);
    return result;
}

record::ExpectResult judge(const config::Expect& e, const std::vector<record::Sample>& samples, const record::Summary& summary) {
    using When = config::Expect::When;
    record::ExpectResult result = asked(e);
    const auto values = series(e, samples);
    const bool of_samples = std::find(config::metric_names().begin(), config::metric_names().end(), e.metric) != config::metric_names().end();
    if (!of_samples) {
        result.measured = record::value_of(summary, e.metric);
        result.holds = result.measured && meets(e, *result.measured);
        return result;
    }
    if (e.ratio_over) {  // the mean factor, over all samples or those since an instant
        double sum = 0;
        std::size_t count = 0;
        for (const auto& [t, v] : values)
            if (e.when != When::from || t >= seconds(e.instant) - instant_slack) sum += v, ++count;
        if (count > 0) result.measured = sum / static_cast<double>(count);
        result.holds = result.measured && meets(e, *result.measured);
        return result;
    }
    const double instant = seconds(e.instant);
    switch (e.when) {
        case When::end:
            if (!samples.empty()) result.measured = record::value_of(samples.back(), e.metric);
            result.holds = result.measured && meets(e, *result.measured);
            break;
        case When::at:
            for (const auto& [t, v] : values)
                if (std::abs(t - instant) < instant_slack) result.measured = v;
            result.holds = result.measured && meets(e, *result.measured);
            break;
        case When::by:
            for (const auto& [t, v] : values) {
                if (t > instant + instant_slack || result.holds) break;
                result.measured = v;
                result.holds = meets(e, v);
            }
            break;
        case When::from:
            result.holds = true;
            for (const auto& [t, v] : values) {
                if (t < instant - instant_slack) continue;
                if (!result.measured || result.holds) result.measured = v;
                result.holds = result.holds && meets(e, v);
            }
            result.holds = result.holds && result.measured;
            break;
    }
    return result;
}

std::optional<std::size_t> reached(const config::Target& target, const std::vector<record::Sample>& samples) {
    std::size_t run = 0, began = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const auto value = record::value_of(samples[i], target.metric);
        if (!value) continue;  // not evaluated at this one
        const bool holds = target.at_least ? *value >= target.value : *value <= target.value;
        if (!holds) {
            run = 0;
            continue;
        }
        if (run++ == 0) began = i;
        if (run == 3) return began;
    }
    return std::nullopt;
}

}  // namespace grapevine::sim
