#include "grapevine/membership/book.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "grapevine/random.hpp"

namespace grapevine::membership {

bool within_limits(const Record& record) {
    const Contact& c = record.contact;
    return c.id && c.name.size() <= longest_name && c.control.size() <= longest_endpoint && c.bulk.size() <= longest_endpoint &&
           record.key.size() <= longest_key && record.metadata.size() <= longest_metadata && record.failing <= 100 &&
           record.generation <= most_generation && (record.signature.empty() || record.signature.size() == signature_bytes);
}

// standing, accuser, incarnation, generation with flags, failing with degraded, id; five lengths and their characters; the signature
std::size_t wire_bytes(const Record& record) {
    const Contact& c = record.contact;
    return 1 + 8 + 4 + 8 + 1 + 8 + 5 + c.name.size() + c.control.size() + c.bulk.size() + record.key.size() + record.metadata.size() + record.signature.size();
}

namespace {

std::uint64_t hash_of(PeerId id, std::uint32_t incarnation) { return Random::mix(id.value ^ Random::mix(incarnation + std::uint64_t{1})); }

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = text.size();
    while (!text.empty()) {
        std::uint64_t eight = 0;
        const std::size_t n = std::min<std::size_t>(text.size(), 8);
        std::memcpy(&eight, text.data(), n);
        hash = Random::mix(hash ^ eight);
        text.remove_prefix(n);
    }
    return hash;
}

constexpr std::size_t text_block = 1 << 16;

}  // namespace

// Interning is rare and short, so who comes meanwhile turns round.
class Book::Lock {
public:
    explicit Lock(std::atomic_flag& busy) : busy_(busy) {
        while (busy_.test_and_set(std::memory_order_acquire)) {}
    }
    ~Lock() { busy_.clear(std::memory_order_release); }

private:
    std::atomic_flag& busy_;
};

template <class Same>
Handle* Book::Index::find(std::uint64_t hash, Same&& same) {
    for (std::size_t i = hash % places_.size();; i = i + 1 < places_.size() ? i + 1 : 0)
        if (places_[i] == none || same(places_[i])) return &places_[i];
}

template <class HashOf>
void Book::Index::make_room(HashOf&& hash_of) {
    if (2 * (used + 1) <= places_.size()) return;
    std::vector<Handle> before(std::max<std::size_t>(16, 2 * places_.size()), none);
    before.swap(places_);
    for (const Handle h : before)
        if (h != none) *find(hash_of(h), [](Handle) { return false; }) = h;
}

Book::Book(std::size_t limit, Notary* notary) : limit_(std::min(limit, most_handles)), notary_(notary) { chunks_.resize((limit_ + per_chunk - 1) / per_chunk); }
Book::~Book() = default;

bool Book::is(Handle h, const Record& r) const {
    const Chunk& c = line(h);
    const std::size_t p = place(h);
    return c.id[p] == r.contact.id && c.incarnation[p] == r.incarnation && c.generation[p] == r.generation && c.failing[p] == r.failing &&
           (c.degraded[p] != 0) == r.degraded && (c.outbound[p] != 0) == r.outbound && c.texts[p].signature() == r.signature && c.texts[p].name() == r.contact.name && c.texts[p].key() == r.key && c.texts[p].metadata() == r.metadata &&
           c.endpoints[p]->control == r.contact.control && c.endpoints[p]->bulk == r.contact.bulk;
}

std::uint64_t Book::hash_of(Handle h) const { return membership::hash_of(id(h), incarnation(h)); }

const char* Book::keep(const Record& r) {
    const std::size_t size = r.contact.name.size() + r.key.size() + r.metadata.size() + r.signature.size();
    if (size > text_left_) {
        text_.push_back(std::make_unique<char[]>(text_block));
        text_left_ = text_block;
    }
    char* const begin = text_.empty() ? nullptr : text_.back().get() + (text_block - text_left_);
    char* to = begin;
    for (const std::string* text : {&r.contact.name, &r.key, &r.metadata, &r.signature}) to = std::copy(text->begin(), text->end(), to);
    text_left_ -= size;
    return begin;
}

