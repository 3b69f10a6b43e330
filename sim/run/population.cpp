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
        for (std::uint32_t i = 0; i < config.groups[g].count && !(single && !plan_.empty()); ++i) plan_.push_back({g, members_of_[g]++});
    from_file_ = plan_.size();
    if (config.model.needs_data()) shards_ = learn::split(*task_->sets.train, config.data.split, plan_.size(), config.seed);
}

void Population::start() {
    std::vector<membership::Handle> all;
    for (const Planned& p : plan_) all.push_back(world_.register_peer(config_.groups[p.group].name + "-" + std::to_string(p.place)));
    if (config_.membership.kind == config::MembershipKind::fixed) {
        auto ids = std::make_shared<std::vector<PeerId>>();
        for (std::uint32_t i = 0; i < plan_.size(); ++i) ids->push_back(id_of(i));
        peer_config_.exchange.fixed_roll = std::move(ids);
    }
    if (!config_.membership.start_full) {
        add(0, {}, {}, false);
        return;
    }
    std::vector<membership::Handle> others(all.begin() + 1, all.end());
    for (std::uint32_t i = 0; i < plan_.size(); ++i) {
        add(i, others, {}, false);
        if (i < others.size()) others[i] = all[i];  // all but i + 1
    }
}

std::vector<Instant> Population::later_starts() const {
    std::vector<Instant> starts;
    if (config_.membership.start_full) return starts;
    for (std::size_t i = 1; i < from_file_; ++i)
        starts.push_back(Instant(scaled(config_.membership.start_over, static_cast<double>(i) / static_cast<double>(from_file_))));
    return starts;
}

void Population::start_next() {
    const auto index = static_cast<std::uint32_t>(world_.size());
    assert(index < from_file_);
    add(index, {}, world_.up(0) ? std::optional(0u) : std::nullopt, world_.now() > Instant{});
}

std::uint32_t Population::join(const std::string& group) {
    const auto g = static_cast<std::uint32_t>(
        std::find_if(config_.groups.begin(), config_.groups.end(), [&](const auto& x) { return x.name == group; }) - config_.groups.begin());
    assert(g < config_.groups.size());
    const auto index = static_cast<std::uint32_t>(plan_.size());
    plan_.push_back({g, members_of_[g]++});
    world_.register_peer(config_.groups[g].name + "-" + std::to_string(plan_.back().place));
    std::vector<std::uint32_t> up;
    for (std::uint32_t i = 0; i < world_.size(); ++i)
        if (world_.up(i)) up.push_back(i);
    add(index, {}, up.empty() ? std::nullopt : std::optional(up[picks_.below(up.size())]), true);
    return index;
}

// A joiner draws its own part by the same law: the part that one more peer would have had.
std::vector<std::uint32_t> Population::rows_for(std::uint32_t index) {
    if (!config_.model.needs_data()) return {};
    if (index < shards_.size()) return std::move(shards_[index]);
    auto more = learn::split(*task_->sets.train, config_.data.split, from_file_ + 1, config_.seed + index);
    return std::move(more[index % more.size()]);
}

void Population::add(std::uint32_t index, std::vector<membership::Handle> known, std::optional<std::uint32_t> meets, bool newcomer) {
    const config::Group& group = config_.groups[plan_[index].group];
    Newcomer n;
    n.name = group.name;
    n.group = plan_[index].group;
    n.config = peer_config_;
    n.config.exchange.newcomer = newcomer && meets;
    n.learner = learn::make_learner(config_, index, from_file_, task_, rows_for(index),
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
    ++started_;
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

}  // namespace grapevine::sim
