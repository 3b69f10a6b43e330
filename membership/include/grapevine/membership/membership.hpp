#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "grapevine/company.hpp"
#include "grapevine/few.hpp"
#include "grapevine/membership/book.hpp"
#include "grapevine/membership/bulk_ways.hpp"
#include "grapevine/membership/flapping.hpp"
#include "grapevine/membership/graveyard.hpp"
#include "grapevine/membership/link_quality.hpp"
#include "grapevine/membership/local_health.hpp"
#include "grapevine/membership/messages.hpp"
#include "grapevine/membership/open_links.hpp"
#include "grapevine/membership/partial_view.hpp"
#include "grapevine/membership/probe_order.hpp"
#include "grapevine/membership/roster.hpp"
#include "grapevine/membership/round_trips.hpp"
#include "grapevine/membership/rumor_queue.hpp"
#include "grapevine/membership/suspicion.hpp"
#include "grapevine/membership/wall_time.hpp"
#include "grapevine/protocol.hpp"
#include "grapevine/random.hpp"

namespace grapevine::membership {

struct Config {
    // One probe a period. Shorter finds the dead sooner; costs about two small messages a period. It stretches to
    // four round trips where links are slower than that.
    Duration period = std::chrono::seconds(1);
    // Upper clamp of the per-peer time-out (mean + 4 deviations of the round trip), and its value before
    // the first sample. Set it above the slowest honest round trip.
    Duration probe_timeout = std::chrono::milliseconds(500);
    std::uint32_t indirect = 3;  // helpers asked when a direct probe fails
    bool suspicion = true;       // off: a failed probe is a verdict at once
    double alpha = 4, beta = 6;  // suspicion lasts alpha log10(n) periods at least, beta times that at most
    // Lifeguard's parts (Dadgar, Phillips, Currey 2017).
    bool local_health = true, dogpile = true, buddy = true, nacks = true;
    bool confirm = true;         // and ours: a verdict of others about whom we do not suspect is a suspicion first
    bool damping = true;         // and ours: who refutes again and again is doubted less often, and not in haste
    Duration gossip_every = std::chrono::milliseconds(200);  // ticks only while there is something to tell
    std::uint32_t gossip_to = 3;
    std::uint32_t lambda = 4;                // each rumor is told lambda ceil(log10(n+1)) times
    Duration sync_every = std::chrono::seconds(30);  // anti-entropy; longer in clusters above 32, by log2
    std::size_t sync_bytes = 256 * 1024;     // that one answer to it may take
    std::size_t rumor_cap = 4096;            // rumors kept; enforced on entry
    std::size_t most_members = 100'000;      // remembered, dead ones included; who comes then is not let in
    Duration forget_dead = std::chrono::hours(24);
    std::size_t rumor_bytes = 1000;          // budget of one message for its rumors, as the wire counts them
    bool probing = true;                     // off ("static"): everyone is known from the start
    // For clusters above about ten thousand: a few neighbours are probed, and some others are known to mix with.
    // The roster then holds the neighbours.
    bool partial = false;
    ViewConfig view{};
    friend bool operator==(const Config&, const Config&) = default;
};

// Inputs besides messages and timers.
struct Met {  // somebody answered at an address we were given: join the cluster through it
    Handle who;
};
struct Describe {  // our record's metadata is to be this; told when it is not too often
    std::string metadata;
    std::string control{}, bulk{};  // where we are reached from now on, which is told at once; empty: as before
};
struct ForceLeave {  // whoever it is will not come back: left, not dead
    PeerId peer;
};
struct Measure {  // the round trip between two members; Measured follows
    std::uint32_t serial;
    PeerId from, to;
};
struct Dialable {  // whether others can dial us, as far as we have found out
    bool yes = true;
};
struct WallClock {  // what the clock on the wall shows at Instant{}, in nanoseconds since 1970: told anew when it is set
    std::int64_t at_zero = 0;
};
struct Echoed {  // what came of an EchoWanted, or of an echo that the driver had reason to send
    PeerId peer;
    Way way = Way::open;  // never doubtful
};
struct Leave {};  // say goodbye; Departed follows

// Timers.
struct ProbeDue {};
struct DirectOverdue { std::uint32_t round; };  // the probed member has not answered: ask others
struct NackDue { std::uint32_t relay; };
struct SuspicionDue { PeerId about; Instant since; };
struct GossipDue {};
struct JoinDue {};
struct SyncDue { std::uint32_t stamp; };
struct MeasureOverdue { std::uint32_t round; };
using Timer = std::variant<ProbeDue, DirectOverdue, NackDue, SuspicionDue, GossipDue, JoinDue, SyncDue, MeasureOverdue>;

// Events.
struct Joined { PeerId peer; Handle record; };   // it is one of us (again): its contact can be looked up
struct Changed { PeerId peer; Handle record; };  // its record did: metadata, whether it is degraded, where it is
struct ProbeFailed { PeerId peer; };             // neither it nor a helper answered within the period
struct Suspected { PeerId peer; PeerId accuser; };
struct Refuted { PeerId peer; };                 // a suspicion that proved wrong
struct Gone { PeerId peer; Standing why; };      // dead or left
struct Reachable { PeerId peer; Handle record; };  // somebody besides the members we may have to write to: its address
struct Unreachable { PeerId peer; };             // no more of it
struct BulkWay { PeerId peer; Way way; };        // whether parameters get through to it and back has changed, as far as we know
struct EchoWanted { PeerId peer; };              // bytes sent to its bulk plane and back would tell; a driver that cannot need not
struct Departed {};                              // our own leave has been told; the driver may stop
struct Superseded { PeerId by; };                // a later process of our name is there: the driver should stop
struct Refused {};                               // somebody with another key bears our name: the driver should stop
struct Measured { std::uint32_t serial; std::optional<Duration> round_trip; };
using Event = std::variant<Joined, Changed, ProbeFailed, Suspected, Refuted, Gone, Reachable, Unreachable, Departed, Superseded, Refused, Measured, BulkWay, EchoWanted>;

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
//                             +----- it said so, ----> left (never becomes dead)
//                                  or its successor
//
// and one probe of ours goes: Ping -> (time-out) -> PingRequest to k helpers -> (period over) -> suspect.
//
// This class joins the parts, which know nothing of each other; its methods lie with the concept they belong to:
// probing.cpp, news.cpp (what is heard), telling.cpp, joining.cpp (and identity), anti_entropy.cpp, healing.cpp,
// degraded.cpp, open_links.cpp, bulk_ways.cpp, measuring.cpp, partial.cpp.
class Membership {
public:
    using Message = membership::Message;
    using Input = std::variant<Start, Met, Received<Message>, Woken<Timer>, Describe, ForceLeave, Measure, Dialable, WallClock, Leave, Echoed>;
    using Out = grapevine::Out<Message, Timer, Event>;
    using Effects = grapevine::Effects<Message, Timer, Event>;

