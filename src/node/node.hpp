#pragma once

#include <memory>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "admission.hpp"
#include "alarms.hpp"
#include "checkpoints.hpp"
#include "desk.hpp"
#include "greeting.hpp"
#include "grapevine/chronicle/recording.hpp"
#include "grapevine/gossip/exchange.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/node/node.hpp"
#include "grapevine/peer/peer.hpp"
#include "pulling.hpp"
#include "reporter.hpp"
#include "search.hpp"
#include "sharding.hpp"
#include "workshop.hpp"

namespace grapevine::node {

// One process: a socket, a clock, a learner in its thread, and a peer that decides.
//
//   Looking --a greeting, or alone with a file--> Running --until, steps, target--> Finishing --merged--> Leaving --> end
//      |                                             |                                                       ^
//      +-- incompatible: exit 5                      +--------------SIGTERM, ^C------------------------------+
//
// The loop waits for one of: a frame, an order done, a timer due. Whatever it is becomes an input of the peer,
// and what the peer wants is carried out.
class Node {
public:
    Node(const Options& options, const std::atomic<bool>& stop);
    ~Node();
    End run();

private:
    // --- finding the run (joining.cpp) ---
    std::optional<End> open_transport();
    std::optional<End> look_for_cluster();                 // fills found_ and config_
    std::optional<End> read_checkpoint();                  // to go on from
    std::optional<End> prepare();                          // data, learner, peer
    std::optional<End> choose_device(std::unique_ptr<kernels::Backend>& backend);
    std::optional<End> hello(const net::Hello& hello);     // while running
    std::optional<End> other_version(const net::OtherVersion& other) const;
    void greet_seeds();
    void greet_found();
    void lament(const std::string& what);
    void wait_for_peers();
    void look_around();
    Greeting greeting() const;
    std::optional<End> refused_by(const Greeting& other) const;
    void show_greeting();
    void meet(const Greeting& other);

    // --- whether parameters get through (bulk_ways.cpp) ---
    void echoed(const net::Echoed& echo);

    // --- whether we can be dialled (dialable.cpp) ---
    void know(membership::Handle record);                  // its address, where it can be dialled
    void look_for_a_way(membership::Handle record);        // to it, where the exchange may want one
    void ask_whether_dialable();                           // a member; asked again now and then, and when our address has changed
    void dialled_back(const net::DialledBack& answer);

    void look_at_the_clock();                              // clock.cpp

    // --- whom we let in (admitting.cpp) ---
    void greet(const std::string& seed);
    bool speaks_for_itself(const net::Hello& hello, const Greeting& greeting) const;
    void look_at_the_list();

    // --- what it trains on (data.cpp), how much at a time (batch.cpp) ---
    void settle_shards();
    std::optional<End> load_data();                        // task_
    learn::Figures figures_of_checkpoint() const;
    void describe_data(Greeting& greeting) const;
    std::vector<std::uint32_t> choose_rows();              // and whether they change hands
    std::vector<std::uint32_t> rows_at_first();
    void take_no_rows();
    std::optional<End> choose_batch(config::Config& mine, const std::vector<std::uint32_t>& rows);

    // --- what people ask (asked.cpp) ---
    void asked(Desk::Asked&& asked);
    void measure_next(std::size_t i);
    void measured(const membership::Measured& measured);
    void greeted(const std::string& endpoint, const std::string& who, const std::string& why_not);
    void answer_what_is_due();
    void model_wanted(const ShowModel& wish, Reply&& reply);  // pulling.cpp
    void go_on_pulling();
    bool go_on(Pull& pull);
    void collected(gossip::Collected&& collected);
    Answer file_of(const Snapshot& whole, std::size_t models);
    void answer_at_the_end();
    std::variant<PeerId, Answer> member_called(const std::string& who, bool absent_first = false) const;

    // --- the loop (node.cpp) ---
    Instant now() const;
    End loop();
    void tidy_book();
    void catch_up();
    void reshard();
    void take(net::Inbound&& inbound);
    void take(Workshop::Done&& done);
    void step(Peer::Input&& input);
    void send(PeerId to, const Peer::Message& message);
    void tell(Peer::Event&& event);
    void look_for_agreement(const Peer::Event& event);
    void settle_model(bool given);
    void begin_finish(const std::string& why);
    void begin_leave();
    void check_the_end();
    Reporter::View view() const;
    End end() const;
    void evaluate_at_the_end();
    void save_model();
    void keep_checkpoint();
    void keep_identity();

    static constexpr std::size_t most_records = std::size_t{1} << 18;  // twice as many as members are let in

