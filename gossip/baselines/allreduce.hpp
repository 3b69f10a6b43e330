#pragma once

#include <map>

#include "../rounds.hpp"
#include "course.hpp"

namespace grapevine::gossip {

// Allreduce: everyone waits for everyone, everyone ends with the exact mean, in the same bits. Parameters are averaged
// after the steps, not gradients before them; after every step that is the same for SGD and momentum.
//
// It is gathered in slot 1 along a Course and swapped in as a whole, so a round that breaks off leaves the model as it was.
// Every peer weighs 1; in the first round of a roll its samples, so that newcomers and healed halves agree.
//
// Backup workers (Chen et al. 2016): with `backup` = b a round begins as soon as n - b have made their steps. Who is later
// is left out: it drops its steps and takes the model of the round from one of those who made it.
//
//    Training --steps made--> Ready --Chosen, we are in--> Mixing --swapped--> Training for the next round
//        |                      |                            |
//        |                      +--- Chosen without us ------+ (of a later round: the others are through this one)
//        |  (at the next        v
//        +--- boundary) ----> Behind --the model of that round or a later one--> Training for the round after it
//
// Ready goes to the first on the roll, which answers at once, whatever its learner does, and chooses: the first n - b of a
// round, two at least; everybody in the first round of a roll, so that nobody's past is left out of where all begin. It
// answers who is ready for a round that is decided with the latest decision. Who waits says so again every second, for
// small messages may be lost. Those chosen know who is left out: number i of these is given the model by number
// i mod m of the m chosen beside the first, on request: a slow link never has more than one model on its way.
// Without the first there is a new roll, and a new round 1.
//
// Buckets (Li et al. 2020, PyTorch DDP): the last step of a round is taken in `buckets` slices. What a slice has updated, the last
// parameters first, is a bucket: it is folded into the slot and goes along a Course of its own, while the next slices are
// taken. The learner does one thing at a time, so what a hop needs of it waits for the slice under way. When all buckets are through, the
// slot is swapped in. Who begins a round without a step of its own has all buckets at once.
class Allreduce final : public Rounds {
public:
    using Rounds::Rounds;
    Slot slots() const override { return 2; }

protected:
    void enter(Instant now, const Roll& roll, Out& out) override;
    void arrived(Instant now, const Roll& roll, PeerId from, Message&& message, Out& out) override;
    void completed(Instant now, const Roll& roll, Completion&& completion, Out& out) override;
    void told(Instant now, const Roll& roll, PeerId from, const Message& message, Out& out) override;
    void undelivered(PeerId to, std::uint32_t ticket) override;
    bool left_out() const override { return decided_.round > round(); }
    void lost_peer(Instant, const Roll&, PeerId, Out&) override {}  // the roll changes without it
    void overdue(Instant now, const Roll& roll, Out& out) override;
    void sliced(Instant now, const Roll& roll, const Slice& slice, Out& out) override;
    void abandon() override;

private:
    static constexpr Slot gathered = 1;
    using Ranks = std::shared_ptr<const std::vector<std::uint32_t>>;

    struct Waiting {  // for the first on the roll to choose
        std::vector<std::pair<PeerId, Part>> early;  // from those who heard it before us
    };
    struct Bucket {
        Range range;
        bool begun = false;                  // what we bring is in the slot, or ordered there
        std::uint32_t next = 0;              // hop
        std::uint32_t given = 0;             // of these hops what is to be given is ordered, or gone
        std::map<std::uint32_t, Snapshot> inbox;  // by the number of the hop
        std::vector<double> weights;         // behind each part, as gathered here
        std::optional<Run> finished;         // what we divided and have not sent yet
    };
    struct Mixing {
        Ranks left_out;
        Course course;
        std::vector<Bucket> buckets;
        std::uint32_t through = 0;           // buckets
        double weight = 1;                   // ours
        struct Outgoing {
            std::uint32_t bucket, hop, to;
            double weight;
            bool finished;                   // what we divided, on its first way
        };
        std::vector<Outgoing> publishing;    // orders to publish that are out, oldest first
        bool all_through() const { return through == buckets.size(); }
        bool complete = false;               // the swap is ordered
        bool freezes = false;                // somebody left out will ask us for the model: then it is frozen
        std::uint64_t bytes = 0;
    };
    struct Behind {
        PeerId asked;
        std::uint64_t bytes = 0;             // of what was taken; 0: nothing yet
    };
    struct Decision {
        std::uint64_t round = 0;
        Ranks left_out;
    };

    void mix(Instant now, const Roll& roll, Ranks left_out, Out& out);
    void begin(const Roll& roll, std::uint32_t b, Out& out);
    void proceed(const Roll& roll, std::uint32_t b, Out& out);
    void swap_if_complete(const Roll& roll, Out& out);
    void take(const Roll& roll, Mixing& mixing, std::uint32_t b, const Hop::Get& get, Snapshot theirs, Out& out);
    void ship(const Roll& roll, std::uint32_t bucket, std::uint32_t hop, std::uint32_t to, Snapshot snapshot, Out& out);
    void say_ready(Instant now, const Roll& roll, Out& out);
    void count(Instant now, const Roll& roll, std::uint32_t rank, const Ready& ready, Out& out);
    void decided(Instant now, const Roll& roll, Decision decision, Out& out);
    void fall_behind(const Roll& roll, Out& out);
    void serve(const Roll& roll, Out& out);
    Range range_of(const Mixing& mixing, std::uint32_t b, Run run) const;

    std::variant<Waiting, Mixing, Behind> state_;
    Decision decided_;            // the latest that we know of
    Instant gives_up_at_{};

    // At the first on the roll: who is ready for the round after the last that was decided.
    std::vector<bool> ready_;
    std::uint32_t ready_count_ = 0;
    bool somebody_trains_ = false;  // of those: a round among such as have made all their steps is for nothing

    // For those who were left out.
    struct Asking {
        PeerId who;
        std::uint64_t round;             // of this one or later
        std::uint64_t sent = 0;          // the round of what is on its way
        std::uint32_t ticket = 0;
    };
    std::vector<Asking> asking_;
    std::optional<Snapshot> held_;       // a finished model, of
    std::uint64_t held_round_ = 0;
};

}  // namespace grapevine::gossip
