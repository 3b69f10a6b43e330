#include "grapevine/setup/peer_config.hpp"

#include <algorithm>

namespace grapevine::setup {

namespace {

gossip::Kind kind(config::ExchangeKind k) {
    using From = config::ExchangeKind;
    using To = gossip::Kind;
    switch (k) {
        case From::gossip: return To::gossip;
        case From::epidemic: return To::epidemic;
        case From::dpsgd: return To::dpsgd;
        case From::push_sum: return To::push_sum;
        case From::group: return To::group;
        case From::outer: return To::outer;
        case From::allreduce: return To::allreduce;
        case From::parameter_server: return To::parameter_server;
        case From::fedavg: return To::fedavg;
        case From::local:
        case From::single: return To::local;  // single: one peer with all the data
    }
    return To::local;
}

// Where the words of both sides stand in the same order.
template <class To, class From>
constexpr To same(From from) {
    return static_cast<To>(from);
}
static_assert(same<gossip::Clock>(config::Clock::rounds) == gossip::Clock::rounds && same<gossip::Clock>(config::Clock::poisson) == gossip::Clock::poisson);
static_assert(same<gossip::Graph>(config::Graph::torus) == gossip::Graph::torus && same<gossip::Graph>(config::Graph::base) == gossip::Graph::base &&
              same<gossip::Graph>(config::Graph::file) == gossip::Graph::file);
static_assert(same<gossip::Form>(config::Form::delta) == gossip::Form::delta && same<gossip::Mode>(config::Mode::async) == gossip::Mode::async);
static_assert(same<gossip::Algorithm>(config::Algorithm::halving_doubling) == gossip::Algorithm::halving_doubling);
static_assert(same<gossip::Clip>(config::Clip::self_centred) == gossip::Clip::self_centred && same<gossip::Clip>(config::Clip::balance) == gossip::Clip::balance);

std::optional<Encoding> encoding(config::Encoding e) {
    switch (e) {
        case config::Encoding::float32: return {};
        case config::Encoding::bf16: return Encoding::bf16;
        case config::Encoding::int8: return Encoding::int8;
        case config::Encoding::top_k: return Encoding::top_k;
    }
    return {};
}

std::shared_ptr<const gossip::Adjacency> adjacency(const std::vector<config::Edge>& edges) {
    std::uint32_t ranks = 0;
    for (const config::Edge& e : edges) ranks = std::max(ranks, e.b + 1);
    auto of = std::make_shared<gossip::Adjacency>(ranks);
    for (const config::Edge& e : edges) {
        (*of)[e.a].push_back({e.b, e.weight});
        (*of)[e.b].push_back({e.a, e.weight});
    }
    return of;
}

// A simulated world has as many peers as its groups; of nodes nobody knows beforehand.
std::string other_size(const config::Config& config) {
    std::uint64_t peers = 0;
    for (const config::Group& group : config.groups) peers += group.count;
    if (peers == 0 || config.exchange.edges.empty()) return "";
    const std::string& file = config.exchange.graph_file;
    const std::string run = "the run has " + std::to_string(peers) + " peers, 0 to " + std::to_string(peers - 1);
    std::uint32_t ranks = 0;
    for (const config::Edge& e : config.exchange.edges) {
        if (e.b >= peers) return file + ":" + std::to_string(e.line) + ": there is no peer " + std::to_string(e.b) + ": " + run;
        ranks = std::max(ranks, e.b + 1);
    }
    return ranks < peers ? file + ": no edge reaches peer " + std::to_string(ranks) + ": " + run : "";
}

// Each peer's trees have places of their own. Of nodes nobody knows how many there will be: each looks for itself.
std::string crowded(const config::Config& config) {
    if (config.model.kind != config::ModelKind::forest || config.exchange.kind == config::ExchangeKind::single) return "";
    std::uint64_t peers = 0;
    for (const config::Group& group : config.groups) peers += group.count;
    const std::uint64_t trees = peers * config.model.trees;
    if (trees <= config.model.places) return "";
    return std::to_string(peers) + " peers with " + std::to_string(config.model.trees) + " trees each need " + std::to_string(trees) + " places, and [model] has places = " +
           std::to_string(config.model.places);
}

// Outer steps among more than two, or of all at one instant, go in rounds on a roll.
bool in_rounds(const config::Exchange& outer) {
    return outer.everybody || outer.size > 2 || (outer.period && outer.clock == config::Clock::rounds);
}

}  // namespace

PeerConfig peer_config(const config::Config& config) {
    PeerConfig peer;
    const config::Membership& m = config.membership;
    peer.membership.period = m.period;
    peer.membership.probe_timeout = m.probe_timeout;
    peer.membership.indirect = m.indirect;
    peer.membership.suspicion = m.suspicion;
    peer.membership.alpha = m.suspicion_alpha;
    peer.membership.beta = m.suspicion_beta;
    peer.membership.local_health = m.local_health;
    peer.membership.dogpile = m.dogpile;
    peer.membership.buddy = m.buddy;
    peer.membership.nacks = m.nacks;
    peer.membership.confirm = m.confirm;
    peer.membership.damping = m.damping;
    peer.membership.probing = m.kind != config::MembershipKind::fixed;
    peer.membership.partial = m.kind == config::MembershipKind::partial;

    gossip::Config& e = peer.exchange;
    const config::Exchange& from = config.exchange;
    e.kind = kind(from.kind);
    e.period = from.period;
    e.every_steps = from.every_steps;
    if (!e.period && !e.every_steps) {
        const config::Rhythm usual = config::rhythm(from.kind);
        e.period = usual.period;
        e.every_steps = usual.every_steps;
    }
    e.clock = same<gossip::Clock>(from.clock);
    e.graph = same<gossip::Graph>(from.graph);
    e.base = from.base;
    if (!from.edges.empty()) e.adjacency = adjacency(from.edges);
    e.form = same<gossip::Form>(from.form);
    e.staleness_weight = from.staleness_weight;
    e.consensus = from.consensus;
    e.pushes = from.pushes;
    e.robust = from.robust;
    e.group_size = from.everybody ? 0 : from.size ? from.size : from.kind == config::ExchangeKind::outer ? 2 : 4;
    e.rate = from.rate;
    e.momentum = from.momentum;
    e.algorithm = same<gossip::Algorithm>(from.algorithm);
    e.backup = from.backup;
    e.buckets = from.buckets;
    e.mode = same<gossip::Mode>(from.mode);
    e.wait_for = from.wait_for;
    e.clients = from.clients;
    e.speed_scaled = from.speed_scaled;
    e.quasi_global = from.quasi_global;
    e.fragments = from.fragments;
    e.clip = same<gossip::Clip>(from.clip);
    e.encoding = encoding(from.encoding);
    e.kept = from.kept;
    e.patience = from.patience;
    e.donors = from.donors;
    e.sums = config.model.holds_sums();
    e.trains = config.model.kind != config::ModelKind::average;
    e.order = config.train.order;
    e.until_steps = config.until_steps;
    if (config.model.kind == config::ModelKind::forest) {  // a tree a step, and then it has its share
        e.sets = config.model.holds_sets();
        e.until_steps = std::min<std::uint64_t>(config.until_steps.value_or(config.model.trees), config.model.trees);
    }
    e.until = config.until;
    e.seed = config.seed;
    if (config.metrics.tally.value_or(Duration::zero()) > Duration::zero()) peer.tally = config.metrics.tally;
    return peer;
}

std::string refused(const config::Config& config, bool common_clock) {
    using enum config::ExchangeKind;
    const config::ExchangeKind kind = config.exchange.kind;
    if (config.membership.kind == config::MembershipKind::partial && (kind == allreduce || kind == dpsgd || kind == group || kind == parameter_server || kind == fedavg || (kind == outer && in_rounds(config.exchange))))
        return std::string(config::to_string(kind)) + " needs everybody to agree on who takes part, and with [membership] kind = \"partial\" nobody knows everybody: use \"gossip\", or kind = \"swim\"";
    if (config.exchange.period && (config.exchange.clock == config::Clock::rounds || config.exchange.clock == config::Clock::shuffled))
        if (std::any_of(config.groups.begin(), config.groups.end(), [](const auto& g) { return g.has_clock(); }) ||
            std::any_of(config.events.begin(), config.events.end(), [](const auto& e) { return e.kind == config::Event::Kind::clock; }))
            return std::string("clock = \"") + config::to_string(config.exchange.clock) + "\" needs one clock common to all, and here machines have their own";
    if (config.membership.kind == config::MembershipKind::fixed && !config.churns.empty())
        return "with [membership] kind = \"static\" everybody is there from the start, and who goes does not come back: [churn] wants kind = \"swim\"";
    if (common_clock && kind == dpsgd)
        if (std::string why = other_size(config); !why.empty()) return why;
    if (config.membership.kind == config::MembershipKind::partial && kind == push_sum && config.exchange.robust)
        return "robust push-sum needs everybody to agree on who is whose neighbour, and with [membership] kind = \"partial\" nobody knows everybody: take 'robust' out, or use kind = \"swim\"";
    if (config.membership.kind == config::MembershipKind::partial && config.data.shards == config::Data::Shards::automatic)
        return "[data] shards = \"auto\" goes by everybody who is there, and with [membership] kind = \"partial\" nobody knows everybody: take shards = \"all\", or kind = \"swim\"";
    if (common_clock && config.data.shards == config::Data::Shards::own)
        return "[data] shards = \"private\" is for nodes, of which each has files of its own: in a simulation 'split' says how data differ";
    if (!common_clock && config.train.compute != config::Compute::real)
        return "[train] compute = \"" + std::string(config::to_string(config.train.compute)) + "\" is for the simulator: a node trains, or it is none";
    if (common_clock)
        if (std::string why = crowded(config); !why.empty()) return why;
    return gossip::refused(peer_config(config).exchange, common_clock).value_or("");
}

bool in_fixed_order(const config::Config& config) {
    using enum config::ExchangeKind;
    const config::Exchange& e = config.exchange;
    return e.kind == dpsgd || e.kind == group || e.kind == allreduce || (e.kind == push_sum && e.robust) || (e.kind == outer && in_rounds(e));
}

std::string doubtful(const config::Config& config) { return gossip::doubtful(peer_config(config).exchange).value_or(""); }

}  // namespace grapevine::setup
