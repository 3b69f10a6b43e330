#include "grapevine/sim/run/memory.hpp"

#include "grapevine/learn/task.hpp"
#include "grapevine/setup/peer_config.hpp"

namespace grapevine::sim {

namespace {
// As bytes_per_peer in summary.json says: n peers with full views take 10.4 kB + 8 n each, with partial ones 2.7 kB, those that learn
// from data 16 kB more (batches, gradients).
constexpr double bytes_of_entry = 8, bytes_of_peer = 10'500, bytes_of_partial_peer = 2'700, bytes_of_trainer = 16'000;
}  // namespace

Memory memory_needed(const config::Config& config) {
    double peers = 0;
    for (const config::Group& g : config.groups) peers += g.count;
    for (const config::Event& e : config.events)
        if (e.kind == config::Event::Kind::join) peers += e.count;
    if (config.exchange.kind == config::ExchangeKind::single) peers = 1;
    const learn::Sizes sizes = learn::sizes_of(config);
    const bool laws = !config.model.needs_data();
    const bool stands_in = config.train.compute != config::Compute::real;  // sixteen parameters, or none
    const double model = stands_in ? 16 * 4 : static_cast<double>(sizes.elements) * (laws ? 8 : 4);
    gossip::Config exchange = setup::peer_config(config).exchange;
    exchange.size = sizes.elements;
    double slots = gossip::make_exchange(exchange, PeerId{1}, Random(1))->slots();
    slots += config.model.follows_gradients() && config.train.optimizer != config::TrainOptions::Optimizer::sgd;
    Memory m;
    m.models = peers * model * (slots + 1);
    const bool partial = config.membership.kind == config::MembershipKind::partial;
    m.views = partial ? 0 : peers * bytes_of_entry * peers;
    m.engine = peers * ((partial ? bytes_of_partial_peer : bytes_of_peer) + (laws || stands_in ? 0 : bytes_of_trainer));
    m.data = sizes.bytes_of_data;
    return m;
}

}  // namespace grapevine::sim
