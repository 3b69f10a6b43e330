#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "grapevine/sim/deal.hpp"
#include "grapevine/time.hpp"

namespace grapevine::sim {

// What is still to happen, earliest first. Ties in time are broken by what caused what (`depth`: causal steps
// within one instant), then by who it is for and who it is from: never by when it was put in, so that the order
// does not depend on how the work was shared out.
//
// A calendar (Brown 1988): a ring of buckets, each about a millisecond wide, that hold their entries unordered until their
// time has come. Then the bucket is dealt into cells by time and each cell is sorted; what is put into its time after that
// lies in a small heap, and what lies beyond the ring in another, until the ring comes near it.
class Agenda {
public:
    struct Entry {
        Instant at;
        std::uint32_t depth;
        std::uint32_t to;
        std::uint32_t from;
        std::uint32_t sequence;  // of the source
        std::uint32_t due;       // what happens: a number that the owner of the agenda understands
        std::uint16_t kind;      // likewise
        std::uint16_t shelf;     // likewise
        friend bool operator<(const Entry& a, const Entry& b) {
            if (a.at != b.at) return a.at < b.at;
            if (a.depth != b.depth) return a.depth < b.depth;
            if (a.to != b.to) return a.to < b.to;
            if (a.from != b.from) return a.from < b.from;
            return a.sequence < b.sequence;
        }
    };
    static_assert(sizeof(Entry) == 32);
    static bool later(const Entry& a, const Entry& b) { return b < a; }  // of a heap whose first is the earliest

    Agenda();

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    const Entry& first() {  // not of an empty one
        if (next_ == open_.size() && late_.empty()) turn();
        return late_first() ? late_.front() : open_[next_];
    }
    // The one that comes `n` after the first, if that is known without looking far; for reading ahead.
    const Entry* soon(std::size_t n) const { return next_ + n < open_.size() ? &open_[next_ + n] : nullptr; }

    void put(const Entry& entry);
    Entry take() {  // not of an empty one
        if (next_ == open_.size() && late_.empty()) turn();
        --size_;
        if (!late_first()) return open_[next_++];
        std::pop_heap(late_.begin(), late_.end(), later);
        const Entry entry = late_.back();
        late_.pop_back();
        return entry;
    }

    // All that is due until then, in no order, behind what is in `into`.
    void take_until(Instant last, std::vector<Entry>& into);

private:
    static constexpr int width_bits = 20;  // a bucket is 2^20 ns wide
    static constexpr std::size_t buckets = 8192, words = buckets / 64;
    static constexpr std::uint32_t none = ~0u;
    struct Block {  // of a bucket
        std::uint32_t next, count;
        std::array<Entry, 63> entries;
    };
    static constexpr std::size_t blocks_at_once = 16;

    static std::int64_t bucket_of(const Entry& e) { return e.at.time_since_epoch().count() >> width_bits; }
    bool late_first() const { return next_ == open_.size() || (!late_.empty() && late_.front() < open_[next_]); }
    Block& block(std::uint32_t i) { return blocks_[i / blocks_at_once][i % blocks_at_once]; }
    void append(const Entry& entry, std::size_t place);
    void turn();
    void draw_near();
    void empty_bucket(std::size_t place, std::vector<Entry>& into);
    void sort_open(std::int64_t bucket);
    std::int64_t next_bucket() const;

    std::size_t size_ = 0;
    std::int64_t bucket_ = -1;        // the one that is open
    std::vector<Entry> open_;         // its entries, in order; those before next_ are done
    std::size_t next_ = 0;
    std::vector<Entry> late_;         // of the open bucket and before: a heap
    std::vector<Entry> far_;          // beyond the ring: a heap
    std::size_t in_ring_ = 0;
    std::vector<std::uint32_t> ring_; // first block of each bucket
    std::array<std::uint64_t, words> occupied_{};
    std::vector<std::unique_ptr<Block[]>> blocks_;
    std::uint32_t free_block_ = none;
    Deal<Entry> deal_;
};

}  // namespace grapevine::sim
