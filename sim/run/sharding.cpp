#include "sharding.hpp"

#include <algorithm>
#include <utility>

#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/shard.hpp"

namespace grapevine::sim {

namespace {
constexpr Duration look_every = std::chrono::milliseconds(250), speed_after = std::chrono::seconds(5);
}  // namespace

Sharding::Sharding(const config::Config& config, std::shared_ptr<const learn::Task> task, World& world, const Population& population)
    : config_(config), world_(world), population_(population), deals_(config.data.shards == config::Data::Shards::automatic && config.model.follows_gradients()) {
    if (!config.model.needs_data()) return;
    all_ = task->sets.train->rows();
    if (deals_) order_ = learn::order_of_blocks(*task->sets.train, config.seed);
}

gossip::Claimant Sharding::claimant(std::uint32_t peer) const {
    const auto& book = world_.book();
    const membership::Handle self = world_.peer(peer).members().self();
    return {gossip::claimant_key(book.name(self)), world_.serves(peer) ? gossip::takes_none : shares_[peer].level};
}

void Sharding::see_who_is_new(Instant now) {
    for (auto peer = static_cast<std::uint32_t>(shares_.size()); peer < world_.size(); ++peer) {
        Share& share = shares_.emplace_back();
        share.begun = now;
        share.rows = world_.serves(peer) ? 0 : population_.rows_of(peer);
    }
}

void Sharding::look(Instant now) {
    next_ = now + look_every;
    see_who_is_new(now);
    std::uint64_t levels = 0;
    for (std::uint32_t peer = 0; peer < shares_.size(); ++peer) {
        if (!world_.up(peer)) continue;
        Share& share = shares_[peer];
        const Duration lived = now - share.begun;
        if (lived >= speed_after && !world_.serves(peer)) share.level = gossip::speed_level(static_cast<double>(world_.steps(peer)) * config_.data.batch / seconds(lived), share.level);
        levels += Random::mix(peer * 256ull + share.level);
    }
    for (std::uint32_t peer = 0; peer < shares_.size(); ++peer) {
        Share& share = shares_[peer];
        if (!world_.up(peer) || world_.serves(peer)) continue;
        const auto& roster = world_.peer(peer).members().roster();
        std::uint64_t alive = levels;  // and who: a roster's digest takes suspects for present
        for (const auto& entry : roster.entries())
            if (entry.standing == membership::Standing::alive) alive += Random::mix(world_.book().id(entry.record).value);
        if (std::exchange(share.seen, alive) != alive) share.resharding.stir(now);
        if (share.resharding.due(now)) {
            std::vector<gossip::Claimant> others;
            for (const auto& entry : roster.entries()) {
                const std::uint32_t other = index_of(world_.book().id(entry.record));
                if (entry.standing == membership::Standing::alive && other < shares_.size()) others.push_back(claimant(other));
            }
            if (const auto blocks = share.resharding.woken(now, claimant(peer), others, order_.size())) share.due = learn::rows_of(*blocks, gossip::data_blocks, order_);
        }
        if (!share.due.empty()) take_up(peer);
    }
}

void Sharding::take_up(std::uint32_t peer) {
    Learner& learner = world_.learner(peer);
    if (!learn::between_steps(learner)) return;
    Share& share = shares_[peer];
    share.rows = share.due.size();
    learn::deal(learner, std::exchange(share.due, {}));
}

void Sharding::count(Instant now, double samples) {
    if (all_ == 0) return;
    see_who_is_new(now);
    double rows = 0, peers = 0;
    for (std::uint32_t peer = 0; peer < shares_.size(); ++peer) {
        if (!world_.up(peer) || shares_[peer].rows == 0) continue;
        rows += static_cast<double>(shares_[peer].rows);
        ++peers;
    }
    const double t = seconds(now), passed = t - std::exchange(last_, t), used = samples - std::exchange(samples_, samples);
    rows_ = peers > 0 ? std::optional(rows / peers) : std::nullopt;
    epochs_ = epochs_.value_or(0) + (rows > 0 ? used / rows : 0);
    uses_ += passed * rows / static_cast<double>(all_);
    over_ += passed;
}

}  // namespace grapevine::sim
