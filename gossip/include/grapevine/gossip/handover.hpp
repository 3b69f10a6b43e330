#pragma once

#include <memory>
#include <vector>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

class Donating;
class Fetching;

// How a whole model gets from those who have it to one who has not, beside whatever exchange they run. Three sides, and most peers have
// none of them most of the time; then it is not there.
//
//   a newcomer   Fetching --whole--> Taking --all pieces are combined--> Settled: its exchange begins, and has caught up
//                    +---vain, or the peer is to finish---------------> Settled: its exchange begins, and catches up as it can
//   a donor      gives pieces of its model to others (donating.hpp), unless it is catching up itself or leaving
//   an onlooker  Collect --> fetches one member's model, to be told and not mixed
//
// The pieces are kept until the last is there, and combined in orders of one step: a model is never made of some that came and what was
// there before. Its orders and tickets have the highest bit set, by which their answers are told from those of the exchange.
class Handover {
public:
    Handover(const Config& config, Random random, std::uint32_t last_number);
    ~Handover();

    static constexpr std::uint32_t mark = 0x80000000u;
    static bool is_ours(std::uint32_t tag_or_ticket) { return (tag_or_ticket & mark) != 0; }
    static bool is_ours(const Message& message) { return message.index() >= Message(PieceWanted{}).index() && message.index() <= Message(PieceCame{}).index(); }
    // Whether a newcomer of this configuration waits for its model: then the exchange is held back until settled().
    static bool wanted(const Config& config);

    void start(Instant now, const Company& company, Exchange::Out& out);  // of a newcomer that waits
    void collect(Instant now, const Collect& collect, const Company& company, Exchange::Out& out);
    void received(Instant now, PeerId from, Message&& message, std::optional<Why> refused, const Company& company, Exchange::Out& out);
    void woken(Instant now, const FetchDue& due, const Company& company, Exchange::Out& out);
    void completed(Instant now, Completion&& completion, Exchange::Out& out);
    void undelivered(const Undelivered& u, Exchange::Out& out);
    void peer_up(Instant now, const Company& company, Exchange::Out& out);
    void peer_down(Instant now, PeerId peer, const Company& company, Exchange::Out& out);
    void give_up(Instant now, Exchange::Out& out);  // the newcomer's: there is no time for it any more

    bool waits() const { return joining_ || last_piece_ != 0; }
    // Of a newcomer that waited, once for each: it waits no longer; and so many samples stand behind the model it has now, where it is the others'.
    struct Settled {
        std::optional<double> samples;
    };
    std::optional<Settled> settled();
    std::uint32_t last_number() const { return count_; }  // of its orders, tickets and fetches
    bool over() const;  // nothing is under way: it need not be kept

private:
    void look_at(Instant now, Exchange::Out& out);
    std::uint32_t next() { return mark | (++count_ & ~mark); }

    const Config& config_;
    Random random_;
    std::unique_ptr<Donating> donating_;
    std::unique_ptr<Fetching> joining_;
    struct Collecting {
        std::uint32_t serial;
        std::unique_ptr<Fetching> fetching;
    };
    std::vector<Collecting> collecting_;
    std::uint32_t last_piece_ = 0;  // tag of the order that combines it; 0: none is combined
    Fetched summary_;
    std::optional<Settled> settled_;
    std::uint32_t count_;
};

}  // namespace grapevine::gossip
