#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "grapevine/peer_id.hpp"

namespace grapevine::membership {

// What is the same about a member for all who know it. Immutable: a member that changes raises its
// incarnation, which nobody else may do, and that is another record.
struct Record {
    Contact contact;
    std::uint32_t incarnation = 0;
    std::uint64_t generation = 0;  // of its name: a restart takes a higher one; 0: the name is no identity
    friend bool operator==(const Record&, const Record&) = default;
};

// The place of a record in a book. It stands for the record and says nothing by itself: handles never
// decide or order anything, their records do.
using Handle = std::uint32_t;

// Every record that the peers of one driver have heard of, each kept once. A node has one book for its one
// peer, a simulation one for all the peers of a thread: a view of n members then costs a few bytes a member,
// and a rumor in memory is a handle. Records are never changed or moved.
class Book {
public:
    // The handle of an equal record, or of a new one. Nothing when the book is full (a flood of invented
    // members must end somewhere); who asked drops what it was told.
    std::optional<Handle> intern(const Record& record);

    const Record& at(Handle handle) const { return records_[handle]; }
    PeerId id(Handle handle) const { return ids_[handle]; }
    std::uint32_t incarnation(Handle handle) const { return incarnations_[handle]; }
    std::size_t size() const { return records_.size(); }

    static constexpr std::size_t limit = std::size_t{1} << 24;

private:
    std::vector<Record> records_;
    std::vector<PeerId> ids_;  // apart from the records, so that a search by id walks through little memory
    std::vector<std::uint32_t> incarnations_;
    std::vector<Handle> same_key_;                         // the next record with this id and incarnation; itself: none
    std::unordered_map<std::uint64_t, Handle> newest_of_;  // looked up by key, never walked
};

}  // namespace grapevine::membership
