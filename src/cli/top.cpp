// grapevine top: a running node, its members and its exchanges, in the terminal.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <thread>
#include <unistd.h>

#include "dashboard.hpp"
#include "grapevine/node/node.hpp"
#include "grapevine/record/format.hpp"
#include "http.hpp"
#include "interrupt.hpp"
#include "screen.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

using namespace std::chrono_literals;
using record::format_bytes, record::format_count, record::format_percent, record::format_seconds, record::format_short;
using Tone = Dashboard::Tone;

const std::vector<std::string> orders{"status", "name", "steps", "speed", "round-trip", "mixes"};
const std::vector<std::string> statuses{"dead", "suspect", "degraded", "alive", "left"};  // what wants to be looked at comes first

std::optional<double> number(const Json& j, const char* key) {
    return j.is_object() && j.contains(key) && j[key].is_number() ? std::optional(j[key].get<double>()) : std::nullopt;
}
std::string text(const Json& j, const char* key) { return j.is_object() && j.contains(key) && j[key].is_string() ? j[key].get<std::string>() : std::string("-"); }
Json list(const Json& j, const char* key) { return j.is_object() && j.contains(key) && j[key].is_array() ? j[key] : Json::array(); }

// All that a node says of itself, at one moment.
struct Seen {
    Json status, members, links, events, history;
};

std::optional<Seen> look(const StatusAddress& at) {
    Seen seen;
    const auto get = [&](const char* path, const Fields& fields, Json& into) {
        const auto answer = http_get(at, path, fields, 5s);
        if (!answer || answer->status != 200) return false;
        into = Json::parse(answer->body, nullptr, false);
        return into.is_object();
    };
    if (!get("/v1/status", {}, seen.status) || !get("/v1/members", {}, seen.members) || !get("/v1/links", {}, seen.links) || !get("/v1/events", {{"last", "200"}}, seen.events) ||
        !get("/v1/history", {}, seen.history))
        return std::nullopt;
    return seen;
}

std::vector<double> column(const Json& history, const char* name) {
    const Json columns = list(history, "columns");
    std::vector<double> values;
    const auto at = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin());
    for (const Json& row : list(history, "rows"))
        if (row.is_array() && at < row.size() && row[at].is_number()) values.push_back(row[at].get<double>());
    return values;
}

Tone tone_of(const std::string& status) {
    return status == "dead" ? Tone::bad : status == "suspect" || status == "degraded" ? Tone::warning : status == "left" ? Tone::soft : Tone::usual;
}

std::string clock_of(double unix_time) {
    const std::time_t whole = static_cast<std::time_t>(std::clamp(unix_time, 0.0, 4e11));
    std::tm local{};
    localtime_r(&whole, &local);
    char text[16];
    std::strftime(text, sizeof text, "%H:%M:%S", &local);
    return text;
}

