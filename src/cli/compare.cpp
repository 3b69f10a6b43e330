// grapevine compare: the same scenario under several exchanges.
#include <cstdio>
#include <sstream>

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

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"compare wants a scenario file", "for example: grapevine compare examples/slow_peer.toml --against allreduce"}, usage);
    auto read = read_run(a.positional[0], a);
    if (const auto* error = std::get_if<Error>(&read)) return complain(*error, usage);
    auto methods = read_methods(a.get("against").value_or("allreduce,local"));
    if (const auto* error = std::get_if<Error>(&methods)) return complain(*error, usage);

    sim::CompareRequest request;
    request.config = std::get<config::Config>(std::move(read));
    request.against = std::get<std::vector<config::ExchangeKind>>(std::move(methods));
    for (const auto& [name, into] : {std::pair<const char*, std::uint32_t*>{"seeds", &request.seeds}, {"threads", &request.threads}}) {
        auto n = a.number(name, 1, 1000);
        if (const auto* error = std::get_if<Error>(&n)) return complain(*error, usage);
        if (const auto& value = std::get<std::optional<double>>(n)) *into = static_cast<std::uint32_t>(*value);
    }
    const bool real = a.has("real");
    std::vector<config::ExchangeKind> all = request.against;
    all.push_back(request.config.exchange.kind);
    for (const auto kind : all)
        if (const std::string why = setup::refused(sim::under(request.config, kind), !real); !why.empty())
            return complain({std::string(config::to_string(kind)) + ": " + why, ""}, usage);
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
    Verb v{"compare", "SCENARIO.toml [--against KINDS] [--seeds K] [--out DIR] [--real]", "one scenario under several exchanges, side by side",
           "The same data, initial parameters, machines, links and events under each exchange, and all once more in the calm\n"
           "case (no events, no loss), which favours those that wait for each other. Prints time, samples and bytes to the\n"
           "target, idle share and final accuracy together. --real runs processes on this machine in place of a simulation.",
           run_options(), 1, run};
    v.options.insert(v.options.end(), {{"against", "KINDS", "exchanges beside the file's own, with commas; default allreduce,local"},
                                       {"seeds", "K", "run seeds seed .. seed+K-1, the same for each"},
                                       {"threads", "N", "simulations at a time; default 2"},
                                       {"real", "", "local processes in real time"},
                                       {"out", "DIR", "write comparison.json, report.html and every run there"},
                                       {"overwrite", "", "also where a comparison is already"},
                                       {"json", "", "print comparison.json"},
                                       {"quiet", "", "no progress"}});
    return v;
}

}  // namespace grapevine::cli
