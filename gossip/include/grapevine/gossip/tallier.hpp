#pragma once

#include <optional>

#include "grapevine/gossip/sketching.hpp"

namespace grapevine::gossip {

// What the whole cluster's loss and accuracy are, known at every peer without a coordinator: push-pull averaging
// (Jelasity, Montresor, Babaoglu 2005) of sums and weights that are sent away and kept in halves, as push-sum does
// (Kempe, Dobra, Gehrke 2003). What a message that is lost takes with it, it takes of sums and weights alike, so that
// their ratio stays a mean of what was observed; and an exchange of which nothing is lost leaves both sides equal.
//
//     tick:              (w, s) <- half of it, the other half --> a peer drawn at random
//     a tally comes in:  half of what we had --> back, then (w, s) <- (w, s) + theirs;  an answer is only added
//     worst accuracy:    the smaller of ours and theirs (epidemic minimum)
//
// It starts anew in epochs, so that what has changed shows and what was lost is forgotten:
//
//     in epoch e, since b --30 ticks since b--> the figures are told; in e + 1, since now, with our last observation
//                         --tally of a later epoch--> likewise, but in theirs, since theirs began
//                         --of e, begun before b--> b becomes that
//                         --of an earlier epoch--> ignored
//
// So all begin and end within about a tick of each other, and agree by then to about 1e-7 of the spread of what was
// observed. An observation counts in an epoch whose first quarter is not over: what comes late could not spread, so who
// comes late (joined, or back from behind a cut) only passes on what others have seen. Who crashes takes what lies with
// it out of this epoch, and is out of the next one; who leaves hands it to another peer. Both sides of a cut have
// figures of their own.
//
// Where models have distances it also looks for the consensus distance, in some epochs (sketching.hpp).
class Tallier {
public:
    struct Model { std::uint64_t seed, size; };  // of the run, and elements
    // model: none where there is no distance between models.
    Tallier(Duration tick, Random random, std::optional<Model> model = {}) : tick_(tick), random_(random) {
        if (model) sketching_.emplace(model->seed, model->size);
    }

    void start(Instant now, Exchange::Out& out);
    void observe(Instant now, const Observed& observed);
    void received(Instant now, PeerId from, const Tally& tally, const Company& company, Exchange::Out& out);
    void received(Instant now, PeerId from, const Moments& moments, Exchange::Out& out);
    void woken(Instant now, const Company& company, Exchange::Out& out);
    // apart: our model is none of theirs yet, and not to be counted.
    void woken(Instant now, const SketchDue& due, bool apart, Exchange::Out& out);
    void sketched(Instant now, std::uint32_t epoch, const Sketched& done);  // epoch: the order's tag
    void sent(std::uint64_t bytes) { sent_ += static_cast<double>(bytes); }  // of parameters
    void leave(Instant now, const Company& company, Exchange::Out& out);

    // Of the last epoch that went to its end; nothing before there was one in which anybody had observed anything.
    const std::optional<Tallied>& told() const { return told_; }

    static constexpr int ticks_of_an_epoch = 30;

private:
    Duration length() const { return tick_ * ticks_of_an_epoch; }
    void enter(std::uint32_t epoch, Instant began, Instant now, std::size_t others);
    void contribute(Instant now);
    void conclude(Instant now, Exchange::Out& out);
    Tally half(Instant now, bool answer);

    Duration tick_;
    Random random_;
    std::uint32_t epoch_ = 0;
    Instant began_{};
    bool contributed_ = false, counted_ = false;  // our observation, and that we are there, to this epoch
    double weight_ = 0, loss_ = 0, accuracy_ = 0;  // sums
    double peers_ = 0, spent_ = 0;                // likewise
    std::optional<double> worst_;
    std::optional<Observed> observed_;
    std::optional<Tallied> told_;
    bool left_ = false;
    std::optional<Sketching> sketching_;
    double sent_ = 0, sent_before_ = 0;           // bytes of parameters, in this epoch and in the one before
    std::optional<double> mean_sent_;             // by a peer in an epoch, by the last tally
    bool sketch_due_ = false;                     // its timer is set
};

}  // namespace grapevine::gossip
