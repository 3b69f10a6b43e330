#pragma once

#include "one_way.hpp"

namespace grapevine::gossip {

// Push-sum (Kempe, Dobra, Gehrke 2003; with SGD: Assran, Loizou, Ballas, Rabbat 2019), stored as in GoSGD (Blot, Picard,
// Cord, Thome 2016): the model is the estimate z = s/w, the mass w lies beside it, and both are given away together.
// When due, a peer halves its mass and sends z with the other half; who gets z' with w' sets
//     z <- (w z + w' z') / (w + w'),   w <- w + w'
// While nothing is lost sum w and sum w z stay what they are, and every z goes to their ratio: the mean, though nobody
// ever answers. Every z is a convex combination of models all the same, whatever is lost.
//
// The mass of a push that is lost is lost for ever, and with it its share in the mean. One that the transport gave up
// counts as lost; it may have arrived all the same, for nobody can know that both think alike. One that comes twice is
// taken once. Who leaves gives all that it holds to somebody; who crashes takes it along.
//
// A newcomer to a cluster begins with no mass: the first that it is given makes it the giver's equal. Mass below
// 2^-500, where losses over days lead, is no longer halved: then a peer gives as much as it keeps, and the exchange
// is an average that is not exact, and not one of zeros. Mass of 2^64 and more cannot be honest and is refused.
class PushSum final : public OneWay {
public:
    PushSum(const Config& config, PeerId self, Random random);
    Mass mass() const override { return {held_, lost_}; }

private:
    struct Sent {
        PeerId to;
        double mass;
        std::uint32_t ticket;
    };

    bool gives() const override { return mass_ > 0; }
    double freeze() override;
    void keep(Instant now, Snapshot&& frozen, Out& out) override;
    void pushed(PeerId to, std::uint32_t ticket, double mass) override;
    void came(PeerId to, std::uint32_t ticket) override;
    void vanished(PeerId to, std::uint32_t ticket) override;
    bool room() const override;
    bool keeps_uninvited() const override { return true; }  // refused, it would be lost
    bool take(Instant now, PeerId from, std::uint32_t round, Snapshot&& theirs, Out& out) override;
    void mixed(Instant now, const Task& task, const Combined& combined, const Completion& completion, Out& out) override;
    void begins_alone(Instant now, Out& out) override;
    void halts(Instant now, const Company& company, Out& out) override { again(now, company, out); }
    void again(Instant now, const Company& company, Out& out) override;
    void turn_over(Instant now, const Company& company, Out& out) override;

    double mass_;          // once all that was ordered is done
    double held_;          // beside the model as it is now
    double lost_ = 0;
    Few<Sent, 1> sent_;       // the last ones of which nothing was heard
    int farewells_ = 8;    // tries to give all away before we are gone
};

}  // namespace grapevine::gossip
