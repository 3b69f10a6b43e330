// The configuration of a run, as it comes in a file or from the node through which we join. What is taken is written in full and read
// again as the same; what is refused says where, and what to do.
#include "fuzz.hpp"
#include "grapevine/config/config.hpp"

using namespace grapevine;

std::vector<std::string> fuzz::seeds() {
    return {
        "",
        "name = \"a\"\nseed = 3\nuntil = \"1min\"\n[model]\nkind = \"mlp\"\nhidden = [3, 4]\n[data]\nset = \"blobs\"\nsplit = { kind = \"dirichlet-per-class\", alpha = 0.3 }\nbatch = 7\n"
        "[train]\noptimizer = \"momentum\"\nlearning_rate = 0.05\ntarget = { metric = \"accuracy\", at_least = 0.8, stop = true }\n[exchange]\nkind = \"gossip\"\nperiod = \"100ms\"\nencoding = { kind = \"int8\" }\n",
        "[model]\nkind = \"quadratic\"\na = \"index\"\nb = [0.1, 1e-300, -7]\ninitial = -0.5\n[exchange]\nkind = \"dpsgd\"\nperiod = \"1s\"\nclock = \"rounds\"\ngraph = \"base-3\"\n"
        "[[group]]\nname = \"a\"\ncount = 3\n[[sweep.variant]]\nname = \"x\"\nset = { seed = 4 }\n[sweep]\n\"exchange.period\" = [\"1s\", \"2s\"]\n",
        "[membership]\nkind = \"swim\"\nperiod = \"1s\"\nsuspicion = { alpha = 4, beta = 6 }\nlifeguard = { nacks = false }\nstart = \"join\"\nover = \"2s\"\n"
        "[[group]]\nname = \"g\"\ncount = 9\nstep_time = { dist = \"lognormal\", median = \"2ms\", sigma = 0.1 }\nuplink = \"10Gbit\"\n[[link]]\nbetween = [\"g\", \"*\"]\nlatency = { dist = \"pareto\", min = \"5ms\", alpha = 2.5 }\nloss = 0.01\n"
        "[churn]\ngroups = [\"g\"]\nsession = { dist = \"weibull\", scale = \"60s\", shape = 0.6 }\ndowntime = { dist = \"exponential\", mean = \"10s\" }\n"
        "[[event]]\nat = \"1s\"\nkind = \"partition\"\nsides = [[\"g:2\"], [\"g[3]\"]]\nfor = \"1s\"\n[[event]]\nat = \"2s\"\nkind = \"crash\"\nnodes = \"g:10%\"\n"
        "[[expect]]\nmetric = \"merged_accuracy\"\nby = \"90s\"\nat_least = 0.86\n[metrics]\nevery = \"1s\"\n[compare.allreduce]\nlearning_rate = 0.5\n",
        "[model]\nkind = \"cnn\"\nchannels = [8, 16]\n[data]\nformat = \"csv\"\nfiles = [\"a.csv\"]\nlabel = 3\nheader = false\n[train]\nschedule = { kind = \"cosine\", steps = 900, floor = 0.05, warmup = 10 }\n",
    };
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (text.find("file:") != std::string::npos) return 0;  // a graph in a file: that is another input
    const auto read = config::read_text(text, "input.toml");
    if (const auto* error = std::get_if<config::Error>(&read)) {
        assert(!error->what.empty() && error->what.find("input.toml") != std::string::npos);
        return 0;
    }
    const auto& config = std::get<config::Config>(read);
    const std::string written = config::to_toml(config);
    const auto again = config::read_text(written, "written.toml");
    assert(std::holds_alternative<config::Config>(again) && config::to_toml(std::get<config::Config>(again)) == written);
    return 0;
}
