#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/company.hpp"
#include "grapevine/gossip/messages.hpp"
#include "grapevine/learner.hpp"
#include "grapevine/protocol.hpp"
#include "grapevine/random.hpp"

namespace grapevine::gossip {

enum class Kind : std::uint8_t { gossip, epidemic, dpsgd, push_sum, group, outer, allreduce, parameter_server, fedavg, local };
enum class Clock : std::uint8_t { fixed, shuffled, poisson, rounds };
enum class Graph : std::uint8_t { ring, torus, exponential, one_peer_exponential, base, matching, file };
enum class Form : std::uint8_t { convex, delta };
enum class Algorithm : std::uint8_t { any, ring, halving_doubling };
enum class Mode : std::uint8_t { sync, async };
enum class Clip : std::uint8_t { off, self_centred, balance };

// A graph over ranks 0 to n-1 that was read from a file: for every rank its neighbours and their weights; what is
// missing to 1 is its own. Checked by whoever read it: connected, weights in [0, 1], those of a rank sum to 1 at most.
struct Weighted {
    std::uint32_t rank;
    double weight;
    friend bool operator==(const Weighted&, const Weighted&) = default;
};
using Adjacency = std::vector<std::vector<Weighted>>;

struct Config {
    friend bool operator==(const Config&, const Config&) = default;

    Kind kind = Kind::gossip;
    // When an exchange is due: every so often, or every so many local steps. One of the two.
    std::optional<Duration> period;
    std::optional<std::uint32_t> every_steps;
    Clock clock = Clock::fixed;
    Graph graph = Graph::ring;
    std::uint32_t base = 2;                              // of Graph::base: k + 1
    std::shared_ptr<const Adjacency> adjacency;          // of Graph::file
    Form form = Form::convex;                            // gossip
    double staleness_weight = 0;                         // gossip: theirs weighs 1 / (1 + this * staleness) as much
    std::optional<double> consensus;                     // gossip: steer every_steps towards this relative distance
    std::uint32_t pushes = 2;                            // epidemic
    bool robust = false;                                 // push-sum: running sums over fixed neighbours
    std::uint32_t group_size = 4;                        // group; outer: 2, or 0 for everybody
    double rate = 0.7, momentum = 0.5;                   // outer
    bool unchecked = false;                              // also what drives peers or their mean astray; for tests, no file says it
    Algorithm algorithm = Algorithm::any;                // allreduce
    std::uint32_t backup = 0;                            // allreduce: a round does not wait for so many
    std::uint32_t buckets = 1;                           // allreduce: of gradients, overlapped with the backward pass
    Mode mode = Mode::sync;                              // parameter-server
    std::uint32_t wait_for = 0;                          // parameter-server, sync: so many of the workers; 0: all
    bool serves = false;                                 // parameter-server, fedavg: this peer is the server
    double clients = 1;                                  // fedavg: share of the peers that train in a round

    bool speed_scaled = false;                           // gossip: the learning rate times mean speed of the others over our own
    double quasi_global = 0;                             // momentum of the mixed model's own movement; 0: none
    std::uint32_t fragments = 1;                         // an exchange carries one of so many parts, in turn
    Clip clip = Clip::off;
    std::optional<Encoding> encoding;                    // of parameters on their way; none: the learner's
    double kept = 0.01;                                  // top_k: share of the values that travels

    // How long an exchange may take. Nothing: ten times the mean of the last ones, a second at least.
    std::optional<Duration> patience;

