// grapevine check and init: a configuration, looked at or begun.
#include <cstdio>
#include <filesystem>

#include "grapevine/learn/dataset.hpp"
#include "grapevine/record/run_files.hpp"
#include "grapevine/setup/peer_config.hpp"
#include "scenario.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

int check(const Arguments& a) {
    if (a.positional.empty()) return complain({"check wants a file", "for example: grapevine check run.toml"}, usage);
    const auto read = read_run(a.positional[0], a);
    if (const auto* error = std::get_if<Error>(&read)) return complain(*error, usage);
    const auto& config = std::get<config::Config>(read);
    if (const std::string why = setup::refused(config, true); !why.empty()) return complain({a.positional[0] + ": " + why, ""}, usage);
    const auto points = scenarios(a.positional[0], a, config);
    if (const auto* error = std::get_if<Error>(&points)) return complain(*error, usage);
    for (const Scenario& s : std::get<std::vector<Scenario>>(points))
        if (const std::string why = setup::refused(s.config, true); !why.empty())
            return complain({a.positional[0] + " (" + s.point.name + "): " + why, ""}, usage);
    if (config.data.own) {  // of a known set it is said when it is missed
        const auto data = learn::load(config.data, config.seed);
        if (const auto* error = std::get_if<learn::Error>(&data)) return complain(*error, usage);
    }
    std::fputs(config::to_toml(config).c_str(), stdout);
    if (const std::string why = setup::doubtful(config); !why.empty()) std::fprintf(stderr, "warning: %s\n", why.c_str());
    if (const std::string why = setup::refused(config, false); !why.empty())
        std::fprintf(stderr, "note: only a simulation can run this: %s\n", why.c_str());
    return finished;
}

constexpr const char* first_run = R"(# A run that a node and the simulator both understand. `grapevine node run.toml` begins it,
# `grapevine node --join HOST` on another machine takes part, `grapevine sim run.toml` plays it.
# Every key with its default: `grapevine check run.toml`; what they mean: docs/configuration.md.
name = "first-run"
seed = 1
until = "2min"                  # of the run; a newcomer ends with the others

[model]
kind = "mlp"
hidden = [128, 64]

[data]
set = "fashion-mnist"           # apt-get install dataset-fashion-mnist; or "blobs", which needs nothing
batch = 64

[train]
optimizer = "momentum"
learning_rate = 0.02
momentum = 0.9

[exchange]
kind = "gossip"
period = "250ms"                # longer: fewer bytes, models further apart

# What follows is the simulated world's; a node ignores it.
[[group]]
name = "laptop"
count = 4
step_time = { dist = "lognormal", median = "5ms", sigma = 0.2 }
uplink = "100Mbit"
downlink = "100Mbit"

[[link]]
between = ["*", "*"]
latency = { dist = "uniform", min = "2ms", max = "10ms" }
)";

int init(const Arguments& a) {
    const std::string directory = a.positional.empty() ? "." : a.positional[0];
    const std::string path = directory + "/run.toml";
    if (std::filesystem::exists(path)) return complain({path + " is there already", "give another directory, or move it away"}, usage);
    auto error = record::make_directory(directory);
    if (!error) error = record::replace_file(path, first_run);
    if (error) return complain({error->what, error->hint}, failed);
    std::printf("%s\n", path.c_str());
    return finished;
}

}  // namespace

Verb check_verb() {
    auto options = run_options();
    const auto sweeping = sweep_options();
    options.insert(options.end(), sweeping.begin(), sweeping.end());
    return {"check", "FILE.toml", "validate a configuration and print it with every default",
            "Reads a run or a scenario as node and sim would, and prints it resolved. Exit 2 and the place if something is wrong.", options, 1, check};
}

Verb init_verb() {
    return {"init", "[DIR]", "write a commented run.toml", "Writes DIR/run.toml, to begin from.", {}, 1, init};
}

}  // namespace grapevine::cli
