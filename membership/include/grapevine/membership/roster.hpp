#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "grapevine/company.hpp"
#include "grapevine/few.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/membership/standing.hpp"

namespace grapevine::membership {

// Everybody we know of but ourselves, with their standing: sorted by id, eight bytes a member. A walk over it
// is the same everywhere. Those alive can be mixed with, unless they are degraded, out of reach or skipped; those suspected are still
// members. Out of reach is who cannot be dialled and has no link to us open, which our owner knows.
class Roster final : public Company {
public:
    struct Entry {
        Handle record;
        Standing standing;
        bool degraded;
        bool reachable;
        bool skipped = false;
    };

    Roster(const Book& book, const std::vector<Handle>& known);

    const Entry* find(PeerId peer) const;
    // Adds, or replaces the entry of the same id. What may not be is refused by an assertion: an incarnation never
    // falls, at the same one a standing only gets worse, and who left never becomes dead.
    void put(Handle record, Standing standing);
    void remove(PeerId peer);
    void skip(PeerId peer, bool skipped);     // not drawn to mix with, for a while
    void reach(PeerId peer, bool reachable);  // of one that cannot be dialled; at first, and on becoming one, as it was: no

    std::size_t present() const { return alive_ + suspect_; }  // members besides us
    std::size_t dead() const { return dead_; }
    // The same for two rosters that hold the same members at the same incarnations (suspects count as present).
    std::uint64_t digest() const { return digest_; }
    static std::uint64_t digest_of(PeerId peer, std::uint32_t incarnation);
    using Entries = Few<Entry, 6>;  // the neighbours of a partial view, and then there is some room
    const Entries& entries() const { return entries_; }
    Handle draw_dead(Random& random) const;      // dead() > 0
    // Of those in reach.
    std::optional<PeerId> draw_present(Random& random) const;  // alive or suspect
    std::optional<PeerId> draw_alive(Random& random) const;    // degraded ones too
    std::uint32_t median_failing() const;        // of what the members publish, per cent
    template <class F>
    void each_present(F f) const {
        for (const Entry& e : entries_)
            if (membership::present(e.standing)) f(book_->id(e.record));
    }

    // Company: for a draw those alive, in reach, not degraded and not skipped (nobody while we are degraded ourselves), all that are
    // present otherwise.
    std::size_t size() const override { return alive_ + suspect_; }
    bool contains(PeerId peer) const override;
    std::optional<PeerId> draw(Random& random) const override;
    std::vector<PeerId> all() const override;
    void degrade_self(bool degraded) { self_degraded_ = degraded; }

private:
    std::size_t place(PeerId peer) const;
    void count(const Entry& entry, std::uint32_t by);  // 1, or -1 as it wraps
    template <class Wanted>
    std::optional<Handle> pick(Random& random, std::size_t of, Wanted wanted) const;
    std::optional<PeerId> id_of(std::optional<Handle> record) const;

    const Book* book_;
    Entries entries_;
    std::uint32_t alive_ = 0, suspect_ = 0, dead_ = 0;
    std::uint32_t fit_ = 0, near_alive_ = 0, near_ = 0;  // in reach: whom to mix with, alive, present
    std::uint64_t digest_ = 0;
    bool self_degraded_ = false;
};
static_assert(sizeof(Roster::Entry) == 8);

}  // namespace grapevine::membership
