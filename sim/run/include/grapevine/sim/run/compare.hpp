#pragma once

#include "grapevine/record/comparison.hpp"
#include "grapevine/sim/run/run.hpp"

namespace grapevine::sim {

// One way to train that is compared.
struct Method {
    std::string name;
    config::Exchange exchange;
    std::optional<double> learning_rate;       // none: the file's
};

// Rates are chosen by other seeds than those of the table, on a part of the training set.
struct Tuning {
    std::vector<double> rates;                 // to be tried by every method; empty: its own, a third of it and three times it
    std::uint32_t seeds = 1;
};

struct CompareRequest {
    config::Config config;                     // its own exchange is the first method, its [compare.*] the next
    std::vector<std::pair<std::string, config::Config>> points;  // of its sweep, each a scene under its name; empty: it is one
    std::vector<config::ExchangeKind> against;
    std::vector<std::string> only;             // of all methods these; empty: all
    std::uint32_t seeds = 1;                   // seed, seed + 1, ...
    std::optional<Tuning> tuning;
    std::string out;                           // directory; empty: nothing is written
    bool overwrite = false;
    unsigned threads = 2;                      // runs at a time
    std::function<void(const std::string& what, std::size_t done, std::size_t of)> progress;
    const std::atomic<bool>* stop = nullptr;
    std::string version, command;
};

// The same data, initial parameters, machines, links and events under each method, and all again in the calm
// case: no events, no loss. Paired: method and scene change nothing that the seed draws. A scenario in which nothing
// goes wrong is its own calm case, and runs once.
std::variant<record::Comparison, record::Error> compare(const CompareRequest& request);

// The methods of a comparison, the file's own first and each name once; the scenes; and the comparison before any run.
std::vector<Method> methods_of(const CompareRequest& request);
std::vector<std::pair<std::string, config::Config>> scenes_of(const CompareRequest& request);
record::Comparison nothing_yet(const CompareRequest& request);

// The scenario with nothing going wrong: same machines, latencies and rates.
config::Config calm(config::Config config);
// The scenario under another method.
config::Config under(config::Config config, const Method& method);

}  // namespace grapevine::sim
