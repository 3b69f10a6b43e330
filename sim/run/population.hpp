#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

// The peers of a scenario: makes them, with their machines, shards and learners, and picks among them.
class Population {
public:
    // Config and world must outlive it.
    Population(const config::Config& config, std::shared_ptr<const learn::Task> task, World& world);

    void start();  // those of the file's groups; with start = "join" the first only, then next_start() for the others
    std::vector<Instant> later_starts() const;  // when the others of start = "join" come
    void start_next();                          // the next of them
    std::uint32_t join(const std::string& group);  // one that the file did not list, through a peer that is up
    std::uint32_t restart(std::uint32_t peer);     // one that is down: its name again, of the next generation, with nothing remembered

    // Peers of a selection among those up now; random picks by the seed and by how many were made before.
    std::vector<std::uint32_t> pick(const config::Selection& selection);
    std::vector<std::uint32_t> pick(const std::vector<config::Selection>& selections);  // of any of them, each once

private:
    struct Planned {
        std::uint32_t group;
        std::uint32_t place;  // in its group
        std::uint32_t shard;  // of the file's peers; none: drawn for a joiner
        std::uint64_t generation = 1;
    };
    void add(Planned planned, std::vector<membership::Handle> known, std::optional<std::uint32_t> meets, bool newcomer);
    std::vector<std::uint32_t> rows_for(std::uint32_t shard, std::uint32_t index);
    std::optional<std::uint32_t> somebody();  // that is up
    std::optional<std::uint32_t> somebody_near(std::uint32_t peer);  // that is up and not cut off from it, if there is one
    std::string name_of(const Planned& planned) const;
    bool serves(const Planned& planned) const;  // where the exchange has a server
    static constexpr std::uint32_t no_shard = ~0u;

    const config::Config& config_;
    std::shared_ptr<const learn::Task> task_;
    World& world_;
    PeerConfig peer_config_;
    std::vector<Planned> plan_;                        // of all peers so far, by index
    std::vector<Planned> waiting_;                     // of the file's peers those that have not started
    std::vector<std::uint32_t> members_of_;            // how many each group has
    std::vector<std::vector<std::uint32_t>> shards_;   // rows of each of the file's peers, until handed out
    std::size_t from_file_ = 0;
    Random picks_;
};

}  // namespace grapevine::sim