    // `known`: records that are members from the start. The book and the config, which many may share, outlive the membership.
    Membership(Book& book, Handle self, const Config& config, Random random, const std::vector<Handle>& known = {});
    Membership(Book&, Handle, const Config&&, Random, const std::vector<Handle>& = {}) = delete;

    void step(Instant now, Input&& input, Out& out);
    void receive(Instant now, PeerId from, const Message& message, Out& out);
    void wake(Instant now, const Timer& timer, Out& out);
    void unanswered(Instant now, PeerId partner, Out& out);  // an exchange with it came to nothing
    void mixed_with(PeerId partner, Out& out);               // one succeeded
    void heard_directly(Instant now, PeerId from);           // anything: its link to us is open
    bool reaches(PeerId peer) const;                         // a member that can be dialled, or has a link open

    Way bulk_way(PeerId peer) const { return occasional_ ? occasional_->bulk.of(peer) : Way::open; }
    std::size_t bulk_unreachable() const { return occasional_ ? occasional_->bulk.unreachable() : 0; }  // members

    // Whom to mix with. In partial mode that is who is in the view, neighbours or not.
    const Company& company() const { return view_ ? static_cast<const Company&>(*view_) : roster_; }
    const PartialView* view() const { return view_ ? &*view_ : nullptr; }
    const Roster& roster() const { return roster_; }
    Handle self() const { return self_; }
    PeerId id() const { return id_; }
    std::uint32_t local_health() const { return health_.score(); }  // 0 well .. 8 much in doubt
    std::size_t rumors_waiting() const { return rumors_.size(); }
    const Config& config() const { return config_; }
    const RoundTrips& round_trips() const { return round_trips_; }
    std::optional<Duration> others_ahead() const { return wall_time_ ? wall_time_->others_ahead() : std::nullopt; }  // by their clocks; nothing: not known
    bool leaving() const { return leaving_; }
    void mark(std::vector<bool>& used) const;  // the handles that are in use, for Book::keep_only

private:
    struct Probe {
        PeerId target{};
        Instant sent{};
        std::uint32_t round = 0;
        bool answered = true;  // nothing is out
        bool helped = false;   // helpers were asked
        bool direct = true;    // we pinged it ourselves
        std::uint8_t helpers = 0, nacks = 0;
    };
    struct Relay {  // a probe that we make for somebody else
        std::uint32_t round;       // ours
        PeerId asker;
        PeerId target;
        std::uint32_t their_round;
        Instant expires;
    };
    struct Measurement {
        std::uint32_t round;       // of our ping
        std::uint32_t serial;      // of who asked
        PeerId asker;              // ourselves: the driver
        Instant sent;
    };
    struct DoubtfulLink {          // it answers others and not us
        PeerId peer;
        std::uint32_t failures;    // in a row, of the pings below
        std::uint32_t round;       // of the last ping
    };
    struct Answered {              // whom we told much, and when
        PeerId peer;
        Instant at;
    };
    // What a peer in a calm and large cluster is without most of the time: apart, and only while there is something of it.
    // (With full views there always is.)
    struct Occasional {
        Suspicions suspicions;
        Graveyard graveyard;
        Complaints complaints;
        Flapping flapping;
        OpenLinks open_links;
        BulkWays bulk;
        Calls calls;
        std::vector<Relay> relays;
        std::vector<Measurement> measurements;
        std::vector<DoubtfulLink> doubtful;
        std::vector<Handle> seeds;            // whom to join through
        std::vector<bool> welcomed;           // parts of the welcome that came
        std::uint32_t join_tries = 0;
        std::uint32_t farewells = 0;          // gossip ticks still to come before Departed
        PeerId successor{};                   // of our name, as others say
        std::vector<Answered> answered;       // ring
        std::size_t next_answered = 0;
        std::optional<std::string> metadata;  // that our record should carry; none: what it does
        Instant described_at{};               // when our record was last changed of our own will
        Instant next_heal{};                  // not before: asking back somebody who was thought dead
        std::uint32_t sync_stamp = 0;
        Instant next_sync{};
        Instant born{};                       // with full views

