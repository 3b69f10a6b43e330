#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
    bool outbound = false;      // nobody can dial it: it is reached over connections that it has opened
    std::string signature{};    // of all of the above by the holder of `key`, where members have keys: 64 bytes, or none
    friend bool operator==(const Record&, const Record&) = default;
};

inline constexpr std::size_t longest_name = 64, longest_endpoint = 128, longest_key = 32, longest_metadata = 64, signature_bytes = 64;
inline constexpr std::uint64_t most_generation = (std::uint64_t{1} << 56) - 1;
bool within_limits(const Record& record);  // of the lengths above; and it has an id

// Bytes that a rumor takes in a message, as src/wire writes it (tests/wire holds them equal).
std::size_t wire_bytes(const Record& record);

// The place of a record in a book. It stands for the record and says nothing by itself: handles never
// decide or order anything, their records do. Below 2^24, so that a list can keep another byte beside each.
using Handle = std::uint32_t;
inline constexpr std::size_t most_handles = std::size_t{1} << 24;

// Where members hold keys: signs what we say of ourselves, and knows whether what is said of others was said by them. A
// driver's; pure peers hand it records and ask no more. The same record always has the same answer.
class Notary {
public:
    virtual ~Notary() = default;
    virtual std::string sign(const Record& record) = 0;         // of all but its signature
    virtual bool genuine(const Record& record) const = 0;
};

// Every record that the peers of one driver have heard of, each kept once. A node has one book for its one
// peer, a simulation one for all its peers: a view of n members then costs a few bytes a member, and a rumor in memory
// is a handle. Records are never changed or moved. Peers on several threads may share a book: what one has heard of by way of
// a message can be looked up without a lock.
class Book {
public:
    explicit Book(std::size_t limit = most_handles, Notary* notary = nullptr);  // the notary outlives the book
    ~Book();
    Book(const Book&) = delete;
    Book& operator=(const Book&) = delete;

    // The handle of an equal record, or of a new one. Nothing when the book is full (a flood of invented
    // members must end somewhere) or its notary finds that it is forged; who asked drops what it was told.
    std::optional<Handle> intern(const Record& record);
    Record sealed(Record ours) const;  // signed, where there is a notary

    Record at(Handle handle) const;  // put together anew; the parts below cost nothing
    PeerId id(Handle handle) const { return line(handle).id[place(handle)]; }
    std::uint32_t incarnation(Handle handle) const { return line(handle).incarnation[place(handle)]; }
    std::uint64_t generation(Handle handle) const { return line(handle).generation[place(handle)]; }
    std::uint8_t failing(Handle handle) const { return line(handle).failing[place(handle)]; }
    bool degraded(Handle handle) const { return line(handle).degraded[place(handle)] != 0; }
    bool outbound(Handle handle) const { return line(handle).outbound[place(handle)] != 0; }
    std::size_t wire_bytes(Handle handle) const { return line(handle).wire_bytes[place(handle)]; }  // of its rumor
    std::string_view name(Handle handle) const { return texts(handle).name(); }
    std::string_view key(Handle handle) const { return texts(handle).key(); }
    std::string_view metadata(Handle handle) const { return texts(handle).metadata(); }
    bool any_outbound() const { return any_outbound_.load(std::memory_order_relaxed); }  // has ever been heard of
    std::size_t size() const { return made_ - free_.size(); }

    // A record that bears the same name as an identity, or the handle itself: following it from any of them goes
    // through all and comes back.
    Handle namesake(Handle handle) const { return line(handle).namesake[place(handle)].load(std::memory_order_acquire); }

    // Lets go of all records but the marked ones (one mark a handle up to bound()), whose handles stay as they are.
    // Only for an owner that knows every handle there is: a node between two steps.
    void keep_only(const std::vector<bool>& marked);
    std::size_t bound() const { return made_; }

private:
    static constexpr std::size_t per_chunk = 4096;
    struct Endpoints {
        std::string control, bulk;
    };
    struct Texts {
        const char* begin = nullptr;  // name, key, metadata and signature, one behind the other
        std::uint8_t name_size = 0, key_size = 0, metadata_size = 0, signature_size = 0;
        std::string_view name() const { return {begin, name_size}; }
        std::string_view key() const { return {begin + name_size, key_size}; }
        std::string_view metadata() const { return {begin + name_size + key_size, metadata_size}; }
        std::string_view signature() const { return {begin + name_size + key_size + metadata_size, signature_size}; }
    };
    // Apart from each other, so that a search by id walks through little memory.
    struct Chunk {
        std::array<PeerId, per_chunk> id;
        std::array<std::uint32_t, per_chunk> incarnation;
        std::array<std::uint64_t, per_chunk> generation;
        std::array<std::uint16_t, per_chunk> wire_bytes;
        std::array<std::uint8_t, per_chunk> failing, degraded, outbound;
        std::array<std::atomic<Handle>, per_chunk> namesake;
        std::array<const Endpoints*, per_chunk> endpoints;
        std::array<Texts, per_chunk> texts;
    };
    // Handles by a hash of what they stand for; full at the half.
    class Index {
    public:
        template <class Same>
        Handle* find(std::uint64_t hash, Same&& same);  // the place of one that is the same, or a free one
        void clear() { *this = {}; }
        template <class HashOf>
        void make_room(HashOf&& hash_of);               // for one more
        static constexpr Handle none = ~Handle{0};
        std::size_t used = 0;

    private:
        std::vector<Handle> places_;
    };
    class Lock;

    static std::size_t place(Handle h) { return h % per_chunk; }
    Chunk& line(Handle h) { return *chunks_[h / per_chunk]; }
    const Chunk& line(Handle h) const { return *chunks_[h / per_chunk]; }
    const Texts& texts(Handle h) const { return line(h).texts[place(h)]; }
    bool is(Handle h, const Record& record) const;
    std::uint64_t hash_of(Handle h) const;
    void write(Handle h, const Record& record);
    void add_to_indices(Handle h);
    const char* keep(const Record& record);

    std::size_t limit_;
    Notary* notary_;
    std::vector<std::unique_ptr<Chunk>> chunks_;  // as many places from the start as there may ever be: readers never see it move
    std::size_t made_ = 0;
    std::vector<Handle> free_;
    Index equal_;                                // by the whole record
    Index bearers_;                              // by a name that is an identity: the first that bore it
    std::vector<std::unique_ptr<char[]>> text_;  // blocks; the last has text_left_ of text_block bytes left
    std::size_t text_left_ = 0;
    std::deque<Endpoints> endpoints_;            // many records have those of the one before
    std::atomic<bool> any_outbound_{false};
    std::atomic_flag busy_;
};

}  // namespace grapevine::membership