void put_members(const Seen& seen, const std::string& order, Dashboard& d) {
    d.head = {"NAME", "STATUS", "ADDRESS", "ROUND TRIP", "STEPS", "SAMPLES/S", "DEVICE", "MIXES", "FAILED", "STALENESS", "DISTANCE", "LAST MIX"};
    d.right = {false, false, false, true, true, true, false, true, true, true, true, true};
    std::map<std::string, Json> links;
    for (const Json& link : list(seen.links, "links")) links[text(link, "id")] = link;
    struct Member {
        Json j, link;
    };
    std::vector<Member> members;
    for (const Json& m : list(seen.members, "members")) members.push_back({m, links.contains(text(m, "id")) ? links[text(m, "id")] : Json::object()});
    const auto place = [](const Member& m) { return std::find(statuses.begin(), statuses.end(), text(m.j, "status")) - statuses.begin(); };
    std::stable_sort(members.begin(), members.end(), [&](const Member& a, const Member& b) {
        const auto least = [](std::optional<double> x) { return x.value_or(HUGE_VAL); };
        const auto most = [](std::optional<double> x) { return -x.value_or(-HUGE_VAL); };
        if (order == "status" && place(a) != place(b)) return place(a) < place(b);
        if (order == "steps") return most(number(a.j, "steps")) < most(number(b.j, "steps"));
        if (order == "speed") return most(number(a.j, "speed")) < most(number(b.j, "speed"));
        if (order == "round-trip") return least(number(a.j, "round_trip")) < least(number(b.j, "round_trip"));
        if (order == "mixes") return most(number(a.link, "mixes")) < most(number(b.link, "mixes"));
        return text(a.j, "name") < text(b.j, "name");
    });
    for (const Member& m : members) {
        std::string address = text(m.j, "control"), status = text(m.j, "status");
        if (address.starts_with("tcp://")) address = address.substr(6);
        const bool self = m.j.is_object() && m.j.value("self", Json()) == true, trouble = m.link.value("in_trouble", Json()) == true;
        const std::string way = text(m.j, "bulk_way");
        const bool shut = way == "shut" || way == "narrow";
        const auto age = number(m.link, "age"), staleness = number(m.link, "staleness");
        d.rows.push_back({{text(m.j, "name") + (self ? " *" : ""), shut ? status + ", bulk unreachable" : trouble ? status + ", no parameters" : status, address, format_seconds(number(m.j, "round_trip")), format_count(number(m.j, "steps")),
                           format_count(number(m.j, "speed")), text(m.j, "device"), format_count(number(m.link, "mixes")), format_count(number(m.link, "failures")),
                           staleness ? format_count(staleness) + " steps" : "-", format_percent(number(m.link, "distance")), age ? format_seconds(age) + " ago" : "-"},
                          trouble || shut ? Tone::warning : tone_of(status)});
    }
}

Dashboard dashboard_of(const Seen& seen, const std::string& order, const std::string& note) {
    Dashboard d;
    const Json& s = seen.status;
    const auto t = number(s, "t");
    d.title = {text(s, "name") + " in " + text(s, "run_name") + ", exchange " + text(s, "exchange") + ", on " + text(s, "device") + ", for " + format_seconds(t) + ": " +
                   (note.empty() ? text(s, "phase") : note),
               note.empty() ? Tone::usual : Tone::warning};
    const Json seconds = s.value("seconds", Json::object()), cluster = s.value("cluster", Json::object());
    const double all = std::max(t.value_or(0) - number(seconds, "evaluating").value_or(0), 1e-9);
    const double local = number(seconds, "training").value_or(0) / all, mixing = number(seconds, "mixing").value_or(0) / all;
    char shares[80];
    std::snprintf(shares, sizeof shares, "local %.0f %%  mixing %.0f %%  waiting %.0f %%", 100 * local, 100 * mixing, std::max(0.0, 100 - 100 * (local + mixing)));
    std::map<std::string, int> counted;
    for (const Json& m : list(seen.members, "members")) ++counted[text(m, "status")];
    std::string members;
    for (const std::string& status : {std::string("alive"), std::string("degraded"), std::string("suspect"), std::string("dead"), std::string("left")})
        if (counted[status] > 0) members += (members.empty() ? "" : ", ") + std::to_string(counted[status]) + " " + status;
    d.figures.push_back({"members   " + members});
    d.figures.push_back({"training  step " + format_count(number(s, "steps")) + "  " + format_count(number(s, "samples_per_second")) + " samples/s  " + shares});
    d.figures.push_back({"model     loss " + format_short(number(s, "loss")) + "  accuracy " + format_percent(number(s, "accuracy")) + "  all peers: loss " +
                         format_short(number(cluster, "loss")) + "  accuracy " + format_percent(number(cluster, "accuracy")) + "  worst " + format_percent(number(cluster, "worst_accuracy")) +
                         "  apart " + format_percent(number(cluster, "consensus_relative"))});
    const double mixes = number(s, "mixes").value_or(0), failed = number(s, "exchanges_failed").value_or(0);
    int trouble = 0;
    for (const Json& link : list(seen.links, "links")) trouble += link.is_object() && link.value("in_trouble", Json()) == true;
    d.figures.push_back({"exchange  " + format_count(mixes) + " mixes (" + format_short(mixes / std::max(t.value_or(0), 1.0)) + "/s)  " + format_count(failed) + " failed  " +
                             format_count(number(s, "exchanges_skipped")) + " skipped  staleness " + (mixes > 0 ? format_count(number(s, "staleness")) + " steps  distance " + format_percent(number(s, "distance")) : "-") +
                             (trouble > 0 ? "  " + std::to_string(trouble) + " members get no parameters through" : ""),
                         trouble > 0 ? Tone::warning : Tone::usual});
    d.figures.push_back({"sent      " + format_bytes(number(s, "bytes_payload")) + " of parameters, " + format_bytes(number(s, "bytes_control")) + " besides"});
    for (const auto& [name, key, format] : {std::tuple{"loss", "loss", &format_short}, {"accuracy", "accuracy", &format_percent}, {"distance", "distance", &format_percent},
                                            {"samples/s", "samples_per_second", &format_count}}) {
        auto values = column(seen.history, key);
        const std::string last = values.empty() ? "" : format(values.back());
        d.curves.push_back({name, std::move(values), last});
    }
    put_members(seen, order, d);
    for (const Json& e : list(seen.events, "events")) {
        if (text(e, "kind") == "mixed") continue;  // the table has them
        const std::string level = text(e, "level");
        char start[48];
        std::snprintf(start, sizeof start, "%s %-5.5s ", clock_of(number(e, "unix_time").value_or(0)).c_str(), plain(level).c_str());
        const std::string area = text(e, "area");
        d.events.push_back({start + area + std::string(area.size() < 9 ? 9 - area.size() : 1, ' ') + text(e, "text"), level == "ERROR" ? Tone::bad : level == "WARN" ? Tone::warning : Tone::usual});
    }
    if (d.events.size() > 100) d.events.erase(d.events.begin(), d.events.end() - 100);
    return d;
}

