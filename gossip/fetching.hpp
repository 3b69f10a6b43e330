#pragma once

#include <optional>
#include <vector>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// A whole model from others, in pieces, each from whoever is quickest to give it: a newcomer's. As BitTorrent does with a file (Cohen
// 2003), but that a piece is frozen when it is asked for, so that pieces are of slightly different moments and models.
//
//   Looking --somebody to ask--> Asking --the last piece is in--> Whole
//      |  ^                        |
//      |  +--nobody gives----------+
//      +--10 s without a donor--> Vain <--a minute without a piece-- Asking
//
//   a piece:  open --asked of a donor--> asked --comes--> in
//               ^                          |
//               +--refused, donor gone, or silent past patience: what comes all the same still counts
//
//   a donor:  giving --its oldest piece is late--> silent --a piece comes, or nobody gives--> giving
//
// A donor is asked for several pieces ahead, for it freezes them only between two steps, which may be long: its share, 32 at first,
// three more for each that comes quickly, one less for each that comes slowly. A
// piece is late after three times what pieces took lately. When none is open any more, a donor with room is given the oldest that another
// sits on; who of the two is later is told that it came.
class Fetching {
public:
    // `only`: from this one, and nobody else will do.
    Fetching(const Config& config, std::uint32_t number, Random random, PeerId only = {});

    void start(Instant now, const Company& company, Exchange::Out& out);
    void peer_up(Instant now, const Company& company, Exchange::Out& out);
    void peer_down(Instant now, PeerId peer, const Company& company, Exchange::Out& out);
    void received(Instant now, PeerId from, Piece&& piece, const Company& company, Exchange::Out& out);
    void received(Instant now, PeerId from, const NoPiece& none, const Company& company, Exchange::Out& out);
    void woken(Instant now, const Company& company, Exchange::Out& out);

    std::uint32_t number() const { return number_; }
    PeerId only() const { return only_; }
    bool whole() const { return missing_ == 0; }
    bool vain() const { return vain_; }
    Fetched summary(Instant now) const;
    std::vector<Snapshot> take();  // of a whole one: the pieces, in order

    static constexpr std::uint64_t most_elements = std::uint64_t{1} << 20;  // of a piece: 4 MiB of float32
    static constexpr std::uint32_t most_ahead = 64;

private:
    struct Asked {
        std::uint32_t piece;
        Instant at;
    };
    struct Donor {
        PeerId id;
        std::uint32_t ahead;         // so many may be asked of it at a time
        std::vector<Asked> asked{};  // oldest first
        double took = 0;             // seconds from asking to having, mean of the last ones; 0: none has come
        bool silent = false;
        std::uint32_t doublings = 0; // of the patience with it
    };
    struct Resting {                 // not asked until then
        PeerId id;
        Instant until;
    };
    struct Place {
        std::optional<Snapshot> in;
        std::uint32_t asked = 0;     // of so many donors
    };

    Range range(std::size_t piece) const { return part({0, config_.size}, piece, places_.size()); }
    void find_donors(Instant now, const Company& company);
    void ask(Instant now, const Company& company, Exchange::Out& out);
    void ask(Instant now, Donor& donor, std::uint32_t piece, Exchange::Out& out);
    std::optional<std::uint32_t> open_piece() const;
    std::optional<std::uint32_t> oldest_of_others(Instant now, const Donor& idle) const;
    void release(Donor& donor, std::uint32_t piece);
    void no_longer_wanted(std::uint32_t piece, Exchange::Out& out);
    void part_with(PeerId donor, Instant rests_until);  // min: it is gone, max: it is never asked again
    Donor* find(PeerId id);
    Duration patience(const Donor& donor) const;
    std::uint32_t ahead_at_first() const;

    const Config& config_;
    std::uint32_t number_;
    Random random_;
    PeerId only_;
    Instant began_{}, progress_{};  // the latter: when the last piece came
    std::vector<Place> places_;
    std::size_t missing_ = 0;
    std::vector<Donor> donors_;
    std::vector<Resting> resting_;
    std::vector<PeerId> gave_;
    std::uint64_t bytes_ = 0;
    double took_ = 0;  // as a donor's, over all of them
    bool vain_ = false;
};

// Whether a newcomer under this configuration fetches its model before its exchange begins. Where everybody is near the mean anyway, a
// model made of several's pieces is as good as any of theirs. Not so with push-sum, whose newcomers need mass, which only a push brings; nor
// where tensors are sums or sets, of which a piece taken beside the exchange would be counted twice; nor in rounds and with a server, where
// the first round hands a newcomer what all have agreed on.
bool fetches(const Config& config);

}  // namespace grapevine::gossip
