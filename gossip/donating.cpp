#include "donating.hpp"

#include <algorithm>

#include "encoded.hpp"
#include "fetching.hpp"

namespace grapevine::gossip {

namespace {
constexpr Duration again_after = std::chrono::seconds(10);  // a piece that is on its way is not sent once more before that
constexpr Duration over_after = std::chrono::minutes(1);  // whose arrival was never said
}  // namespace

void Donating::wanted(Instant now, PeerId from, const PieceWanted& wanted, std::optional<Why> refused, std::uint32_t tag, Exchange::Out& out) {
    std::erase_if(given_, [&](const Given& g) { return g.ticket != 0 && now - g.since > over_after; });
    std::size_t its = 0;
    std::vector<PeerId> others;
    for (const Given& g : given_) {
        if (g.gone) continue;
        if (g.to == from && g.fetch == wanted.fetch && g.piece == wanted.piece && (g.ticket == 0 || now - g.since < again_after)) return;  // it has it soon, or hears that it was lost
        if (g.to == from) ++its;
        else if (std::find(others.begin(), others.end(), g.to) == others.end()) others.push_back(g.to);
    }
    const Range& r = wanted.range;
    if (!refused && (r.count == 0 || r.count > Fetching::most_elements || r.offset > config_.size || r.count > config_.size - r.offset)) refused = Why::other_layout;
    if (!refused && (its >= most_pieces || others.size() >= most_takers)) refused = Why::busy;
    if (refused) return out.send(from, NoPiece{wanted.fetch, wanted.piece, *refused});
    given_.push_back({from, wanted.fetch, wanted.piece, tag, 0, now});
    out.tell(Order{tag, encoded(config_, model_slot, r)});
}

void Donating::published(std::uint32_t tag, Snapshot&& snapshot, std::uint32_t ticket, Exchange::Out& out) {
    const auto given = std::find_if(given_.begin(), given_.end(), [&](const Given& g) { return g.tag == tag && g.ticket == 0; });
    if (given == given_.end()) return;
    if (given->gone) {
        given_.erase(given);
        return;
    }
    given->ticket = ticket;
    out.send(given->to, Piece{given->fetch, given->piece, ticket, std::move(snapshot)});
}

void Donating::came(PeerId from, const PieceCame& piece) {
    const auto it = [&](const Given& g) { return g.to == from && g.fetch == piece.fetch && g.piece == piece.piece; };
    std::erase_if(given_, [&](const Given& g) { return it(g) && g.ticket != 0; });
    for (Given& g : given_)
        if (it(g)) g.gone = true;  // it came from another, while we froze it
}

void Donating::undelivered(const Undelivered& u, Exchange::Out& out) {
    const auto given = std::find_if(given_.begin(), given_.end(), [&](const Given& g) { return g.to == u.to && g.ticket == u.ticket; });
    if (given == given_.end()) return;
    out.send(u.to, NoPiece{given->fetch, given->piece, Why::undelivered});
    given_.erase(given);
}

void Donating::peer_down(PeerId peer) {
    std::erase_if(given_, [&](const Given& g) { return g.to == peer && g.ticket != 0; });
    for (Given& g : given_)
        if (g.to == peer) g.gone = true;
}

}  // namespace grapevine::gossip
