// What two peers know and the other does not: the buckets, and who says what.
#include "grapevine/membership/anti_entropy.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

std::uint8_t Buckets::bits_for(std::size_t members) {
    std::uint8_t bits = 0;
    while (bits < most_bits && (std::size_t{4} << bits) < members) ++bits;
    return bits;
}

std::size_t Buckets::of(PeerId peer, std::uint8_t bits) {
    return bits == 0 ? 0 : static_cast<std::size_t>(Random::mix(peer.value) >> (64 - bits));
}

Buckets Buckets::of(const Roster& roster, const Book& book, Handle self, std::uint8_t bits) {
    assert(bits <= most_bits);
    Buckets buckets{bits, std::vector<std::uint32_t>(std::size_t{1} << bits)};
    const auto add = [&](Handle h) {
        buckets.hashes[of(book.id(h), bits)] ^= static_cast<std::uint32_t>(Roster::digest_of(book.id(h), book.incarnation(h)));
    };
    add(self);
    for (const auto& e : roster.entries())
        if (present(e.standing)) add(e.record);
    return buckets;
}

bool Mask::empty() const {
    return std::all_of(words_.begin(), words_.end(), [](std::uint64_t w) { return w == 0; });
}

std::size_t Mask::count() const {
    std::size_t count = 0;
    for (const std::uint64_t word : words_) count += static_cast<std::size_t>(std::popcount(word));
    return count;
}

Mask difference(const Buckets& a, const Buckets& b) {
    assert(a.bits == b.bits && a.hashes.size() == b.hashes.size());
    Mask mask;
    for (std::size_t i = 0; i < a.hashes.size(); ++i)
        if (a.hashes[i] != b.hashes[i]) mask.add(i);
    return mask;
}

//      we                         another
//      Sync{digest}          ->   the same: nothing more
//                            <-   Known{buckets}
//      Want{mask} + Records  ->
//                            <-   Records
//
// Nobody keeps a state: a lost message ends it, and the next one is not far.
void Membership::sync(Instant now, Out& out) {
    if (leaving_) return;
    double times = 1;  // as memberlist scales its push-pull: one more for each doubling above 32
    for (std::size_t n = 32; n < members(); n *= 2) ++times;
    arm_sync(now + scaled(config_.sync_every, times * (0.75 + 0.5 * random_.uniform())), out);
    if (now - occasional().born < 30 * config_.period) sync_within(now, 6, out);  // many may come with us, and what they missed of each other nobody tells again
    if (const auto to = roster_.draw_alive(random_)) send(*to, Sync{digest()}, out);
}

void Membership::arm_sync(Instant at, Out& out) {
    occasional().next_sync = at;
    out.wake(at, SyncDue{++occasional().sync_stamp});
}

void Membership::sync_within(Instant now, double periods, Out& out) {
    const Duration at_most = scaled(period(), periods);
    if (occasional().next_sync > now + at_most) arm_sync(now + scaled(at_most, 0.5 + 0.5 * random_.uniform()), out);
}

std::uint64_t Membership::digest() const { return roster_.digest() ^ Roster::digest_of(id_, book_.incarnation(self_)); }

void Membership::compare(PeerId from, const Sync& theirs, Out& out) {
    if (theirs.digest == digest() || leaving_) return;
    auto buckets = Buckets::of(roster_, book_, self_, Buckets::bits_for(members()));
    send(from, Known{std::make_shared<const Buckets>(std::move(buckets))}, out);
}

void Membership::compare(Instant now, PeerId from, const Known& theirs, Out& out) {
    if (leaving_) return;
    const Mask mask = difference(Buckets::of(roster_, book_, self_, theirs.buckets->bits), *theirs.buckets);
    if (mask.empty() || told_lately(now, from)) return;  // told in the meantime
    // So much is unknown to one of us that others will have more to tell: a storm of joins, a healed cut.
    if (mask.count() * 16 > theirs.buckets->hashes.size()) sync_within(now, 2, out);
    else sync_within(now, 10, out);  // until we find somebody who knows the same
    send(from, Want{theirs.buckets->bits, mask}, out);
    send_records(from, theirs.buckets->bits, mask, out);
}

// Up to a budget; from a random bucket on, so that what is cut off is another part each time.
void Membership::send_records(PeerId to, std::uint8_t bits, const Mask& mask, Out& out) {
    std::vector<std::pair<std::size_t, Rumor>> news;
    const std::size_t buckets = std::size_t{1} << bits, first = random_.below(buckets);
    const auto add = [&](const Rumor& rumor) {
        const std::size_t bucket = Buckets::of(book_.id(rumor.about), bits);
        if (mask.has(bucket)) news.emplace_back((bucket + buckets - first) % buckets, rumor);
    };
    add(about_self());
    for (const auto& e : roster_.entries())
        if (book_.id(e.record) != to) add(rumor_of(e));
    std::stable_sort(news.begin(), news.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t bytes = 0;
    Message message{Records{}, {}};
    std::size_t in_message = 0;
    for (const auto& [bucket, rumor] : news) {
        const std::size_t size = book_.wire_bytes(rumor.about);
        if ((bytes += size) > config_.sync_bytes) break;
        if (message.rumors.full() || (in_message + size > config_.rumor_bytes && !message.rumors.empty())) {
            out.send(to, message);
            message.rumors = {};
            in_message = 0;
        }
        message.rumors.push_back(rumor);
        in_message += size;
    }
    if (!message.rumors.empty()) out.send(to, std::move(message));
}

}  // namespace grapevine::membership
