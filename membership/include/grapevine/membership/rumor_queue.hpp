#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "grapevine/membership/book.hpp"
#include "grapevine/membership/messages.hpp"

namespace grapevine::membership {

// What is still to be told: one rumor a subject (the newest wins), our own refutation before all, then those told
// least, among them the oldest. Never longer than its cap: the one told most often gives way.
//
// The rumors of each number of tellings are a list, oldest first; a telling moves a rumor to the end of the next.
class RumorQueue {
public:
    explicit RumorQueue(std::size_t cap) : cap_(cap) {}

    void put(const Book& book, const Rumor& rumor, bool urgent);

    // Fills `list` up to `bytes` on the wire, counting one telling for each rumor taken; those told `limit`
    // times leave the queue. Skips the rumor about `except` (it was added by the caller already).
    void take(const Book& book, RumorList& list, std::size_t bytes, std::uint32_t limit, PeerId except);

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    bool contains(PeerId subject) const { return of_subject_.count(subject.value) > 0; }
    template <class F>
    void each(F f) const {
        for (const Line& line : lines_)
            for (std::uint32_t i = line.first; i != none; i = entries_[i].next) f(entries_[i].rumor);
    }

private:
    static constexpr std::uint32_t none = ~0u;
    struct Entry {
        Rumor rumor;
        PeerId subject;
        std::uint32_t tellings = 0;
        bool urgent = false;
        std::uint32_t line = 0;
        std::uint32_t before = none, next = none;
    };
    struct Line {
        std::uint32_t first = none, last = none;
    };
    void append(std::uint32_t entry, std::uint32_t line);
    void unlink(std::uint32_t entry);
    void drop(std::uint32_t entry);

    std::vector<Entry> entries_;  // slots; those in no line are free
    std::vector<std::uint32_t> free_;
    std::vector<Line> lines_;     // 0: urgent; then by tellings
    std::unordered_map<std::uint64_t, std::uint32_t> of_subject_;  // looked up, never walked
    std::size_t size_ = 0, cap_;
};

}  // namespace grapevine::membership
