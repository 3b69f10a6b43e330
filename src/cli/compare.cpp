// grapevine compare: the same scenario under several exchanges.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <thread>

#include "grapevine/record/comparison.hpp"
#include "grapevine/report/report.hpp"
#include "grapevine/setup/peer_config.hpp"
#include "grapevine/sim/run/compare.hpp"
#include "interrupt.hpp"
#include "local_compare.hpp"
#include "scenario.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// "allreduce,local" as exchange kinds.
std::variant<std::vector<config::ExchangeKind>, Error> read_methods(const std::string& text) {
    std::vector<config::ExchangeKind> kinds;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) {
        const auto kind = exchange_kind(word);
        if (const auto* error = std::get_if<Error>(&kind)) return *error;
        kinds.push_back(std::get<0>(kind));
    }
    if (kinds.empty()) return Error{"--against names no exchange", "for example: --against allreduce,local"};
    return kinds;
}

// "0.03,0.1,0.3"; nothing: each method's own three.
std::variant<std::vector<double>, Error> read_rates(const std::string& text) {
    std::vector<double> rates;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) {
        char* end = nullptr;
        const double rate = std::strtod(word.c_str(), &end);
        if (word.empty() || *end != 0 || !(rate > 0) || !std::isfinite(rate)) return Error{"--rates: '" + word + "' is no learning rate", "for example: --rates 0.03,0.1,0.3"};
        if (std::find(rates.begin(), rates.end(), rate) != rates.end()) return Error{"--rates: " + word + " stands there twice", "for example: --rates 0.03,0.1,0.3"};
        rates.push_back(rate);
    }
    return rates;
}

bool sweeps_methods(const config::Sweep& sweep) {
    const auto is = [](const config::Setting& s) { return s.path.starts_with("exchange.") || s.path.starts_with("compare.") || s.path == "train.learning_rate"; };
    return std::any_of(sweep.axes.begin(), sweep.axes.end(), [&](const auto& axis) { return is(axis.front()); }) ||
           std::any_of(sweep.variants.begin(), sweep.variants.end(), [&](const auto& v) { return std::any_of(v.set.begin(), v.set.end(), is); });
}

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"compare wants a scenario file", "for example: grapevine compare examples/slow_peer.toml --against allreduce"}, usage);
    auto read = read_run(a.positional[0], a);
    if (const auto* error = std::get_if<Error>(&read)) return complain(*error, usage);
    sim::CompareRequest request;
    request.config = std::get<config::Config>(std::move(read));
    if (a.has("against") || request.config.compares.empty()) {
        auto methods = read_methods(a.get("against").value_or("allreduce,local"));
        if (const auto* error = std::get_if<Error>(&methods)) return complain(*error, usage);
        request.against = std::get<std::vector<config::ExchangeKind>>(std::move(methods));
    }
    if (sweeps_methods(request.config.sweep))
        return complain({"this [sweep] changes the exchange or its learning rate, which are the method's own", "a [compare.NAME] for each"}, usage);
    if (!request.config.sweep.empty()) {
        auto points = scenarios(a.positional[0], a, request.config);
        if (const auto* error = std::get_if<Error>(&points)) return complain(*error, usage);
        for (Scenario& s : std::get<std::vector<Scenario>>(points)) request.points.emplace_back(s.point.name, std::move(s.config));
        request.config.sweep = {};
    }
    if (const auto only = a.get("methods")) {
        std::vector<std::string> known;
        for (const sim::Method& m : sim::methods_of(request)) known.push_back(m.name);
        std::istringstream words(*only);
        for (std::string word; std::getline(words, word, ',');) {
            if (std::find(known.begin(), known.end(), word) == known.end()) {
                const auto near = config::nearest(word, known);
                std::string all;
                for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
                return complain({"--methods: there is no method '" + word + "'", near ? "did you mean '" + *near + "'?" : "there are " + all}, usage);
            }
            request.only.push_back(word);
        }
        if (request.only.empty()) return complain({"--methods names no method", "for example: --methods " + known.front()}, usage);
    }
    request.threads = std::max(1u, std::thread::hardware_concurrency());
    std::optional<std::uint32_t> tuning_seeds;
    for (const auto& [name, put] : std::vector<std::pair<const char*, std::function<void(std::uint32_t)>>>{
             {"seeds", [&](std::uint32_t n) { request.seeds = n; }},
             {"tune-seeds", [&](std::uint32_t n) { tuning_seeds = n; }},
             {"threads", [&](std::uint32_t n) { request.threads = n; }}}) {
        auto n = a.number(name, 1, 1000);
        if (const auto* error = std::get_if<Error>(&n)) return complain(*error, usage);
        if (const auto& value = std::get<std::optional<double>>(n)) put(static_cast<std::uint32_t>(*value));
    }
    const bool real = a.has("real");
    for (const char* name : {"rates", "tune-seeds"})
        if (a.has(name) && !a.has("tune")) return complain({"--" + std::string(name) + " says how to tune, and nothing is tuned", "add --tune"}, usage);
    if (a.has("tune")) {
        auto rates = read_rates(a.get("rates").value_or(""));
        if (const auto* error = std::get_if<Error>(&rates)) return complain(*error, usage);
        if (real) return complain({"--tune runs in simulated time only", "tune without --real, and write each method's rate into its [compare.NAME]"}, usage);
        if (!request.config.model.needs_data()) return complain({"--tune chooses by held-out data, and this model learns from none", "leave --tune out"}, usage);
        if (request.config.data.validation > 0) return complain({"--tune holds its own part of the training set out, and [data] has 'validation' already", "take 'validation' out"}, usage);
        request.tuning = sim::Tuning{std::get<std::vector<double>>(std::move(rates)), tuning_seeds.value_or(std::min(request.seeds, 3u))};
    }
    for (const sim::Method& method : sim::methods_of(request)) {
        const config::Config c = sim::under(request.config, method);
        std::string why = setup::refused(c, !real);
        std::string hint;
        if (const auto error = config::check(c, a.positional[0]); why.empty() && error) why = error->what, hint = error->hint;
        if (!why.empty()) return complain({method.name + ": " + why, hint}, usage);
    }
    request.out = a.get("out").value_or("");
    request.overwrite = a.has("overwrite");
    request.version = version();
    request.command = command_line();
    request.stop = &stop_on_interrupt();
    ProgressLine line;
    if (!a.has("quiet"))
        request.progress = [&](const std::string& what, std::size_t done, std::size_t of) {
            line.show(std::to_string(done) + " of " + std::to_string(of) + " runs done (" + what + ")");
        };
    auto compared = real ? compare_locally(request) : sim::compare(request);
    line.clear();
    if (const auto* error = std::get_if<record::Error>(&compared)) return complain({error->what, error->hint}, failed);
    const auto& comparison = std::get<record::Comparison>(compared);
    if (!request.out.empty()) {
        auto error = record::write_comparison(request.out, comparison);
        if (!error) error = record::replace_file(request.out + "/report.html", report::page_of_comparison(comparison, record::load_runs(request.out, comparison)));
        if (error) {
            std::fputs(record::table_of(comparison).c_str(), stdout);
            return complain({error->what, error->hint}, failed);
        }
    }
    std::fputs(a.has("json") ? record::to_json(comparison).c_str() : record::table_of(comparison).c_str(), stdout);
    if (!request.out.empty() && !a.has("json")) std::printf("report: %s/report.html\n", request.out.c_str());
    return finished;
}

}  // namespace

