// Whether others can dial us: a node behind a home router finds out by asking.
#include <random>

#include "grapevine/setup/peer_config.hpp"
#include "log.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {
constexpr Duration ask_soon = std::chrono::seconds(5);    // longer than an answer may take
constexpr Duration ask_again = std::chrono::minutes(10);  // a router may have been told to let us be dialled, or no more
constexpr std::size_t most_said_of = 8;                   // members without a way to us: more say nothing new
constexpr int enough = 2;                                 // one that could not dial us may be to blame itself
}  // namespace

// Who can only dial out is written to over the connections that it has opened.
void Node::know(membership::Handle record) {
    Contact contact = book_.at(record).contact;
    if (book_.outbound(record)) contact.control.clear(), contact.bulk.clear();
    transport_->know(contact, admission_ ? admission_->transport_key(std::string(book_.key(record))) : std::string());
    look_for_a_way(record);
}

// Two that can both only dial out have no way to each other. An exchange that chooses its partners never asks for one; of the others it is said.
void Node::look_for_a_way(membership::Handle record) {
    const membership::Handle self = peer_->members().self();
    if (!book_.outbound(record) || !book_.outbound(self) || book_.id(record) == book_.id(self) || !setup::in_fixed_order(*config_)) return;
    const std::string name = book_.at(record).contact.name;
    if (said_of_.size() >= most_said_of || !said_of_.insert(name).second) return;
    log(Level::warn, "net", name + " and we can both only dial out, so nothing can be exchanged between us two; and " + config::to_string(config_->exchange.kind) +
                                " does not ask who reaches whom: where its order puts us side by side a round waits until its patience is over, and goes on without one of us, or comes to nothing. "
                                "--advertise HOST and ports that are let in mend it on either side; exchange gossip goes round such pairs");
}

void Node::ask_whether_dialable() {
    next_ask_back_ = now() + ask_soon;
    if (options_.outbound) return;
    std::vector<PeerId> whom;
    for (const auto& e : peer_->members().roster().entries())
        if (e.standing == membership::Standing::alive && !book_.outbound(e.record)) whom.push_back(book_.id(e.record));
    if (whom.empty()) return;
    std::random_device device;
    transport_->ask_back(whom[device() % whom.size()]);
}

void Node::dialled_back(const net::DialledBack& answer) {
    not_reached_ = answer.reached ? 0 : not_reached_ + 1;
    const bool was = !book_.outbound(peer_->members().self()), is = answer.reached || (was && not_reached_ < enough);
    next_ask_back_ = now() + (is == answer.reached ? ask_again : Duration::zero());
    if (was == is) return;
    const std::string where = transport_->contact().control;
    if (is) log(Level::info, "net", "others can dial us at " + where + " now");
    else log(Level::warn, "net", "nobody can dial us at " + where + ": we dial out only, and mix with those that can be dialled. A router or a firewall? --advertise HOST says where else we are; --outbound that this is as it should be");
    step(membership::Dialable{is});
    for (const auto& e : peer_->members().roster().entries())
        if (membership::present(e.standing)) look_for_a_way(e.record);
}

}  // namespace grapevine::node
