#include "grapevine/membership/roster.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace grapevine::membership {

Roster::Roster(const Book& book, const std::vector<Handle>& known) : book_(&book) {
    entries_.reserve(known.size());
    for (const Handle h : known) {
        entries_.push_back({h, Standing::alive, book.degraded(h), !book.outbound(h)});
        count(entries_[entries_.size() - 1], 1);
    }
    const auto by_id = [&](const Entry& a, const Entry& b) { return book.id(a.record) < book.id(b.record); };
    if (!std::is_sorted(entries_.begin(), entries_.end(), by_id)) std::sort(entries_.begin(), entries_.end(), by_id);
}

std::size_t Roster::place(PeerId peer) const {
    const auto at = std::partition_point(entries_.begin(), entries_.end(),
                                         [&](const Entry& e) { return book_->id(e.record) < peer; });
    return static_cast<std::size_t>(at - entries_.begin());
}

const Roster::Entry* Roster::find(PeerId peer) const {
    const std::size_t i = place(peer);
    return i < entries_.size() && book_->id(entries_[i].record) == peer ? &entries_[i] : nullptr;
}

std::uint64_t Roster::digest_of(PeerId peer, std::uint32_t incarnation) {
    return Random::mix(peer.value ^ Random::mix(incarnation + 1));
}

void Roster::count(const Entry& entry, std::uint32_t by) {
    switch (entry.standing) {
        case Standing::alive:
            alive_ += by;
            if (entry.reachable) near_alive_ += by, near_ += by;
            if (entry.reachable && !entry.degraded && !entry.skipped) fit_ += by;
            break;
        case Standing::suspect:
            suspect_ += by;
            if (entry.reachable) near_ += by;
            break;
        case Standing::dead: dead_ += by; break;
        case Standing::left: break;
    }
    if (membership::present(entry.standing)) digest_ ^= digest_of(book_->id(entry.record), book_->incarnation(entry.record));
}

void Roster::put(Handle record, Standing standing) {
    const PeerId peer = book_->id(record);
    Entry fresh{record, standing, book_->degraded(record), !book_->outbound(record)};
    const std::size_t i = place(peer);
    if (i < entries_.size() && book_->id(entries_[i].record) == peer) {
        Entry& e = entries_[i];
        const std::uint32_t was = book_->incarnation(e.record), is = book_->incarnation(record);
        assert(is > was || (is == was && standing >= e.standing));
        assert(!(e.standing == Standing::left && standing == Standing::dead));
        count(e, ~0u);
        if (book_->outbound(e.record) && e.reachable) fresh.reachable = true;
        fresh.skipped = e.skipped;
        e = fresh;
    } else {
        entries_.insert(entries_.begin() + i, fresh);
    }
    count(fresh, 1);
}

void Roster::remove(PeerId peer) {
    const std::size_t i = place(peer);
    if (i >= entries_.size() || book_->id(entries_[i].record) != peer) return;
    count(entries_[i], ~0u);
    entries_.erase(entries_.begin() + i);
}

void Roster::reach(PeerId peer, bool reachable) {
    const std::size_t i = place(peer);
    if (i >= entries_.size() || book_->id(entries_[i].record) != peer || entries_[i].reachable == reachable || !book_->outbound(entries_[i].record)) return;
    count(entries_[i], ~0u);
    entries_[i].reachable = reachable;
    count(entries_[i], 1);
}

void Roster::skip(PeerId peer, bool skipped) {
    const std::size_t i = place(peer);
    if (i >= entries_.size() || book_->id(entries_[i].record) != peer) return;
    count(entries_[i], ~0u);
    entries_[i].skipped = skipped;
    count(entries_[i], 1);
}

// Uniform over the `of` entries that are wanted: by trying, and where they are rare by counting.
template <class Wanted>
std::optional<Handle> Roster::pick(Random& random, std::size_t of, Wanted wanted) const {
    if (of == 0) return std::nullopt;
    for (int tries = 0; tries < 16; ++tries) {
        const Entry& e = entries_[random.below(entries_.size())];
        if (wanted(e)) return e.record;
    }
    std::size_t skip = random.below(of);
    for (const Entry& e : entries_)
        if (wanted(e) && skip-- == 0) return e.record;
    assert(false && "the counts disagree with the entries");
    return std::nullopt;
}

std::optional<PeerId> Roster::id_of(std::optional<Handle> record) const {
    return record ? std::optional(book_->id(*record)) : std::nullopt;
}

std::optional<PeerId> Roster::draw(Random& random) const {
    if (self_degraded_) return std::nullopt;
    return id_of(pick(random, fit_, [](const Entry& e) { return e.standing == Standing::alive && !e.degraded && e.reachable && !e.skipped; }));
}

std::optional<PeerId> Roster::draw_alive(Random& random) const {
    return id_of(pick(random, near_alive_, [](const Entry& e) { return e.standing == Standing::alive && e.reachable; }));
}

std::optional<PeerId> Roster::draw_present(Random& random) const {
    return id_of(pick(random, near_, [](const Entry& e) { return membership::present(e.standing) && e.reachable; }));
}

Handle Roster::draw_dead(Random& random) const {
    assert(dead_ > 0);
    return *pick(random, dead_, [](const Entry& e) { return e.standing == Standing::dead; });
}

std::uint32_t Roster::median_failing() const {
    std::array<std::uint32_t, 101> with{};
    for (const Entry& e : entries_)
        if (membership::present(e.standing)) ++with[book_->failing(e.record)];
    std::size_t below = 0;
    for (std::uint32_t percent = 0; percent < with.size(); ++percent)
        if ((below += with[percent]) * 2 >= present()) return percent;
    return 0;
}

bool Roster::contains(PeerId peer) const {
    const Entry* e = find(peer);
    return e && membership::present(e->standing);
}

std::vector<PeerId> Roster::all() const {
    std::vector<PeerId> ids;
    ids.reserve(size());
    each_present([&](PeerId peer) { ids.push_back(peer); });
    return ids;
}

}  // namespace grapevine::membership
