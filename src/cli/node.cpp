// grapevine node: be a peer and train.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <unistd.h>

#include "addresses.hpp"
#include "grapevine/node/node.hpp"
#include "grapevine/setup/peer_config.hpp"
#include "interrupt.hpp"
#include "joins.hpp"
#include "node_keys.hpp"
#include "scenario.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// A name that begins like one of its addresses is none: it may lead anywhere.
bool loopback(const std::string& host) {
    return (host.rfind("127.", 0) == 0 && host.find_first_not_of("0123456789.") == std::string::npos) || host == "localhost" || host == "::1" || host == "[::1]";
}

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 && std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/'; });
}

std::variant<node::Options, Error> options_of(const Arguments& a) {
    node::Options o;
    o.batch_auto = a.get("batch") == "auto";
    o.version = version();
    o.command = command_line();
    auto seeds = sources("--join", a.all("join"));
    if (const auto* error = std::get_if<Error>(&seeds)) return *error;
    if (const auto error = take_keys(a, o)) return *error;
    const std::string file = a.positional.empty() ? "" : a.positional[0];
    if (file.empty() && !begins_itself(std::get<0>(seeds))) {
        // The cluster says what is trained and how; only what concerns this machine is ours to say.
        for (const char* name : {"seed", "exchange", "period", "every-steps", "learning-rate", "batch", "until", "until-steps", "target"})
            if (a.has(name) && !(name == std::string("batch") && o.batch_auto)) return Error{std::string("--") + name + " belongs to the run, which a joining node takes from the cluster", "leave it out, or give it to the node that begins the run"};
        if (const auto dir = a.get("data-dir")) o.data_directory = *dir;
    } else {
        std::vector<config::Setting> settings;
        if (a.has("data-private")) settings.push_back({"data.shards", "\"private\"", "--data-private"});
        auto read = read_run(file, a, settings, o.batch_auto);
        if (const auto* error = std::get_if<Error>(&read)) return *error;
        o.config = std::get<config::Config>(std::move(read));
        o.data_directory = o.config->data.directory;
        if (const std::string why = setup::refused(*o.config, false); !why.empty()) return Error{(file.empty() ? "" : file + ": ") + why, "'grapevine sim' can run it"};
        if (!o.config->events.empty() || !o.config->links.empty() || !o.config->churns.empty() || (!file.empty() && o.config->groups != std::vector<config::Group>{default_group()}))
            std::fprintf(stderr, "note: a node ignores [[group]], [[link]], [[event]] and [churn] of %s: they describe a simulated world\n", file.c_str());
        if (!o.config->expects.empty() || !o.config->sweep.axes.empty() || !o.config->compares.empty())
            std::fprintf(stderr, "note: a node ignores [[expect]], [sweep] and [compare] of %s: they are of simulated runs\n", file.c_str());
    }
    if (const auto port = a.get("port")) {
        const auto p = port_of(*port);
        if (!p || (*p != 0 && *p > 65533)) return Error{"--port '" + *port + "' is not a port", "a number up to 65533, or 0 for any free ones"};
        o.control_port = *p;
        o.bulk_port = static_cast<std::uint16_t>(*p == 0 ? 0 : *p + 1);
        o.status_port = static_cast<std::uint16_t>(*p == 0 ? 0 : *p + 2);
    }
    if (const auto listen = a.get("listen")) {
        auto parsed = host_and_port("--listen", *listen);
        if (const auto* error = std::get_if<Error>(&parsed)) return *error;
        const auto& [host, port] = std::get<0>(parsed);
        o.listen_host = host;
        if (port) {
            if (*port > 65533) return Error{"--listen '" + *listen + "': three ports from there on are not there", "a port up to 65533: a node takes three, one after the other"};
            o.control_port = *port;
            o.bulk_port = static_cast<std::uint16_t>(*port == 0 ? 0 : *port + 1);
            if (!a.has("port")) o.status_port = static_cast<std::uint16_t>(*port == 0 ? 0 : *port + 2);
        }
        if (!loopback(host) && !o.key && !a.has("insecure"))
            return Error{"--listen " + *listen + " lets everybody who can reach this machine write to the model: without keys nothing is encrypted or authenticated",
                         "add --key-file FILE ('grapevine keygen' writes one), or --insecure if you trust that network"};
        if (!loopback(host) && !o.key) std::fprintf(stderr, "WARNING: listening on %s without keys: whoever reaches it can read and change the model\n", host.c_str());
    }
    if (const auto error = join_with(a, o)) return *error;
    if (const auto error = check_joins(a, o)) return *error;
    if (const auto status = a.get("status")) {
        if (const auto p = port_of(*status)) {
            o.status_port = *p;
        } else {
            auto parsed = host_and_port("--status", *status);
            const auto* where = std::get_if<0>(&parsed);
            if (!where || !where->second) return Error{"--status '" + *status + "' is not a port", "PORT, 0 for any free one, or ADDR:PORT"};
            o.status_host = without_brackets(where->first);
            o.status_port = *where->second;
        }
    }
    if (const auto token = a.get("status-token")) {
        auto read = keys::read_token(*token);
        if (const auto* error = std::get_if<keys::Error>(&read)) return Error{error->what, error->hint};
        o.status_token = std::get<std::string>(std::move(read));
    } else if (!loopback(o.status_host) && !a.has("no-status")) {
        o.status_token = keys::draw_token();  // whoever reaches it could tell the node to leave
        std::fprintf(stderr, "the status page at %s wants this token (--status-token names another): %s\n", o.status_host.c_str(), o.status_token.c_str());
    }
    o.status = !a.has("no-status");
    o.advertise_host = a.get("advertise").value_or("");
    o.outbound = a.has("outbound");
    for (auto& [flag, put] : {std::pair{"uplink", &o.uplink}, std::pair{"downlink", &o.downlink}}) {
        const auto text = a.get(flag);
        const auto rate = text ? config::parse_rate(*text) : std::optional(0.0);
        if (!rate || (text && *rate < 1000)) return Error{std::string("--") + flag + " '" + text.value_or("") + "' is not a rate, or below 8 kbit", "a number and a unit: 50Mbit, 6MB/s"};
        *put = *rate;
    }
    if (const auto name = a.get("name")) {
        if (!is_name(*name)) return Error{"--name '" + *name + "' cannot be a name", "up to 64 characters, no spaces, no slashes, nothing that cannot be shown"};
        o.name = *name;
        o.identity = true;
    } else if (o.name.empty()) {
        char host[65] = "";
        gethostname(host, sizeof host - 1);
        o.name = host;
        if (o.control_port != 7470) o.name = o.name.substr(0, 50) + "-" + std::to_string(o.control_port ? o.control_port : getpid());
    }
    o.out = a.get("out").value_or("");
    o.overwrite = a.has("overwrite");
    o.resume = a.get("resume").value_or("");
    if (const auto every = a.get("checkpoint-every")) {
        const auto duration = config::parse_duration(*every);
        if (!duration) return Error{"--checkpoint-every '" + *every + "' is not a duration", "a number and a unit: 30s, 5min; 0s: none are written"};
        if (o.out.empty()) return Error{"--checkpoint-every without --out: there is no directory for checkpoints", "--out DIR"};
        o.checkpoint_every = *duration;
    }
    o.record = a.get("record").value_or("");
    o.tensorboard = a.get("tensorboard").value_or("");
    for (const auto& [name, known, into] : {std::tuple{"log", std::vector<std::string>{"pretty", "logfmt", "json"}, &o.log_format}, {"log-level", {"debug", "info", "warn", "error"}, &o.log_level}})
        if (const auto typed = a.get(name)) {
            if (std::find(known.begin(), known.end(), *typed) == known.end()) {
                const auto near = config::nearest(*typed, known);
                return Error{std::string("--") + name + " '" + *typed + "' is not known", near ? "did you mean --" + std::string(name) + " " + *near + "?" : "'grapevine help node' lists them"};
            }
            *into = *typed;
        }
    if (a.has("quiet") && a.has("log-level")) return Error{"--quiet is --log-level warn, and both were given", "leave one of them out"};
    if (const auto shard = a.get("shard")) {
        unsigned i = 0, n = 0;
        char rest = 0;
        if (std::sscanf(shard->c_str(), "%u/%u%c", &i, &n, &rest) != 2 || i < 1 || i > n || n > 1'000'000)
            return Error{"--shard '" + *shard + "' is not a part", "I/N: the I-th of N parts, for example 1/4"};
        o.shard = {i - 1, n};
    }
    o.data_private = a.has("data-private");
    if (o.data_private && o.shard) return Error{"--shard is a part of data that all nodes have, and with --data-private each has its own", "one of the two"};
    o.device = a.get("device").value_or("auto");
    const bool numbered = o.device.rfind("cuda:", 0) == 0 && o.device.size() > 5 && o.device.size() <= 8 && o.device.find_first_not_of("0123456789", 5) == std::string::npos;
    if (o.device != "auto" && o.device != "cpu" && o.device != "cuda" && !numbered)
        return Error{"--device '" + o.device + "' is not known", "auto, cpu or cuda:N"};
    for (const auto& [name, least, most, put] :
         std::vector<std::tuple<const char*, double, double, std::function<void(double)>>>{
             {"threads", 1, 1024, [&](double x) { o.threads = static_cast<int>(x); }},
             {"require-peers", 1, 1e5, [&](double x) { o.require_peers = static_cast<std::uint32_t>(x); }}}) {
        auto n = a.number(name, least, most);
        if (const auto* error = std::get_if<Error>(&n)) return *error;
        if (const auto& value = std::get<std::optional<double>>(n)) put(*value);
    }
    if (const auto patience = a.get("join-patience")) {
        const auto duration = config::parse_duration(*patience);
        if (!duration) return Error{"--join-patience '" + *patience + "' is not a duration", "a number and a unit: 30s, 5min"};
        if (o.require_peers == 0) return Error{"--join-patience without --require-peers: a node that requires nobody waits for nobody", "--require-peers N"};
        o.join_patience = *duration;
    }
    o.quiet = a.has("quiet");
    return o;
}

