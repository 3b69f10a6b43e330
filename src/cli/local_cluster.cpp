#include "local_cluster.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "grapevine/node/node.hpp"
#include "grapevine/record/run_files.hpp"
#include "http.hpp"

namespace grapevine::cli {

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }
double steady_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

LocalCluster::~LocalCluster() {
    for (Process& p : processes_) {
        reap(p);
        if (!p.ended) ::kill(p.pid, SIGTERM);
    }
    const double deadline = steady_seconds() + 3;
    for (Process& p : processes_) {
        while (!p.ended && steady_seconds() < deadline) {
            reap(p);
            if (!p.ended) sleep_for(0.02);
        }
        if (p.ended) continue;
        ::kill(p.pid, SIGKILL);
        ::waitpid(p.pid, nullptr, 0);
    }
}

std::optional<Error> LocalCluster::start(const std::string& name, std::vector<std::string> words) {
    if (const auto error = record::make_directory(directory_)) return Error{error->what, error->hint};
    const std::string log = directory_ + "/" + name + ".log";
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) return Error{"cannot write " + log + ": " + std::strerror(errno), "give another directory with --out"};
    std::vector<std::string> all{"grapevine", "node"};
    all.insert(all.end(), words.begin(), words.end());
    for (const char* w : {"--name", name.c_str(), "--port", "0", "--overwrite"}) all.push_back(w);
    all.push_back("--out");
    all.push_back(directory_of(name));
    std::vector<char*> argv;
    for (std::string& w : all) argv.push_back(w.data());
    argv.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        close(out);
        return Error{std::string("cannot start a process: ") + std::strerror(errno), "are there too many already?"};
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);  // it died before we asked
        setpgid(0, 0);                      // a ^C in the terminal is for the parent, which tells us
        dup2(out, STDERR_FILENO);
        dup2(out, STDOUT_FILENO);
        const int null = open("/dev/null", O_RDONLY);
        dup2(null, STDIN_FILENO);
        execv("/proc/self/exe", argv.data());
        _exit(127);
    }
    close(out);
    processes_.push_back({name, pid, 0, "", std::nullopt});
    return std::nullopt;
}

LocalCluster::Process* LocalCluster::find(const std::string& name) {
    for (Process& p : processes_)
        if (p.name == name) return &p;
    return nullptr;
}
const LocalCluster::Process* LocalCluster::find(const std::string& name) const { return const_cast<LocalCluster*>(this)->find(name); }

void LocalCluster::reap(Process& p) {
    if (p.ended) return;
    int state = 0;
    if (waitpid(p.pid, &state, WNOHANG) != p.pid) return;
    p.ended = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

std::string LocalCluster::last_words(const std::string& name) const {
    std::ifstream log(directory_ + "/" + name + ".log");
    std::string last;
    for (std::string line; std::getline(log, line);)
        if (!line.empty()) last = line;
    return last;
}

std::optional<Error> LocalCluster::wait_until_up(const std::string& name, double seconds) {
    Process* p = find(name);
    const double deadline = steady_seconds() + seconds;
    while (steady_seconds() < deadline) {
        reap(*p);
        if (p->ended) return Error{name + " ended at once with status " + std::to_string(*p->ended) + ": " + last_words(name), "all it said is in " + directory_ + "/" + name + ".log"};
        for (const auto& local : node::local_nodes())
            if (local.pid == p->pid) p->status_port = local.status_port;
        if (p->status_port) {
            const auto body = get_from("127.0.0.1", p->status_port, "/v1/members");
            const auto j = body ? nlohmann::json::parse(*body, nullptr, false) : nlohmann::json();
            if (j.is_object() && j.contains("members"))
                for (const auto& m : j["members"])
                    if (m.value("self", false)) {
                        p->address = m.value("control", "");
                        if (p->address.rfind("tcp://", 0) == 0) p->address = p->address.substr(6);
                        return std::nullopt;
                    }
        }
        sleep_for(0.02);
    }
    return Error{name + " does not come up: " + last_words(name), "all it said is in " + directory_ + "/" + name + ".log"};
}

std::string LocalCluster::address(const std::string& name) const { return find(name)->address; }

std::optional<LocalCluster::Status> LocalCluster::status(const std::string& name) const {
    const Process* p = find(name);
    if (!p || p->ended || !p->status_port) return std::nullopt;
    const auto body = get_from("127.0.0.1", p->status_port, "/v1/status");
    if (!body) return std::nullopt;
    const auto j = nlohmann::json::parse(*body, nullptr, false);
    if (!j.is_object()) return std::nullopt;
    const auto number = [&](const char* key) { return j.contains(key) && j[key].is_number() ? std::optional(j[key].get<double>()) : std::nullopt; };
    Status s;
    s.t = number("t").value_or(0);
    s.steps = number("steps").value_or(0);
    s.samples = number("samples").value_or(0);
    s.peers_alive = number("peers_alive").value_or(0);
    s.mixes = number("mixes").value_or(0);
    s.distance = number("distance").value_or(0);
    s.accuracy = number("accuracy");
    s.loss = number("loss");
    s.phase = j.value("phase", "");
    return s;
}

bool LocalCluster::running(const std::string& name) {
    Process* p = find(name);
    if (!p) return false;
    reap(*p);
    return !p->ended;
}

void LocalCluster::signal(const std::string& name, int number) {
    Process* p = find(name);
    reap(*p);
    if (!p->ended) ::kill(p->pid, number);
}

std::optional<int> LocalCluster::wait(const std::string& name, double seconds) {
    Process* p = find(name);
    const double deadline = steady_seconds() + seconds;
    for (;;) {
        reap(*p);
        if (p->ended || steady_seconds() >= deadline) return p->ended;
        sleep_for(0.02);
    }
}

}  // namespace grapevine::cli
