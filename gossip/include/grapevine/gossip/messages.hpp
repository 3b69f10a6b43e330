#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/snapshot.hpp"

namespace grapevine::gossip {

// Pairwise averaging. Two agree first, in small messages; then the parameters flow, both ways at once.
enum class Why : std::uint8_t { leaving, busy, other_layout, catching_up, undelivered };  // the last two of pieces only
struct Offer {
    std::uint32_t round = 0;  // the offerer's number of this exchange
    float pace = 0;           // its local steps a second; 0: not known
};
struct Accept {
    std::uint32_t round = 0;
    float pace = 0;
};
struct Decline {
    std::uint32_t round = 0;
    Why why = Why::busy;
};
struct Half {  // one side's parameters
    std::uint32_t round = 0;
    bool answer = false;  // from the one who accepted
    std::uint32_t ticket = 0;
    Snapshot snapshot;
};

// One way: what the accepted offerer of an epidemic exchange or of push-sum sends. With push-sum `snapshot.weight` is
// the mass that comes with it. Its number is that of the offer with the highest bit turned: what answers says by it
// to which of the two, for an Accept that comes twice must not be taken for the push's arrival.
constexpr std::uint32_t push_of(std::uint32_t offered) { return offered ^ 0x80000000u; }
struct Push {
    std::uint32_t round = 0;
    std::uint32_t ticket = 0;
    Snapshot snapshot;
};

// Neighbour averaging: the parameters of round `round` of the roll with this hash.
struct RoundModel {
    std::uint64_t roll = 0;
    std::uint64_t round = 0;
    std::uint32_t ticket = 0;
    Snapshot snapshot;
};

// A part of the model on its way through an allreduce or a group. What a hop is, the exchange says: in a ring hops 0 to
// n-2 gather sums as they go round and hops n-1 to 2n-3 hand the means out; those of bucket b are numbered from 2n b on.
struct Part {
    std::uint64_t roll = 0;
    std::uint64_t round = 0;
    std::uint32_t hop = 0;
    std::uint32_t ticket = 0;
    Snapshot snapshot;
};

// Servers (parameter-server, fedavg): who serves says so, and hands out the model of a round; a worker hands in what it
// made of it.
struct Serving {
    std::uint64_t round = 0;  // the last one that is done
};
struct Handout {
    std::uint64_t round = 0;
    std::uint32_t ticket = 0;
    Snapshot snapshot;
};
struct Handin {
    std::uint64_t round = 0;
    std::uint32_t ticket = 0;
    Snapshot snapshot;        // weight: of this worker's part in the average
};

// Allreduce with backup workers: who has made its steps says so to the first on the roll, which starts the round with
// the first that came. Said to another it asks for the model of that round, or a later one.
struct Ready {
    std::uint64_t roll = 0;
    std::uint64_t round = 0;
    bool idle = false;  // it has made all its steps, they are mixed, and it takes part for the others' sake
};
struct Chosen {
    std::uint64_t roll = 0;
    std::uint64_t round = 0;
    std::shared_ptr<const std::vector<std::uint32_t>> left_out;  // ascending; all others are in it
};

// Rolls: agreeing on who takes part and in which order (roll.hpp).
struct RollProposal {
    std::uint64_t epoch = 0;
    std::shared_ptr<const std::vector<PeerId>> ids;  // ascending; some of those proposed, or none
    std::uint64_t hash = 0;                          // of all
    std::uint32_t size = 0;                          // likewise
};
struct RollYes {
    std::uint64_t epoch = 0;
    std::uint64_t hash = 0;
};
struct RollNo {  // "I am on another one, or on none"
    std::uint64_t epoch = 0;  // the other one's; 0: none
    std::uint64_t hash = 0;
};
struct RollInForce {
    std::uint64_t epoch = 0;
    std::uint64_t hash = 0;
};

// Cluster-wide figures (tallier.hpp): a part of the sums of an epoch.
struct Tally {
    std::uint32_t epoch = 0;
    bool answer = false;             // to one of ours: wants none
    std::int64_t elapsed = 0;        // ns since the epoch began, as far as its sender knows
    double weight = 0, loss = 0, accuracy = 0;
    std::optional<double> worst;     // accuracy of all that have been heard of
    double peers = 0, sent = 0;      // all that are there, and the bytes of parameters that they sent in the epoch before
    bool sketches = false;           // the epoch looks for the consensus distance (sketching.hpp)
};
// Of the sketches of some peers' models: a part of their weights, their mean, and of the sum of their squared distances from it.
struct Moments {
    std::uint32_t epoch = 0;
    bool answer = false;             // to some of ours: wants none
    double weight = 0, squares = 0;
    std::shared_ptr<const std::vector<float>> mean;  // none: of nobody's
};

// A model in pieces, for who is new or only looks (handover.hpp): asked for, sent or not to be had, and there. `fetch` and
// `piece` are numbers of who asks.
struct PieceWanted {
    std::uint32_t fetch = 0;
    std::uint32_t piece = 0;
    Range range;
};
struct Piece {
    std::uint32_t fetch = 0;
    std::uint32_t piece = 0;
    std::uint32_t ticket = 0;
    Snapshot snapshot;
};
struct NoPiece {
    std::uint32_t fetch = 0;
    std::uint32_t piece = 0;
    Why why = Why::busy;
};
struct PieceCame {
    std::uint32_t fetch = 0;
    std::uint32_t piece = 0;
};

using Message = std::variant<Offer, Accept, Decline, Half, Push, RoundModel, Part, Serving, Handout, Handin, Ready, Chosen, RollProposal, RollYes, RollNo,
                             RollInForce, Tally, PieceWanted, Piece, NoPiece, PieceCame, Moments>;

// The parameters that a message carries, if it does: such a message travels on the bulk plane.
const Snapshot* parameters(const Message& message);
Snapshot* parameters(Message& message);
// The number by which the transport names a message with parameters that it could not deliver.
std::uint32_t ticket(const Message& message);

}  // namespace grapevine::gossip
