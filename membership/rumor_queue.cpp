#include "grapevine/membership/rumor_queue.hpp"

#include <algorithm>

namespace grapevine::membership {

void RumorQueue::Waiting::append(std::uint32_t i, std::uint32_t line) {
    if (line >= lines.size()) lines.resize(line + 1);
    Entry& e = entries[i];
    e.line = line;
    e.before = lines[line].last;
    e.next = none;
    (e.before == none ? lines[line].first : entries[e.before].next) = i;
    lines[line].last = i;
}

void RumorQueue::Waiting::unlink(std::uint32_t i) {
    const Entry& e = entries[i];
    (e.before == none ? lines[e.line].first : entries[e.before].next) = e.next;
    (e.next == none ? lines[e.line].last : entries[e.next].before) = e.before;
}

void RumorQueue::Waiting::drop(std::uint32_t i) {
    unlink(i);
    of_subject.erase(entries[i].subject.value);
    free.push_back(i);
    --size;
}

void RumorQueue::put(const Book& book, const Rumor& rumor, bool urgent) {
    if (cap_ == 0) return;
    if (!waiting_) waiting_ = std::make_unique<Waiting>();
    Waiting& w = *waiting_;
    const PeerId subject = book.id(rumor.about);
    const auto found = w.of_subject.find(subject.value);
    std::uint32_t i;
    if (found != w.of_subject.end()) {
        i = found->second;
        w.unlink(i);
    } else {
        if (w.size >= cap_)
            for (std::size_t line = w.lines.size(); line-- > 0;)
                if (w.lines[line].last != none) {
                    w.drop(w.lines[line].last);
                    break;
                }
        if (w.free.empty()) {
            i = static_cast<std::uint32_t>(w.entries.size());
            w.entries.emplace_back();
        } else {
            i = w.free.back();
            w.free.pop_back();
        }
        w.of_subject.emplace(subject.value, i);
        ++w.size;
    }
    w.entries[i].rumor = rumor;
    w.entries[i].subject = subject;
    w.entries[i].tellings = 0;
    w.entries[i].urgent = urgent;
    w.append(i, urgent ? 0 : 1);
}

void RumorQueue::take(const Book& book, RumorList& list, std::size_t bytes, std::uint32_t limit, PeerId except) {
    if (empty() || list.full()) return;
    Waiting& w = *waiting_;
    for (const Rumor& r : list) bytes -= std::min(bytes, book.wire_bytes(r.about));
    std::uint32_t taken[RumorList::capacity];
    std::size_t count = 0;
    for (std::size_t line = 0; line < w.lines.size() && !list.full(); ++line)
        for (std::uint32_t i = w.lines[line].first; i != none && !list.full(); i = w.entries[i].next) {
            const Entry& e = w.entries[i];
            if (e.subject == except) continue;
            const std::size_t size = book.wire_bytes(e.rumor.about);
            if (size > bytes) {
                line = w.lines.size();  // the next may be shorter, but would then always be told first
                break;
            }
            bytes -= size;
            list.push_back(e.rumor);
            taken[count++] = i;
        }
    for (std::size_t k = 0; k < count; ++k) {
        const std::uint32_t i = taken[k];
        if (++w.entries[i].tellings >= limit) {
            w.drop(i);
            continue;
        }
        w.unlink(i);
        w.append(i, w.entries[i].urgent ? 0 : w.entries[i].tellings + 1);
    }
    if (w.size == 0) waiting_.reset();
}

}  // namespace grapevine::membership
