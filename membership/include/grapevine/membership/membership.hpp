#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "grapevine/company.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/membership/messages.hpp"
#include "grapevine/membership/roster.hpp"
#include "grapevine/membership/rumor_queue.hpp"
#include "grapevine/protocol.hpp"
#include "grapevine/random.hpp"

namespace grapevine::membership {

struct Config {
    // One probe a period. Shorter finds the dead sooner; costs about two small messages a period.
    Duration period = std::chrono::seconds(1);
    // Upper clamp of the per-peer time-out (mean + 4 deviations of the round trip), and its value before
    // the first sample. Set it above the slowest honest round trip.
    Duration probe_timeout = std::chrono::milliseconds(500);
    std::uint32_t indirect = 3;  // helpers asked when a direct probe fails
    bool suspicion = true;       // off: a failed probe is a verdict at once
    double alpha = 4, beta = 6;  // suspicion lasts alpha log10(n) periods at least, beta times that at most
    // Lifeguard's parts (Dadgar, Phillips, Currey 2017).
    bool local_health = true, dogpile = true, buddy = true, nacks = true;
    Duration gossip_every = std::chrono::milliseconds(200);  // ticks only while there is something to tell
    std::uint32_t gossip_to = 3;
    std::uint32_t lambda = 4;                // each rumor is told lambda ceil(log10(n+1)) times
    Duration sync_every = std::chrono::seconds(30);  // anti-entropy; longer in clusters above 32, by log2
    std::size_t rumor_cap = 4096;            // rumors kept; enforced on entry
    Duration forget_dead = std::chrono::hours(24);
    std::size_t rumor_bytes = 1000;          // budget of one message for its rumors, as the wire counts them
    bool probing = true;                     // off ("static"): everyone is known from the start
};

// Inputs besides messages and timers.
struct Met {  // somebody answered at an address we were given: join the cluster through it
    Handle who;
};
struct Leave {};  // say goodbye; Departed follows

// Timers.
struct ProbeDue {};
struct DirectOverdue { std::uint32_t round; };  // the probed member has not answered: ask others
struct NackDue { std::uint32_t relay; };
struct SuspicionDue { PeerId about; Instant since; };
struct GossipDue {};
struct JoinDue {};
struct SyncDue {};
using Timer = std::variant<ProbeDue, DirectOverdue, NackDue, SuspicionDue, GossipDue, JoinDue, SyncDue>;

// Events.
struct Joined { PeerId peer; Handle record; };   // it is one of us (again): its contact can be looked up
struct ProbeFailed { PeerId peer; };             // neither it nor a helper answered within the period
struct Suspected { PeerId peer; PeerId accuser; };
struct Refuted { PeerId peer; };                 // a suspicion that proved wrong
struct Gone { PeerId peer; Standing why; };      // dead or left
struct Departed {};                              // our own leave has been told; the driver may stop
using Event = std::variant<Joined, ProbeFailed, Suspected, Refuted, Gone, Departed>;

// Round trips of the members probed lately: mean and mean deviation, as TCP reckons them (RFC 6298).
class RoundTrips {
public:
    void heard(PeerId peer, Duration sample);
    // mean + 4 deviations, between 50 ms and `most`; `most` for who was not probed lately
    Duration timeout(PeerId peer, Duration most) const;
    std::optional<Duration> mean(PeerId peer) const;

private:
    struct Entry { PeerId peer; Duration mean; Duration deviation; };
    static constexpr std::size_t kept = 64;
    std::vector<Entry> entries_;  // ring: the oldest is overwritten
    std::size_t next_ = 0;
};

// When a suspicion that began `elapsed` ago with `confirmations` further accusers ends, from now; may be
// negative. K = 0 gives min. (Lifeguard's dogpile; memberlist suspicion.go has the same vectors.)
Duration remaining_suspicion(std::uint32_t confirmations, std::uint32_t k, Duration elapsed, Duration min, Duration max);
// alpha max(1, log10 n) periods
Duration shortest_suspicion(std::size_t n, double alpha, Duration period);
// lambda ceil(log10(n + 1))
std::uint32_t telling_limit(std::size_t n, std::uint32_t lambda);

// Who is here. SWIM (Das, Gupta, Motivala 2002) with Lifeguard's additions. A member is, in our view:
//
//              heard of, or its own higher incarnation
//     (unknown) ------------> alive <------------------+------------------------+
//                             |  ^                     |                        |
//    a probe of ours failed,  |  | higher incarnation  | higher incarnation     | higher incarnation
//    or an accuser told us    v  | (it refuted)        |                        |
//                           suspect ---time is up---> dead -- forgotten after 24 h
//                             |                        |
//                             +----- it said so -----> left (never becomes dead)
//
// and one probe of ours goes: Ping -> (time-out) -> PingRequest to k helpers -> (period over) -> suspect.
class Membership {
public:
    using Message = membership::Message;
    using Input = std::variant<Start, Met, Received<Message>, Woken<Timer>, Leave>;
    using Out = grapevine::Out<Message, Timer, Event>;
    using Effects = grapevine::Effects<Message, Timer, Event>;

