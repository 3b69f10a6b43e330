#include "grapevine/membership/partial_view.hpp"

#include <algorithm>
#include <utility>

#include "grapevine/protocol.hpp"

namespace grapevine::membership {

namespace {
constexpr std::uint8_t patience = 2;        // rounds that an asked member has to answer
constexpr std::size_t at_once = 3;          // asked, while there are few neighbours
constexpr std::size_t neighbours_told = 3;  // in a shuffle: known to be alive, so they enter it young
}  // namespace

PartialView::PartialView(const Book& book, Handle self, const ViewConfig& config, Random random)
    : book_(&book), random_(random), self_(self), config_(config) {
    assert(config.active > 0 && config.active <= active_.capacity);
    assert(config.passive > 0 && config.passive <= passive_.capacity);
    assert(config.shuffle > 0 && config.shuffle <= Sample::capacity);
}

// ---- inputs

void PartialView::start(ViewOut& out) {
    const Handles<32> remembered = std::exchange(passive_, {});
    for (const Handle who : remembered) acquaint(who, out);
}

void PartialView::join(Handle contact, ViewOut& out) {
    if (book_->id(contact) == book_->id(self_)) return;
    auto& seeds = search().seeds;
    if (!place(seeds, book_->id(contact))) {
        if (seeds.full()) seeds.remove(0);
        seeds.push_back(contact);
    }
    out.send(contact, Enter{self_});
}

void PartialView::acquaint(Handle who, ViewOut& out) { hear(who, 0, nullptr, out); }

void PartialView::reunite(Handle who, ViewOut& out) {
    acquaint(who, out);
    ask(who, true, true, out);
}

void PartialView::receive(PeerId from, const ViewMessage& message, ViewOut& out) {
    if (from == book_->id(self_)) return;
    std::visit(Cases{
                   [&](const Enter& enter) {
                       if (book_->id(enter.newcomer) == from) lead_in(enter.newcomer, out);
                   },
                   [&](const ForwardJoin& join) { lead_on(from, join, out); },
                   [&](const Neighbour& request) {
                       if (book_->id(request.asker) == from) asked_by(request, out);
                   },
                   [&](const NeighbourAnswer& answer) { answered(from, answer.yes, out); },
                   [&](const Disconnect& disconnect) { dismissed(from, disconnect, out); },
                   [&](const Shuffle& shuffle) {
                       if (book_->id(shuffle.origin) == from) exchange(shuffle, out);
                   },
                   [&](const ShuffleAnswer& answer) {
                       const bool ours = awaiting_ && !sent_.empty() && book_->id(sent_[0]) == from;
                       if (ours) {  // it is alive: no longer the oldest, if it stays at all
                           awaiting_ = false;
                           if (const auto at = place(passive_, from)) passive_.set(*at, passive_[*at], 0);
                       }
                       Sample none, &sent = ours ? sent_ : none;
                       for (std::size_t i = 0; i < answer.sample.size(); ++i)
                           hear(answer.sample[i], answer.sample.age(i), &sent, out);
                   },
               },
               message);
}

// Asks spares to become neighbours, one at a time; several at once, and urgently, where too few are left to be
// sure of being connected to the rest.
void PartialView::repair(ViewOut& out) {
    if (search_) {
        auto& [asked, asked_count, turn, losses, seeds, lost, joins] = *search_;
        joins /= 2;
        for (std::size_t i = asked_count; i-- > 0;) {
            if (++asked[i].rounds < patience) continue;
            const Handle silent = asked[i].who;
            asked[i] = asked[--asked_count];
            fell_silent(silent, out);
        }
    }
    if (awaiting_ && ++awaited_ == patience) {  // try another before it is time
        awaiting_ = false;
        fell_silent(sent_[0], out);
        start_shuffle(true, out);
    }
    if (!room()) {
        if (search_ && search_->asked_count == 0 && search_->seeds.empty() && search_->lost.empty() && search_->joins == 0) search_.reset();
        return;
    }
    const std::size_t most = few() ? at_once : 1;
    const std::size_t n = passive_.size(), start = n ? random_.below(n) : 0;
    for (std::size_t i = 0; i < n && asked_count() < most; ++i) ask(passive_[(start + i) % n], false, few(), out);

    if (!active_.empty() || !search_) return;
    const auto &seeds = search_->seeds, &lost = search_->lost;
    const std::size_t contacts = seeds.size() + lost.size();
    if (contacts == 0) return;
    const std::size_t next = search_->turn++ % contacts;
    out.send(next < seeds.size() ? seeds[next] : lost[next - seeds.size()], Enter{self_});
}

void PartialView::shuffle(ViewOut& out) {
    passive_.grow_older();
    if (!awaiting_) start_shuffle(false, out);  // else it still has time, and repair sees to it
}

void PartialView::start_shuffle(bool after_silence, ViewOut& out) {
    // The oldest: the likeliest to be gone, and a fresh entry of us makes up for its own.
    std::optional<Handle> to;
    if (!passive_.empty()) to = passive_[oldest()];
    else if (!active_.empty()) to = active_[random_.below(active_.size())];
    if (!to) return;

    const PeerId partner = book_->id(*to);
    Shuffle shuffle{self_, {}};
    shuffle.sample.push_back(self_, 0);
    // After silence no neighbours: when most have died at once ours may have too, and are not missed yet. They would
    // pass for young and push those alive out of the other's view.
    const std::size_t told_most = after_silence ? 0 : std::min<std::size_t>(neighbours_told, config_.shuffle - 1u);
    const std::size_t neighbours = std::min(told_most, active_.size()), start = neighbours ? random_.below(active_.size()) : 0;
    for (std::size_t i = 0; i < neighbours; ++i) {
        const Handle neighbour = active_[(start + i) % active_.size()];
        if (book_->id(neighbour) != partner) shuffle.sample.push_back(neighbour, 0);
    }
    const std::size_t told = shuffle.sample.size();
    pick(shuffle.sample, config_.shuffle, partner);
    sent_.clear();
    sent_.push_back(*to);
    for (std::size_t i = told; i < shuffle.sample.size(); ++i) sent_.push_back(shuffle.sample[i]);
    awaiting_ = true;
    awaited_ = 0;
    out.send(*to, shuffle);
}

void PartialView::member_down(PeerId peer, ViewOut& out) {
    take_asked(peer);
    drop_passive(peer, out);
    const auto at = place(active_, peer);
    if (!at) return;
    lose(active_[*at]);
    active_.remove(*at);
    out.unknown(peer);
}

void PartialView::forget(PeerId peer, ViewOut& out) {
    if (const auto at = place(passive_, peer)) fell_silent(passive_[*at], out);
}

// No spare any more. But who has few neighbours may be a newcomer whose contact is cut off from all that it told us of,
// and knows no other way to them once that contact is gone.
void PartialView::fell_silent(Handle who, ViewOut& out) {
    if (few() && !neighbour(book_->id(who))) lose(who);
    drop_passive(book_->id(who), out);
}

void PartialView::lose(Handle who) {
    auto& lost = search().lost;
    if (const auto at = place(lost, book_->id(who))) lost.set(*at, who, 0);
    else if (lost.full()) lost.set(search().losses++ % lost.size(), who, 0);
    else lost.push_back(who);
}

template <std::size_t N>
bool PartialView::renew_in(Handles<N>& list, Handle record) {
    const auto at = place(list, book_->id(record));
    if (!at || book_->incarnation(list[*at]) >= book_->incarnation(record)) return false;
    list.set(*at, record, list.age(*at));
    return true;
}

void PartialView::renew(Handle record, ViewOut& out) {
    if (renew_in(active_, record) || renew_in(passive_, record)) out.known(record);
}

// Either it is as if it had said yes to us, or it learns that it is mistaken.
void PartialView::stranger_pinged(PeerId from, ViewOut& out) { answered(from, true, out); }

// ---- newcomers

void PartialView::lead_in(Handle newcomer, ViewOut& out) {
    const PeerId peer = book_->id(newcomer);
    ++search().joins;
    renew(newcomer, out);
    // Whom it is sent to and told of comes from both views: in a storm of joins the neighbours are only those that
    // came first, and the passive view is a fair sample of all that have come so far.
    Sample some;
    for (std::size_t i = 0, n = size(); i < n && !some.full(); ++i) {
        if (random_.below(n - i) >= some.capacity - some.size() || book_->id(either(i)) == peer) continue;
        some.push_back(either(i), i < active_.size() ? 0 : passive_.age(i - active_.size()));
    }
    const std::size_t walks = std::min<std::size_t>((config_.active + 1u) / 2, some.size());  // each is worth two links
    for (std::size_t i = 0, start = some.empty() ? 0 : random_.below(some.size()); i < walks; ++i)
        out.send(some[(start + i) % some.size()], ForwardJoin{newcomer, config_.active_walk});
    out.send(newcomer, ShuffleAnswer{some});

    if (neighbour(peer)) return out.send(newcomer, NeighbourAnswer{true});  // it asks again: the first was lost
    if (room()) {
        take_asked(peer);
        link(newcomer, out);
        out.send(newcomer, NeighbourAnswer{true});
    } else if (passive_.size() < config_.passive || random_.below(search().joins) < config_.passive) {
        hear(newcomer, 0, nullptr, out);
    }
}

void PartialView::lead_on(PeerId from, const ForwardJoin& join, ViewOut& out) {
    const PeerId newcomer = book_->id(join.newcomer);
    const bool back = newcomer == book_->id(self_);  // it met itself
    if (!back && join.walk == config_.passive_walk) hear(join.newcomer, 0, nullptr, out);
    if (join.walk > 0)
        if (const auto next = next_hop(from, newcomer))
            return out.send(*next, ForwardJoin{join.newcomer, static_cast<std::uint8_t>(std::min(join.walk, config_.active_walk) - 1)});
    if (!back) ask(join.newcomer, true, few(), out);
}

std::optional<Handle> PartialView::next_hop(PeerId from, PeerId about) {
    if (active_.empty()) return std::nullopt;
    const std::size_t start = random_.below(active_.size());
    for (std::size_t i = 0; i < active_.size(); ++i) {
        const Handle next = active_[(start + i) % active_.size()];
        if (book_->id(next) != from && book_->id(next) != about) return next;
    }
    return std::nullopt;
}

// ---- neighbours

void PartialView::ask(Handle who, bool make_room, bool urgent, ViewOut& out) {
    const PeerId peer = book_->id(who);
    if (peer == book_->id(self_) || neighbour(peer)) return;
    auto& asked = search().asked;
    auto& count = search().asked_count;
    if (count == asked.size()) return;
    for (std::size_t i = 0; i < count; ++i)
        if (book_->id(asked[i].who) == peer) return;
    asked[count++] = {who, 0, make_room};
    out.send(who, Neighbour{self_, urgent});
}

std::optional<PartialView::Asked> PartialView::take_asked(PeerId peer) {
    for (std::size_t i = 0; i < asked_count(); ++i)
        if (auto& asked = search_->asked; book_->id(asked[i].who) == peer) {
            const Asked found = asked[i];
            asked[i] = asked[--search_->asked_count];
            return found;
        }
    return std::nullopt;
}

void PartialView::asked_by(const Neighbour& request, ViewOut& out) {
    const PeerId peer = book_->id(request.asker);
    renew(request.asker, out);
    const auto ours = take_asked(peer);  // we ask it too: one answer is enough for both
    const bool yes = neighbour(peer) || room() || request.urgent || (ours && ours->make_room);
    if (!yes) hear(request.asker, 0, nullptr, out);
    else if (!neighbour(peer)) link(request.asker, out);
    out.send(request.asker, NeighbourAnswer{yes});
}

void PartialView::answered(PeerId from, bool yes, ViewOut& out) {
    const auto asked = take_asked(from);
    const auto at = place(active_, from);
    if (!yes) {
        if (at) unlink(*at, out);  // we said yes to it, and it no to us
        return;
    }
    if (at) return;
    const auto who = asked ? std::optional(asked->who) : handle_of(from);
    if (who && (room() || (asked && asked->make_room))) return link(*who, out);
    out.answer(from, Disconnect{});
}

void PartialView::dismissed(PeerId from, const Disconnect& disconnect, ViewOut& out) {
    take_asked(from);
    const auto at = place(active_, from);
    if (!at) return;
    unlink(*at, out);
    if (disconnect.instead) ask(*disconnect.instead, false, few(), out);
}

void PartialView::link(Handle who, ViewOut& out) {
    if (!room()) {
        const std::size_t place = random_.below(active_.size());
        out.send(active_[place], Disconnect{who});
        unlink(place, out);
    }
    const PeerId peer = book_->id(who);
    if (const auto at = place(passive_, peer)) {
        if (book_->incarnation(passive_[*at]) > book_->incarnation(who)) who = passive_[*at];
        passive_.remove(*at);
    } else {
        out.known(who);
    }
    active_.push_back(who);
    out.up(who);
}

void PartialView::unlink(std::size_t place, ViewOut& out) {
    const Handle who = active_[place];
    active_.remove(place);
    out.down(book_->id(who));
    if (passive_.size() == config_.passive) drop_passive(book_->id(passive_[oldest()]), out);
    passive_.push_back(who, 0);
}

std::optional<Handle> PartialView::handle_of(PeerId peer) const {
    if (const auto at = place(passive_, peer)) return passive_[*at];
    if (!search_) return std::nullopt;
    if (const auto at = place(search_->seeds, peer)) return search_->seeds[*at];
    if (const auto at = place(search_->lost, peer)) return search_->lost[*at];
    return std::nullopt;
}

// ---- the passive view

void PartialView::exchange(const Shuffle& shuffle, ViewOut& out) {
    ShuffleAnswer answer;
    pick(answer.sample, std::min<std::size_t>(shuffle.sample.size(), config_.shuffle), book_->id(shuffle.origin));
    out.send(shuffle.origin, answer);
    Sample sent = answer.sample;
    for (std::size_t i = 0; i < shuffle.sample.size(); ++i) hear(shuffle.sample[i], shuffle.sample.age(i), &sent, out);
}

// Adds to `into` until it holds `most`.
void PartialView::pick(Sample& into, std::size_t most, PeerId except) {
    const auto without = place(passive_, except);
    std::size_t left = passive_.size() - without.has_value();
    for (std::size_t i = 0; i < passive_.size() && into.size() < most; ++i)
        if (i != without && random_.below(left--) < most - into.size()) into.push_back(passive_[i], passive_.age(i));
}

// Where there is no room, first those give way that were sent the other way (so that an entry is swapped, not
// copied, and nobody is known to many), then the oldest if it is older.
void PartialView::hear(Handle who, std::uint8_t age, Sample* sent, ViewOut& out) {
    const PeerId peer = book_->id(who);
    if (peer == book_->id(self_)) return;
    if (neighbour(peer)) return renew(who, out);
    if (const auto at = place(passive_, peer)) {
        passive_.set(*at, passive_[*at], std::min(age, passive_.age(*at)));
        return renew(who, out);
    }
    while (passive_.size() == config_.passive && sent && !sent->empty()) {
        drop_passive(book_->id((*sent)[0]), out);
        sent->remove(0);
    }
    if (passive_.size() == config_.passive) {
        const std::size_t i = oldest();
        if (passive_.age(i) < age) return;
        drop_passive(book_->id(passive_[i]), out);
    }
    passive_.push_back(who, age);
    out.known(who);
}

// Any of those that are equally old: where a storm of newcomers has filled the view they all are.
std::size_t PartialView::oldest() {
    std::size_t oldest = random_.below(passive_.size());
    for (std::size_t i = 0; i < passive_.size(); ++i)
        if (passive_.age(i) > passive_.age(oldest)) oldest = i;
    return oldest;
}

void PartialView::drop_passive(PeerId peer, ViewOut& out) {
    const auto at = place(passive_, peer);
    if (!at) return;
    passive_.remove(*at);
    out.unknown(peer);
}

// ---- company

std::optional<PeerId> PartialView::draw(Random& random) const {
    if (size() == 0) return std::nullopt;
    std::size_t i = random.below(size());
    // Neighbours seldom change, so in a cluster larger than the views they would be drawn too often: a second try.
    if (i < active_.size() && passive_.size() == config_.passive) i = random.below(size());
    // Of who only dials out we are sure to reach our neighbours, and nobody if we are such a one ourselves.
    const auto shut = [&](std::size_t k) { return book_->outbound(either(k)) && (k >= active_.size() || book_->outbound(self_)); };
    for (int tries = 0; shut(i) && tries < 16; ++tries) i = random.below(size());
    if (shut(i)) return std::nullopt;
    return book_->id(either(i));
}

std::vector<PeerId> PartialView::all() const {
    std::vector<PeerId> ids;
    ids.reserve(size());
    for (const Handle h : active_) ids.push_back(book_->id(h));
    for (const Handle h : passive_) ids.push_back(book_->id(h));
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace grapevine::membership
