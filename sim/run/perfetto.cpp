// A run in Chrome's Trace Event Format ("Trace Event Format", Duca and Sinclair, Google), the object form.
//
//   process 1  peers: a thread each. Slices are what its learner does (training, mixing, waiting, paused) and, of no length
//              inside of them, messages: a flow goes from where one is sent to where it arrives
//   process 2  the cluster: counters of what is measured, instants of what the scenario does
//
// Times in the file never go back. Slices are therefore begun and ended, not written as a whole when they are over.
#include <map>
#include <vector>

#include "grapevine/record/format.hpp"
#include "grapevine/record/growing_file.hpp"
#include "grapevine/sim/run/onlooker.hpp"
#include "grapevine/sim/story.hpp"
#include "grapevine/sim/world.hpp"
#include "json_text.hpp"

namespace grapevine::sim {

namespace {

constexpr int peers = 1, cluster = 2;  // processes

class Perfetto final : public Onlooker {
public:
    Perfetto(const std::string& path, const Window& window, std::uint64_t most_bytes) : file_(path), window_(window), most_bytes_(most_bytes) {
        file_.put("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
                  "{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"peers\"}},\n"
                  "{\"ph\":\"M\",\"pid\":2,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"cluster\"}},\n"
                  "{\"ph\":\"M\",\"pid\":2,\"tid\":0,\"name\":\"process_sort_index\",\"args\":{\"sort_index\":-1}}");
    }

    void born(Instant now, std::uint32_t peer, const Birth& birth) override {
        const bool shown = advance(now);
        const std::string name = birth.book.at(birth.self).contact.name;
        if (tracks_.size() <= peer) tracks_.resize(peer + 1);
        tracks_[peer].name = name;
        tracks_[peer].up = true;
        numbers_[name] = peer;
        if (closed_) return;
        file_.put(",\n{\"ph\":\"M\",\"pid\":1,\"tid\":" + std::to_string(peer + 1) + ",\"name\":\"thread_name\",\"args\":{\"name\":" +
                  quoted(name + " (" + short_name(id_of(peer)) + ")") + "}}");
        file_.put(",\n{\"ph\":\"M\",\"pid\":1,\"tid\":" + std::to_string(peer + 1) + ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":" + std::to_string(peer) + "}}");
        if (shown) show(now, peer);
    }
    void stopped(Instant now, std::uint32_t peer) override {
        const bool shown = advance(now);
        tracks_[peer].up = false;
        if (shown) show(now, peer);
    }
    void paused(Instant now, std::uint32_t peer) override {
        const bool shown = advance(now);
        tracks_[peer].paused = true;
        if (shown) show(now, peer);
    }
    void resumed(Instant now, std::uint32_t peer) override {
        const bool shown = advance(now);
        tracks_[peer].paused = false;
        if (shown) show(now, peer);
    }

    void order_begun(Instant now, std::uint32_t peer, const Order& order) override {
        const bool shown = advance(now);
        Track& track = tracks_[peer];
        const auto* train = std::get_if<Train>(&order.what);
        track.busy = train ? "training" : "mixing";
        track.args = train ? "{\"steps\":" + std::to_string(train->steps) + "}" : std::string("{\"order\":\"") + word(order) + "\"}";
        if (shown) show(now, peer);
    }
    void order_ended(Instant now, std::uint32_t peer, const Order&) override {
        const bool shown = advance(now);
        tracks_[peer].busy = nullptr;
        if (shown) show(now, peer);
    }

