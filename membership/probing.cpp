// Finding out whether a member still answers: one probe a period, helpers, health.
#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

void Membership::probe(Instant now, Out& out) {
    conclude_probe(now, out);
    if (leaving_) return;  // it still answers, but asks nobody
    out.wake(now + stretched(config_.period), ProbeDue{});
    forget_old(now);
    contact_the_dead(out);

    const auto target = next_target();
    if (!target) return;
    probe_ = {++round_, *target, now, false, false, 0, 0};
    send(*target, Ping{round_}, out, news_for(*target));
    const Duration patience = std::min(stretched(round_trips_.timeout(*target, config_.probe_timeout)),
                                       stretched(config_.period) * 4 / 5);  // leave the helpers some time
    out.wake(now + patience, DirectOverdue{round_});
}

std::optional<PeerId> Membership::next_target() {
    const auto member = [&](Handle h) {
        const Roster::Entry* e = roster_.find(book_.id(h));
        return e && e->standing <= Standing::suspect;
    };
    for (int rounds = 0; rounds < 2; ++rounds) {
        while (next_in_order_ < order_.size()) {
            const Handle h = order_[next_in_order_++];
            if (member(h)) return book_.id(h);
        }
        std::erase_if(order_, [&](Handle h) { return !member(h); });
        for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_.below(i)]);
        next_in_order_ = 0;
    }
    return std::nullopt;
}

void Membership::ask_helpers(std::uint32_t round, Out& out) {
    if (probe_.answered || probe_.round != round || probe_.helped) return;
    probe_.helped = true;
    std::vector<PeerId> asked;
    const std::size_t most = std::min<std::size_t>(config_.indirect, roster_.present() > 0 ? roster_.present() - 1 : 0);
    for (int tries = 0; asked.size() < most && tries < 32; ++tries) {
        const auto helper = roster_.draw(random_);
        if (!helper || *helper == probe_.target || std::find(asked.begin(), asked.end(), *helper) != asked.end()) continue;
        asked.push_back(*helper);
        send(*helper, PingRequest{round, probe_.target}, out);
    }
    probe_.helpers = static_cast<std::uint32_t>(asked.size());
}

void Membership::relay_probe(Instant now, PeerId asker, const PingRequest& request, Out& out) {
    std::erase_if(relays_, [&](const Relay& r) { return r.expires < now; });
    if (request.target == id_) return send(asker, Ack{request.round}, out);
    if (relays_.size() >= 256 || !roster_.find(request.target)) return;
    const Duration patience = round_trips_.timeout(request.target, config_.probe_timeout);
    relays_.push_back({++round_, asker, request.round, now + config_.period * 4});
    send(request.target, Ping{round_}, out, news_for(request.target));
    if (config_.nacks) out.wake(now + patience * 4 / 5, NackDue{round_});
}

void Membership::answered(Instant now, PeerId from, std::uint32_t round, Out& out) {
    for (std::size_t i = 0; i < relays_.size(); ++i)
        if (relays_[i].round == round) {
            send(relays_[i].asker, Ack{relays_[i].their_round}, out);
            relays_.erase(relays_.begin() + static_cast<std::ptrdiff_t>(i));
            return;
        }
    if (probe_.answered || round != probe_.round) return;
    probe_.answered = true;
    if (from == probe_.target) round_trips_.heard(from, now - probe_.sent);  // a helper's ack says nothing of our link
    doubt_self(-1);
}

// At the end of a period: the probe that nobody answered becomes a suspicion.
void Membership::conclude_probe(Instant now, Out& out) {
    if (probe_.answered) return;
    probe_.answered = true;
    doubt_self(+1);
    if (config_.nacks && probe_.nacks < probe_.helpers) doubt_self(+1);
    if (!roster_.contains(probe_.target)) return;
    out.tell(ProbeFailed{probe_.target});
    accuse(now, probe_.target, id_, out);
}

// The cluster as a whole contacts some dead member max(1 a second, dead / 30 s) times; each of us takes its
// share. One that answers hears that it is thought dead, refutes it, and both sides tell each other who is there.
void Membership::contact_the_dead(Out& out) {
    if (roster_.dead() == 0) return;
    const double rate = std::max(1.0, static_cast<double>(roster_.dead()) / 30.0);
    const double share = rate * seconds(stretched(config_.period)) / static_cast<double>(roster_.present() + 1);
    if (!random_.chance(std::min(share, 1.0))) return;
    const Handle dead = roster_.draw_dead(random_);
    const Rumor verdict{dead, Standing::dead, id_};  // said also with buddy off: it is why we call
    send(book_.id(dead), Join{}, out, verdict);
}

}  // namespace grapevine::membership