        bool over(Instant now, Duration period) const;  // nothing of it matters any more
    };
    Occasional& occasional() {
        if (!occasional_) occasional_ = std::make_unique<Occasional>();
        return *occasional_;
    }
    Suspicion* suspicion_of(PeerId about) const { return occasional_ ? occasional_->suspicions.find(about) : nullptr; }
    void end_suspicion(PeerId about) {
        if (occasional_) occasional_->suspicions.end(about);
    }

    void woken_late(Instant now);
    void start(Instant now, Out& out);

    // joining.cpp
    void meet(Instant now, Handle who, Out& out);
    void join_again(Instant now, Out& out);
    void join_asked(Instant now, PeerId from, const Message& message, Out& out);
    void welcomed(Instant now, const Welcome& part, Out& out);
    void send_roster(PeerId to, Out& out);
    bool told_lately(Instant now, PeerId peer);
    enum class Claim { fine, outdated, taken };
    Claim claim(Instant now, Handle about, Out& out);
    bool claimed_by(Instant now, Handle namesake, Out& out);
    void successor_speaks(PeerId from, Out& out);  // if `from` is one

    // probing.cpp
    void probe(Instant now, Out& out);
    void conclude_probe(Instant now, Out& out);
    void ask_helpers(std::uint32_t round, Out& out);
    std::vector<PeerId> helpers_for(PeerId target);
    std::optional<Rumor> about_target() const;
    void pinged(Instant now, PeerId from, const Ping& ping, Out& out);
    void answered(Instant now, PeerId from, const Ack& ack, Out& out);
    Ack ack(Instant now, std::uint32_t round) const;
    void relay_probe(Instant now, PeerId asker, const PingRequest& request, const Message& message, Out& out);
    void nack(std::uint32_t relay, Out& out);
    Duration period() const;  // four round trips at least, and longer when in doubt

    // news.cpp
    void hear(Instant now, PeerId from, const Rumor& rumor, bool hearsay, Out& out);
    void hear_about_self(Instant now, const Rumor& rumor, Out& out);
    void hear_about_stranger(Instant now, const Rumor& rumor, bool hearsay, Out& out);
    void remember_dead(Instant now, Handle record);
    void comes_back(Instant now, Handle record, Out& out);
    void accuse(Instant now, PeerId about, PeerId accuser, Out& out);
    bool flaps(Instant now, Handle record) const;
    void suspicion_due(Instant now, const SuspicionDue& due, Out& out);
    void bury(Instant now, PeerId about, Standing why, Out& out);
    void change_self(Instant now, const Record& record, Out& out);  // under a higher incarnation

