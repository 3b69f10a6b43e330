// How a node finds its run: through a seed, or by beginning one.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <random>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/kernels/cuda.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/setup/peer_config.hpp"
#include "identity.hpp"
#include "log.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {

std::uint64_t drawn() {
    std::random_device device;
    std::uint64_t x = 0;
    while (x == 0) x = (static_cast<std::uint64_t>(device()) << 32) ^ device();
    return x;
}

std::string versions_apart(const net::OtherVersion& other) {
    const auto version = [](net::Versions v) { return std::string(v.lowest == v.highest ? "version " : "versions ") + net::to_string(v); };
    return other.endpoint + " speaks " + version(other.theirs) + " of the protocol, we speak " + version(other.ours);
}

// Who was started together with us is there a moment later; who is started by hand takes his time.
constexpr std::array<Duration, 3> greet_again{std::chrono::seconds(1), std::chrono::seconds(2), std::chrono::seconds(5)};
constexpr Duration alone_after = std::chrono::seconds(5);             // though name servers have not answered
constexpr Duration look_every = std::chrono::seconds(2);
constexpr double young = 120;                                         // s; of a provisional run
constexpr Duration look_for_older_again = std::chrono::seconds(30);   // when it is no longer

// A run's number says when it was begun, in milliseconds, above 22 random bits: of two runs the older has the lower.
std::uint64_t number_of_new_run() {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    return (static_cast<std::uint64_t>(std::max<std::int64_t>(now, 1)) << 22) | (drawn() & 0x3fffff);
}

std::string host_of_ours(const std::string& listen_host) {
    if (listen_host == "::" || listen_host == "[::]") return "::1";
    return listen_host == "*" || listen_host == "0.0.0.0" ? "127.0.0.1" : listen_host;
}

bool has_server(config::ExchangeKind kind) { return kind == config::ExchangeKind::parameter_server || kind == config::ExchangeKind::fedavg; }

}  // namespace

Node::Node(const Options& options, const std::atomic<bool>& stop)
    : options_(options), stop_(stop), admission_(options.key ? std::make_unique<Admission>(*options.key, options.allowed, options.allow_file) : nullptr),
      id_(admission_ ? admission_->draw_id() : PeerId{drawn()}), config_(options.config), search_(options.joins, host_of_ours(options.listen_host)) {}

Node::~Node() = default;

std::optional<End> Node::open_transport() {
    net::Options o;
    o.self = id_;
    o.name = options_.name;
    o.listen_host = options_.listen_host;
    o.control_port = options_.control_port;
    o.bulk_port = options_.bulk_port;
    o.advertise_host = options_.advertise_host;
    o.max_parcel_bytes = std::uint64_t{1} << 30;
    o.uplink = options_.uplink;
    o.downlink = options_.downlink;
    if (admission_) o.keys = admission_->for_transport();
    auto opened = net::Transport::open(o);
    if (const auto* error = std::get_if<net::Error>(&opened)) {
        log(Level::error, "net", error->what + ": " + error->hint);
        return End::configuration;
    }
    transport_ = std::get<std::unique_ptr<net::Transport>>(std::move(opened));
    return std::nullopt;
}

void Node::greet_seeds() {
    search_.begin();
    const bool settled = peer_ && peer_->members().roster().present() > 0 && elapsed_before_ + seconds(now()) > young;
    next_greeting_ = now() + (settled ? look_for_older_again : greet_again[std::min<std::size_t>(greetings_, greet_again.size() - 1)]);
    ++greetings_;
}

void Node::greet_found() {
    const auto found = search_.take();
    if (!found) return;
    if (!found->missing.empty() && found->missing != missing_) {
        std::string all;
        for (const std::string& what : found->missing) all += (all.empty() ? "" : "; ") + what;
        log(Level::warn, "join", all + (found->endpoints.empty() ? "; trying on" : ""));
    }
    missing_ = found->missing;
    for (const std::string& endpoint : found->endpoints) {
        awaited_.insert(seed_of(endpoint).address);
        greet(endpoint);
    }
}

