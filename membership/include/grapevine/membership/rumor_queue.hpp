#pragma once

#include <cstdint>
#include <memory>
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
    explicit RumorQueue(std::size_t cap) : cap_(static_cast<std::uint32_t>(cap)) {}

    void put(const Book& book, const Rumor& rumor, bool urgent);

    // Fills `list` up to `bytes` on the wire, counting one telling for each rumor taken; those told `limit`
    // times leave the queue. Skips the rumor about `except` (it was added by the caller already).
    void take(const Book& book, RumorList& list, std::size_t bytes, std::uint32_t limit, PeerId except);

    std::size_t size() const { return waiting_ ? waiting_->size : 0; }
    bool empty() const { return !waiting_; }
    bool contains(PeerId subject) const { return waiting_ && waiting_->of_subject.count(subject.value) > 0; }
    template <class F>
    void each(F f) const {
        if (!waiting_) return;
        for (const Line& line : waiting_->lines)
            for (std::uint32_t i = line.first; i != none; i = waiting_->entries[i].next) f(waiting_->entries[i].rumor);
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
    struct Waiting {
        void append(std::uint32_t entry, std::uint32_t line);
        void unlink(std::uint32_t entry);
        void drop(std::uint32_t entry);

        std::vector<Entry> entries;  // slots; those in no line are free
        std::vector<std::uint32_t> free;
        std::vector<Line> lines;     // 0: urgent; then by tellings
        std::unordered_map<std::uint64_t, std::uint32_t> of_subject;  // looked up, never walked
        std::size_t size = 0;
    };
    std::unique_ptr<Waiting> waiting_;  // none while nothing is to be told, as mostly
    std::uint32_t cap_;
};

}  // namespace grapevine::membership