void Book::write(Handle h, const Record& r) {
    assert(r.contact.name.size() <= 255 && r.key.size() <= 255 && r.metadata.size() <= 255 && r.signature.size() <= 255);
    Chunk& c = line(h);
    const std::size_t p = place(h);
    c.id[p] = r.contact.id;
    c.incarnation[p] = r.incarnation;
    c.generation[p] = r.generation;
    c.wire_bytes[p] = static_cast<std::uint16_t>(membership::wire_bytes(r));
    c.failing[p] = r.failing;
    c.degraded[p] = r.degraded;
    c.outbound[p] = r.outbound;
    if (r.outbound) any_outbound_.store(true, std::memory_order_relaxed);
    if (endpoints_.empty() || endpoints_.back().control != r.contact.control || endpoints_.back().bulk != r.contact.bulk)
        endpoints_.push_back({r.contact.control, r.contact.bulk});
    c.endpoints[p] = &endpoints_.back();
    c.texts[p] = {keep(r), static_cast<std::uint8_t>(r.contact.name.size()), static_cast<std::uint8_t>(r.key.size()),
                  static_cast<std::uint8_t>(r.metadata.size()), static_cast<std::uint8_t>(r.signature.size())};
}

void Book::add_to_indices(Handle h) {
    equal_.make_room([&](Handle other) { return hash_of(other); });
    *equal_.find(hash_of(h), [](Handle) { return false; }) = h;
    ++equal_.used;
    auto& next = line(h).namesake[place(h)];
    next.store(h, std::memory_order_relaxed);
    if (generation(h) == 0) return;
    bearers_.make_room([&](Handle other) { return membership::hash_of(name(other)); });
    Handle* const bearer = bearers_.find(membership::hash_of(name(h)), [&](Handle other) { return name(other) == name(h); });
    if (*bearer == Index::none) {
        *bearer = h;
        ++bearers_.used;
        return;
    }
    auto& first = line(*bearer).namesake[place(*bearer)];
    next.store(first.load(std::memory_order_relaxed), std::memory_order_relaxed);
    first.store(h, std::memory_order_release);
}

Record Book::sealed(Record ours) const {
    if (notary_) ours.signature = notary_->sign(ours);
    return ours;
}

std::optional<Handle> Book::intern(const Record& record) {
    const Lock lock(busy_);
    equal_.make_room([&](Handle other) { return hash_of(other); });
    const Handle* const same = equal_.find(membership::hash_of(record.contact.id, record.incarnation), [&](Handle other) { return is(other, record); });
    if (*same != Index::none) return *same;
    if (size() >= limit_ || (notary_ && !notary_->genuine(record))) return std::nullopt;
    Handle handle;
    if (free_.empty()) {
        handle = static_cast<Handle>(made_);
        if (!chunks_[handle / per_chunk]) chunks_[handle / per_chunk] = std::make_unique<Chunk>();
        ++made_;
    } else {
        handle = free_.back();
        free_.pop_back();
    }
    write(handle, record);
    add_to_indices(handle);
    return handle;
}

Record Book::at(Handle h) const {
    const Chunk& c = line(h);
    const std::size_t p = place(h);
    const Texts& t = c.texts[p];
    return {{c.id[p], std::string(t.name()), c.endpoints[p]->control, c.endpoints[p]->bulk},
            c.incarnation[p], c.generation[p], std::string(t.key()), std::string(t.metadata()), c.failing[p], c.degraded[p] != 0,
            c.outbound[p] != 0, std::string(t.signature())};
}

void Book::keep_only(const std::vector<bool>& marked) {
    std::vector<std::pair<Handle, Record>> kept;
    free_.clear();
    for (Handle h = 0; h < made_; ++h)
        if (h < marked.size() && marked[h]) kept.emplace_back(h, at(h));
        else free_.push_back(h);
    equal_.clear();
    bearers_.clear();
    text_.clear();
    text_left_ = 0;
    endpoints_.clear();
    for (const auto& [h, record] : kept) {
        write(h, record);
        add_to_indices(h);
    }
}

}  // namespace grapevine::membership
