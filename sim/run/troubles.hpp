#pragma once

#include <optional>
#include <vector>

#include "grapevine/config/config.hpp"
#include "population.hpp"
#include "watch.hpp"

namespace grapevine::sim {

// What [[event]]s do to the network. Whom one of them touches is drawn once, when it is due for the first time; then it
// begins and ends as often as it says, and each time for the same peers.
class Troubles {
public:
    Troubles(const config::Config& config, Population& population, World& world, Watch& watch);

    static bool is_one(config::Event::Kind kind);

    std::size_t draw(const config::Event& event);     // its number from then on
    std::size_t turns(std::size_t trouble) const;     // clog: how many there are, one after the other; of others one
    void begin(std::size_t trouble, Instant now);     // clog: the next one's turn
    void end(std::size_t trouble);
    std::uint32_t begun(std::size_t trouble) const { return all_[trouble].begun; }
    std::optional<std::uint32_t> whose_turn(std::size_t trouble) const;  // of a clog that has begun

    void replaces(std::uint32_t peer, std::uint32_t before);  // the same machine again, with what is wrong with it

    static const char* begins(config::Event::Kind kind);  // words of events.jsonl
    static const char* ends(config::Event::Kind kind);

private:
    using Peers = Faults::Peers;
    struct Trouble {
        const config::Event* event;
        Peers a, b;                 // nodes or what `shape` is made of; two ends
        std::vector<int> side;      // of a partition
        std::uint32_t begun = 0;
        std::optional<Faults::Key> fault{};
        bool slows = false;         // bandwidth: in force
    };
    void draw_shape(Trouble& trouble);
    void touch(const Trouble& trouble);
    void set_rates(const Peers& peers);

    const config::Config& config_;
    Population& population_;
    World& world_;
    Watch& watch_;
    Random shapes_;
    std::vector<Trouble> all_;
};

}  // namespace grapevine::sim
