#pragma once

#include <cstdint>
#include <vector>

#include "grapevine/membership/book.hpp"
#include "grapevine/membership/messages.hpp"

namespace grapevine::membership {

// What is still to be told: one rumor a subject (the newest wins), those told least first, our own refutation
// before all. Never longer than its cap: the one told most often gives way.
class RumorQueue {
public:
    explicit RumorQueue(std::size_t cap) : cap_(cap) {}

    void put(const Book& book, const Rumor& rumor, bool urgent);

    // Fills `list` up to `bytes` on the wire, counting one telling for each rumor taken; those told `limit`
    // times leave the queue. Skips the rumor about `except` (it was added by the caller already).
    void take(const Book& book, RumorList& list, std::size_t bytes, std::uint32_t limit, PeerId except);

    std::size_t size() const { return entries_.size(); }
    bool empty() const { return entries_.empty(); }

private:
    struct Entry {
        Rumor rumor;
        std::uint32_t tellings;
        bool urgent;
        std::uint64_t order;  // of arrival: breaks ties
    };
    static bool before(const Entry& a, const Entry& b);
    std::vector<Entry> entries_;
    std::size_t cap_;
    std::uint64_t arrivals_ = 0;
};

// Bytes that a rumor takes in a message, as src/wire writes it (tests/wire holds them equal).
std::size_t wire_bytes(const Record& record);

}  // namespace grapevine::membership
