#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "grapevine/time.hpp"

namespace grapevine::sim {

// What is still to happen, earliest first. Ties in time are broken by what caused what (`depth`: causal steps
// within one instant), then by who it is for and who it is from: never by when it was put in, so that the order
// does not depend on how the work was shared out.
class Agenda {
public:
    struct Entry {
        Instant at;
        std::uint32_t depth;
        std::uint32_t to;
        std::uint32_t from;
        std::uint32_t sequence;  // of the source
        std::uint32_t due;       // what happens: a place in the world's pool
        friend bool operator<(const Entry& a, const Entry& b) {
            return std::tie(a.at, a.depth, a.to, a.from, a.sequence) < std::tie(b.at, b.depth, b.to, b.from, b.sequence);
        }
    };

    bool empty() const { return heap_.empty(); }
    const Entry& first() const { return heap_.front(); }

    void put(const Entry& entry) {
        std::size_t i = heap_.size();
        heap_.push_back(entry);
        while (i > 0) {
            const std::size_t parent = (i - 1) / 4;
            if (!(entry < heap_[parent])) break;
            heap_[i] = heap_[parent];
            i = parent;
        }
        heap_[i] = entry;
    }

    Entry take() {  // not of an empty one
        const Entry first = heap_.front();
        const Entry last = heap_.back();
        heap_.pop_back();
        if (!heap_.empty()) sink(last);
        return first;
    }

private:
    void sink(const Entry& entry) {  // four children: half the levels, and they share a cache line or two
        std::size_t i = 0;
        for (;;) {
            const std::size_t child = 4 * i + 1;
            if (child >= heap_.size()) break;
            std::size_t least = child;
            for (std::size_t c = child + 1; c < child + 4 && c < heap_.size(); ++c)
                if (heap_[c] < heap_[least]) least = c;
            if (!(heap_[least] < entry)) break;
            heap_[i] = heap_[least];
            i = least;
        }
        heap_[i] = entry;
    }
    std::vector<Entry> heap_;
};

}  // namespace grapevine::sim
