// One binary: the first word says what to do.
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <unistd.h>

#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

std::string typed;

void print_overview(std::FILE* to) {
    std::fprintf(to, "grapevine %s: equal peers that train together, without a coordinator\n\n"
                     "usage: grapevine VERB [...]\n\n", version());
    for (const Verb& v : verbs()) std::fprintf(to, "  %-12s %s\n", v.name.c_str(), v.does.c_str());
    std::fprintf(to, "  %-12s %s\n  %-12s %s\n", "help VERB", "what a verb takes", "--version", "");
    std::fprintf(to, "\nexit status: 0 finished, target reached or left; 1 failed; 2 usage or configuration; 3 target missed;\n"
                     "  4 could not join; 5 incompatible cluster; 6 device failed; 7 an [[expect]] did not hold; 130 second ^C\n");
}

void print_help(const Verb& v) {
    std::printf("usage: grapevine %s%s%s\n\n%s\n", v.name.c_str(), v.takes.empty() ? "" : " ", v.takes.c_str(), v.about.c_str());
    if (v.options.empty()) return;
    std::printf("\noptions (each also as GRAPEVINE_NAME in the environment; what is typed wins):\n");
    for (const Option& o : v.options) {
        const std::string left = (o.letter ? std::string("-") + o.letter + ", --" : "--") + o.name + (o.value.empty() ? "" : " " + o.value);
        std::printf("  %-24s%s%s\n", left.c_str(), left.size() > 22 ? "\n                          " : "  ", o.help.c_str());
    }
}

const Verb* find(const std::string& name) {
    for (const Verb& v : verbs())
        if (v.name == name) return &v;
    return nullptr;
}

int unknown_verb(const std::string& name) {
    std::vector<std::string> known{"help"};
    for (const Verb& v : verbs()) known.push_back(v.name);
    const auto near = config::nearest(name, known);
    return complain({"no verb '" + name + "'", near ? "did you mean 'grapevine " + *near + "'?" : "'grapevine help' lists them"}, usage);
}

int dispatch(const std::vector<std::string>& words) {
    if (words.empty()) {
        print_overview(stderr);
        return usage;
    }
    const std::string& name = words.front();
    if (name == "--version" || name == "version") {
        std::printf("grapevine %s\n", version());
        return finished;
    }
    if (name == "help" || name == "--help" || name == "-h") {
        if (words.size() < 2) return print_overview(stdout), finished;
        const Verb* verb = find(words[1]);
        if (!verb) return unknown_verb(words[1]);
        return print_help(*verb), finished;
    }
    const Verb* verb = find(name);
    if (!verb) return unknown_verb(name);
    const std::vector<std::string> rest(words.begin() + 1, words.end());
    for (const std::string& w : rest)
        if (w == "--help" || w == "-h") return print_help(*verb), finished;
    auto arguments = Arguments::parse(name, verb->options, verb->most_positional, rest);
    if (const auto* error = std::get_if<Error>(&arguments)) return complain(*error, usage);
    return verb->run(std::get<Arguments>(arguments));
}

// What was printed has to arrive: on a full disk it is lost without a word. Who reads through a pipe and has seen enough is
// no fault.
int delivered(int status) {
    if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    if (status != finished || (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0)) return status;
    return complain({"what was to be printed could not be written", "is the disk full that it is sent to?"}, failed);
}

}  // namespace

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> all{demo_verb(), node_verb(), members_verb(), top_verb(), monitor_verb(), info_verb(), rtt_verb(), join_verb(),
                                       leave_verb(), force_leave_verb(), pull_verb(), keygen_verb(), sim_verb(), compare_verb(), report_verb(), replay_verb(),
                                       eval_verb(), predict_verb(), export_verb(), data_verb(), check_verb(), init_verb(), bench_verb(), doctor_verb()};
    return all;
}

const std::string& command_line() { return typed; }
const char* version() { return GRAPEVINE_VERSION; }

int main_program(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    typed = "grapevine";
    for (const std::string& w : words) typed += " " + w;
    std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of that file, not our end
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return delivered(dispatch(words));
    } catch (const std::bad_alloc&) {
        return complain({"out of memory", "fewer peers or a smaller model need less"}, failed);
    } catch (const std::exception& e) {
        return complain({std::string("unexpected failure: ") + e.what(), "this is a defect of grapevine: please report it with the command line"}, failed);
    }
}

}  // namespace grapevine::cli

int main(int argc, char** argv) { return grapevine::cli::main_program(argc, argv); }
