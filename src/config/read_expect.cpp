#include <algorithm>

#include "section.hpp"

namespace grapevine::config {
namespace {

// Reads the one key of `keys` that is there; two are an error.
std::size_t only_one(Section& section, const std::vector<const char*>& keys, const std::string& what) {
    std::size_t found = keys.size();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!section.has(keys[i])) continue;
        if (found != keys.size())
            section.fault(keys[i], "an [[expect]] has one " + what + ", not both '" + keys[found] + "' and '" + keys[i] + "'",
                          "write two [[expect]], or keep one of the keys");
        found = i;
    }
    return found;
}

void read_metric(Section& section, Expect& expect) {
    if (!section.has("metric")) section.fault("metric", "this [[expect]] does not say what is measured", "metric = \"merged_accuracy\"");
    if (!section.text("metric", expect.metric)) return;
    const auto& metrics = metric_names();
    const auto& paths = summary_paths();
    if (std::find(metrics.begin(), metrics.end(), expect.metric) != metrics.end()) return;
    if (std::find(paths.begin(), paths.end(), expect.metric) != paths.end()) {
        for (const char* key : {"at", "by", "from", "ratio_over"})
            if (section.has(key))
                section.fault(key,
                              in_quotes(expect.metric) + " stands in the summary, which is made at the end: '" + std::string(key) +
                                  "' has no meaning for it",
                              "take '" + std::string(key) + "' out");
        return;
    }
    auto all = metrics;
    all.insert(all.end(), paths.begin(), paths.end());
    const auto near = nearest(expect.metric, all);
    std::string known;
    for (const auto& name : metrics) known += (known.empty() ? "" : ", ") + name;
    section.fault("metric", in_quotes(expect.metric) + " is no metric",
                  (near ? "did you mean " + in_double_quotes(*near) + "? " : std::string()) + "metrics: " + known +
                      ", and paths of summary.json such as \"membership.false_positives\"");
}

void read_variant(Section& section, const char* key, std::string& out, const Config& config) {
    if (!section.text(key, out)) return;
    std::vector<std::string> known;
    for (const Sweep::Variant& variant : config.sweep.variants) known.push_back(variant.name);
    if (std::find(known.begin(), known.end(), out) != known.end()) return;
    const auto near = nearest(out, known);
    section.fault(key, "there is no variant " + in_quotes(out) + " in [sweep]",
                  near ? "did you mean " + in_double_quotes(*near) + "?"
                       : known.empty() ? "[[sweep.variant]] with name = \"plain\" makes one" : "variants: " + any_of(known));
}

}  // namespace

void read_expects(Section& file, Config& config) {
    for (Section& section : file.tables("expect", "[[expect]]")) {
        Expect expect;
        read_metric(section, expect);

        const std::vector<const char*> whens{"at", "by", "from"};
        const Expect::When when[] = {Expect::When::at, Expect::When::by, Expect::When::from, Expect::When::end};
        const std::size_t w = only_one(section, whens, "moment");
        expect.when = when[w];
        for (const char* key : whens) {
            Duration instant{};
            if (!section.duration(key, instant, "90s")) continue;
            expect.instant = Instant(instant);
            if (config.until && instant > *config.until)
                section.fault(key, "the run ends at " + format_duration(*config.until) + ", before this", "a moment until then, or a longer 'until'");
        }

        const std::vector<const char*> whats{"at_least", "at_most", "equals"};
        const Expect::What what[] = {Expect::What::at_least, Expect::What::at_most, Expect::What::equals};
        const std::size_t v = only_one(section, whats, "bound");
        if (v == whats.size())
            section.fault("at_least", "this [[expect]] does not say what it expects",
                          "one of at_least = 0.86, at_most = 0.1, equals = 0.3 with within = 0.02");
        else expect.what = what[v];
        for (const char* key : whats) section.number(key, expect.value, -HUGE_VAL, HUGE_VAL);
        if (expect.what == Expect::What::equals) section.number("within", expect.within, 0, HUGE_VAL);
        else section.belongs({"within"}, "'equals'", "this is '" + std::string(v < 2 ? whats[v] : "at_least") + "'");

        Duration ratio{};
        if (section.longer_than_zero("ratio_over", ratio, "1s")) expect.ratio_over = ratio;
        for (const char* key : {"at", "by"})
            if (section.has("ratio_over") && section.has(key))
                section.fault(key, "'ratio_over' takes a mean over samples, '" + std::string(key) + "' only one of them",
                              "'from' for the samples since then, or neither for all");
        section.choice("over", expect.over, overs);
        read_variant(section, "variant", expect.variant, config);
        read_variant(section, "relative_to", expect.relative_to, config);
        if (section.has("relative_to") && !section.has("variant"))
            section.fault("relative_to", "'relative_to' divides the figure of one variant by that of another", "variant = \"...\": the one above the line");
        section.finish();
        if (file.reading().any()) return;
        config.expects.push_back(std::move(expect));
    }
}

}  // namespace grapevine::config
