#include "grapevine/setup/peer_config.hpp"

namespace grapevine::setup {

namespace {

gossip::Kind kind(config::ExchangeKind k) {
    switch (k) {
        case config::ExchangeKind::gossip: return gossip::Kind::gossip;
        case config::ExchangeKind::dpsgd: return gossip::Kind::dpsgd;
        case config::ExchangeKind::allreduce: return gossip::Kind::allreduce;
        case config::ExchangeKind::local:
        case config::ExchangeKind::single: return gossip::Kind::local;  // single: one peer with all the data
    }
    return gossip::Kind::local;
}

gossip::Clock clock(config::Clock c) {
    switch (c) {
        case config::Clock::fixed: return gossip::Clock::fixed;
        case config::Clock::shuffled: return gossip::Clock::shuffled;
        case config::Clock::poisson: return gossip::Clock::poisson;
        case config::Clock::rounds: return gossip::Clock::rounds;
    }
    return gossip::Clock::fixed;
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
        if (e.kind == gossip::Kind::gossip) e.period = std::chrono::milliseconds(250);
        else e.every_steps = 1;
    }
    e.clock = clock(from.clock);
    e.graph = from.graph == config::Graph::ring ? gossip::Graph::ring : gossip::Graph::matching;
    e.patience = from.patience;
    e.trains = config.model.kind != config::ModelKind::average;
    e.order = config.train.order;
    e.until_steps = config.until_steps;
    e.seed = config.seed;
    return peer;
}

std::string refused(const config::Config& config, bool common_clock) {
    using enum config::ExchangeKind;
    const config::ExchangeKind kind = config.exchange.kind;
    if (config.membership.kind == config::MembershipKind::partial && (kind == allreduce || kind == dpsgd))
        return std::string(config::to_string(kind)) + " needs everybody to agree on who takes part, and with [membership] kind = \"partial\" nobody knows everybody: use \"gossip\", or kind = \"swim\"";
    const char* why = gossip::refused(peer_config(config).exchange, common_clock);
    return why ? why : "";
}

}  // namespace grapevine::setup