    void sent(Instant now, const Parcel& parcel) override {
        if (!advance(now)) return;
        const Passage& p = parcel.passage;
        const std::string what = word(parcel.message);
        const std::string to = name_of(id_of(p.to));
        const std::string args = "{\"to\":" + quoted(to) + ",\"parameters\":" + std::to_string(parcel.payload) + ",\"control\":" + std::to_string(parcel.control) +
                                 ",\"plane\":\"" + (parcel.plane == Plane::bulk ? "bulk" : "control") + "\"}";
        begin(now, p.from, what + " to " + to, "message", args);
        for (int copy = 0; copy < parcel.copies; ++copy) {
            const std::uint64_t flow = ++flows_;
            under_way_[{p.from, p.serial + static_cast<std::uint32_t>(copy)}] = {flow, p.to, what};
            put_flow('s', now, p.from, flow, what);
        }
        end(now, p.from);
        if (parcel.copies == 0) instant(now, peers, p.from + 1, 't', "lost: " + what + " to " + to, "lost", args);
    }
    void arrived(Instant now, const Passage& passage, bool taken) override {
        if (!advance(now)) return;
        const auto found = under_way_.find({passage.from, passage.serial});
        if (found == under_way_.end()) return;  // it was sent before the window
        const UnderWay message = std::move(found->second);
        under_way_.erase(found);
        finish(now, message, message.what + " from " + name_of(id_of(passage.from)) + (taken ? "" : ": nobody is there"));
    }
    void told(Instant now, std::uint32_t peer, const Peer::Event& event) override {
        if (!advance(now) || std::holds_alternative<gossip::TrainedSome>(event)) return;
        const std::string text = text_of(event, [&](PeerId id) { return name_of(id); });
        if (!text.empty()) instant(now, peers, peer + 1, 't', text, "event", "{}");
    }

    void happened(const record::RunEvent& event) override {
        const Instant now = Instant(from_seconds(event.t));
        if (!advance(std::max(now, last_))) return;
        const auto of = numbers_.find(event.peer);
        const std::string args = event.peer.empty() ? "{}" : "{\"peer\":" + quoted(event.peer) + "}";
        if (of == numbers_.end()) instant(last_, cluster, 0, 'g', event.kind, "scenario", args);
        else instant(last_, peers, of->second + 1, 't', event.kind, "scenario", args);
    }
    void sampled(const record::Sample& sample) override {
        if (!advance(std::max(Instant(from_seconds(sample.t)), last_))) return;
        const auto counter = [&](const char* name, const std::optional<double>& value) {
            if (value && std::isfinite(*value))
                put("{\"ph\":\"C\",\"pid\":2,\"tid\":0,\"ts\":" + stamp(last_) + ",\"name\":\"" + name + "\",\"args\":{\"value\":" + json_number(*value) + "}}");
        };
        counter("consensus distance", sample.consensus_distance);
        counter("consensus distance, relative", sample.consensus_relative);
        counter("accuracy, merged model", sample.merged_accuracy);
        counter("accuracy, mean of peers", sample.accuracy);
        counter("loss, mean of peers", sample.loss);
        counter("peers alive", sample.peers_alive);
        counter("bytes of parameters", sample.bytes_payload);
    }
    void ended(Instant now) override {
        advance(now);
        close(std::max(now, last_));
    }
    std::optional<record::Error> fault() const override { return file_.fault(); }
    std::string note() const override { return note_; }

private:
    struct Track {
        std::string name;
        bool up = false, paused = false;
        const char* busy = nullptr;  // training, mixing
        std::string args;
        const char* shown = nullptr;  // the slice that is begun in the file
        bool idle = false;            // it has nothing to do at this instant: waiting begins if that is so when time goes on
    };
    struct UnderWay {
        std::uint64_t flow;
        std::uint32_t to;
        std::string what;
    };

    // Time goes on to `now`. Whether it lies in what is to be shown.
    bool advance(Instant now) {
        if (closed_) return false;
        if (now > last_) {
            if (opened_) {
                for (const std::uint32_t peer : idle_) {
                    Track& track = tracks_[peer];
                    if (std::exchange(track.idle, false) && !track.shown && track.up && !track.paused && !track.busy) begin_state(last_, peer, "waiting", "{}");
                }
                idle_.clear();
            }
            last_ = now;
        }
        if (now > window_.to) {
            last_ = window_.to;
            close(last_);
            return false;
        }
        if (file_.bytes() > most_bytes_) {
            note_ = "it ends at " + record::format_seconds(seconds(now)) + ", where " + record::format_bytes(static_cast<double>(most_bytes_)) +
                    " were full: --from and --to show another part, --trace-limit allows more";
            close(now);
            return false;
        }
        if (!opened_ && now >= window_.from) {
            opened_ = true;
            for (std::uint32_t peer = 0; peer < tracks_.size(); ++peer) show(now, peer);
        }
        return opened_;
    }

