#include "population.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/setup/peer_config.hpp"

namespace grapevine::sim {

Population::Population(const config::Config& config, std::shared_ptr<const learn::Task> task, World& world)
    : config_(config), task_(std::move(task)), world_(world), peer_config_(setup::peer_config(config)),
      picks_(Random(config.seed).split(0x7069636b)) {
    const bool single = config.exchange.kind == config::ExchangeKind::single;
    members_of_.assign(config.groups.size(), 0);
    for (std::uint32_t g = 0; g < config.groups.size(); ++g)
        for (std::uint32_t i = 0; i < config.groups[g].count && !(single && !waiting_.empty()); ++i)
            waiting_.push_back({g, members_of_[g]++, static_cast<std::uint32_t>(waiting_.size())});
    from_file_ = waiting_.size();
    if (config.model.needs_data()) shards_ = learn::split(*task_->sets.train, config.data.split, from_file_, config.seed);
}

void Population::start() {
    const bool fixed = config_.membership.kind == config::MembershipKind::fixed;
    if (!config_.membership.start_full && !fixed) return start_next();
    if (fixed) {
        auto ids = std::make_shared<std::vector<PeerId>>();
        for (std::uint32_t i = 0; i < from_file_; ++i) ids->push_back(id_of(i));
        peer_config_.exchange.fixed_roll = std::move(ids);
    }
    std::vector<membership::Handle> all;
    for (const Planned& p : waiting_) all.push_back(world_.register_peer(name_of(p), p.generation));
    if (config_.membership.kind == config::MembershipKind::partial) {  // of as many as a view holds they know at first
        Random random = Random(config_.seed).split(0x61637175);
        for (std::uint32_t i = 0; i < waiting_.size(); ++i) {
            std::vector<membership::Handle> some;
            for (std::size_t k = 0; k < peer_config_.membership.view.passive && all.size() > 1; ++k) {
                const auto other = static_cast<std::uint32_t>(random.below(all.size() - 1));
                some.push_back(all[other < i ? other : other + 1]);
            }
            add(waiting_[i], std::move(some), {}, false);
        }
        waiting_.clear();
        return;
    }
    std::vector<membership::Handle> others(all.begin() + 1, all.end());
    for (std::uint32_t i = 0; i < waiting_.size(); ++i) {
        add(waiting_[i], others, {}, false);
        if (i < others.size()) others[i] = all[i];  // all but i + 1
    }
    waiting_.clear();
}

std::string Population::name_of(const Planned& p) const { return config_.groups[p.group].name + "-" + std::to_string(p.place); }

// By its name, also when it comes again; if none is told, the first of all.
bool Population::serves(const Planned& p) const {
    const std::string& server = config_.exchange.server;
    if (server.empty()) return p.group == 0 && p.place == 0;
    return server == config_.groups[p.group].name + "[" + std::to_string(p.place) + "]" || server == name_of(p);
}

std::vector<Instant> Population::later_starts() const {
    std::vector<Instant> starts;
    if (waiting_.empty()) return starts;
    for (std::size_t i = 1; i < from_file_; ++i)
        starts.push_back(Instant(scaled(config_.membership.start_over, static_cast<double>(i) / static_cast<double>(from_file_))));
    return starts;
}

std::optional<std::uint32_t> Population::somebody() {
    std::vector<std::uint32_t> up;
    for (std::uint32_t i = 0; i < world_.size(); ++i)
        if (world_.up(i)) up.push_back(i);
    return up.empty() ? std::nullopt : std::optional(up[picks_.below(up.size())]);
}

std::optional<std::uint32_t> Population::somebody_near(std::uint32_t peer) {
    std::vector<std::uint32_t> up;
    const Faults& faults = world_.network().faults();
    for (std::uint32_t i = 0; i < world_.size(); ++i)
        if (world_.up(i) && !faults.cut_off(i, peer) && !faults.cut_off(peer, i)) up.push_back(i);
    return up.empty() ? somebody() : std::optional(up[picks_.below(up.size())]);
}

void Population::start_next() {
    const Planned next = waiting_.front();
    waiting_.erase(waiting_.begin());
    world_.register_peer(name_of(next));
    std::optional<std::uint32_t> meets;  // all come through the first, as long as it is there
    if (world_.size() > 0) meets = world_.up(0) ? std::optional(0u) : somebody();
    add(next, {}, meets, world_.now() > Instant{});
}

std::uint32_t Population::join(const std::string& group) {
    const auto g = static_cast<std::uint32_t>(
        std::find_if(config_.groups.begin(), config_.groups.end(), [&](const auto& x) { return x.name == group; }) - config_.groups.begin());
    assert(g < config_.groups.size());
    const Planned joiner{g, members_of_[g]++, no_shard};
    world_.register_peer(name_of(joiner));
    add(joiner, {}, somebody(), true);
    return static_cast<std::uint32_t>(plan_.size() - 1);
}

std::uint32_t Population::restart(std::uint32_t peer) {
    Planned again = plan_[peer];
    again.shard = no_shard;
    ++again.generation;
    world_.register_peer(name_of(again), again.generation);
    add(again, {}, somebody_near(peer), true);
    const auto index = static_cast<std::uint32_t>(plan_.size() - 1);
    world_.network().faults().replaces(index, peer);
    return index;
}

// A joiner draws its own part by the same law: the part that one more peer would have had.
std::vector<std::uint32_t> Population::rows_for(std::uint32_t shard, std::uint32_t index) {
    if (!config_.model.needs_data()) return {};
    if (shard != no_shard) return std::move(shards_[shard]);
    auto more = learn::split(*task_->sets.train, config_.data.split, from_file_ + 1, config_.seed + index);
    return std::move(more[index % more.size()]);
}

void Population::add(Planned planned, std::vector<membership::Handle> known, std::optional<std::uint32_t> meets, bool newcomer) {
    const auto index = static_cast<std::uint32_t>(plan_.size());
    plan_.push_back(planned);
    const config::Group& group = config_.groups[planned.group];
    Newcomer n;
    n.group = planned.group;
    n.config = peer_config_;
    n.config.exchange.newcomer = newcomer && meets;
    n.config.exchange.serves = serves(planned);
    n.learner = learn::make_learner(config_, index, from_file_, task_, rows_for(planned.shard, index),
                                    config_.model.needs_data() ? kernels::make_cpu_backend(1) : nullptr);
    n.step_time = group.step_time;
    n.pace = config_.train.pace;
    n.uplink = group.uplink;
    n.downlink = group.downlink;
    n.mix_rate = group.mix_rate;
    n.known = std::move(known);
    n.meets = meets;
    const std::uint32_t placed = world_.add(std::move(n));
    assert(placed == index);
    (void)placed;
}

std::vector<std::uint32_t> Population::pick(const config::Selection& selection) {
    std::vector<std::uint32_t> found;
    using What = config::Selection::What;
    for (std::uint32_t i = 0; i < world_.size(); ++i) {
        if (!world_.up(i)) continue;
        if (selection.group != "*" && config_.groups[plan_[i].group].name != selection.group) continue;
        if (selection.what == What::index && plan_[i].place != static_cast<std::uint32_t>(selection.number)) continue;
        found.push_back(i);
    }
    if (selection.what == What::all || selection.what == What::index) return found;
    const auto wanted = selection.what == What::count ? static_cast<std::size_t>(selection.number)
                                                      : static_cast<std::size_t>(std::llround(selection.number * static_cast<double>(found.size())));
    for (std::size_t i = 0; i < std::min(wanted, found.size()); ++i) std::swap(found[i], found[i + picks_.below(found.size() - i)]);
    found.resize(std::min(wanted, found.size()));
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<std::uint32_t> Population::pick(const std::vector<config::Selection>& selections) {
    std::vector<std::uint32_t> all;
    for (const config::Selection& selection : selections) {
        const auto some = pick(selection);
        all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

}  // namespace grapevine::sim
