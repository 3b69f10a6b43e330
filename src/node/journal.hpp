#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "grapevine/time.hpp"

namespace grapevine::node {

// The last of what happened to a node, for whoever watches it: written by the loop, read by the server's threads. Of
// fixed size, so that who reads slowly, or not at all, costs nothing; it is told how much it has missed.
//
// Mixes come several times a second and must not push out the death of a member: what happens often and what
// happens seldom are kept apart, and read together.
class Journal {
public:
    // Where a reader is: what it has been shown of either kind. As text it is two numbers, "17.240".
    struct Cursor {
        std::uint64_t seldom = 0, often = 0;
    };
    static std::string to_text(const Cursor& cursor);
    static std::optional<Cursor> parse(const std::string& text);

    struct Page {
        std::vector<std::string> entries;  // JSON objects
        Cursor next;
        std::uint64_t dropped = 0;  // that the reader should have seen, and nobody can show any more
        bool leaving = false;       // the end is near: who is not answered next time has missed nothing
        bool ended = false;         // nothing will follow
    };

    explicit Journal(std::size_t kept = 512) : kept_(kept) {}  // of each kind

    // `object` is a JSON object with at least one member; its number is put in front ("n").
    void add(const std::string& kind, const std::string& object, bool often);
    void leave();  // the node means to go: from now on every page says so
    void end();    // wakes all who wait

    using Kinds = std::set<std::string>;  // that are wanted; empty: all
    // What came after the cursor, the oldest first and at most `most`; waits for something to come.
    Page after(const Cursor& cursor, const Kinds& kinds, std::size_t most, Duration wait);
    Page last(std::size_t n, const Kinds& kinds);

    static constexpr int most_waiting = 8;  // readers; one more gets its answer at once

private:
    struct Entry {
        std::uint64_t number;
        std::string kind, json;
    };
    struct Ring {
        std::deque<Entry> entries;
        std::uint64_t added = 0;
    };
    void collect(const Cursor& cursor, const Kinds& kinds, std::size_t most, Page& page) const;

    mutable std::mutex mutex_;
    std::condition_variable more_;
    std::size_t kept_;
    Ring seldom_, often_;
    std::uint64_t number_ = 0;
    int waiting_ = 0;
    bool leaving_ = false, ended_ = false;
};

}  // namespace grapevine::node
