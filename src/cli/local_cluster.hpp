#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "arguments.hpp"

namespace grapevine::cli {

// Nodes as processes of this machine, for `demo` and `compare --real`. They die with us, whatever happens to us.
class LocalCluster {
public:
    explicit LocalCluster(std::string directory) : directory_(std::move(directory)) {}
    ~LocalCluster();  // those that still run are told to leave, then killed

    struct Status {
        double t = 0, steps = 0, samples = 0, peers_alive = 0, mixes = 0, distance = 0;
        std::optional<double> accuracy, loss;
        std::string phase;
    };

    // Starts `grapevine node` with these words; what it says goes to DIRECTORY/NAME.log. Ports are any free ones.
    std::optional<Error> start(const std::string& name, std::vector<std::string> words);
    // Until its status port answers; an Error with its last words if it ends before, or takes too long.
    std::optional<Error> wait_until_up(const std::string& name, double seconds);
    std::string address(const std::string& name) const;  // "127.0.0.1:34567", once it is up
    std::optional<Status> status(const std::string& name) const;
    bool running(const std::string& name);
    void signal(const std::string& name, int number);
    std::optional<int> wait(const std::string& name, double seconds);  // its exit status; 128 + n by signal n
    std::string directory_of(const std::string& name) const { return directory_ + "/" + name; }

private:
    struct Process {
        std::string name;
        pid_t pid = 0;
        std::uint16_t status_port = 0;
        std::string address;
        std::optional<int> ended;
    };
    Process* find(const std::string& name);
    const Process* find(const std::string& name) const;
    void reap(Process& process);
    std::string last_words(const std::string& name) const;
    std::string directory_;
    std::vector<Process> processes_;
};

void sleep_for(double seconds);
double steady_seconds();

}  // namespace grapevine::cli
