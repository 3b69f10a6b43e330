#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/keys/keys.hpp"
#include "grapevine/node/sources.hpp"

namespace grapevine::kernels {
class Backend;
}

namespace grapevine::node {

struct Options {
    std::optional<config::Config> config;     // of the run; none: the cluster's
    std::string data_directory;               // where the data set is on this machine; empty: where its package puts it
    std::vector<Source> joins;
    std::optional<keys::Pair> key;            // none: nothing is encrypted, and everybody is let in
    std::string allow_file;                   // whose keys are let in; empty: who has ours
    std::vector<keys::Allowed> allowed;       // as read from there; read anew when it changes
    std::string name;                         // for people; unique in the cluster if you can
    bool identity = false;                    // the name was chosen: whoever bears it later is this node, started anew
    std::string listen_host = "127.0.0.1";
    std::uint16_t control_port = 7470, bulk_port = 7471, status_port = 7472;  // 0: any free one
    bool status = true;
    std::string status_host = "127.0.0.1";    // who reaches it can tell this node to leave
    std::string status_token;                 // if he knows this; empty: whoever he is
    std::string advertise_host;
    double uplink = 0, downlink = 0;          // bytes a second over all peers; 0: no limit
    bool outbound = false;                    // nobody can dial us, and we know it; else it is found out
    std::string out;                          // directory of the run's files
    bool overwrite = false;
    Duration checkpoint_every = std::chrono::minutes(1);  // to DIR/checkpoints; zero: never
    std::string resume;                       // a checkpoint, or a directory of them, to go on from; empty: none
    std::string tensorboard;                  // directory for an event file; empty: none
    std::string log_format = "pretty", log_level = "info";  // pretty | logfmt | json, debug | info | warn | error
    std::string record;                       // file for all that the peer is told, for grapevine replay; empty: none
    std::optional<std::pair<std::uint32_t, std::uint32_t>> shard;  // part i of n of the data; none: all of it
    bool data_private = false;                // the run's data are its nodes' own; else it is not joined
    bool batch_auto = false;                  // samples a step as this machine likes them, with the learning rate to match
    std::string device = "auto";              // auto, cpu, cuda:N
    std::function<std::unique_ptr<kernels::Backend>()> backend;  // in place of `device`, where somebody brings one
    int threads = 1;
    std::uint32_t require_peers = 0;          // train when that many others are there, not before
    Duration join_patience = std::chrono::seconds(30);  // with require_peers; then End::not_joined
    std::string command, version;
    bool quiet = false;                       // warnings and errors only
};

// How a node ended; the values are the program's exit statuses.
enum class End { finished = 0, failed = 1, configuration = 2, missed_target = 3, not_joined = 4, incompatible = 5, device = 6 };

// Be a peer and train, until the run is over or `stop` becomes true (then: leave gracefully).
End run(const Options& options, const std::atomic<bool>& stop);

// Where the nodes of this user on this machine say that they run: one small file each, named after the node.
struct Local {
    std::string name;
    int pid = 0;
    std::uint16_t status_port = 0;
    std::string status_host = "127.0.0.1";
    std::string status_token;              // empty: it wants none
};
std::vector<Local> local_nodes();  // those that are still there

}  // namespace grapevine::node
