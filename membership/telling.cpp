// Telling: rumors on a gossip tick and on whatever else is sent.
#include <algorithm>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership {

std::uint32_t telling_limit(std::size_t n, std::uint32_t lambda) {
    std::uint32_t digits = 0;  // ceil(log10(n + 1)), exactly: the digits of n
    for (std::size_t rest = n; rest > 0; rest /= 10) ++digits;
    return lambda * std::max(digits, 1u);
}

void Membership::spread(Instant now, const Rumor& rumor, Out& out, bool urgent) {
    rumors_.put(book_, rumor, urgent);
    if (gossip_armed_ || !config_.probing) return;
    gossip_armed_ = true;
    // After a random part of the interval: rumors heard together are not told on in step.
    const auto span = static_cast<std::uint64_t>(config_.gossip_every.count());
    out.wake(now + Duration(1 + static_cast<std::int64_t>(random_.below(span))), GossipDue{});
}

void Membership::gossip(Instant now, Out& out) {
    gossip_armed_ = false;
    // To different ones: with few members a telling must not be wasted on one who has just been told.
    std::vector<PeerId> told;
    const std::size_t most = std::min<std::size_t>(config_.gossip_to, roster_.present());
    for (int tries = 0; told.size() < most && !rumors_.empty() && tries < 16; ++tries) {
        const auto to = roster_.draw_present(random_);
        if (!to) break;  // all are out of reach
        if (std::find(told.begin(), told.end(), *to) != told.end()) continue;
        told.push_back(*to);
        send(*to, Gossip{}, out);
    }
    if (leaving_ && occasional().farewells > 0 && --occasional().farewells == 0) out.tell(Departed{});
    if (rumors_.empty() && !(leaving_ && occasional().farewells > 0)) return;
    gossip_armed_ = true;
    out.wake(now + config_.gossip_every, GossipDue{});
}

void Membership::leave(Instant now, Out& out) {
    if (leaving_) return;
    leaving_ = true;
    joining_ = false;
    rumors_.put(book_, about_self(), true);
    const std::uint32_t limit = telling_limit(members(), config_.lambda);
    const auto a_tick = std::clamp<std::size_t>(config_.gossip_to, 1, std::max<std::size_t>(roster_.present(), 1));
    occasional().farewells = static_cast<std::uint32_t>(limit / a_tick) + 1;
    if (!config_.probing || roster_.present() == 0) {
        occasional().farewells = 0;
        out.tell(Departed{});
        return;
    }
    if (!gossip_armed_) gossip(now, out);  // else the tick is near
}

std::optional<Rumor> Membership::news_for(PeerId to) const {
    const Roster::Entry* entry = roster_.find(to);
    // Also one that is said to have left, and speaks: perhaps somebody else said so for it.
    if (!entry || entry->standing == Standing::alive) return std::nullopt;
    if (entry->standing == Standing::suspect && !config_.buddy) return std::nullopt;
    return rumor_of(*entry);
}

// A suspect goes with who suspected it first, as far as we know; ourselves where nobody did.
Rumor Membership::rumor_of(const Roster::Entry& entry) const {
    const Suspicion* s = suspicion_of(book_.id(entry.record));
    return {entry.record, entry.standing, s ? s->accusers[0] : id_};
}

namespace {

// As much of a sample as fits: records with long names and addresses are many times those that are usual.
void trim(Sample& sample, std::size_t bytes, const Book& book) {
    std::size_t fits = 0;
    for (; fits < sample.size(); ++fits) {
        const std::size_t size = book.wire_bytes(sample[fits]);
        if (size > bytes) break;
        bytes -= size;
    }
    while (sample.size() > fits) sample.remove(sample.size() - 1);
}

std::optional<Handle> carried(const ViewMessage& message) {
    return std::visit(Cases{
                          [](const Enter& m) { return std::optional(m.newcomer); },
                          [](const ForwardJoin& m) { return std::optional(m.newcomer); },
                          [](const Neighbour& m) { return std::optional(m.asker); },
                          [](const Disconnect& m) { return m.instead; },
                          [](const auto&) { return std::optional<Handle>(); },
                      },
                      message);
}

}  // namespace

void Membership::send(PeerId to, decltype(Message::body) body, Out& out, std::optional<Rumor> first) {
    Message message{std::move(body), {}};
    // These fill their message by themselves.
    bool full = std::holds_alternative<Known>(message.body);
    std::size_t budget = config_.rumor_bytes;
    if (auto* view = std::get_if<ViewMessage>(&message.body)) {
        if (auto* shuffle = std::get_if<Shuffle>(view)) {
            const std::size_t origin = book_.wire_bytes(shuffle->origin);
            trim(shuffle->sample, config_.rumor_bytes - std::min(config_.rumor_bytes, origin), book_);
            full = true;
        } else if (const auto record = carried(*view)) {
            budget -= std::min(budget, book_.wire_bytes(*record));
        } else if (auto* answer = std::get_if<ShuffleAnswer>(view)) {
            trim(answer->sample, config_.rumor_bytes, book_);
            full = true;
        }
    }
    PeerId already{};
    if (first) {
        message.rumors.push_back(*first);
        already = book_.id(first->about);
    }
    if (!full) rumors_.take(book_, message.rumors, budget, telling_limit(members(), config_.lambda), already);
    out.send(to, std::move(message));
}

}  // namespace grapevine::membership
