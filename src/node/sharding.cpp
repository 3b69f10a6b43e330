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

std::optional<Sharding::Deal> Sharding::woken(Instant now, const membership::Membership& members) {
    if (std::exchange(self_, members.self()) != members.self()) resharding_.stir(now);
    if (!resharding_.due(now)) return std::nullopt;
    std::vector<gossip::Claimant> others;
    std::size_t sharing = 1;
    for (const auto& entry : members.roster().entries()) {
        if (!membership::present(entry.standing)) continue;
        others.push_back(claimant(book_, entry.record));
        sharing += others.back().speed != gossip::takes_none;
    }
    const auto blocks = resharding_.woken(now, claimant(book_, members.self()), others, order_.size());
    if (!blocks || blocks->empty()) return std::nullopt;
    return Deal{learn::rows_of(*blocks, gossip::data_blocks, order_), blocks->size(), sharing};
}

double uses_of_a_row(const membership::Book& book, const membership::Membership& members, std::size_t ours, std::size_t all) {
    const double even = static_cast<double>(all) / static_cast<double>(members.roster().present() + 1);
    double rows = static_cast<double>(ours);
    for (const auto& entry : members.roster().entries()) {
        if (!membership::present(entry.standing)) continue;
        const auto said = said_by(book, entry.record);
        const bool silent = !said || (said->rows == 0 && said->level != gossip::takes_none);
        rows += silent ? even : static_cast<double>(said->rows);
    }
    return rows / static_cast<double>(all);
}

}  // namespace grapevine::node
