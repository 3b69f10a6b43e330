// grapevine bench: what this machine does, beside what it could do at the most.
#include <string>

#include "bench.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

struct Measurement {
    const char* name;
    int (*run)(const Arguments& arguments);
};
constexpr Measurement measurements[] = {{"step", bench_step}, {"mix", bench_mix}, {"sim", bench_sim}, {"net", bench_net}};

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"bench wants to know what to measure", "grapevine bench step, mix, sim or net"}, usage);
    for (const Measurement& m : measurements)
        if (a.positional[0] == m.name) return m.run(a);
    return complain({"bench does not know '" + a.positional[0] + "'", "it knows: step, mix, sim, net"}, usage);
}

}  // namespace

Verb bench_verb() {
    return {"bench", "step|mix|sim|net", "this machine's numbers, each beside the hardware's floor",
            "step: samples a second of an MLP 784-256-128-10 and of a CNN on pictures of 28 x 28, and what their products reach of the\n"
            "most that registers can do. mix: bytes a second of mixing two models of 10^6 and of 10^8 parameters, beside copying.\n"
            "sim: events a CPU second of the simulator with 10^3, 10^4 and 10^5 peers (membership, and gossip of one value), beside a\n"
            "plain heap and the memory's bandwidth. net: what the bulk plane carries beside a plain TCP stream, and what a ping costs\n"
            "meanwhile, within this machine or to another (--serve there, --peer here). Less than a minute each; leave the machine\n"
            "alone meanwhile.",
            {{"model", "NAME", "step: only 'mlp' or 'cnn'", false, true},
             {"channels", "N,N", "step: of the cnn's convolutions (default 32,64)", false, true},
             {"batch", "N", "step: samples a step (default 64)", false, true},
             {"seconds", "S", "step, net: how long each (default 3, and 5)", false, true},
             {"parameters", "N", "mix: only models of this size", false, true},
             {"threads", "N", "step: of the products (default 1)", false, true},
             {"device", "cpu", "step, mix: where to compute", false, true},
             {"serve", "ADDR:PORT", "net: be the other side, until ^C", false, true},
             {"peer", "HOST:PORT", "net: measure to where bench net --serve runs", false, true},
             {"size", "MIB", "net: only parcels of so many MiB, 100 at most", false, true},
             {"peers", "N", "sim: only with 1000, 10000 or 100000 peers", false, true},
             {"json", "", "print it as JSON"}, {"quiet", "", "no progress"}}, 1, run};
}

}  // namespace grapevine::cli
