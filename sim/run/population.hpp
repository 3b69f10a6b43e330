#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/sim/world.hpp"
#include "up_set.hpp"

namespace grapevine::sim {

// The peers of a scenario: makes them, with their machines, shards and learners, and picks among them. A machine is
// what stays when its peer dies and another takes its name: its speed, its clock and its data.
class Population {
public:
    // Config and world must outlive it.
    Population(const config::Config& config, std::shared_ptr<const learn::Task> task, World& world);

    void start();  // those of the file's groups; with start = "join" the first only, then next_start() for the others
    std::vector<Instant> later_starts() const;  // when the others of start = "join" come
    void start_next();                          // the next of them
    std::uint32_t join(const std::string& group);  // one that the file did not list, through a peer that is up
    // The machine of one that is down: its name again, of the next generation, with nothing remembered or with its parameters.
    std::uint32_t restart(std::uint32_t peer, bool checkpoint);
    void gone(std::uint32_t peer) { up_.remove(peer); }  // told when it is known; what was not told is found out at the next draw

    std::size_t machines() const { return machines_.size(); }  // that have begun
    std::uint32_t machine_of(std::uint32_t peer) const { return machine_of_[peer]; }
    std::uint32_t peer_of(std::uint32_t machine) const { return machines_[machine].peer; }  // the last of them
    std::uint32_t group_of(std::uint32_t machine) const { return machines_[machine].group; }
    std::optional<std::uint32_t> machine_at(std::uint32_t group, std::uint32_t place) const;  // if it has begun
    std::string name_of(std::uint32_t machine) const;
    std::size_t rows_of(std::uint32_t peer) const;  // of the data, that its machine began with
    // Its steps take this much longer from now on, besides what it is by itself.
    void slow(std::uint32_t machine, double factor);
    void set_clock(std::uint32_t machine, Instant now, Duration ahead, double drift);  // drift: besides its own

    // Peers of a selection among those up now; random picks by the seed and by how many were made before.
    std::vector<std::uint32_t> pick(const config::Selection& selection);
    std::vector<std::uint32_t> pick(const std::vector<config::Selection>& selections);  // of any of them, each once

private:
    struct Machine {
        std::uint32_t group;
        std::uint32_t place;  // in its group
        std::uint32_t shard;  // its rows
        std::uint64_t generation = 1;
        std::uint32_t peer = 0;
        double slowness = 1, slowed = 1;  // by itself, and by what happens to it
        double drift = 0;                 // by itself
        LocalClock clock;
    };
    Machine machine(std::uint32_t group, std::uint32_t place, std::uint32_t shard) const;
    // The machine's next peer.
    void add(std::uint32_t machine, std::vector<membership::Handle> known, std::optional<std::uint32_t> meets, bool newcomer, const Snapshot* checkpoint = nullptr);
    const std::vector<std::uint32_t>& rows_for(Machine& machine, std::uint32_t index);
    void find_out_who_is_up();
    membership::Handle register_peer(const Machine& machine);
    bool behind_nat(std::uint32_t peer) const;
    std::optional<std::uint32_t> somebody();  // that is up
    std::optional<std::uint32_t> somebody_near(std::uint32_t peer);  // that is up and not cut off from it, if there is one
    std::string name_of(const Machine& machine) const;
    bool serves(const Machine& machine) const;  // where the exchange has a server
    bool is_newcomer_again() const;             // also with its parameters: where others hold more than a peer brings back
    static constexpr std::uint32_t no_shard = ~0u;

    const config::Config& config_;
    std::shared_ptr<const learn::Task> task_;
    World& world_;
    PeerConfig peer_config_;
    std::vector<Machine> machines_;                    // that have begun, in the order in which they did
    std::vector<std::uint32_t> machine_of_;            // of all peers so far, by index
    std::vector<Machine> waiting_;                     // the file's machines; those that have not begun: from next_ on
    std::size_t next_ = 0;
    std::vector<std::uint32_t> members_of_;            // how many each group has
    std::vector<std::vector<std::uint32_t>> by_place_; // machines of each group
    std::vector<std::vector<std::uint32_t>> shards_;   // rows of each of the file's machines, and of others as they come
    std::size_t from_file_ = 0;
    UpSet up_;
    Random picks_;
};

}  // namespace grapevine::sim