    bool trains = true;                            // the law's models do not
    bool sums = false;                             // the model holds tensors of merge kind sum: their mean must be kept
    bool sets = false;                             // the model holds tensors of merge kind set: only whole ones unite
    Duration order = std::chrono::milliseconds(20);  // how long one order to train is meant to take
    std::optional<std::uint64_t> until_steps;      // then train no more, and answer on
    std::optional<Duration> until;                 // the run is about that long: nothing but BALANCE asks
    bool newcomer = false;                         // mix once before training: others are ahead
    std::uint32_t donors = 0;                      // a newcomer first fetches its model from so many at once; 0: it does not
    std::uint64_t seed = 0;                        // of the run: matchings are drawn from it by everybody alike
    std::uint64_t layout = 0, size = 0;            // of the learner, to judge what arrives
    std::shared_ptr<const std::vector<PeerId>> fixed_roll;  // everybody for ever, ascending; null: agreed on
};

// Inputs besides messages and timers.
struct PeerUp { PeerId peer; };
struct PeerDown { PeerId peer; };
struct Undelivered { PeerId to; std::uint32_t ticket; };  // the transport gave these parameters up
struct Finish {  // the run is over: merge what there is to merge; Finished follows
    bool parting = false;  // for us alone: others train on. One exchange, so that what was trained since the last is not lost
};
struct Halt {};    // we leave: start nothing, decline what comes
struct Collect {   // the model of that member, to be told and not mixed; no exchange sees it
    std::uint32_t serial = 0;  // of whoever asks
    PeerId from;
};
struct Observed {  // on held-out data, just now: for the cluster's figures, no exchange sees it
    double loss = 0;
    std::optional<double> accuracy;
};

// Timers.
struct Due { std::uint64_t turn; };
struct Overdue { std::uint64_t stamp; };        // an exchange of ours, or a round
struct AnswerOverdue { PeerId to; std::uint32_t round; };
struct RollDue {};
struct TallyDue {};
struct FetchDue { std::uint32_t fetch; };
struct SketchDue { std::uint32_t epoch; };
using Timer = std::variant<Due, Overdue, AnswerOverdue, RollDue, TallyDue, FetchDue, SketchDue>;

// Events besides orders to the learner.
struct MixedWith {
    PeerId with{};            // nobody: everybody at once
    std::uint64_t staleness;  // local steps taken between our publishing and this mix
    double distance, norm;    // of theirs to ours, and of ours, before
    std::uint64_t bytes;      // of their parameters
    Duration took;            // from the offer (or the publishing) to the mix
    double weight;            // of theirs
    double taken = 1;         // share of that weight which clipping let pass; 0: nothing was mixed
    std::uint64_t group = 0;  // name of a group in a round, where there are groups; 0: none
};
// no_graph: with nobody. The graph's file is one of another number of peers than this roll's: they train on without mixing.
// clipped: it lies too far off, nothing was mixed.
enum class Failure : std::uint8_t { declined, overdue, undelivered, partner_gone, other_layout, no_graph, clipped };
struct Failed { PeerId with; Failure why; std::uint64_t group = 0; };
struct Skipped {};               // due while one was out
struct RollFormed { std::uint64_t epoch; std::uint32_t size, rank; };
struct TrainedSome { std::uint32_t steps; double loss; };
struct Finished {};
struct Consensus {               // how far the peers' models lie from their mean, as told from sketches of them (sketching.hpp)
    double distance = 0;         // mean over peers of the squared distance
    std::optional<double> relative;  // its square root over the norm of the mean, where that is not 0
    Instant at{};                // when the models were as far apart
};
struct Tallied {                 // the cluster's figures, of an epoch that is over (tallier.hpp)
    std::uint32_t epoch;
    std::optional<double> loss, accuracy, worst_accuracy;
    std::optional<Consensus> consensus;  // the last that was found: not every epoch looks for it
};
struct Fetched {                 // a newcomer's model is the others' now; or that was not to be had, and it catches up as it can
    bool whole = false;
    std::uint32_t donors = 0;    // that it came from
    std::uint32_t pieces = 0;
    std::uint64_t bytes = 0;     // of parameters
    Duration took{};             // from the start of the peer
};
struct Collected {               // the model of a member, for who asked with Collect; in pieces, in order. None: it was not to be had
    std::uint32_t serial = 0;
    PeerId from;
    std::shared_ptr<const std::vector<Snapshot>> pieces;
};
using Event = std::variant<Order, MixedWith, Failed, Skipped, RollFormed, TrainedSome, Finished, Tallied, Fetched, Collected>;

// How peers' parameters meet. The gossip of this project and the baselines it is measured against are all
// exchanges; a run differs from another in nothing but which one it was given.
//
// Every exchange also keeps its learner at work: it orders training, and decides when that waits.
class Exchange {
public:
    using Message = gossip::Message;
    using Input = std::variant<Start, PeerUp, PeerDown, Received<Message>, Woken<Timer>, Undelivered, Completion, Finish, Halt>;
    using Out = grapevine::Out<Message, Timer, Event>;
    using Effects = grapevine::Effects<Message, Timer, Event>;

    virtual ~Exchange() = default;
    virtual void step(Instant now, Input&& input, const Company& company, Out& out) = 0;

    virtual Slot slots() const { return 1; }  // that its learner must have, the model included

    // A newcomer that has not caught up: there is nothing to be had from it.
    virtual bool catching_up() const { return false; }
    // Its model is the others' now, and so many samples stand behind it: it has caught up. After Start, of those that fetches() holds for.
    virtual void fetched(Instant, double /*samples*/, Out&) {}

    // Push-sum: how much of the cluster's mass lies here, and how much is known to be lost. Others hold 1 and lose none.
    struct Mass {
        double held = 1, lost = 0;
    };
    virtual Mass mass() const { return {}; }
};

// `self` is in the fixed roll where there is one. The config, which many may share, outlives the exchange.
std::unique_ptr<Exchange> make_exchange(const Config& config, PeerId self, Random random);
std::unique_ptr<Exchange> make_exchange(const Config&&, PeerId, Random) = delete;

// Why this configuration cannot run; nothing where it can. Also says no to combinations that need one clock for
// all peers where there is none.
std::optional<std::string> refused(const Config& config, bool common_clock);
// Why it runs, but not well.
std::optional<std::string> doubtful(const Config& config);

// By how much an outer step multiplies the spread of the slow weights on average, without training: the spectral radius
// of the second moments of (distance from the mean, momentum). In random groups of `size` out of `peers`; 0: very many.
double outer_factor(double momentum, double rate, std::uint32_t size, std::uint64_t peers = 0);

// The partner of place `i` among `n` in the perfect matching of a round, by a keyed permutation p: the place j
// with p(j) = p(i) xor 1. With n odd one place a round has none.
std::optional<std::uint64_t> matched(std::uint64_t i, std::uint64_t n, std::uint64_t seed, std::uint64_t round);

// How much of theirs a peer takes: 1/2, unless one model has more than twice the other's samples behind it
// (a newcomer); then by samples.
double mixing_weight(double ours_samples, double theirs_samples);

}  // namespace grapevine::gossip