// Once a minute, as long as we are alone.
void Node::lament(const std::string& what) {
    if ((last_lament_ > Instant{} && now() - last_lament_ < std::chrono::minutes(1)) || (peer_ && peer_->members().roster().present() > 0)) return;
    last_lament_ = now();
    log(Level::warn, "join", what + "; trying on" + (config_ && options_.require_peers == 0 ? ", and training alone meanwhile" : ""));
}

// With --require-peers nothing is trained before so many are there; what was ordered lies ready.
void Node::wait_for_peers() {
    if (!held_ || phase_ != Phase::running) return;
    const std::size_t here = peer_->members().roster().present();
    if (here >= options_.require_peers) {
        log(Level::info, "join", std::to_string(here) + (here == 1 ? " other is" : " others are") + " here, as required: training begins");
        auto held = std::exchange(held_, std::nullopt);
        for (Order& order : *held) workshop_->put(std::move(order));
    } else if (now() - Instant{} > options_.join_patience) {
        log(Level::error, "join", std::to_string(here) + " of the " + std::to_string(options_.require_peers) + " others that --require-peers wants are here after " +
                                      std::to_string(static_cast<int>(seconds(options_.join_patience))) + " s: are they running, and may we reach them? --join-patience waits longer");
        broken_ = End::not_joined;
    }
}

std::optional<End> Node::other_version(const net::OtherVersion& other) const {
    log(Level::error, "join", versions_apart(other) + ". " + (other.theirs.highest > other.ours.highest ? "Run a newer grapevine here" : "Run a newer grapevine there") +
                                  ", or the same on both; this is " + options_.version);
    return End::incompatible;
}

// Whether we are still where others believe us to be. They hear of another address at once, by a higher incarnation, over the
// connections that we dial.
void Node::look_around() {
    if (now() < next_look_) return;
    next_look_ = now() + look_every;
    const auto where = transport_->look_around();
    const Contact self = transport_->contact();
    if (where == net::Transport::Whereabouts::moved) {
        log(Level::info, "node", "this machine has another address: " + options_.name + " is at " + self.control + " from now on");
        step(membership::Describe{reporter_->metadata(), self.control, self.bulk});
        show_greeting();
        if (search_.any()) greet_seeds();
    }
    const bool gone = where == net::Transport::Whereabouts::cut_off;
    if (gone && !cut_off_) log(Level::warn, "node", "this machine has no longer the address of " + self.control + ": until it is back others cannot dial us. With --listen 0.0.0.0 a node moves with its machine");
    if (!gone && cut_off_ && where == net::Transport::Whereabouts::as_before) log(Level::info, "node", self.control + " is an address of this machine again");
    if (gone != cut_off_ || where == net::Transport::Whereabouts::moved) next_ask_back_ = now();  // who could dial us there may not here
    cut_off_ = gone;
}

// Until a seed answers. With a file of our own we do not wait longer than the first greetings take: the run begins
// alone, and is joined to the seed's when it comes. Without one there is nothing to begin with.
std::optional<End> Node::look_for_cluster() {
    if (!search_.any()) return std::nullopt;
    greet_seeds();
    bool silent = false;  // somebody did not answer, who may yet
    const Instant began = now();
    while (!stop_) {
        if (now() >= next_greeting_ && !config_) {
            silent = false;
            greet_seeds();
        }
        greet_found();
        if (config_ && ((!search_.under_way() && awaited_.empty()) || now() - began > alone_after)) break;
        if (options_.require_peers > 0 && now() - began > options_.join_patience) {
            log(Level::error, "join", "nobody answers at " + to_string(options_.joins.front()) + ": is a node running there, and may we reach it?");
            return End::not_joined;
        }
        auto inbound = transport_->receive(std::chrono::milliseconds(100));
        if (!inbound) continue;
        if (const auto* other = std::get_if<net::OtherVersion>(&*inbound)) return other_version(*other);
        if (const auto* away = std::get_if<net::TurnedAway>(&*inbound)) {
            awaited_.erase(away->endpoint);
            if (strangers_.insert(away->endpoint).second) log(Level::error, "join", away->endpoint + " and we do not fit: " + away->why);
            if (!silent && awaited_.empty() && !search_.under_way()) return End::incompatible;  // else another may let us in
        } else if (const auto* none = std::get_if<net::NoAnswer>(&*inbound)) {
            silent = true;
            awaited_.erase(none->endpoint);
            lament("no answer from " + none->endpoint + " (" + none->why + ")");
        } else if (const auto* h = std::get_if<net::Hello>(&*inbound)) {
            awaited_.erase(h->endpoint);
            if (h->who == id_) {  // a list of seeds may name us too
                if (!std::exchange(met_ourselves_, true)) log(Level::info, "join", h->endpoint + " is ourselves");
                continue;
            }
            auto greeting = parse_greeting(h->greeting);
            if (!greeting) {  // it is only starting: it has opened its port and does not know its run yet
                silent = true;
                continue;
            }
            if (!speaks_for_itself(*h, *greeting)) {
                log(Level::warn, "join", h->endpoint + " does not sign what it says of itself; trying on");
                continue;
            }
            found_ = std::move(*greeting);
            break;
        }
    }
    if (found_ && !config_) {
        auto read = config::read_text(found_->config, found_->record.contact.name + "'s configuration");
        if (const auto* error = std::get_if<config::Error>(&read)) {
            log(Level::error, "join", "cannot read the run's configuration: " + error->what);
            return End::incompatible;
        }
        config_ = std::get<config::Config>(std::move(read));
        config_->data.directory = options_.data_directory;
    }
    return std::nullopt;
}

