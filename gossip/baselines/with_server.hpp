#pragma once

#include <variant>

#include "server.hpp"
#include "worker.hpp"

namespace grapevine::gossip {

// Baselines in which one peer has a role of its own: it serves. A peer is a worker or the server; which of them, the
// configuration says (Config::serves), and nobody is elected: a server that is gone is missed. The messages:
//
//   server -> worker   Serving{round}         "I serve, and `round` is done": until the worker has answered, and again
//                                             to whom is waited for
//   worker -> server   Ready{session}         "I have nothing to work on"; a session is one finding of a server, and
//                                             what is said twice in one counts once
//   server -> worker   Handout{round, model}  "train from this"
//   worker -> server   Handin{round + 1, ..}  what became of it
//   worker -> server   Decline                "I train no more", with the round of the model that it holds
//   server -> worker   Ready{0, round}        rounds by the clock only: "hand in now"
//
// Two that claim to serve (a name used twice, two runs that became one): the lower id is believed by all, and the other
// one becomes its worker.
class WithServer final : public Exchange {
public:
    WithServer(const Config& config, PeerId self, Random random);
    void step(Instant now, Input&& input, const Company& company, Out& out) override;
    Slot slots() const override { return 2; }

private:
    Common common_;
    std::variant<Worker, Server> role_;
};

}  // namespace grapevine::gossip