int run(const Arguments& a) {
    auto options = options_of(a);
    if (const auto* error = std::get_if<Error>(&options)) return complain(*error, usage);
    return static_cast<int>(node::run(std::get<node::Options>(options), stop_on_interrupt()));
}

}  // namespace

Verb node_verb() {
    Verb v{"node", "[RUN.toml] [--join HOST[:PORT]|dns:NAME[:PORT]|slurm|env|file:PATH]...", "be a peer and train",
           "Trains, and mixes with whoever is there. Without --join it begins a run (RUN.toml, or an MLP on Fashion-MNIST);\n"
           "with it, model, data set and exchange come from the cluster. ^C or SIGTERM leaves gracefully, a second ^C aborts.",
           run_options(), 1, run};
    for (Option& option : v.options)
        if (option.name == "batch") option.value = "N|auto", option.help += "; auto: as many as this machine is quickest with, and the learning rate to match";
    v.options.insert(v.options.end(), {{"join", "WHERE", "where nodes of the run may be: [KEY@]HOST[:PORT], dns:NAME[:PORT], slurm, env (MASTER_ADDR), file:PATH; repeated or with commas; port 7470 unless said", true},
                                       {"require-peers", "N", "train when N others are there; exit 4 if they are not within --join-patience"},
                                       {"join-patience", "TIME", "default 30s"},
                                       {"name", "NAME", "its identity: who starts under this name again takes its place; default the host's name, which is none"},
                                       {"listen", "ADDR[:PORT]", "default 127.0.0.1:7470; other addresses want --key-file or --insecure"},
                                       {"port", "N", "control port N, bulk N+1, status N+2; 0: any free ones"},
                                       {"advertise", "HOST", "what others dial to reach us"},
                                       {"uplink", "RATE", "what may go out, over all peers: 50Mbit, 6MB/s; default no limit"},
                                       {"downlink", "RATE", "what may come in, likewise"},
                                       {"outbound", "", "nobody can dial us (a home router): we dial out; else it is found out"},
                                       {"insecure", "", "listen off loopback without keys"},
                                       {"status", "[ADDR:]PORT", "of the status page; default 127.0.0.1:7472; on other addresses it wants a token"},
                                       {"status-token", "FILE", "the word that the status page wants; default off loopback: one that is drawn and shown at the start"},
                                       {"no-status", "", "no status page"},
                                       {"shard", "I/N", "train on the I-th of N parts of the data; default a part by who is there and how fast"},
                                       {"data-private", "", "the data of this run are each node's own files: train on all of ours, and tell nobody of them"},
                                       {"device", "D", "auto, cpu or cuda:N"},
                                       {"threads", "N", "for products on the CPU; default 1"},
                                       {"out", "DIR", "write the run's files and final.safetensors there"},
                                       {"checkpoint-every", "TIME", "to DIR/checkpoints, the last three are kept; default 60s, 0s: none"},
                                       {"resume", "FILE|DIR", "go on from a checkpoint, or from the latest of a run", false, true},
                                       {"overwrite", "", "also where a run is already"},
                                       {"record", "FILE", "all that the peer is told, for 'grapevine replay'", false, true},
                                       {"tensorboard", "DIR", "write an event file for TensorBoard there", false, true},
                                       {"log", "FORMAT", "of the lines on stderr: pretty, logfmt or json; default pretty"},
                                       {"log-level", "L", "debug, info, warn or error; default info"},
                                       {"quiet", "", "warnings and errors only"}});
    const auto of_keys = key_options();
    v.options.insert(v.options.end(), of_keys.begin(), of_keys.end());
    return v;
}

}  // namespace grapevine::cli