    // `known`: records that are members from the start. The book outlives the membership.
    Membership(Book& book, Handle self, const Config& config, Random random, const std::vector<Handle>& known = {});

    void step(Instant now, Input&& input, Out& out);
    void receive(Instant now, PeerId from, const Message& message, Out& out);
    void wake(Instant now, const Timer& timer, Out& out);

    const Roster& roster() const { return roster_; }
    Handle self() const { return self_; }
    PeerId id() const { return id_; }
    std::uint32_t local_health() const { return health_; }  // 0 well .. 8 much in doubt
    std::size_t rumors_waiting() const { return rumors_.size(); }
    const RoundTrips& round_trips() const { return round_trips_; }
    bool leaving() const { return leaving_; }

private:
    struct Probe {
        std::uint32_t round = 0;
        PeerId target{};
        Instant sent{};
        bool answered = true;  // nothing is out
        bool helped = false;   // helpers were asked
        std::uint32_t helpers = 0, nacks = 0;
    };
    struct Relay {  // a probe that we make for somebody else
        std::uint32_t round;       // ours
        PeerId asker;
        std::uint32_t their_round;
        Instant expires;
    };
    struct Suspicion {
        PeerId about;
        Instant since, ends;
        std::uint32_t k;
        std::vector<PeerId> accusers;
    };
    struct Departure {
        Instant at;
        PeerId peer;
    };

    void start(Instant now, Out& out);
    void meet(Instant now, Handle who, Out& out);
    void leave(Instant now, Out& out);

    void probe(Instant now, Out& out);
    void conclude_probe(Instant now, Out& out);
    void ask_helpers(std::uint32_t round, Out& out);
    void answered(Instant now, PeerId from, std::uint32_t round, Out& out);
    void relay_probe(Instant now, PeerId asker, const PingRequest& request, Out& out);
    std::optional<PeerId> next_target();
    void contact_the_dead(Out& out);

    void hear(Instant now, const Rumor& rumor, bool hearsay, Out& out);
    void hear_about_self(const Rumor& rumor);
    void accuse(Instant now, PeerId about, PeerId accuser, Out& out);
    void suspicion_due(Instant now, const SuspicionDue& due, Out& out);
    void end_suspicion(PeerId about);
    void bury(Instant now, PeerId about, Standing why, Out& out);

    void spread(const Rumor& rumor, Out& out, Instant now);
    void gossip(Instant now, Out& out);
    void arm_gossip(Instant now, Out& out);
    void sync(Instant now, Out& out);
    std::uint64_t digest() const;  // of all we know, ourselves included
    void send_roster(PeerId to, Out& out);
    void send(PeerId to, decltype(Message::body) body, Out& out, std::optional<Rumor> first = {});
    std::optional<Rumor> news_for(PeerId to) const;  // what it should hear first: that we doubt it
    PeerId accuser_of(PeerId about) const;
    Duration stretched(Duration d) const { return d * (health_ + 1); }
    void doubt_self(int change);
    void forget_old(Instant now);

    Book& book_;
    Handle self_;
    PeerId id_;
    Config config_;
    Random random_;
    Roster roster_;
    RumorQueue rumors_;
    RoundTrips round_trips_;

    Probe probe_;
    std::uint32_t round_ = 0;
    std::vector<Handle> order_;  // of probing: shuffled, each member once a round
    std::size_t next_in_order_ = 0;
    std::vector<Relay> relays_;
    std::vector<Suspicion> suspicions_;
    std::deque<Departure> departed_;  // oldest first

    std::uint32_t health_ = 0;
    bool gossip_armed_ = false;
    bool started_ = false;
    bool leaving_ = false;
    std::uint32_t farewells_ = 0;      // gossip ticks still to come before Departed

    std::vector<Handle> seeds_;        // whom to join through, until welcomed
    std::vector<bool> welcomed_;       // parts of the welcome that came
    bool joining_ = false;
    std::uint32_t join_tries_ = 0;
    Instant next_heal_{};  // not before: asking back somebody who was thought dead
};

}  // namespace grapevine::membership