Verb compare_verb() {
    Verb v{"compare", "SCENARIO.toml [--against KINDS] [--seeds K] [--tune] [--out DIR] [--real]", "one scenario under several exchanges, side by side",
           "The same data, initial parameters, machines, links and events under each exchange, and all once more in the calm\n"
           "case (no events, no loss), which favours those that wait for each other. Prints time, samples and bytes to the\n"
           "target, idle share and accuracy together. Methods with keys or a learning rate of their own are [compare.NAME] in\n"
           "the file. --tune chooses each method's learning rate on a part of the training set under other seeds. --real runs processes on this machine in place of a simulation.",
           run_options(), 1, run};
    v.options.insert(v.options.end(), {{"against", "KINDS", "exchanges beside the file's own, with commas; default allreduce,local where the file has no [compare.NAME]"},
                                       {"seeds", "K", "run seeds seed .. seed+K-1, the same for each"},
                                       {"methods", "NAMES", "of all methods these, with commas"},
                                       {"tune", "", "choose each method's learning rate of three, on held-out training data"},
                                       {"rates", "LIST", "with --tune: these (0.03,0.1,0.3) in place of a third of the file's, it, and three times it"},
                                       {"tune-seeds", "K", "with --tune: runs for each rate, under seeds of their own; default as many as --seeds, at most 3"},
                                       {"threads", "N", "simulations at a time; default one for each core"},
                                       {"real", "", "local processes in real time"},
                                       {"out", "DIR", "write comparison.json, report.html and every run there"},
                                       {"overwrite", "", "also where a comparison is already"},
                                       {"json", "", "print comparison.json"},
                                       {"quiet", "", "no progress"}});
    return v;
}

}  // namespace grapevine::cli
