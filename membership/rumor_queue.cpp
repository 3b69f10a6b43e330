#include "grapevine/membership/rumor_queue.hpp"

#include <algorithm>

namespace grapevine::membership {

void RumorQueue::append(std::uint32_t i, std::uint32_t line) {
    if (line >= lines_.size()) lines_.resize(line + 1);
    Entry& e = entries_[i];
    e.line = line;
    e.before = lines_[line].last;
    e.next = none;
    (e.before == none ? lines_[line].first : entries_[e.before].next) = i;
    lines_[line].last = i;
}

void RumorQueue::unlink(std::uint32_t i) {
    const Entry& e = entries_[i];
    (e.before == none ? lines_[e.line].first : entries_[e.before].next) = e.next;
    (e.next == none ? lines_[e.line].last : entries_[e.next].before) = e.before;
}

void RumorQueue::drop(std::uint32_t i) {
    unlink(i);
    of_subject_.erase(entries_[i].subject.value);
    free_.push_back(i);
    --size_;
}

void RumorQueue::put(const Book& book, const Rumor& rumor, bool urgent) {
    const PeerId subject = book.id(rumor.about);
    const auto found = of_subject_.find(subject.value);
    std::uint32_t i;
    if (found != of_subject_.end()) {
        i = found->second;
        unlink(i);
    } else {
        if (size_ >= cap_) {
            if (cap_ == 0) return;
            for (std::size_t line = lines_.size(); line-- > 0;)
                if (lines_[line].last != none) {
                    drop(lines_[line].last);
                    break;
                }
        }
        if (free_.empty()) {
            i = static_cast<std::uint32_t>(entries_.size());
            entries_.emplace_back();
        } else {
            i = free_.back();
            free_.pop_back();
        }
        of_subject_.emplace(subject.value, i);
        ++size_;
    }
    entries_[i].rumor = rumor;
    entries_[i].subject = subject;
    entries_[i].tellings = 0;
    entries_[i].urgent = urgent;
    append(i, urgent ? 0 : 1);
}

void RumorQueue::take(const Book& book, RumorList& list, std::size_t bytes, std::uint32_t limit, PeerId except) {
    if (empty() || list.full()) return;
    for (const Rumor& r : list) bytes -= std::min(bytes, book.wire_bytes(r.about));
    std::uint32_t taken[RumorList::capacity];
    std::size_t count = 0;
    for (std::size_t line = 0; line < lines_.size() && !list.full(); ++line)
        for (std::uint32_t i = lines_[line].first; i != none && !list.full(); i = entries_[i].next) {
            const Entry& e = entries_[i];
            if (e.subject == except) continue;
            const std::size_t size = book.wire_bytes(e.rumor.about);
            if (size > bytes) {
                line = lines_.size();  // the next may be shorter, but would then always be told first
                break;
            }
            bytes -= size;
            list.push_back(e.rumor);
            taken[count++] = i;
        }
    for (std::size_t k = 0; k < count; ++k) {
        const std::uint32_t i = taken[k];
        if (++entries_[i].tellings >= limit) {
            drop(i);
            continue;
        }
        unlink(i);
        append(i, entries_[i].urgent ? 0 : entries_[i].tellings + 1);
    }
}

}  // namespace grapevine::membership
