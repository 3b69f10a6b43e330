#include "grapevine/gossip/handover.hpp"

#include <algorithm>
#include <utility>

#include "donating.hpp"
#include "fetching.hpp"

namespace grapevine::gossip {

namespace {
constexpr std::size_t most_collected = 4;  // at once
}  // namespace

Handover::Handover(const Config& config, Random random, std::uint32_t last_number) : config_(config), random_(random), count_(last_number) {}
Handover::~Handover() = default;

bool Handover::wanted(const Config& config) { return fetches(config); }

void Handover::start(Instant now, const Company& company, Exchange::Out& out) {
    joining_ = std::make_unique<Fetching>(config_, next(), random_.split(count_));
    joining_->start(now, company, out);
    look_at(now, out);
}

void Handover::collect(Instant now, const Collect& collect, const Company& company, Exchange::Out& out) {
    if (collecting_.size() >= most_collected) return out.tell(Collected{collect.serial, collect.from, nullptr});
    collecting_.push_back({collect.serial, std::make_unique<Fetching>(config_, next(), random_.split(count_), collect.from)});
    collecting_.back().fetching->start(now, company, out);
    look_at(now, out);
}

void Handover::received(Instant now, PeerId from, Message&& message, std::optional<Why> refused, const Company& company, Exchange::Out& out) {
    const auto to_fetching = [&](auto&& m) {
        if (joining_ && joining_->number() == m.fetch) joining_->received(now, from, std::forward<decltype(m)>(m), company, out);
        else
            for (Collecting& c : collecting_)
                if (c.fetching->number() == m.fetch) c.fetching->received(now, from, std::forward<decltype(m)>(m), company, out);
        look_at(now, out);
    };
    if (const auto* piece = std::get_if<PieceWanted>(&message)) {
        if (!donating_) donating_ = std::make_unique<Donating>(config_);
        donating_->wanted(now, from, *piece, refused, next(), out);
    } else if (const auto* came = std::get_if<PieceCame>(&message)) {
        if (donating_) donating_->came(from, *came);
    } else if (auto* there = std::get_if<Piece>(&message)) {
        to_fetching(std::move(*there));
    } else if (const auto* none = std::get_if<NoPiece>(&message)) {
        to_fetching(*none);
    }
}

void Handover::woken(Instant now, const FetchDue& due, const Company& company, Exchange::Out& out) {
    if (joining_ && joining_->number() == due.fetch) joining_->woken(now, company, out);
    for (Collecting& c : collecting_)
        if (c.fetching->number() == due.fetch) c.fetching->woken(now, company, out);
    look_at(now, out);
}

void Handover::completed(Instant now, Completion&& completion, Exchange::Out& out) {
    (void)now;
    if (auto* published = std::get_if<Published>(&completion.what)) {
        if (donating_) donating_->published(completion.tag, std::move(published->snapshot), next(), out);
    } else if (completion.tag == last_piece_) {
        last_piece_ = 0;
        out.tell(summary_);
        settled_ = Settled{completion.samples_behind};
    }
}

void Handover::undelivered(const Undelivered& u, Exchange::Out& out) {
    if (donating_) donating_->undelivered(u, out);
}

void Handover::peer_up(Instant now, const Company& company, Exchange::Out& out) {
    if (joining_) joining_->peer_up(now, company, out);
}

void Handover::peer_down(Instant now, PeerId peer, const Company& company, Exchange::Out& out) {
    if (donating_) donating_->peer_down(peer);
    if (joining_) joining_->peer_down(now, peer, company, out);
    for (Collecting& c : collecting_) c.fetching->peer_down(now, peer, company, out);
    look_at(now, out);
}

void Handover::give_up(Instant now, Exchange::Out& out) {
    if (!waits()) return;
    if (joining_) out.tell(joining_->summary(now));
    joining_.reset();
    settled_ = Settled{};
}

std::optional<Handover::Settled> Handover::settled() { return std::exchange(settled_, std::nullopt); }

bool Handover::over() const { return !joining_ && last_piece_ == 0 && !settled_ && collecting_.empty() && (!donating_ || donating_->over()); }

// What the fetches have come to.
void Handover::look_at(Instant now, Exchange::Out& out) {
    if (joining_ && joining_->vain()) give_up(now, out);
    if (joining_ && joining_->whole()) {
        summary_ = joining_->summary(now);
        for (Snapshot& piece : joining_->take()) {
            last_piece_ = next();
            out.tell(Order{last_piece_, Combine{model_slot, 0, 1, std::move(piece), {}}});
        }
        joining_.reset();
    }
    std::erase_if(collecting_, [&](Collecting& c) {
        if (!c.fetching->whole() && !c.fetching->vain()) return false;
        out.tell(Collected{c.serial, c.fetching->only(), c.fetching->whole() ? std::make_shared<const std::vector<Snapshot>>(c.fetching->take()) : nullptr});
        return true;
    });
}

}  // namespace grapevine::gossip