    Options options_;
    const std::atomic<bool>& stop_;
    std::unique_ptr<Admission> admission_;  // null without keys
    Instant next_look_at_list_{};         // of whom we let in
    PeerId id_;
    std::unique_ptr<net::Transport> transport_;
    std::optional<config::Config> config_;
    std::optional<learn::Checkpoint> resumed_;  // what we go on from
    std::optional<Greeting> found_;       // the node through which we join
    bool provisional_ = false;            // the run was begun by somebody who was told of seeds: it gives way to another
    std::uint64_t run_id_ = 0;
    double elapsed_before_ = 0;           // of the run, when our clock started
    Search search_;
    std::set<std::string> awaited_;       // greeted, and neither an answer nor none so far
    Instant next_greeting_{};
    std::uint32_t greetings_ = 0;         // rounds of them
    Instant last_lament_{};
    std::vector<std::string> missing_;    // what sources said last of why they gave nothing
    bool met_ourselves_ = false;          // among the seeds: said once
    std::set<std::string> strangers_;     // seeds that belong to another run: said once
    std::optional<std::vector<Order>> held_;  // until enough others are there
    Instant next_ask_back_{};
    std::set<std::string> said_of_;       // who like us can only dial out: said once
    int not_reached_ = 0;                 // members, one after the other, that could not dial us
    Instant next_look_{};                 // for our own address
    bool cut_off_ = false;                // it is gone
    Instant next_look_at_clock_{};
    std::int64_t clock_told_ = 0;         // what the wall clock shows at Instant{}, ns
    Duration clock_said_{};               // how far ahead the others' were when that was said; 0: no second

    std::shared_ptr<const learn::Task> task_;
    std::unique_ptr<Learner> learner_;
    std::atomic<bool> has_model_ = false;  // else it fetches the others', and its parameters are nothing yet
    std::optional<Encoding> encoding_;  // of this run's parameters on their way; none: the learner's
    std::uint32_t part_ = 0;              // of the data, or in whose order they are
    std::optional<Sharding> sharding_;    // where blocks of them change hands
    std::shared_ptr<const std::vector<std::uint32_t>> dealt_;  // not taken up by the learner yet, as far as we know
    std::atomic<bool> deal_asked_ = false, deal_missed_ = false;  // it came in the middle of a step
    std::string device_;                  // what it computes on, for people
    Metadata metadata_;                   // what of it does not change
    std::unique_ptr<Checkpoints> checkpoints_;  // outlives the workshop's thread, which hands them over
    std::unique_ptr<Workshop> workshop_;
    membership::Book book_{most_records, admission_.get()};
    std::size_t records_in_use_ = 0;      // when the book was last tidied
    PeerConfig peer_config_;
    std::unique_ptr<Peer> peer_;
    std::optional<chronicle::Recorder> recorder_;  // where one was asked for
    Desk desk_{[this] { transport_->wake(); }};
    Peer::Effects effects_;
    Alarms alarms_;
    std::unique_ptr<Reporter> reporter_;

    // Questions whose answers take a while.
    struct Trip {
        PeerId from, to;
        std::uint32_t serial, wanted;
        std::uint32_t sent = 0, silent = 0;  // silent: one after the other
        std::vector<double> taken;           // seconds
        Reply reply;
    };
    struct Greeted {
        struct Outcome {
            std::string who, why_not;        // one of them
        };
        std::vector<std::pair<std::string, std::optional<Outcome>>> seeds;
        Instant until;
        Reply reply;
    };
    std::vector<Pull> pulls_;
    std::vector<std::weak_ptr<const void>> streamed_;  // models on their way to readers, who may be slow
    std::vector<Trip> trips_;
    std::vector<Greeted> greeted_;
    std::vector<membership::Measured> measured_;  // told while a step was carried out
    std::vector<Reply> leave_asked_;
    std::uint32_t serial_ = 0;

    enum class Phase { running, finishing, leaving, gone } phase_ = Phase::running;
    Instant next_checkpoint_{};
    std::atomic<bool> checkpoint_asked_ = false, checkpoint_missed_ = false;  // it came in the middle of a step
    std::optional<End> broken_;           // nothing is said any more
    bool device_lost_ = false;            // we leave, with a word to the others
    Instant next_evaluation_{}, next_sample_{}, leave_by_{}, finish_by_{};
    Instant evaluate_by_{};               // though nothing is agreed on until then
    bool agrees_ = false;                 // the exchange makes all agree on one model, and last did
    bool evaluating_ = false, evaluation_waits_ = false;  // the latter: for the next model that is agreed on
    bool sample_waits_ = false;           // for the evaluation
    int target_hits_ = 0;
    bool target_reached_ = false;
    bool told_to_leave_ = false;
    bool superseded_ = false;             // a later process bears our name
    std::uint64_t generation_kept_ = 0;   // in a file
};

}  // namespace grapevine::node
