#include "population.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <xxhash.h>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/setup/peer_config.hpp"

namespace grapevine::sim {

namespace {

constexpr std::uint32_t nobody = ~0u;
constexpr std::size_t most_walked = 4096;  // peers among whom one is found by looking at each

// Once for a machine. A clock may lose time.
double draw_once(const config::Distribution& d, Random random) {
    if (d.kind == config::Distribution::Kind::normal) return d.a + d.b * random.normal();
    std::uint32_t drawn = 0;
    if (d.kind == config::Distribution::Kind::trace && !d.values.empty()) drawn = random.below(d.values.size());
    return draw(d, random, drawn);
}

}  // namespace

Population::Population(const config::Config& config, std::shared_ptr<const learn::Task> task, World& world)
    : config_(config), task_(std::move(task)), world_(world), peer_config_(setup::peer_config(config)),
      picks_(Random(config.seed).split(0x7069636b)) {
    const bool single = config.exchange.kind == config::ExchangeKind::single;
    members_of_.assign(config.groups.size(), 0);
    by_place_.resize(config.groups.size());
    for (std::uint32_t g = 0; g < config.groups.size(); ++g)
        for (std::uint32_t i = 0; i < config.groups[g].count && !(single && !waiting_.empty()); ++i)
            waiting_.push_back(machine(g, members_of_[g]++, static_cast<std::uint32_t>(waiting_.size())));
    from_file_ = waiting_.size();
    if (!config.model.needs_data()) return;
    if (config.data.shards == config::Data::Shards::all) shards_.assign(1, std::move(learn::split(*task_->sets.train, {}, 1, config.seed)[0]));
    else shards_ = learn::split(*task_->sets.train, config.data.split, from_file_, config.seed);
}

// What is drawn for a machine is drawn by its name: another group changes nothing for it.
Population::Machine Population::machine(std::uint32_t group, std::uint32_t place, std::uint32_t shard) const {
    Machine m{group, place, shard, 1, 0, 1, 1, 0, {}};
    const config::Group& g = config_.groups[group];
    if (!g.has_clock() && g.slowness == config::Group().slowness) return m;
    const std::string name = name_of(m);
    const Random draws = Random(config_.seed).split(0x6d616368).split(XXH3_64bits(name.data(), name.size()));
    m.slowness = draw_once(g.slowness, draws.split(1));
    m.drift = std::clamp(draw_once(g.clock_drift, draws.split(3)), -0.9, 9.0);
    if (g.has_clock()) m.clock.set(world_.now(), from_seconds(std::max(0.0, draw_once(g.clock_offset, draws.split(2)))), m.drift);
    return m;
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
    for (const Machine& m : waiting_) all.push_back(register_peer(m));
    machines_ = std::move(waiting_);
    waiting_.clear();
    if (config_.membership.kind == config::MembershipKind::partial) {  // of as many as a view holds they know at first
        Random random = Random(config_.seed).split(0x61637175);
        for (std::uint32_t i = 0; i < machines_.size(); ++i) {
            std::vector<membership::Handle> some;
            for (std::size_t k = 0; k < peer_config_.membership.view.passive && all.size() > 1; ++k) {
                const auto other = static_cast<std::uint32_t>(random.below(all.size() - 1));
                some.push_back(all[other < i ? other : other + 1]);
            }
            add(i, std::move(some), {}, false);
        }
        return;
    }
    std::vector<membership::Handle> others(all.begin() + 1, all.end());
    for (std::uint32_t i = 0; i < machines_.size(); ++i) {
        add(i, others, {}, false);
        if (i < others.size()) others[i] = all[i];  // all but i + 1
    }
}

std::string Population::name_of(const Machine& m) const { return config_.groups[m.group].name + "-" + std::to_string(m.place); }
std::string Population::name_of(std::uint32_t machine) const { return name_of(machines_[machine]); }

std::optional<std::uint32_t> Population::machine_at(std::uint32_t group, std::uint32_t place) const {
    const auto& known = by_place_[group];
    return place < known.size() && known[place] != nobody ? std::optional(known[place]) : std::nullopt;
}

// By its name, also when it comes again; if none is told, the first of all.
bool Population::serves(const Machine& m) const {
    const std::string& server = config_.exchange.server;
    if (server.empty()) return m.group == 0 && m.place == 0;
    return server == config_.groups[m.group].name + "[" + std::to_string(m.place) + "]" || server == name_of(m);
}

std::vector<Instant> Population::later_starts() const {
    std::vector<Instant> starts;
    if (next_ == waiting_.size()) return starts;
    for (std::size_t i = 1; i < from_file_; ++i)
        starts.push_back(Instant(scaled(config_.membership.start_over, static_cast<double>(i) / static_cast<double>(from_file_))));
    return starts;
}

void Population::find_out_who_is_up() {
    if (up_.count() == world_.up_count()) return;
    up_.clear();
    for (std::uint32_t i = 0; i < world_.size(); ++i) up_.add(world_.up(i));
}

membership::Handle Population::register_peer(const Machine& m) { return world_.register_peer(name_of(m), m.generation, config_.groups[m.group].nat); }

bool Population::behind_nat(std::uint32_t peer) const { return config_.groups[group_of(machine_of(peer))].nat; }

std::optional<std::uint32_t> Population::somebody() {
    find_out_who_is_up();
    if (up_.count() == 0) return std::nullopt;
    std::uint32_t found = up_.at(picks_.below(up_.count()));
    for (int n = 0; n < 64 && behind_nat(found); ++n) found = up_.at(picks_.below(up_.count()));
    // An address that is handed on is one that can be dialled, if there is any.
    for (std::uint32_t i = 0; i < world_.size() && behind_nat(found); ++i)
        if (world_.up(i) && !behind_nat(i)) found = i;
    return found;
}

std::optional<std::uint32_t> Population::somebody_near(std::uint32_t peer) {
    const Faults& faults = world_.network().faults();
    if (!faults.any()) return somebody();
    const auto near = [&](std::uint32_t i) { return !faults.cut_off(i, peer) && !faults.cut_off(peer, i); };
    if (world_.size() > most_walked)  // where few are cut off, or half, one of some draws is near; the law is the same
        for (int n = 0; n < 64; ++n)
            if (const auto found = somebody(); !found || near(*found)) return found;
    std::vector<std::uint32_t> up;
    for (std::uint32_t i = 0; i < world_.size(); ++i)
        if (world_.up(i) && !behind_nat(i) && near(i)) up.push_back(i);
    return up.empty() ? somebody() : std::optional(up[picks_.below(up.size())]);
}

void Population::start_next() {
    machines_.push_back(std::move(waiting_[next_++]));
    register_peer(machines_.back());
    std::optional<std::uint32_t> meets;  // all come through the first, as long as it is there
    if (world_.size() > 0) meets = world_.up(0) ? std::optional(0u) : somebody();
    add(static_cast<std::uint32_t>(machines_.size() - 1), {}, meets, world_.now() > Instant{});
}

std::uint32_t Population::join(const std::string& group) {
    const auto g = static_cast<std::uint32_t>(
        std::find_if(config_.groups.begin(), config_.groups.end(), [&](const auto& x) { return x.name == group; }) - config_.groups.begin());
    assert(g < config_.groups.size());
    machines_.push_back(machine(g, members_of_[g]++, no_shard));
    register_peer(machines_.back());
    add(static_cast<std::uint32_t>(machines_.size() - 1), {}, somebody(), true);
    return machines_.back().peer;
}

bool Population::is_newcomer_again() const {
    using enum config::ExchangeKind;
    const auto kind = config_.exchange.kind;
    return kind == push_sum || kind == parameter_server || kind == fedavg;  // mass, or a server's model
}

std::uint32_t Population::restart(std::uint32_t peer, bool checkpoint) {
    const std::uint32_t again = machine_of_[peer];
    std::optional<Snapshot> parameters;
    if (checkpoint) {
        Learner& learner = world_.learner(peer);
        parameters = std::get<Published>(learner.carry_out({0, Publish{model_slot, {0, learner.size()}}}).what).snapshot;
    }
    world_.bury(peer);
    ++machines_[again].generation;
    register_peer(machines_[again]);
    add(again, {}, somebody_near(peer), true, parameters ? &*parameters : nullptr);
    world_.network().faults().replaces(machines_[again].peer, peer);
    return machines_[again].peer;
}

void Population::slow(std::uint32_t machine, double factor) {
    Machine& m = machines_[machine];
    m.slowed = factor;
    if (world_.up(m.peer)) world_.slow(m.peer, m.slowness * m.slowed);
}

void Population::set_clock(std::uint32_t machine, Instant now, Duration ahead, double drift) {
    Machine& m = machines_[machine];
    m.clock.set(now, ahead, m.drift + drift);
    world_.set_clock(m.peer, m.clock);
}

std::size_t Population::rows_of(std::uint32_t peer) const {
    const std::uint32_t shard = machines_[machine_of_[peer]].shard;
    return shard < shards_.size() ? shards_[shard].size() : 0;
}

// A joiner draws its own part by the same law: the part that one more peer would have had. It stays the machine's.
const std::vector<std::uint32_t>& Population::rows_for(Machine& machine, std::uint32_t index) {
    static const std::vector<std::uint32_t> none;
    if (!config_.model.needs_data()) return none;
    if (config_.data.shards == config::Data::Shards::all) machine.shard = 0;
    if (machine.shard == no_shard) {
        auto more = learn::split(*task_->sets.train, config_.data.split, from_file_ + 1, config_.seed + index);
        machine.shard = static_cast<std::uint32_t>(shards_.size());
        shards_.push_back(std::move(more[index % more.size()]));
    }
    return shards_[machine.shard];
}

void Population::add(std::uint32_t machine, std::vector<membership::Handle> known, std::optional<std::uint32_t> meets, bool newcomer, const Snapshot* checkpoint) {
    const auto index = static_cast<std::uint32_t>(machine_of_.size());
    machine_of_.push_back(machine);
    Machine& m = machines_[machine];
    m.peer = index;
    auto& places = by_place_[m.group];
    if (m.place >= places.size()) places.resize(m.place + std::size_t{1}, nobody);
    places[m.place] = machine;
    const config::Group& group = config_.groups[m.group];
    Newcomer n;
    n.group = m.group;
    n.config = peer_config_;
    n.config.exchange.newcomer = newcomer && meets && (!checkpoint || is_newcomer_again());
    n.config.exchange.serves = serves(m);
    n.learner = learn::make_learner(config_, index, from_file_, task_, rows_for(m, index),
                                    config_.model.needs_data() && config_.train.compute == config::Compute::real ? kernels::make_cpu_backend(1) : nullptr);
    if (checkpoint) n.learner->carry_out({0, Combine{model_slot, 0, 1, *checkpoint}});
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
    if (m.slowness * m.slowed != 1) world_.slow(index, m.slowness * m.slowed);
    if (group.has_clock() || m.generation > 1) world_.set_clock(index, m.clock);
    up_.add(true);
}

std::vector<std::uint32_t> Population::pick(const config::Selection& selection) {
    std::vector<std::uint32_t> found;
    using What = config::Selection::What;
    for (std::uint32_t i = 0; i < world_.size(); ++i) {
        if (!world_.up(i)) continue;
        const Machine& m = machines_[machine_of_[i]];
        if (selection.group != "*" && config_.groups[m.group].name != selection.group) continue;
        if (selection.what == What::index && m.place != static_cast<std::uint32_t>(selection.number)) continue;
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
