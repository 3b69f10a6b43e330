#pragma once

#include "grapevine/record/comparison.hpp"
#include "grapevine/sim/run/run.hpp"

namespace grapevine::sim {

struct CompareRequest {
    config::Config config;                     // its own exchange is the first method
    std::vector<config::ExchangeKind> against;
    std::uint32_t seeds = 1;                   // seed, seed + 1, ...
    std::string out;                           // directory; empty: nothing is written
    bool overwrite = false;
    unsigned threads = 2;                      // runs at a time
    std::function<void(const std::string& what, std::size_t done, std::size_t of)> progress;
    const std::atomic<bool>* stop = nullptr;
    std::string version, command;
};

// The same data, initial parameters, machines, links and events under each method, and all again in the calm
// case: no events, no loss. Paired: method and scene change nothing that the seed draws.
std::variant<record::Comparison, record::Error> compare(const CompareRequest& request);

// The methods of a comparison, the file's own first and each once; and the comparison before any run.
std::vector<config::ExchangeKind> methods_of(const CompareRequest& request);
record::Comparison nothing_yet(const CompareRequest& request);

// The scenario with nothing going wrong: same machines, latencies and rates.
config::Config calm(config::Config config);
// The scenario under another exchange, with that exchange's own defaults.
config::Config under(config::Config config, config::ExchangeKind kind);

}  // namespace grapevine::sim
