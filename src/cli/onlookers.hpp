#pragma once

#include <memory>
#include <utility>

#include "arguments.hpp"
#include "grapevine/sim/run/onlooker.hpp"

namespace grapevine::cli {

// --trace, --spacetime, --record and what goes with them: what is written down of a simulated run besides its files.
std::vector<Option> onlooker_options();

class Onlookers {
public:
    // Opens the files. `config` is the scenario's, scaled.
    static std::variant<Onlookers, Error> create(const Arguments& arguments, const config::Config& config);

    bool empty() const { return all_.empty(); }
    std::vector<sim::Onlooker*> pointers() const;
    // Says on stderr what the reader of a file must know. The first fault, if there was one.
    std::optional<Error> conclude() const;

private:
    struct One {
        std::string flag, path;
        std::unique_ptr<sim::Onlooker> onlooker;
    };
    std::vector<One> all_;
};

}  // namespace grapevine::cli
