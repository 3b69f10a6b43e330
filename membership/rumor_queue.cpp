#include "grapevine/membership/rumor_queue.hpp"

#include <algorithm>

namespace grapevine::membership {

// standing, accuser, incarnation, id; three lengths and their characters
std::size_t wire_bytes(const Record& record) {
    const Contact& c = record.contact;
    return 1 + 8 + 4 + 8 + 3 + c.name.size() + c.control.size() + c.bulk.size();
}

bool RumorQueue::before(const Entry& a, const Entry& b) {
    if (a.urgent != b.urgent) return a.urgent;
    if (a.tellings != b.tellings) return a.tellings < b.tellings;
    return a.order < b.order;
}

void RumorQueue::put(const Book& book, const Rumor& rumor, bool urgent) {
    const PeerId subject = book.id(rumor.about);
    const Entry fresh{rumor, 0, urgent, arrivals_++};
    for (Entry& e : entries_)
        if (book.id(e.rumor.about) == subject) {
            e = fresh;
            return;
        }
    if (entries_.size() < cap_) {
        entries_.push_back(fresh);
        return;
    }
    *std::max_element(entries_.begin(), entries_.end(), before) = fresh;
}

void RumorQueue::take(const Book& book, RumorList& list, std::size_t bytes, std::uint32_t limit, PeerId except) {
    if (entries_.empty() || list.full()) return;
    const std::size_t wanted = std::min(entries_.size(), RumorList::capacity + 1);
    std::partial_sort(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(wanted), entries_.end(), before);
    for (const Rumor& r : list) bytes -= std::min(bytes, wire_bytes(book.at(r.about)));
    for (std::size_t i = 0; i < wanted && !list.full(); ++i) {
        Entry& e = entries_[i];
        if (book.id(e.rumor.about) == except) continue;
        const std::size_t size = wire_bytes(book.at(e.rumor.about));
        if (size > bytes) break;
        bytes -= size;
        list.push_back(e.rumor);
        ++e.tellings;
    }
    std::erase_if(entries_, [&](const Entry& e) { return e.tellings >= limit; });
}

}  // namespace grapevine::membership
