#include "grapevine/sim/agenda.hpp"

namespace grapevine::sim {

Agenda::Agenda() : ring_(buckets, none) {}

void Agenda::append(const Entry& entry, std::size_t place) {
    std::uint32_t head = ring_[place];
    if (head == none || block(head).count == block(head).entries.size()) {
        if (free_block_ == none) {
            const auto first = static_cast<std::uint32_t>(blocks_.size() * blocks_at_once);
            blocks_.push_back(std::make_unique_for_overwrite<Block[]>(blocks_at_once));
            for (std::uint32_t i = 0; i < blocks_at_once; ++i) block(first + i).next = i + 1 < blocks_at_once ? first + i + 1 : none;
            free_block_ = first;
        }
        const std::uint32_t fresh = free_block_;
        free_block_ = block(fresh).next;
        block(fresh).next = head;
        block(fresh).count = 0;
        ring_[place] = head = fresh;
        occupied_[place / 64] |= std::uint64_t{1} << place % 64;
    }
    Block& b = block(head);
    b.entries[b.count++] = entry;
    ++in_ring_;
}

void Agenda::put(const Entry& entry) {
    ++size_;
    const std::int64_t bucket = bucket_of(entry);
    if (bucket <= bucket_) {
        late_.push_back(entry);
        std::push_heap(late_.begin(), late_.end(), later);
    } else if (bucket - bucket_ < static_cast<std::int64_t>(buckets)) {
        append(entry, static_cast<std::size_t>(bucket) % buckets);
    } else {
        far_.push_back(entry);
        std::push_heap(far_.begin(), far_.end(), later);
    }
}

std::int64_t Agenda::next_bucket() const {
    const auto from = static_cast<std::size_t>(bucket_ + 1) % buckets;
    for (std::size_t i = 0; i <= words; ++i) {
        const std::size_t word = (from / 64 + i) % words;
        std::uint64_t bits = occupied_[word];
        if (i == 0) bits &= ~std::uint64_t{0} << from % 64;
        if (i == words) bits &= ~(~std::uint64_t{0} << from % 64);
        if (bits == 0) continue;
        const std::size_t place = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        return bucket_ + 1 + static_cast<std::int64_t>((place + buckets - from) % buckets);
    }
    return -1;
}

// What was beyond the ring and is not any more.
void Agenda::draw_near() {
    const std::int64_t end = bucket_ + static_cast<std::int64_t>(buckets);
    while (!far_.empty() && bucket_of(far_.front()) < end) {
        std::pop_heap(far_.begin(), far_.end(), later);
        append(far_.back(), static_cast<std::size_t>(bucket_of(far_.back())) % buckets);
        far_.pop_back();
    }
}

void Agenda::empty_bucket(std::size_t place, std::vector<Entry>& into) {
    const std::size_t before = into.size();
    for (std::uint32_t i = ring_[place]; i != none;) {
        Block& b = block(i);
        into.insert(into.end(), b.entries.begin(), b.entries.begin() + b.count);
        const std::uint32_t next = b.next;
        b.next = free_block_;
        free_block_ = i;
        i = next;
    }
    ring_[place] = none;
    occupied_[place / 64] &= ~(std::uint64_t{1} << place % 64);
    in_ring_ -= into.size() - before;
}

// Opens the next bucket that has anything; there is one.
void Agenda::turn() {
    open_.clear();
    next_ = 0;
    bucket_ = in_ring_ > 0 ? next_bucket() : bucket_of(far_.front());
    draw_near();
    empty_bucket(static_cast<std::size_t>(bucket_) % buckets, open_);
    sort_open(bucket_);
}

void Agenda::take_until(Instant last, std::vector<Entry>& into) {
    const std::int64_t whole = bucket_of(Entry{.at = last, .depth = 0, .to = 0, .from = 0, .sequence = 0, .due = 0, .kind = 0, .shelf = 0}) - 1;
    while (size_ > 0) {
        if (next_ < open_.size() || !late_.empty()) {
            if (first().at > last) return;
            into.push_back(take());
            continue;
        }
        const std::int64_t next = in_ring_ > 0 ? next_bucket() : bucket_of(far_.front());
        if (next > whole) {
            if (next > whole + 1) return;
            turn();  // the bucket in which it ends
            continue;
        }
        bucket_ = next;
        draw_near();
        const std::size_t before = into.size();
        empty_bucket(static_cast<std::size_t>(bucket_) % buckets, into);
        size_ -= into.size() - before;
    }
}

void Agenda::sort_open(std::int64_t bucket) {
    constexpr std::size_t most_cells = 1 << 16;
    const std::size_t cells = std::min(std::bit_ceil(open_.size() / 2 + 1), most_cells);
    const int shift = width_bits - std::countr_zero(cells);
    const std::int64_t begin = bucket << width_bits;
    deal_.sort(open_, cells, [&](const Entry& e) { return static_cast<std::size_t>((e.at.time_since_epoch().count() - begin) >> shift); }, std::less<>());
}

}  // namespace grapevine::sim