// The node that is watched; another of its run on this machine when it is gone. What lies on other machines does not say where its status page is.
class Watch {
public:
    explicit Watch(StatusAddress at) : at_(std::move(at)) {}

    std::optional<Seen> look_again() {
        if (auto seen = look(at_)) {
            note.clear();
            silent_since_.reset();
            leaving_ = seen->events.is_object() && seen->events.value("leaving", Json()) == true;
            run_ = text(seen->status, "run");
            name_ = text(seen->status, "name");
            return seen;
        }
        if (!silent_since_) silent_since_ = std::chrono::steady_clock::now();
        const std::string silent = name_ + (leaving_ ? " has ended" : " does not answer, for " + format_seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - *silent_since_).count()));
        for (const auto& other : node::local_nodes()) {
            const StatusAddress there{other.status_host, other.status_port, other.status_token};
            if (run_.empty() || (there.port == at_.port && there.host == at_.host)) continue;
            auto seen = look(there);
            if (!seen || text(seen->status, "run") != run_) continue;
            at_ = there;
            note = silent + "; this is " + text(seen->status, "name");
            return seen;
        }
        note = silent + "; no other node of its run on this machine. Elsewhere: grapevine top --at HOST:PORT";
        return std::nullopt;
    }
    bool ended() const { return leaving_ && silent_since_; }
    std::string note;  // what the reader must know of who is watched

private:
    StatusAddress at_;
    std::string run_, name_;
    bool leaving_ = false;
    std::optional<std::chrono::steady_clock::time_point> silent_since_;
};

