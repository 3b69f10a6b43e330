#include "grapevine/sim/invariants.hpp"

#include <atomic>

namespace grapevine::sim {

using membership::Standing;

namespace {

std::string name(PeerId id) { return "p" + std::to_string(id.value); }

const char* word_of(Standing standing) {
    static constexpr const char* words[] = {"alive", "suspect", "dead", "left"};
    return words[static_cast<int>(standing)];
}

}  // namespace

void Invariants::say(Instant now, std::uint32_t peer, std::string what) {
    if (!first_ || now < first_->at || (now == first_->at && peer < first_->peer)) first_ = Violation{now, peer, std::move(what)};
}

std::optional<std::size_t> Invariants::place_of(PeerId about, const membership::Roster& roster, std::size_t guess) const {
    const auto& entries = roster.entries();
    if (guess < entries.size() && book_.id(entries[guess].record) == about) return guess;
    const auto* found = roster.find(about);
    if (!found) return std::nullopt;
    return static_cast<std::size_t>(found - entries.data());
}

void Invariants::remember(PeerId about, const membership::Membership& observer) {
    const PeerId self = observer.id();
    if (about == self || !about) return;
    const auto place = place_of(about, observer.roster(), static_cast<std::size_t>(about.value - 1 - (about > self)));
    if (place) seen_.push_back({about, *place, observer.roster().entries()[*place]});
}

membership::Handle Invariants::self_of(std::uint64_t peer) const {
    return std::atomic_ref(selves_[peer]).load(std::memory_order_relaxed);
}

void Invariants::hear(Instant now, std::uint32_t peer, const membership::Rumor& rumor) {
    if (garbled_) return;
    const std::uint64_t subject = book_.id(rumor.about).value - 1;
    if (subject >= selves_.size()) return;
    const membership::Handle self = self_of(subject);
    if (self == rumor.about) return;
    const auto generation = [&](membership::Handle h) { return book_.generation(h); };
    const auto incarnation = [&](membership::Handle h) { return book_.incarnation(h); };
    if (generation(rumor.about) > generation(self) || incarnation(rumor.about) > incarnation(self))
        say(now, peer, "is told of " + name(book_.id(rumor.about)) + " at incarnation " + std::to_string(incarnation(rumor.about)) + " of generation " +
                           std::to_string(generation(rumor.about)) + ", which itself is at " + std::to_string(incarnation(self)) + " of " +
                           std::to_string(generation(self)));
}

bool Invariants::before(Instant now, std::uint32_t peer, const membership::Membership& observer, const Peer::Input& input) {
    seen_.clear();
    if (const auto* received = std::get_if<Received<Peer::Message>>(&input)) {
        const auto* message = std::get_if<membership::Message>(&received->message);
        if (!message) return false;
        for (const membership::Rumor& rumor : message->rumors) {
            hear(now, peer, rumor);
            remember(book_.id(rumor.about), observer);
        }
        return true;
    }
    if (const auto* woken = std::get_if<Woken<Peer::Timer>>(&input))
        if (const auto* timer = std::get_if<membership::Timer>(&woken->timer)) {
            if (const auto* due = std::get_if<membership::SuspicionDue>(timer)) remember(due->about, observer);
            return true;
        }
    return false;
}

void Invariants::compare(Instant now, std::uint32_t peer, const Seen& was, const membership::Roster::Entry& is) {
    if (is.record == was.entry.record && is.standing == was.entry.standing) return;
    const std::uint32_t before = book_.incarnation(was.entry.record), after = book_.incarnation(is.record);
    const auto held = [&](const char* rule) {
        say(now, peer, "held " + name(was.about) + " for " + word_of(was.entry.standing) + " at incarnation " + std::to_string(before) +
                           ", now for " + word_of(is.standing) + " at " + std::to_string(after) + ": " + rule);
    };
    if (after < before) held("an incarnation never falls");
    else if (was.entry.standing == Standing::left && is.standing == Standing::dead) held("what has left never becomes dead");
    else if (after == before && is.standing < was.entry.standing) held("nobody comes back at the same incarnation");
}

void Invariants::after(Instant now, std::uint32_t peer, const membership::Membership& observer, std::size_t rumor_cap) {
    for (const Seen& seen : seen_)
        if (const auto place = place_of(seen.about, observer.roster(), seen.place))
            compare(now, peer, seen, observer.roster().entries()[*place]);
    if (peer < selves_.size() && self_of(peer) != observer.self())
        std::atomic_ref(selves_[peer]).store(observer.self(), std::memory_order_relaxed);
    if (observer.rumors_waiting() > rumor_cap)
        say(now, peer, "keeps " + std::to_string(observer.rumors_waiting()) + " rumors, more than its cap of " + std::to_string(rumor_cap));
}

void Invariants::look_at_roster(Instant now, std::uint32_t peer, const membership::Roster& roster) {
    const PeerId self{peer + 1ull};
    PeerId last{};
    for (const auto& entry : roster.entries()) {
        const PeerId id = book_.id(entry.record);
        if (id == self) say(now, peer, "has itself in its view");
        if (!(last < id)) say(now, peer, "has " + name(id) + (last == id ? " twice" : " out of order") + " in its view");
        last = id;
    }
}

}  // namespace grapevine::sim
