#include "status_server.hpp"

#include "status_gate.hpp"

#include <algorithm>
#include <charconv>
#include <httplib.h>
#include <mutex>
#include <thread>

namespace grapevine::node {

extern const char* const page;  // page/page.html with its style and script, embedded by the build

namespace {

using Request = httplib::Request;
using Response = httplib::Response;

// Readers of the journal hold a thread each while they wait; the rest is for everybody else.
constexpr std::size_t threads = Journal::most_waiting + 4;
constexpr std::size_t most_entries = 500;      // of one answer
constexpr double longest_wait = 25;            // seconds
constexpr Duration patience = std::chrono::seconds(5);
constexpr Duration long_patience = std::chrono::seconds(40);  // what the loop does not do by itself: pings, greetings

constexpr Duration own_model_patience = std::chrono::minutes(1), model_patience = std::chrono::minutes(15);  // to freeze one; to have those of others brought

// In order from `at` on, a part at a time. Nobody asks for what lies behind the end.
bool hand_over(const Stream& stream, std::size_t at, httplib::DataSink& sink) {
    constexpr std::size_t most = std::size_t{1} << 20;
    if (at < stream.head.size()) return sink.write(stream.head.data() + at, stream.head.size() - at);
    at -= stream.head.size();
    for (const Bytes& part : stream.rest) {
        if (at < part.size) return sink.write(reinterpret_cast<const char*>(part.data) + at, std::min(part.size - at, most));
        at -= part.size;
    }
    return false;
}

void put(Response& response, const Answer& answer) {
    response.status = answer.status;
    if (!answer.stream) return response.set_content(answer.body, "application/json");
    const auto stream = std::make_shared<const Stream>(answer.stream());
    std::size_t size = stream->head.size();
    for (const Bytes& part : stream->rest) size += part.size;
    response.set_content_provider(size, "application/octet-stream", [stream](std::size_t at, std::size_t, httplib::DataSink& sink) { return hand_over(*stream, at, sink); });
}

std::vector<std::string> all(const Request& request, const char* name) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < request.get_param_value_count(name); ++i) values.push_back(request.get_param_value(name, i));
    return values;
}

// The number, or `otherwise` if there is none; nothing if it is not one.
std::optional<double> number(const Request& request, const char* name, double otherwise, double most) {
    if (!request.has_param(name)) return otherwise;
    const std::string text = request.get_param_value(name);
    double value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
    return std::min(value, most);
}

void events(const Request& request, Response& response, Journal& journal) {
    const auto bad = [&](const char* what, const char* hint) { put(response, refusal(400, what, hint)); };
    const auto kinds_wanted = all(request, "kind");
    const Journal::Kinds kinds(kinds_wanted.begin(), kinds_wanted.end());
    const auto wait = number(request, "wait", 0, longest_wait), last = number(request, "last", 200, 1e6);
    if (!wait || !last) return bad("wait and last are numbers", "for example /v1/events?last=20");
    Journal::Page page;
    if (request.has_param("after")) {
        const auto cursor = Journal::parse(request.get_param_value("after"));
        if (!cursor) return bad("after is no place in the journal", "take 'next' of the answer before");
        page = journal.after(*cursor, kinds, most_entries, Duration(static_cast<std::int64_t>(*wait * 1e9)));
    } else {
        page = journal.last(static_cast<std::size_t>(*last), kinds);
    }
    std::string body = "{\"next\":\"" + Journal::to_text(page.next) + "\",\"dropped\":" + std::to_string(page.dropped) +
                       ",\"leaving\":" + (page.leaving ? "true" : "false") + ",\"ended\":" + (page.ended ? "true" : "false") + ",\"events\":[";
    for (std::size_t i = 0; i < page.entries.size(); ++i) body += (i ? ",\n" : "\n") + page.entries[i];
    response.set_content(body + "\n]}\n", "application/json");
}

}  // namespace

struct StatusServer::Inside {
    httplib::Server server;
    Desk* desk = nullptr;
    std::mutex mutex;
    StatusPages pages;
    std::thread thread;

    template <class F>
    void answer(const char* path, const char* type, F pick) {
        server.Get(path, [this, type, pick](const Request&, Response& response) {
            const std::lock_guard lock(mutex);
            response.set_content(pick(pages), type);
        });
    }
    template <class F>  // F: what is asked, from the request
    void get(const char* path, Duration wait, F question) {
        server.Get(path, [this, wait, question](const Request& request, Response& response) { put(response, desk->ask(question(request), wait)); });
    }
    template <class F>
    void post(const char* path, Duration wait, F question) {
        server.Get(path, [](const Request&, Response& response) {
            response.set_header("Allow", "POST");
            put(response, refusal(405, "this changes something and wants a POST", "with the header X-Grapevine: 1"));
        });
        server.Post(path, [this, wait, question](const Request& request, Response& response) {
            if (request.has_header("Origin") || request.get_header_value("X-Grapevine") != "1")
                return put(response, refusal(403, "not taken from a web page", "send the header X-Grapevine: 1 and no Origin, as the verbs of grapevine do"));
            put(response, desk->ask(question(request), wait));
        });
    }
};

