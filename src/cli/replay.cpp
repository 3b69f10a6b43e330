// grapevine replay: what was recorded of a peer played into a fresh one, or what was recorded of a run shown again.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>

#include "grapevine/chronicle/recording.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/record/run.hpp"
#include "grapevine/report/report.hpp"
#include "grapevine/sim/story.hpp"
#include "dashboard.hpp"
#include "interrupt.hpp"
#include "screen.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// --- a recording, played into a fresh peer ---

// The peer's notary as it was: the signatures it made, in their order. What it refused was never told the peer.
class Witness : public membership::Notary {
public:
    void brings(std::vector<std::string> signatures) { signatures_.assign(signatures.begin(), signatures.end()); }
    std::string sign(const membership::Record&) override {
        if (signatures_.empty()) return {};
        std::string next = std::move(signatures_.front());
        signatures_.pop_front();
        return next;
    }
    bool genuine(const membership::Record&) const override { return true; }

private:
    std::deque<std::string> signatures_;
};

class Player {
public:
    enum class Tells { all_steps, the_difference, nothing };
    Player(chronicle::Recording& recording, Tells tells, bool all)
        : recording_(recording), tells_(tells), all_(all), self_(*book_.intern(recording.birth().self)), me_(recording.birth().self.contact.id) {
        std::vector<membership::Handle> known;
        for (const membership::Record& record : recording.birth().known) {
            known.push_back(*book_.intern(record));
            names_[record.contact.id] = record.contact.name;
        }
        names_[me_] = recording.birth().self.contact.name;
        peer_.emplace(book_, self_, recording.birth().config, recording.birth().random(), known);
    }

    // To the end, or to the first difference.
    std::optional<record::Error> play() {
        for (;;) {
            auto read = recording_.next(book_);
            if (const auto* error = std::get_if<record::Error>(&read)) return *error;
            auto& step = std::get<std::optional<chronicle::Recording::Step>>(read);
            if (!step) return std::nullopt;
            if (take(std::move(*step))) return std::nullopt;
        }
    }

    std::uint64_t inputs = 0, effects = 0;
    std::optional<std::uint64_t> differs;  // the input at which it first does
    std::string difference;

private:
    // Whether it differs.
    bool take(chronicle::Recording::Step&& step) {
        ++inputs;
        now_ = step.given.at;
        const std::string input = word(step.given.input);
        if (const auto* met = std::get_if<membership::Met>(&step.given.input)) learn(met->who);
        const std::string said = told_of(step.given.input);
        effects_.list.clear();
        witness_.brings(std::move(step.signatures));
        peer_->step(now_, std::move(step.given.input), effects_);
        effects += effects_.list.size();
        const auto digests = wire::digests(effects_, book_);
        std::size_t same = 0;
        if (step.wanted) {
            while (same < digests.size() && same < step.wanted->size() && digests[same] == (*step.wanted)[same]) ++same;
            if (same < digests.size() || same < step.wanted->size()) differs = step.number;
        }
        const bool show = tells_ == Tells::all_steps || (tells_ == Tells::the_difference && differs);
        bool worth_it = all_ || differs || !std::holds_alternative<Woken<Peer::Timer>>(step.given.input);
        for (const auto& effect : effects_.list) worth_it = worth_it || !text_of(effect).empty();
        if (show && worth_it) line("<-", said);
        for (std::size_t i = 0; show && i < effects_.list.size(); ++i) {
            const std::string text = text_of(effects_.list[i]);
            if (differs && i == same) line(" !", (text.empty() ? hidden(effects_.list[i]) : text) + "   <- here it differs");
            else if (!text.empty()) line("  ", text);
        }
        if (differs)
            difference = "at input " + std::to_string(step.number) + " (" + input + " at " + record::format_seconds(seconds(now_)) + ") " +
                         (same < digests.size() && same < step.wanted->size() ? "wish " + std::to_string(same + 1) + " is another than the one recorded"
                          : same < digests.size()                            ? "it wants " + std::to_string(digests.size() - same) + " more than was recorded"
                                                                             : "it wants " + std::to_string(step.wanted->size() - same) + " fewer than was recorded");
        return differs.has_value();
    }

