// Clusters that nobody thought of: size, exchange, links and what goes wrong are drawn from a seed. While it goes
// wrong nobody's parameters may leave the hull of where all began and what they train towards, and membership keeps its
// invariants. Then the faults end, and within a bound everybody trains on and sees everybody. What this found lies in golden stories and in commits.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

class Swarm {
public:
    explicit Swarm(std::uint64_t seed) : random_(seed), options_(drawn(seed)), cluster_(options_) {}

    // What went wrong; empty if nothing did.
    std::string run() {
        cluster_.run_for(5s);  // to join: who knows one address alone, and that of somebody who dies, knows no way to anybody
        for (int e = 0; e < 8 && wrong_.empty(); ++e) {
            cluster_.run_for(from_seconds(random_.uniform() * 20));
            check_hull();
            check_views();
            fault();
        }
        world().network().heal();
        for (const auto& [who, timers] : paused_) world().resume(who, timers);
        cluster_.run_for(150s);
        std::vector<std::uint64_t> before;
        for (std::uint32_t i = 0; i < world().size(); ++i) before.push_back(world().steps(i));
        cluster_.run_for(100s);
        check_hull();
        check_views();
        for (std::uint32_t i = 0; i < world().size(); ++i) {
            if (!world().up(i)) continue;
            if (world().steps(i) <= before[i]) wrong_ += " p" + std::to_string(i + 1) + " stands still;";
            // With loss somebody may be under suspicion just now; or a newcomer's welcome was lost and its seed then died,
            // and nobody is left who knows of both.
            if (!options_.membership.partial && options_.loss == 0 && cluster_.members_seen_by(i) != world().up_count())
                wrong_ += " p" + std::to_string(i + 1) + " sees " + std::to_string(cluster_.members_seen_by(i)) + " of " + std::to_string(world().up_count()) + ";";
        }
        if (options_.membership.partial && pieces() > 1) wrong_ += " in " + std::to_string(pieces()) + " pieces;";
        return wrong_.empty() ? "" : told_.str() + ":" + wrong_;
    }

private:
    ClusterOptions drawn(std::uint64_t seed) {
        ClusterOptions o = gossiping(static_cast<std::uint32_t>(2 + random_.below(8)));
        const std::uint64_t kind = random_.below(3);
        if (kind > 0) {
            o.exchange.kind = kind == 1 ? gossip::Kind::allreduce : gossip::Kind::dpsgd;
            o.exchange.period.reset();
            o.exchange.every_steps = static_cast<std::uint32_t>(1 + random_.below(30));
            using enum gossip::Graph;
            static constexpr gossip::Graph graphs[] = {ring, torus, exponential, one_peer_exponential, base, matching};
            o.exchange.graph = graphs[random_.below(std::size(graphs))];
            o.exchange.base = static_cast<std::uint32_t>(2 + random_.below(3));
        }
        if (Random more = Random(seed).split(2); kind > 0 && more.chance(0.4)) {
            o.exchange.kind = more.chance(0.5) ? gossip::Kind::parameter_server : gossip::Kind::fedavg;
            if (o.exchange.kind == gossip::Kind::fedavg) o.exchange.clients = 0.2 + 0.8 * more.uniform();
            else if (more.chance(0.5)) o.exchange.wait_for = static_cast<std::uint32_t>(1 + more.below(o.peers));
        }
        o.latency = from_seconds(random_.uniform() * 0.05);
        o.seed = seed;
        if (random_.chance(0.5)) o.loss = random_.uniform() * 0.05;
        if (random_.chance(0.3)) o.duplicate = 0.05;
        o.joins = random_.chance(0.3);
        if (Random more = Random(seed).split(2); kind == 0 && more.chance(0.4)) {
            o.exchange.kind = more.chance(0.5) ? gossip::Kind::push_sum : gossip::Kind::epidemic;
            o.exchange.robust = o.exchange.kind == gossip::Kind::push_sum && more.chance(0.4);
            told_ << (o.exchange.robust ? "robust push-sum, " : o.exchange.kind == gossip::Kind::push_sum ? "push-sum, " : "epidemic, ");
        }
        if (Random more = Random(seed).split(1); kind == 0 && !o.exchange.robust && more.chance(0.4)) {
            o.membership.partial = true;
            o.peers *= static_cast<std::uint32_t>(1 + more.below(8));
            told_ << "partial views, ";
        }
        if (Random more = Random(seed).split(2); o.exchange.kind == gossip::Kind::allreduce) {
            o.exchange.algorithm = static_cast<gossip::Algorithm>(more.below(3));
            if (more.chance(0.6)) o.exchange.backup = static_cast<std::uint32_t>(1 + more.below(3));
            else if (more.chance(0.6)) {
                o.exchange.buckets = static_cast<std::uint32_t>(2 + more.below(4));
                o.dimension = 1 + more.below(40);
                told_ << "buckets " << o.exchange.buckets << ", ";
            }
            told_ << "algorithm " << static_cast<int>(o.exchange.algorithm) << ", backup " << o.exchange.backup << ", ";
        }
        told_ << "seed " << seed << ": " << o.peers << " peers, " << (kind == 0 ? "gossip" : o.exchange.kind == gossip::Kind::parameter_server ? "parameter-server"
                                                                                 : o.exchange.kind == gossip::Kind::fedavg           ? "fedavg"
                                                                                 : kind == 1                                        ? "allreduce"
                                                                                                                                    : "dpsgd") << ", loss " << o.loss;
        return o;
    }

