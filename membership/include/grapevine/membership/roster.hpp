#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "grapevine/company.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/membership/messages.hpp"

namespace grapevine::membership {

// Everybody we know of but ourselves, with their standing: sorted by id, eight bytes a member. A walk over it
// is the same everywhere. Those alive can be mixed with; those suspected are still members.
class Roster final : public Company {
public:
    struct Entry {
        Handle record;
        Standing standing;
    };

    Roster(const Book& book, const std::vector<Handle>& known);

    const Entry* find(PeerId peer) const;
    void put(Handle record, Standing standing);  // adds, or replaces the entry of the same id
    void remove(PeerId peer);

    std::size_t present() const { return alive_ + suspect_; }  // members besides us
    std::size_t dead() const { return dead_; }
    // The same for two rosters that hold the same members at the same incarnations (suspects count as present).
    std::uint64_t digest() const { return digest_; }
    static std::uint64_t digest_of(PeerId peer, std::uint32_t incarnation);
    const std::vector<Entry>& entries() const { return entries_; }
    Handle draw_dead(Random& random) const;      // dead() > 0
    std::optional<PeerId> draw_present(Random& random) const;  // alive or suspect

    // Company: those alive for a draw, all that are present otherwise
    std::size_t size() const override { return alive_ + suspect_; }
    bool contains(PeerId peer) const override;
    std::optional<PeerId> draw(Random& random) const override;
    std::vector<PeerId> all() const override;

private:
    std::size_t place(PeerId peer) const;
    void count(const Entry& entry, int by);
    template <class Wanted>
    std::optional<Handle> pick(Random& random, std::size_t of, Wanted wanted) const;

    const Book* book_;
    std::vector<Entry> entries_;
    std::size_t alive_ = 0, suspect_ = 0, dead_ = 0;
    std::uint64_t digest_ = 0;
};

}  // namespace grapevine::membership