    // telling.cpp
    void spread(Instant now, const Rumor& rumor, Out& out, bool urgent = false);
    void gossip(Instant now, Out& out);
    void leave(Instant now, Out& out);
    void send(PeerId to, decltype(Message::body) body, Out& out, std::optional<Rumor> first = {});
    std::optional<Rumor> news_for(PeerId to) const;  // what it should hear first: that we doubt it
    Rumor rumor_of(const Roster::Entry& entry) const;
    Rumor about_self() const { return {self_, leaving_ ? Standing::left : Standing::alive, {}}; }

    // anti_entropy.cpp
    void sync(Instant now, Out& out);
    std::uint64_t digest() const;  // of all we know, ourselves included
    void compare(PeerId from, const Sync& theirs, Out& out);
    void compare(Instant now, PeerId from, const Known& theirs, Out& out);
    void arm_sync(Instant at, Out& out);  // the only one that counts from now on
    void sync_within(Instant now, double periods, Out& out);
    void send_records(PeerId to, std::uint8_t bits, const Mask& mask, Out& out);

    // healing.cpp
    void forget_old(Instant now, Out& out);
    void contact_the_dead(Out& out);

    // degraded.cpp
    void judge_links(Instant now, Out& out);
    void link_failed(PeerId peer);
    void link_works(PeerId peer);
    void try_doubtful_links(Out& out);
    bool doubtful_link_answered(PeerId from, std::uint32_t round);

    // partial.cpp
    class ViewEffects;
    void enter_view(Out& out);
    void tend_view(Instant now, Out& out);
    void receive(Instant now, PeerId from, const ViewMessage& message, Out& out);
    bool heard_from_the_dead(Instant now, PeerId from, const Message& message, Out& out);
    void stranger_pinged(Instant now, PeerId from, Out& out);
    void hear_of_nobody_of_ours(Instant now, const Rumor& rumor, Out& out);
    void tell_of_the_dead();
    void reach_target(const Message& message, PeerId target, Out& out);
    void lose_target(PeerId target, Out& out);
    void enter_through(Instant now, Handle contact, Out& out);
    void welcome_back(Instant now, Handle record, Out& out);
    void forget_partner(PeerId partner, Out& out);
    void no_neighbour_more(Instant now, PeerId peer, Out& out);

    // open_links.cpp
    void link_is_shut(PeerId peer);
    void tend_links(Instant now, Out& out);
    void dialable(Instant now, bool yes, Out& out);

    // bulk_ways.cpp
    void echoed(Instant now, const Echoed& echo, Out& out);
    void tend_bulk_ways(Instant now, Out& out);

    // measuring.cpp
    void measure(Instant now, const Measure& measure, Out& out);
    void measure_for(Instant now, PeerId asker, std::uint32_t serial, PeerId to, Out& out);
    void measured(Instant now, std::uint32_t round, bool answered, Out& out);
    std::size_t measuring() const { return occasional_ ? occasional_->measurements.size() : 0; }

    std::size_t members() const { return roster_.present() + 1; }

    // What every step looks at comes first, and together.
    Book& book_;
    const Config& config_;
    PeerId id_;
    Instant last_step_{};
    Instant last_heard_{};             // anything from anybody
    Handle self_;
    std::uint32_t round_ = 0;
    bool gossip_armed_ : 1 = false;
    bool started_ : 1 = false;
    bool leaving_ : 1 = false;
    bool joining_ : 1 = false;         // until welcomed
    bool join_armed_ : 1 = false;      // a JoinDue will come
    bool settled_ : 1;                 // welcomed once, or a member from the start
    std::uint8_t view_rounds_ = 0;
    LocalHealth health_;
    std::unique_ptr<Occasional> occasional_;
    std::unique_ptr<WallTime> wall_time_;  // where the driver tells it
    Probe probe_;
    Random random_;
    RumorQueue rumors_;
    ProbeOrder order_;
    LinkQuality links_;
    RoundTrips round_trips_;
    Roster roster_;
    std::uint32_t passed_strangers_ = 0;  // so many of them it wrote to in the round before this one, or earlier
    Few<Handle, 4> strangers_;            // in neither view, to whom it wrote
    std::optional<PartialView> view_;
};

}  // namespace grapevine::membership