// It says itself which part of the data is its own. That it is of these data, and whole, is looked at before anything is built on it.
std::optional<End> Node::read_checkpoint() {
    if (options_.resume.empty()) return std::nullopt;
    const auto refuse = [&](const learn::Error& error) {
        log(Level::error, "resume", error.what + ": " + error.hint);
        return End::configuration;
    };
    if (!config_->model.needs_data()) return refuse({"this model has no checkpoints", "leave --resume out"});
    auto file = checkpoint_in(options_.resume);
    if (const auto* error = std::get_if<learn::Error>(&file)) return refuse(*error);
    options_.resume = std::get<std::string>(std::move(file));
    auto loaded = learn::load_checkpoint(options_.resume);
    if (const auto* error = std::get_if<learn::Error>(&loaded)) return refuse(*error);
    resumed_ = std::get<learn::Checkpoint>(std::move(loaded));
    if (const auto error = learn::of_other_data(*task_, *resumed_)) return refuse({options_.resume + ": " + error->what, error->hint});
    const auto part = resumed_->number("part"), parts = resumed_->number("parts");
    if (!options_.shard && part && parts && *parts > 0 && *part < *parts && *parts <= 1'000'000) options_.shard = {static_cast<std::uint32_t>(*part), static_cast<std::uint32_t>(*parts)};
    return std::nullopt;
}