    void learn(membership::Handle handle) { names_[book_.id(handle)] = book_.at(handle).contact.name; }
    std::string name_of(PeerId id) const {
        const auto known = names_.find(id);
        return known != names_.end() && !known->second.empty() ? plain(known->second) : sim::short_name(id);
    }
    std::string text_of(const Peer::Message& message) const {
        return sim::text_of(message, book_, [&](PeerId id) { return name_of(id); });
    }
    std::string told_of(const Peer::Input& input) {
        if (const auto* received = std::get_if<Received<Peer::Message>>(&input)) {
            if (const auto* m = std::get_if<membership::Message>(&received->message))
                for (const auto& rumor : m->rumors) learn(rumor.about);
            return name_of(received->from) + ": " + text_of(received->message);
        }
        return word(input);
    }
    std::string text_of(const Peer::Effects::Effect& effect) const {
        return std::visit(Cases{
                              [&](const Peer::Effects::Send& send) { return "-> " + name_of(send.to) + ": " + text_of(send.message); },
                              [&](const Peer::Effects::Wake&) { return all_ ? hidden(effect) : std::string(); },
                              [&](const Peer::Effects::Tell& tell) {
                                  if (std::holds_alternative<Order>(tell.event)) return all_ ? hidden(effect) : std::string();
                                  return sim::text_of(tell.event, [&](PeerId id) { return name_of(id); });
                              },
                          },
                          effect);
    }
    static std::string hidden(const Peer::Effects::Effect& effect) {
        return std::visit(Cases{
                              [](const Peer::Effects::Send&) { return std::string("a message"); },
                              [](const Peer::Effects::Wake& wake) { return "wants to be woken at " + record::format_seconds(seconds(wake.at)); },
                              [](const Peer::Effects::Tell& tell) {
                                  static constexpr const char* words[] = {"train", "publish", "combine", "fold", "swap"};
                                  const auto* order = std::get_if<Order>(&tell.event);
                                  if (!order) return std::string("something it tells");
                                  const auto* train = std::get_if<Train>(&order->what);
                                  return std::string("orders: ") + words[order->what.index()] + (train ? " " + std::to_string(train->steps) + " steps" : "");
                              },
                          },
                          effect);
    }
    void line(const char* mark, const std::string& text) const {
        std::printf("%12.3f  %s  %s %s\n", seconds(now_) * 1e3, name_of(me_).c_str(), mark, plain(text).c_str());
    }

    chronicle::Recording& recording_;
    const Tells tells_;
    const bool all_;
    Witness witness_;
    membership::Book book_{membership::most_handles, &witness_};
    membership::Handle self_;
    PeerId me_;
    std::map<PeerId, std::string> names_;
    std::optional<Peer> peer_;
    Peer::Effects effects_;
    Instant now_{};
};

int play(const std::string& path, const Arguments& a) {
    auto opened = chronicle::Recording::open(path);
    if (const auto* error = std::get_if<record::Error>(&opened)) return complain({error->what, error->hint}, usage);
    auto& recording = std::get<chronicle::Recording>(opened);
    using enum Player::Tells;
    Player player(recording, a.has("json") ? nothing : a.has("quiet") ? the_difference : all_steps, a.has("all"));
    if (const auto error = player.play()) {
        std::fflush(stdout);
        return complain({error->what, error->hint}, usage);
    }
    if (a.has("json"))
        std::printf("{\"inputs\": %llu, \"effects\": %llu, \"same\": %s, \"first_difference\": %s}\n", static_cast<unsigned long long>(player.inputs),
                    static_cast<unsigned long long>(player.effects), player.differs ? "false" : "true", player.differs ? std::to_string(*player.differs).c_str() : "null");
    else if (!player.differs)
        std::printf("the same effects: %llu inputs, %llu effects\n", static_cast<unsigned long long>(player.inputs), static_cast<unsigned long long>(player.effects));
    std::fflush(stdout);
    if (player.differs) return complain({"'" + path + "': a fresh peer does something else: " + player.difference, "another version of the program wrote it, or something decides that was not recorded"}, failed);
    return finished;
}

