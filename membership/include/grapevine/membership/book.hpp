#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "grapevine/peer_id.hpp"

namespace grapevine::membership {

// What is the same about a member for all who know it. Immutable: a member that changes raises its
// incarnation, which nobody else may do, and that is another record.
struct Record {
    Contact contact;
    std::uint32_t incarnation = 0;
    // Which run of its name this is, in milliseconds since 1970 or more: a process that restarts takes a new id and
    // a higher generation. 0: the name is a default, no identity, and others may bear it too.
    std::uint64_t generation = 0;
    std::string key{};          // public, outlives restarts as the name does; at most 32 bytes, empty: none
    std::string metadata{};     // of whoever runs the peer, nothing to us; at most 64 bytes
    std::uint8_t failing = 0;   // per cent of its last direct probes that went unanswered
    bool degraded = false;      // it finds its own links bad: not to be mixed with
    friend bool operator==(const Record&, const Record&) = default;
};

inline constexpr std::size_t longest_name = 64, longest_endpoint = 128, longest_key = 32, longest_metadata = 64;
bool within_limits(const Record& record);  // of the lengths above; and it has an id

// The place of a record in a book. It stands for the record and says nothing by itself: handles never
// decide or order anything, their records do.
using Handle = std::uint32_t;

// Every record that the peers of one driver have heard of, each kept once. A node has one book for its one
// peer, a simulation one for all the peers of a thread: a view of n members then costs a few bytes a member,
// and a rumor in memory is a handle. Records are never changed or moved.
class Book {
public:
    explicit Book(std::size_t limit = std::size_t{1} << 24) : limit_(limit) {}

    // The handle of an equal record, or of a new one. Nothing when the book is full (a flood of invented
    // members must end somewhere); who asked drops what it was told.
    std::optional<Handle> intern(const Record& record);

    const Record& at(Handle handle) const { return records_[handle]; }
    PeerId id(Handle handle) const { return ids_[handle]; }
    std::uint32_t incarnation(Handle handle) const { return incarnations_[handle]; }
    std::uint8_t failing(Handle handle) const { return failing_[handle]; }
    bool degraded(Handle handle) const { return degraded_[handle] != 0; }
    std::size_t size() const { return records_.size() - free_.size(); }

    // A record that bears the same name as an identity, or the handle itself: following it from any of them goes
    // through all and comes back.
    Handle namesake(Handle handle) const { return namesake_[handle]; }

    // Lets go of all records but the marked ones (one mark a handle up to bound()), whose handles stay as they are.
    // Only for an owner that knows every handle there is: a node between two steps.
    void keep_only(const std::vector<bool>& marked);
    std::size_t bound() const { return records_.size(); }

private:
    std::uint64_t key_of(const Record& record) const;

    std::size_t limit_;
    std::vector<Record> records_;
    std::vector<PeerId> ids_;  // apart from the records, so that a search by id walks through little memory
    std::vector<std::uint32_t> incarnations_;
    std::vector<std::uint8_t> failing_, degraded_;
    std::vector<Handle> same_key_;                         // the next record with this id and incarnation; itself: none
    std::vector<Handle> namesake_;
    std::vector<Handle> free_;
    std::unordered_map<std::uint64_t, Handle> newest_of_;  // looked up by key, never walked
    std::unordered_map<std::string, Handle> bearer_of_;    // of a name that is an identity; likewise
};

}  // namespace grapevine::membership