std::optional<End> Node::prepare() {
    settle_shards();
    if (const std::string why = setup::refused(*config_, false); !why.empty()) {
        log(Level::error, "config", why);
        return End::configuration;
    }
    if (const std::string why = setup::doubtful(*config_); !why.empty()) log(Level::warn, "config", why);
    if (config_->model.kind == config::ModelKind::forest) {  // its trees lie in places by number, which no other node may have
        const std::uint32_t peers = config_->model.places / config_->model.trees;
        if (!options_.shard || options_.shard->first >= peers) {
            log(Level::error, "config", "this run's trees lie in places by the number of whoever grows them, and there are places for " + std::to_string(peers) +
                                            ": say which part of the data this node has, --shard I/N with I from 1 to " + std::to_string(peers));
            return End::configuration;
        }
    }
    if (const auto end = load_data()) return *end;
    if (const auto end = read_checkpoint()) return *end;

    const std::uint32_t parts = options_.shard ? options_.shard->second : 1;
    std::vector<std::uint32_t> rows = choose_rows();
    device_ = "cpu";
    std::unique_ptr<kernels::Backend> backend;
    try {
        if (config_->model.needs_data()) {
            if (const auto end = choose_device(backend)) return end;
        }
        config::Config mine = *config_;
        if (options_.batch_auto)
            if (const auto end = choose_batch(mine, rows)) return end;
        learner_ = learn::make_learner(mine, part_, std::max(parts, 1u), task_, std::move(rows), std::move(backend));
    } catch (const kernels::DeviceFailure& failure) {
        log(Level::error, "device", std::string(failure.what()) + ": " + device_ + " cannot train this. Another device may (--device), or a smaller model or batch.");
        return End::device;
    }

    // Whose run it is.
    run_id_ = found_ ? found_->run : number_of_new_run();
    elapsed_before_ = found_ ? found_->elapsed : 0;
    provisional_ = found_ ? found_->provisional : search_.any();
    if (found_) {
        if (const auto end = refused_by(*found_)) return *end;
    }
    if (resumed_) {
        if (const auto error = learn::go_on_from(*task_, *learner_, *resumed_)) {
            log(Level::error, "resume", options_.resume + ": " + error->what + ": " + error->hint);
            return End::configuration;
        }
        if (!found_) elapsed_before_ = static_cast<double>(resumed_->number("elapsed_ms").value_or(0)) / 1000;
        log(Level::info, "resume", "goes on from step " + std::to_string(resumed_->number("step").value_or(0)) + " of " + options_.resume);
    }
    transport_->set_run(run_id_);
    transport_->limit_parcels(encoded_size(Encoding::top_k, learner_->size()));  // no encoding takes more

    PeerConfig& peer = peer_config_ = setup::peer_config(*config_);
    peer.exchange.layout = learner_->layout();
    peer.exchange.size = learner_->size();
    encoding_ = peer.exchange.encoding;
    peer.exchange.newcomer = found_.has_value();
    if (!options_.resume.empty()) peer.exchange.donors = 0;  // it brings work of its own, and mixes it in
    const std::string& server = config_->exchange.server;
    peer.exchange.serves = server.empty() ? !found_ : server == options_.name;
    if (peer.exchange.serves && has_server(config_->exchange.kind)) take_no_rows();
    if (!config_->metrics.tally) peer.tally = std::chrono::milliseconds(500);
    metadata_.device = device_.rfind("cuda", 0) == 0 ? Metadata::Device::cuda : Metadata::Device::cpu;
    metadata_.layout = learner_->layout();
    metadata_.started = static_cast<std::uint32_t>(std::time(nullptr));
    membership::Record record;
    record.contact = transport_->contact();
    record.metadata = pack(metadata_);
    record.outbound = options_.outbound;
    if (admission_) record.key = admission_->key();
    if (options_.identity) record.generation = next_generation(options_.out, options_.name);
    const auto self = book_.intern(book_.sealed(std::move(record)));
    if (!options_.record.empty()) {
        recorder_.emplace(options_.record);
        recorder_->born(book_, *self, peer, id_.value, {}, {});
        if (admission_) admission_->signed_to([this](const std::string& signature) { recorder_->signed_as(signature); });
        if (const auto fault = recorder_->fault()) {
            log(Level::error, "node", fault->what + "; " + fault->hint);
            return End::configuration;
        }
    }
    peer_ = std::make_unique<Peer>(book_, *self, peer, Random(id_.value));
    learner_->claim(peer_->slots());
    has_model_ = !gossip::Handover::wanted(peer.exchange);
    if (has_model_ && options_.resume.empty()) learn::draw_initial(*learner_);
    show_greeting();
    return std::nullopt;
}

// What was asked for is there, or the node does not start; of itself it takes a GPU if one answers.
std::optional<End> Node::choose_device(std::unique_ptr<kernels::Backend>& backend) {
    const bool halves = config_->train.precision == config::TrainOptions::Precision::bf16;
    if (options_.backend) {
        backend = options_.backend();
        device_ = backend->name();
    } else if (options_.device == "auto" || options_.device.rfind("cuda", 0) == 0) {
        const int number = options_.device.rfind("cuda:", 0) == 0 ? std::atoi(options_.device.c_str() + 5) : 0;
        auto cuda = kernels::load_cuda_backend(number, halves ? kernels::Element::bf16 : kernels::Element::float32);
        if (!cuda.backend && options_.device != "auto") {
            log(Level::error, "device", options_.device + " is not there: " + cuda.reason + ". --device cpu trains without.");
            return End::device;
        }
        backend = std::move(cuda.backend);
        if (backend) device_ = "cuda:" + std::to_string(number);
        else if (halves) log(Level::error, "device", cuda.reason);
    }
    if (!backend && halves) {
        log(Level::error, "device", "this run trains in bf16 ([train] precision), which a CPU does not: take a GPU (--device cuda:N), or precision = \"float32\"");
        return End::device;
    }
    if (!backend) {
        backend = kernels::make_cpu_backend(options_.threads);
        device_ = std::string("cpu (") + kernels::products_library() + ")";
    }
    return std::nullopt;
}