void print(const Seen& seen, const Arguments& a, const std::string& order, const std::string& note) {
    if (a.has("json")) {
        const Json all{{"status", seen.status}, {"members", list(seen.members, "members")}, {"links", list(seen.links, "links")}, {"events", list(seen.events, "events")}};
        std::printf("%s\n", all.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
        for (const std::string& line : lines_of(dashboard_of(seen, order, note), 240, std::nullopt, false, unicode())) std::printf("%s\n", line.c_str());
    }
}

// Frame by frame, without a terminal: for files and pipes.
int plain_frames(Watch& watch, const Seen& first, const Arguments& a, const std::string& order, Duration every, bool once, const std::atomic<bool>& stop) {
    print(first, a, order, "");
    while (!once && std::fflush(stdout) == 0) {
        for (Duration waited{}; waited < every && !stop; waited += 50ms) std::this_thread::sleep_for(std::min<Duration>(50ms, every - waited));
        if (stop) break;
        const auto seen = watch.look_again();
        if (!seen && watch.ended()) break;
        if (!seen) return complain({watch.note, "was it killed? 'grapevine members' at another node shows what they think of it"}, failed);
        std::printf("%s", a.has("json") ? "" : "\n");
        print(*seen, a, order, watch.note);
    }
    return finished;
}

int live_frames(Watch& watch, Seen seen, std::string order, Duration every, const std::atomic<bool>& stop) {
    const bool coloured = std::getenv("NO_COLOR") == nullptr;
    std::string ended;
    {
        Screen screen;
        auto next = std::chrono::steady_clock::now() + every;
        for (;;) {
            const Screen::Size size = Screen::size();
            screen.draw(lines_of(dashboard_of(seen, order, watch.note), size.columns, size.rows, coloured, unicode()));
            const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
            const auto key = screen.key(static_cast<int>(std::max<std::int64_t>(wait, 0)));
            if (stop || key == 'q' || key == 'Q' || key == 4) break;
            if (key == 's') order = orders[static_cast<std::size_t>(std::find(orders.begin(), orders.end(), order) - orders.begin() + 1) % orders.size()];
            if (std::chrono::steady_clock::now() < next) continue;
            next += every;
            if (next < std::chrono::steady_clock::now()) next = std::chrono::steady_clock::now() + every;
            if (auto again = watch.look_again()) seen = std::move(*again);
            else if (watch.ended()) {
                ended = watch.note;
                break;
            }
        }
    }
    if (!ended.empty()) std::fprintf(stderr, "%s\n", plain(ended).c_str());
    return finished;
}

int run(const Arguments& a) {
    const std::string order = a.get("sort").value_or("status");
    if (std::find(orders.begin(), orders.end(), order) == orders.end()) {
        const auto near = config::nearest(order, orders);
        return complain({"members are not sorted by '" + order + "'", near ? "did you mean --sort " + *near + "?" : "--sort status, name, steps, speed, round-trip or mixes"}, usage);
    }
    Duration every = 1s;
    if (const auto typed = a.get("every")) {
        const auto duration = config::parse_duration(*typed);
        if (!duration || *duration < 100ms || *duration > 1h) return complain({"--every '" + *typed + "' is no time between two looks", "a number and a unit, from 100ms to 1h: 2s"}, usage);
        every = *duration;
    }
    const auto at = node_at(a);
    if (const auto* error = std::get_if<Error>(&at)) return complain(*error, usage);
    const auto& address = std::get<StatusAddress>(at);
    const auto first_answer = understood(address, http_get(address, "/v1/status", {}, 5s));
    if (const int* code = std::get_if<int>(&first_answer)) return *code;
    Watch watch(address);
    auto seen = watch.look_again();
    if (!seen) return complain({"what answers at " + address.host + ":" + std::to_string(address.port) + " does not say what a node of this version says", "'grapevine info' tells its version"}, failed);
    const auto& stop = stop_on_interrupt();
    if (Screen::possible() && !a.has("once") && !a.has("json")) return live_frames(watch, std::move(*seen), order, every, stop);
    return plain_frames(watch, *seen, a, order, every, a.has("once") || !a.has("every"), stop);
}

}  // namespace

Verb top_verb() {
    return {"top", "[--at PORT|NAME] [--sort KEY] [--every TIME] [--once] [--json]", "a running node, its members and exchanges, in the terminal",
            "Figures, curves, members with what came of the exchanges with each, and events, redrawn in place; q or ^C ends it and gives the\n"
            "terminal back, s sorts by the next key. Elsewhere than in a terminal, or with --once, one frame as plain text; with --every there, one\n"
            "after the other. Members that want to be looked at stand first, the node that was asked has a star.\n"
            "When that node is gone, another of its run on this machine is watched; where there is none it is asked again until ^C, for\n"
            "nodes do not tell each other where their status pages are.",
            {at_option(), token_option(), {"sort", "KEY", "status, name, steps, speed, round-trip or mixes", false, true}, {"every", "TIME", "between two looks; default 1s", false, true},
             {"once", "", "one frame, plain"}, {"json", "", "what the node said, an object a line"}}, 0, run};
}

}  // namespace grapevine::cli
