#include "sharding.hpp"

#include <string>
#include <utility>

#include "grapevine/learn/shard.hpp"
#include "metadata.hpp"

namespace grapevine::node {

namespace {

std::optional<Metadata> said_by(const membership::Book& book, membership::Handle record) { return unpack(std::string(book.metadata(record))); }

gossip::Claimant claimant(const membership::Book& book, membership::Handle record) {
    const auto said = said_by(book, record);
    const std::uint64_t key = book.generation(record) > 0 ? gossip::claimant_key(book.name(record)) : gossip::claimant_key(book.id(record));
    return {key, said ? said->level : gossip::unknown_speed};
}

}  // namespace

bool Sharding::concerns(const Peer::Event& event) {
    using namespace membership;
    return std::holds_alternative<Joined>(event) || std::holds_alternative<Gone>(event) || std::holds_alternative<Changed>(event) || std::holds_alternative<Suspected>(event) ||
           std::holds_alternative<Refuted>(event);
}

std::optional<Sharding::Deal> Sharding::woken(Instant now, const membership::Membership& members) {
    if (std::exchange(self_, members.self()) != members.self()) resharding_.stir(now);
    if (!resharding_.due(now)) return std::nullopt;
    std::vector<gossip::Claimant> others;
    std::size_t sharing = 1;
    for (const auto& entry : members.roster().entries()) {
        if (entry.standing != membership::Standing::alive) continue;
        others.push_back(claimant(book_, entry.record));
        sharing += others.back().speed != gossip::takes_none;
    }
    const auto blocks = resharding_.woken(now, claimant(book_, members.self()), others, order_.size());
    if (!blocks || blocks->empty()) return std::nullopt;
    return Deal{learn::rows_of(*blocks, gossip::data_blocks, order_), blocks->size(), sharing};
}

double uses_of_a_row(const membership::Book& book, const membership::Membership& members, std::size_t ours, std::size_t all) {
    double rows = static_cast<double>(ours), members_known = 1, silent = 0;
    for (const auto& entry : members.roster().entries()) {
        if (entry.standing != membership::Standing::alive) continue;
        const auto said = said_by(book, entry.record);
        ++members_known;
        if (!said || (said->rows == 0 && said->level != gossip::takes_none)) ++silent;
        else rows += static_cast<double>(said->rows);
    }
    return rows / static_cast<double>(all) + silent / members_known;
}

}  // namespace grapevine::node