Greeting Node::greeting() const {
    Greeting g;
    g.software = "grapevine " + options_.version;
    g.run = run_id_;
    g.provisional = provisional_;
    g.layout = learner_->layout();
    g.layout_text = task_->table.describe();
    describe_data(g);
    g.exchange = config::to_string(config_->exchange.kind);
    if (peer_) g.record = book_.at(peer_->members().self());
    else g.record.contact = transport_->contact();
    g.elapsed = elapsed_before_ + seconds(now());
    config::Config shared = *config_;
    shared.data.directory.clear();  // a matter of each machine
    g.config = config::to_toml(shared, false);
    return g;
}

// Two that would not be one run: said with both sides. Silent mixing of different wishes spoils both.
std::optional<End> Node::refused_by(const Greeting& other) const {
    std::string what = difference(greeting(), other);
    if (what.empty()) {
        const auto theirs = config::read_text(other.config, other.record.contact.name + "'s configuration");
        if (const auto* config = std::get_if<config::Config>(&theirs)) what = conflict(*config_, *config);
    }
    if (what.empty()) return std::nullopt;
    log(Level::error, "join", other.record.contact.name + " runs " + what);
    return End::incompatible;
}

void Node::show_greeting() { transport_->set_greeting(to_text(greeting())); }

void Node::meet(const Greeting& other) {
    const auto record = book_.intern(other.record);
    if (!record) return;
    know(*record);
    step(membership::Met{*record});
    transport_->echo(other.record.contact.id);  // pings do not tell whether its other port can be reached
}

// A seed answers while we run. Ours or not? Two runs never mix silently: only one that is provisional, begun because
// its seed was not there, gives itself up; of two such the younger, which has the higher number. Many that were started at once
// with the same list begin many such runs; all who are in one look on for an older, and so come to be in the oldest.
std::optional<End> Node::hello(const net::Hello& h) {
    awaited_.erase(h.endpoint);
    if (h.who == id_) return greeted(h.endpoint, "", "that is this node itself"), std::nullopt;
    const auto theirs = parse_greeting(h.greeting);
    if (!theirs) return greeted(h.endpoint, "", "it is only starting: try again"), std::nullopt;
    if (!speaks_for_itself(h, *theirs)) return greeted(h.endpoint, "", "it does not sign what it says of itself"), std::nullopt;
    if (theirs->run != run_id_) {
        const bool ours_yields = provisional_ && (!theirs->provisional || theirs->run < run_id_);
        if (!ours_yields) {
            const bool theirs_yields = theirs->provisional && (!provisional_ || run_id_ < theirs->run);
            greeted(h.endpoint, "", theirs_yields ? "it has begun a run by itself while it waits for ours, and joins as soon as it reaches us"
                                                  : "it is part of another run: start one of the two anew with --join");
            if (!theirs_yields && strangers_.insert(h.endpoint).second)
                log(Level::warn, "join", h.endpoint + " is part of another run: not mixed with. Start one of the two anew with --join.");
            return std::nullopt;
        }
        if (const auto end = refused_by(*theirs)) return end;
        reporter_->belongs_to(theirs->run);
        run_id_ = theirs->run;
        elapsed_before_ = theirs->elapsed - seconds(now());
        transport_->set_run(run_id_);
        log(Level::info, "join", "joined the run of " + theirs->record.contact.name);
    }
    provisional_ = provisional_ && theirs->provisional;
    show_greeting();
    meet(*theirs);
    greeted(h.endpoint, theirs->record.contact.name, "");
    return std::nullopt;
}

}  // namespace grapevine::node