// --- a run, shown again ---

constexpr std::size_t most_shown = 100;  // events

std::string clock_of(double t) {
    char text[40];
    std::snprintf(text, sizeof text, "%10.3f s", t);
    return text;
}

std::string text_of(const record::RunEvent& e) {
    std::string text = e.peer.empty() ? e.kind : e.peer + " " + e.kind;
    if (!e.about.empty()) text += " " + e.about;
    return plain(text);
}

std::string row_of(const record::Sample& s) {
    using namespace record;
    const auto accuracy = s.merged_accuracy ? s.merged_accuracy : s.accuracy;
    char text[200];
    std::snprintf(text, sizeof text, "%6s alive  accuracy %8s  worst %8s  loss %9s  distance %9s  sent %9s", format_count(s.peers_alive).c_str(), format_percent(accuracy).c_str(),
                  format_percent(s.worst_accuracy).c_str(), format_short(s.loss).c_str(), format_short(s.consensus_relative).c_str(), format_bytes(s.bytes_payload).c_str());
    return text;
}

// Events and samples in the order of time: what is shown at each.
class Reel {
public:
    Reel(const record::Run& run, bool all) : run_(run), all_(all) {}
    double ends() const {
        return std::max(run_.samples.empty() ? 0 : run_.samples.back().t, run_.events.empty() ? 0 : run_.events.back().t);
    }
    // All until `t` that was not shown; `event` and `sample` are called in their order.
    template <class Event, class Sample>
    void until(double t, Event&& event, Sample&& sample) {
        for (;;) {
            const bool more_events = event_ < run_.events.size() && run_.events[event_].t <= t;
            const bool more_samples = sample_ < run_.samples.size() && run_.samples[sample_].t <= t;
            if (!more_events && !more_samples) return;
            if (more_events && (!more_samples || run_.events[event_].t <= run_.samples[sample_].t)) {
                const record::RunEvent& e = run_.events[event_++];
                if (all_ || !report::is_routine(e.kind)) event(e);
                else ++routine;
            } else {
                sample(run_.samples[sample_++]);
            }
        }
    }
    std::uint64_t routine = 0;

private:
    const record::Run& run_;
    bool all_;
    std::size_t event_ = 0, sample_ = 0;
};