    // The slice of what the peer is at. Each order has one of its own.
    void show(Instant now, std::uint32_t peer) {
        Track& track = tracks_[peer];
        if (track.shown) {
            end(now, peer);
            track.shown = nullptr;
        }
        if (!track.up) return;
        if (track.paused) begin_state(now, peer, "paused", "{}");
        else if (track.busy) begin_state(now, peer, track.busy, track.args);
        else if (!std::exchange(track.idle, true)) idle_.push_back(peer);
    }
    void begin_state(Instant now, std::uint32_t peer, const char* state, const std::string& args) {
        tracks_[peer].shown = state;
        begin(now, peer, state, "learner", args);
    }
    void finish(Instant now, const UnderWay& message, const std::string& text) {
        begin(now, message.to, text, "message", "{}");
        put_flow('f', now, message.to, message.flow, message.what);
        end(now, message.to);
    }
    void close(Instant now) {
        if (std::exchange(closed_, true)) return;
        for (const auto& [passage, message] : under_way_) finish(now, message, message.what + " from " + name_of(id_of(passage.first)) + ": still under way");
        for (std::uint32_t peer = 0; peer < tracks_.size(); ++peer)
            if (tracks_[peer].shown) end(now, peer);
        file_.put("\n]}\n");
        file_.flush();
    }

    static std::string stamp(Instant t) {  // microseconds
        const long long ns = t.time_since_epoch().count();
        char text[40];
        std::snprintf(text, sizeof text, "%lld.%03lld", ns / 1000, ns % 1000);
        return text;
    }
    static std::string at(Instant t, int process, std::uint32_t thread) {
        return ",\"pid\":" + std::to_string(process) + ",\"tid\":" + std::to_string(thread) + ",\"ts\":" + stamp(t);
    }
    void put(const std::string& event) { file_.put(",\n" + event); }
    void begin(Instant now, std::uint32_t peer, const std::string& name, const char* category, const std::string& args) {
        put("{\"ph\":\"B\"" + at(now, peers, peer + 1) + ",\"cat\":\"" + category + "\",\"name\":" + quoted(name) + ",\"args\":" + args + "}");
    }
    void end(Instant now, std::uint32_t peer) { put("{\"ph\":\"E\"" + at(now, peers, peer + 1) + "}"); }
    void put_flow(char phase, Instant now, std::uint32_t peer, std::uint64_t flow, const std::string& name) {
        put(std::string("{\"ph\":\"") + phase + "\"" + at(now, peers, peer + 1) + ",\"cat\":\"message\",\"name\":" + quoted(name) + ",\"id\":" + std::to_string(flow) +
            (phase == 'f' ? ",\"bp\":\"e\"}" : "}"));
    }
    void instant(Instant now, int process, std::uint32_t thread, char scope, const std::string& name, const char* category, const std::string& args) {
        put("{\"ph\":\"i\"" + at(now, process, thread) + ",\"s\":\"" + scope + "\",\"cat\":\"" + category + "\",\"name\":" + quoted(name) + ",\"args\":" + args + "}");
    }
    std::string name_of(PeerId id) const {
        const std::uint32_t i = id ? index_of(id) : static_cast<std::uint32_t>(tracks_.size());
        return i < tracks_.size() ? tracks_[i].name : "nobody";
    }

    record::GrowingFile file_;
    Window window_;
    std::uint64_t most_bytes_;
    std::vector<Track> tracks_;
    std::map<std::string, std::uint32_t> numbers_;  // by name; of several, the last one to start
    std::map<std::pair<std::uint32_t, std::uint32_t>, UnderWay> under_way_;  // by sender and serial
    std::vector<std::uint32_t> idle_;
    std::uint64_t flows_ = 0;
    Instant last_{};
    bool opened_ = false, closed_ = false;
    std::string note_;
};

}  // namespace

std::unique_ptr<Onlooker> perfetto_trace(const std::string& path, const Window& window, std::uint64_t most_bytes) {
    return std::make_unique<Perfetto>(path, window, most_bytes);
}

}  // namespace grapevine::sim