StatusServer::StatusServer() : inside_(std::make_unique<Inside>()) {}

std::variant<std::unique_ptr<StatusServer>, std::string> StatusServer::open(const std::string& host, std::uint16_t port, Desk& desk, Journal& journal, const History& history, const std::string& token) {
    std::unique_ptr<StatusServer> s(new StatusServer);
    Inside& in = *s->inside_;
    in.desk = &desk;
    in.server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
    in.server.set_payload_max_length(16 * 1024);
    in.server.set_read_timeout(2, 0);
    in.server.set_write_timeout(2, 0);
    in.server.set_keep_alive_max_count(1);  // a connection that is kept open and says nothing would hold a thread
    in.server.set_keep_alive_timeout(1);
    in.server.set_socket_options([](auto socket) {  // without SO_REUSEPORT, httplib's default: a taken port must show
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    if (!token.empty()) guard(in.server, token, s->port_);
    in.server.Get("/", [](const Request&, Response& r) {
        r.set_header("X-Frame-Options", "DENY");
        r.set_header("X-Content-Type-Options", "nosniff");
        r.set_header("Referrer-Policy", "no-referrer");
        r.set_content(page, "text/html; charset=utf-8");
    });
    in.answer("/v1/status", "application/json", [](const StatusPages& p) { return p.status; });
    in.answer("/v1/config", "application/toml", [](const StatusPages& p) { return p.config; });
    in.answer("/metrics", "text/plain; version=0.0.4", [](const StatusPages& p) { return p.metrics; });
    in.server.Get("/healthz", [](const Request&, Response& r) { r.set_content("ok\n", "text/plain"); });
    in.server.Get("/readyz", [&in](const Request&, Response& r) {
        const std::lock_guard lock(in.mutex);
        r.status = in.pages.ready ? 200 : 503;
        r.set_content(in.pages.ready ? "ready\n" : "not yet\n", "text/plain");
    });
    in.server.Get("/v1/events", [&journal](const Request& request, Response& response) { events(request, response, journal); });
    in.server.Get("/v1/history", [&history](const Request& request, Response& response) {
        const auto after = number(request, "after", 0, 9e15);
        if (!after) return put(response, refusal(400, "after is a number", "take 'kept' of the answer before"));
        put(response, {200, history.json(request.has_param("after") ? std::optional(static_cast<std::uint64_t>(*after)) : std::nullopt)});
    });
    in.get("/v1/links", patience, [](const Request&) { return ShowLinks{}; });
    in.get("/v1/members", patience, [](const Request&) { return ShowMembers{}; });
    in.get("/v1/info", patience, [](const Request&) { return ShowInfo{}; });
    in.get("/v1/rtt", long_patience, [](const Request& r) {
        return MeasureTrip{r.get_param_value("from"), r.get_param_value("to"), static_cast<std::uint32_t>(number(r, "pings", 5, 20).value_or(5))};
    });
    in.server.Get("/v1/model", [&desk](const Request& r, Response& response) {
        const ShowModel wish{r.get_param_value("of"), r.has_param("merged")};
        put(response, desk.ask(wish, wish.merged || !wish.of.empty() ? model_patience : own_model_patience));
    });
    in.post("/v1/join", long_patience, [](const Request& r) { return JoinThrough{all(r, "address")}; });
    in.post("/v1/leave", long_patience, [](const Request&) { return LeaveCluster{}; });
    in.post("/v1/force-leave", patience, [](const Request& r) { return ForceOut{r.get_param_value("node")}; });
    if (port == 0) {
        const int bound = in.server.bind_to_any_port(host.c_str());
        if (bound <= 0) return "cannot listen on " + host;
        s->port_ = static_cast<std::uint16_t>(bound);
    } else {
        if (!in.server.bind_to_port(host.c_str(), port)) return "port " + std::to_string(port) + " on " + host + " is taken";
        s->port_ = port;
    }
    in.thread = std::thread([&in] { in.server.listen_after_bind(); });
    return s;
}

StatusServer::~StatusServer() {
    inside_->server.stop();
    if (inside_->thread.joinable()) inside_->thread.join();
}

void StatusServer::show(StatusPages pages) {
    const std::lock_guard lock(inside_->mutex);
    inside_->pages = std::move(pages);
}

}  // namespace grapevine::node
