#include "journal.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace grapevine::node {

std::string Journal::to_text(const Cursor& cursor) { return std::to_string(cursor.seldom) + "." + std::to_string(cursor.often); }

std::optional<Journal::Cursor> Journal::parse(const std::string& text) {
    Cursor cursor;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, cursor.seldom);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') return std::nullopt;
    const auto second = std::from_chars(first.ptr + 1, end, cursor.often);
    if (second.ec != std::errc{} || second.ptr != end) return std::nullopt;
    return cursor;
}

void Journal::add(const std::string& kind, const std::string& object, bool often) {
    {
        const std::lock_guard lock(mutex_);
        Ring& ring = often ? often_ : seldom_;
        ++number_;
        ++ring.added;
        ring.entries.push_back({number_, kind, "{\"n\": " + std::to_string(number_) + ", " + object.substr(1)});
        if (ring.entries.size() > kept_) ring.entries.pop_front();
    }
    more_.notify_all();
}

void Journal::leave() {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
}

void Journal::end() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    more_.notify_all();
}

void Journal::collect(const Cursor& cursor, const Kinds& kinds, std::size_t most, Page& page) const {
    page.next = cursor;
    const auto begin = [&](const Ring& ring, std::uint64_t& seen) {
        seen = std::min(seen, ring.added);  // a cursor of another node's
        const std::uint64_t lost = ring.added - ring.entries.size();
        if (seen < lost) {
            page.dropped += lost - seen;
            seen = lost;
        }
        return ring.entries.begin() + static_cast<std::ptrdiff_t>(seen - lost);
    };
    auto seldom = begin(seldom_, page.next.seldom), often = begin(often_, page.next.often);
    while (page.entries.size() < most) {
        const bool is_seldom = seldom != seldom_.entries.end() && (often == often_.entries.end() || seldom->number < often->number);
        if (!is_seldom && often == often_.entries.end()) break;
        const Entry& entry = is_seldom ? *seldom++ : *often++;
        ++(is_seldom ? page.next.seldom : page.next.often);
        if (kinds.empty() || kinds.contains(entry.kind)) page.entries.push_back(entry.json);
    }
}

Journal::Page Journal::after(const Cursor& cursor, const Kinds& kinds, std::size_t most, Duration wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    std::unique_lock lock(mutex_);
    Page page;
    collect(cursor, kinds, most, page);
    const auto nothing = [](const Page& p) { return p.entries.empty() && p.dropped == 0; };
    // Each that waits holds a thread of the server.
    if (nothing(page) && !ended_ && waiting_ < most_waiting) {
        ++waiting_;
        while (nothing(page) && !ended_) {
            if (more_.wait_until(lock, deadline) == std::cv_status::timeout) break;
            const Cursor from = page.next;
            page = {};
            collect(from, kinds, most, page);
        }
        --waiting_;
    }
    page.leaving = leaving_;
    page.ended = ended_ && page.entries.empty();
    return page;
}

Journal::Page Journal::last(std::size_t n, const Kinds& kinds) {
    const std::lock_guard lock(mutex_);
    Page page;
    collect({seldom_.added - seldom_.entries.size(), often_.added - often_.entries.size()}, kinds, 2 * kept_, page);
    page.leaving = leaving_;
    if (page.entries.size() > n) page.entries.erase(page.entries.begin(), page.entries.end() - static_cast<std::ptrdiff_t>(n));
    return page;
}

}  // namespace grapevine::node
