// Whom we let in, and whom we no longer do.
#include "log.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {
constexpr Duration look_every = std::chrono::seconds(1);
}

void Node::greet(const std::string& text) {
    const Seed seed = seed_of(text);
    transport_->greet(seed.address, admission_ ? admission_->expected(seed.key) : std::vector<std::string>{});
}

// With keys: does it speak for itself? Else somebody tells us of a node that he is not.
bool Node::speaks_for_itself(const net::Hello& hello, const Greeting& greeting) const {
    if (!admission_) return true;
    return greeting.record.contact.id == hello.who && admission_->transport_key(greeting.record.key) == hello.key && admission_->genuine(greeting.record);
}

void Node::look_at_the_list() {
    if (!admission_ || now() < next_look_at_list_) return;
    next_look_at_list_ = now() + look_every;
    const auto change = admission_->look();
    if (!change) return;
    if (change->fault) return log(Level::warn, "keys", change->fault->what + ": " + change->fault->hint + ". The list stays as it was");
    for (const std::string& key : change->in) log(Level::info, "keys", admission_->label(key) + " is allowed from now on");
    for (const std::string& key : change->out) log(Level::info, "keys", "the key " + keys::to_text(key) + " is no longer allowed");
    transport_->allow(admission_->allowed());
    std::vector<PeerId> out;
    for (const auto& entry : peer_->members().roster().entries())
        if (!admission_->allows(std::string(book_.key(entry.record)))) out.push_back(book_.id(entry.record));
    for (const PeerId id : out) {
        if (const auto* entry = peer_->members().roster().find(id); entry && membership::present(entry->standing))
            log(Level::info, "members", std::string(book_.name(entry->record)) + " is held for left from now on: its key is no longer allowed");
        step(membership::ForceLeave{id});
        transport_->forget(id);
    }
    if (!admission_->allows(admission_->key())) log(Level::warn, "keys", "our own key is not on the list: others that read it turn us away");
}

}  // namespace grapevine::node