    void fault() {
        std::vector<std::uint32_t> up;
        for (std::uint32_t i = 0; i < world().size(); ++i)
            if (world().up(i)) up.push_back(i);
        const auto anybody = [&] { return up[random_.below(up.size())]; };
        const auto tell = [&](const char* what) { told_ << ", " << what << "@" << seconds(world().now()); };
        switch (random_.below(8)) {
            case 0:
                if (up.size() > 2) world().crash(anybody()), tell("crash");
                break;
            case 1: {  // through one that is well: who knows only one that is not, and that dies, knows no way to anybody
                std::vector<std::uint32_t> well;
                for (const std::uint32_t p : up)
                    if (std::find(ill_.begin(), ill_.end(), p) == ill_.end()) well.push_back(p);
                if (well.empty()) break;
                cluster_.join(well[random_.below(well.size())]), tell("join");
                cluster_.run_for(5s);
                break;
            }
            case 2:
                if (up.size() > 2) world().leave(anybody()), tell("leave");
                break;
            case 3: {
                std::vector<int> side(world().size());
                for (int& s : side) s = static_cast<int>(random_.below(2));
                world().network().partition(std::move(side));
                tell("cut");
                break;
            }
            case 4: world().network().heal(), tell("heal"); break;
            case 5: {
                const auto timers = random_.chance(0.5) ? sim::World::Timers::wait : sim::World::Timers::run;
                const std::uint32_t who = anybody();
                world().pause(who, timers);
                tell(timers == sim::World::Timers::wait ? "stop" : "block");
                paused_.emplace_back(who, timers);
                ill_.push_back(who);
                break;
            }
            case 6:
                ill_.push_back(anybody());
                world().network().faults().one_way(up, {ill_.back()}), tell("deaf");
                break;
            case 7:
                ill_.push_back(anybody());
                world().network().faults().lossy({ill_.back()}, random_.uniform()), tell("lossy");
                break;
        }
    }

    // Peer i begins at i and all train towards 0.
    void check_hull() {
        for (std::uint32_t i = 0; i < world().size(); ++i)
            if (world().up(i) && !(cluster_.value(i) >= -1e-9 && cluster_.value(i) <= static_cast<double>(world().size())))
                wrong_ += " p" + std::to_string(i + 1) + " = " + std::to_string(cluster_.value(i)) + ";";
    }

    // That those who are up fall into, by the neighbours they have.
    std::size_t pieces() {
        std::vector<std::uint32_t> piece(world().size());
        std::size_t count = world().up_count();
        for (std::uint32_t i = 0; i < piece.size(); ++i) piece[i] = i;
        for (std::uint32_t i = 0; i < piece.size(); ++i) {
            if (!world().up(i)) continue;
            for (const PeerId peer : world().peer(i).members().roster().all()) {
                const std::uint32_t j = sim::index_of(peer);
                if (!world().up(j) || piece[i] == piece[j]) continue;
                std::replace(piece.begin(), piece.end(), std::uint32_t{piece[j]}, std::uint32_t{piece[i]});
                --count;
            }
        }
        return count;
    }

    // Every step is watched; views are looked at here.
    void check_views() {
        world().look_at_views();
        if (const auto& v = world().violation()) wrong_ += " p" + std::to_string(v->peer + 1) + " " + v->what + " at " + std::to_string(seconds(v->at)) + ";";
    }

    sim::World& world() { return cluster_.world(); }

    Random random_;
    std::ostringstream told_;
    ClusterOptions options_;
    Cluster cluster_;
    std::string wrong_;
    std::vector<std::pair<std::uint32_t, sim::World::Timers>> paused_;
    std::vector<std::uint32_t> ill_;
};

}  // namespace

// GRAPEVINE_SWARM=N runs N seeds in place of a hundred.
TEST_CASE("a swarm of clusters lives through what it is given") {
    const char* wanted = std::getenv("GRAPEVINE_SWARM");
    const std::uint64_t seeds = wanted ? std::stoull(wanted) : 100;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const std::string wrong = Swarm(seed).run();
        CHECK_MESSAGE(wrong.empty(), wrong);
    }
}
