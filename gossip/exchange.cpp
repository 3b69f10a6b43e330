#include "grapevine/gossip/exchange.hpp"

#include <cassert>

#include "baselines/allreduce.hpp"
#include "baselines/local.hpp"
#include "baselines/with_server.hpp"
#include "choco.hpp"
#include "dpsgd.hpp"
#include "epidemic.hpp"
#include "group.hpp"
#include "outer.hpp"
#include "pairwise.hpp"
#include "push_sum.hpp"
#include "robust_push_sum.hpp"

namespace grapevine::gossip {

std::unique_ptr<Exchange> make_exchange(const Config& config, PeerId self, Random random) {
    assert(!refused(config, true));
    switch (config.kind) {
        case Kind::gossip: return std::make_unique<Pairwise>(config, self, random);
        case Kind::dpsgd:
            if (config.encoding == Encoding::top_k && config.graph == Graph::ring) return std::make_unique<Choco>(config, self, random);
            return std::make_unique<Dpsgd>(config, self, random);
        case Kind::allreduce: return std::make_unique<Allreduce>(config, self, random);
        case Kind::local: return std::make_unique<Local>(config);
        case Kind::epidemic: return std::make_unique<Epidemic>(config, self, random);
        case Kind::push_sum:
            if (config.robust) return std::make_unique<RobustPushSum>(config, self, random);
            return std::make_unique<PushSum>(config, self, random);
        case Kind::parameter_server:
        case Kind::fedavg: return std::make_unique<WithServer>(config, self, random);
        case Kind::group: return std::make_unique<Group>(config, self, random);
        case Kind::outer:
            if (talks(config)) return std::make_unique<Outer>(config, self, random);
            return std::make_unique<OuterRounds>(config, self, random);
    }
    return nullptr;
}

}  // namespace grapevine::gossip
