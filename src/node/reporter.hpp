#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "grapevine/config/config.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/node/node.hpp"
#include "grapevine/peer/peer.hpp"
#include "grapevine/record/run_files.hpp"
#include "grapevine/record/tensorboard.hpp"
#include "history.hpp"
#include "journal.hpp"
#include "local_nodes.hpp"
#include "log.hpp"
#include "metadata.hpp"
#include "metrics.hpp"
#include "partners.hpp"
#include "sharding.hpp"
#include "status_pages.hpp"
#include "status_server.hpp"
#include "workshop.hpp"

namespace grapevine::node {

// What a node says of itself: lines on stderr, the files of its run, the status port.
class Reporter {
public:
    // All it needs to know about the node; none of it is kept.
    struct View {
        double t = 0;                       // seconds since the node started
        const Peer* peer = nullptr;
        const membership::Book* book = nullptr;
        net::Counters traffic;
        Workshop::Times times;
        const char* phase = "running";
        std::optional<double> checkpoint_age{};  // seconds
        std::uint64_t checkpoints_failed = 0;
    };

    Reporter(const Options& options, const config::Config& config, const Contact& self, std::uint64_t run,
             const std::string& device, const Metadata& metadata);
    ~Reporter();
    std::optional<record::Error> open(Desk& desk);  // files, status port; the desk outlives us

    void told(const View& view, const Peer::Event& event);
    void evaluated(const Evaluation& evaluation, std::uint64_t steps);
    void used(double samples);              // learnt from, by an order that is done
    void dealt(const View& view, const Sharding::Deal& deal, std::size_t all);  // rows to train on, of so many
    void shared(std::size_t all) { all_rows_ = all; }       // the data are the run's, of so many rows: what others say of theirs counts
    std::uint64_t refused();                // parameters that were no numbers; how often so far
    void sample(const View& view);          // a line of metrics.jsonl, the status pages, now and then a line of log
    void leaving() { journal_.leave(); }
    void finish(const View& view, bool reached_target);  // summary.json and the report

    void belongs_to(std::uint64_t run) { run_ = run; }
    void go_on_from(std::uint64_t steps) { steps_ = steps; }  // of a checkpoint
    std::string members(const View& view) const;  // JSON, as of now
    std::string info(const View& view) const;
    std::string links(const View& view) const;
    Partners& partners() { return partners_; }
    std::string metadata();

    std::uint16_t status_port() const { return status_ ? status_->port() : 0; }
    const std::string& directory() const { return directory_; }
    const Evaluation& last_evaluation() const { return evaluation_; }
    std::uint64_t steps() const { return steps_; }

private:
    struct Said {           // an event, to people
        Level level;
        const char* area;
        std::string text;
        bool logged = true;     // else only who watches the node is told
    };
    std::optional<Said> words_for(const View& view, const Peer::Event& event);
    bool changed_for_people(const View& view, const membership::Changed& changed);
    void log_event(const Said& said, const std::optional<record::RunEvent>& event);
    void write_down(record::RunEvent line, const Said& said, bool often);
    void show(const View& view, const record::Sample& sample);
    StatusFacts facts(const View& view) const;
    Metadata metadata_now() const;
    StatusFacts::Rates rates() const;
    std::string name_of(PeerId id, const View& view) const;
    void fault();
    record::Sample sample_of(const View& view) const;
    History::Point point_of(const record::Sample& sample) const;
    void log_training(const View& view);
    std::string quality() const;            // of the model, to people

    const Options& options_;
    const config::Config& config_;
    Contact self_;
    std::uint64_t run_;
    std::string device_, directory_;
    Metadata metadata_;                     // what of it does not change
    Journal journal_;
    History history_;
    Partners partners_;
    std::optional<record::RunFiles> files_;
    std::optional<record::EventFile> event_file_;
    std::unique_ptr<StatusServer> status_;
    std::unique_ptr<Announcement> announcement_;

    std::uint64_t steps_ = 0, steps_evaluated_at_ = 0, steps_logged_ = 0, mixes_ = 0, failures_ = 0, skipped_ = 0, refused_ = 0, clipped_ = 0;
    double samples_ = 0, epochs_ = 0;
    std::size_t all_rows_ = 0;              // of the run's data; 0: everybody has its own
    double uses_ = 0, uses_over_ = 0, uses_at_ = 0;  // of a row in a pass: summed over the seconds so far
    double loss_ = 0;
    bool evaluated_ = false;
    Evaluation evaluation_;
    double distance_ = 0;                   // relative, of the last mix
    std::uint64_t staleness_ = 0;
    record::ExchangeTally tally_;
    Durations took_;                        // of exchanges
    MemberEvents happened_;
    std::vector<record::Sample> evaluations_;  // the last five
    double mix_logged_at_ = -1e9, train_logged_at_ = 0, samples_logged_ = 0;
    std::map<PeerId, PeerId> accusers_;     // of those that are suspected now
    std::set<PeerId> degraded_;
    bool degraded_self_ = false;
    struct Reading {                        // of what is counted, for rates
        double t, samples;
        net::Counters traffic;
        Workshop::Times times;
    };
    std::deque<Reading> readings_;
    double t_ = 0;                          // of the last we were told
    std::uint32_t lines_this_second_ = 0, lines_left_out_ = 0;  // about members
    double second_began_ = -1e9;
    std::optional<record::Sample> first_, last_;
    std::optional<double> target_at_, target_samples_, target_bytes_;
};

}  // namespace grapevine::node