int show(const std::string& directory, double speed, bool all) {
    const auto loaded = record::load_run(directory);
    if (const auto* error = std::get_if<record::Error>(&loaded)) return complain({error->what, error->hint}, usage);
    const auto& run = std::get<record::Run>(loaded);
    if (run.samples.empty() && run.events.empty()) return complain({"'" + directory + "' holds a run in which nothing was written yet", ""}, failed);
    Reel reel(run, all);
    const auto& stop = stop_on_interrupt();
    const bool redraws = Screen::possible();
    if (!redraws) {
        reel.until(HUGE_VAL, [](const record::RunEvent& e) { std::printf("%s  %s\n", clock_of(e.t).c_str(), text_of(e).c_str()); },
                   [](const record::Sample& s) { std::printf("%s  %s\n", clock_of(s.t).c_str(), row_of(s).c_str()); });
    } else {
        std::deque<Dashboard::Text> last;
        std::vector<double> accuracy, loss, distance;
        record::Sample sample;
        const double ends = reel.ends();
        const std::string name = run.summary ? run.summary->name + ", " + run.summary->exchange : directory;
        const auto began = std::chrono::steady_clock::now();
        Screen screen;
        for (;;) {
            const double t = std::min(ends, speed * std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
            reel.until(t,
                       [&](const record::RunEvent& e) {
                           last.push_back({clock_of(e.t) + "  " + text_of(e), e.kind == "dead" || e.kind == "crashed" ? Dashboard::Tone::bad : Dashboard::Tone::usual});
                           if (last.size() > most_shown) last.pop_front();
                       },
                       [&](const record::Sample& s) {
                           sample = s;
                           const auto known = [](std::vector<double>& values, std::optional<double> value) {
                               if (value) values.push_back(*value);
                           };
                           known(accuracy, s.merged_accuracy ? s.merged_accuracy : s.accuracy);
                           known(loss, s.loss);
                           known(distance, s.consensus_relative);
                       });
            const auto filled = static_cast<std::size_t>(ends > 0 ? 40 * t / ends : 40);
            Dashboard d;
            d.title = {name + "  " + clock_of(t) + " of " + record::format_seconds(ends) + "  [" + std::string(filled, '#') + std::string(40 - filled, '.') + "]"};
            d.figures = {{row_of(sample)}};
            for (const auto& [what, values] : {std::pair{"accuracy", &accuracy}, {"loss", &loss}, {"distance", &distance}})
                d.curves.push_back({what, *values, values->empty() ? "" : record::format_short(values->back())});
            d.events.assign(last.begin(), last.end());
            const Screen::Size size = Screen::size();
            screen.draw(lines_of(d, size.columns, size.rows, std::getenv("NO_COLOR") == nullptr, unicode()));
            if (t >= ends || stop.load()) break;
            if (const auto key = screen.key(100); key == 'q' || key == 'Q') break;
        }
    }
    if (reel.routine > 0) std::printf("%s  %llu events of everyday (mixed, suspected, ...) left out: --all shows them\n", clock_of(reel.ends()).c_str(), static_cast<unsigned long long>(reel.routine));
    if (run.events_in_file > run.events.size())
        std::printf("the first %zu of %llu events\n", run.events.size(), static_cast<unsigned long long>(run.events_in_file));
    std::fflush(stdout);
    return finished;
}

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"replay wants a recording or the directory of a run", "'grapevine sim ... --record p3=FILE' writes the one, --out DIR the other"}, usage);
    const std::string& what = a.positional[0];
    double speed = 1;
    if (const auto typed = a.get("speed")) {
        char* end = nullptr;
        speed = std::strtod(typed->c_str(), &end);
        if (end == typed->c_str() || (*end != '\0' && std::string(end) != "x") || !(speed > 0) || !(speed <= 1e6))
            return complain({"--speed '" + *typed + "' is no speed", "for example: --speed 10x"}, usage);
    }
    std::error_code ignored;
    if (std::filesystem::is_directory(what, ignored)) return show(what, speed, a.has("all"));
    if (a.has("speed")) return complain({"--speed is for the directory of a run; a recording is played as fast as it goes", "leave it out"}, usage);
    return play(what, a);
}

}  // namespace

Verb replay_verb() {
    return {"replay", "FILE | DIR [--speed 10x]", "play a peer's recorded inputs into a fresh one, or a recorded run in the terminal",
            "FILE: what 'grapevine sim --record p3=FILE' (or 'grapevine node --record FILE') wrote, all inputs of one peer. A fresh peer gets\n"
            "them and must want the same of each: exit status 0 if it does, 1 where it first does not, 2 if the file is damaged.\n"
            "'<-' is an input, '->' what the peer sends, the rest what it tells.\n"
            "DIR: metrics and events of a run (--out DIR), as they came; in a terminal at --speed, elsewhere line by line at once.",
            {{"speed", "N", "DIR: how much faster than it was; default 1x", false, true},
             {"all", "", "FILE: timers and orders as well; DIR: events of everyday as well", false, true},
             {"json", "", "FILE: the result as JSON"},
             {"quiet", "", "FILE: the result alone"}}, 1, run};
}

}  // namespace grapevine::cli
