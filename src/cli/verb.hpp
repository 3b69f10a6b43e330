#pragma once

#include <string>
#include <vector>

#include "arguments.hpp"
#include "exit_codes.hpp"

namespace grapevine::cli {

// What the program can be told to do. Each lies in a file of its own.
struct Verb {
    std::string name;
    std::string takes;    // "SCENARIO.toml [--seeds K]": after the name, in the usage line
    std::string does;     // one line
    std::string about;    // what `help VERB` says besides the options
    std::vector<Option> options;
    std::size_t most_positional;
    int (*run)(const Arguments& arguments);
};

const std::vector<Verb>& verbs();

Verb demo_verb();
Verb node_verb();
Verb members_verb();
Verb top_verb();
Verb monitor_verb();
Verb info_verb();
Verb rtt_verb();
Verb join_verb();
Verb leave_verb();
Verb force_leave_verb();
Verb pull_verb();
Verb sim_verb();
Verb compare_verb();
Verb report_verb();
Verb replay_verb();
Verb bench_verb();
Verb eval_verb();
Verb predict_verb();
Verb export_verb();
Verb data_verb();
Verb doctor_verb();
Verb check_verb();
Verb init_verb();
Verb keygen_verb();

// The command line as it was typed, for the records of a run.
extern const std::string& command_line();
const char* version();

}  // namespace grapevine::cli
