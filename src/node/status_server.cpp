#include "status_server.hpp"

#include <httplib.h>
#include <thread>

namespace grapevine::node {

namespace {
constexpr const char* page = R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><title>grapevine</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1.5rem}dt{opacity:.7}dd{margin:0}
</style></head><body><h1 id="name">grapevine</h1><dl id="status"></dl><h2>Members</h2>
<table><thead><tr><th>name</th><th>standing</th><th>address</th><th>round trip</th></tr></thead><tbody id="members"></tbody></table>
<script>
const text=(tag,s)=>{const e=document.createElement(tag);e.textContent=s;return e};
async function refresh(){try{
 const s=await(await fetch('/v1/status')).json(),m=await(await fetch('/v1/members')).json();
 document.getElementById('name').textContent=s.name+' in '+s.run_name;
 const d=document.getElementById('status');d.replaceChildren();
 for(const[k,v]of Object.entries(s))d.append(text('dt',k),text('dd',v===null?'-':typeof v==='object'?JSON.stringify(v):v));
 const t=document.getElementById('members');t.replaceChildren();
 for(const p of m.members){const r=document.createElement('tr');
  r.append(text('td',p.name),text('td',p.standing),text('td',p.control),text('td',p.round_trip===null?'-':(p.round_trip*1e3).toFixed(1)+' ms'));t.append(r)}
}catch(e){document.getElementById('name').textContent='no answer from the node'}}
refresh();setInterval(refresh,1000);
</script></body></html>
)";
}  // namespace

struct StatusServer::Inside {
    httplib::Server server;
    std::mutex mutex;
    StatusPages pages;
    std::thread thread;

    template <class F>
    void answer(const char* path, const char* type, F pick) {
        server.Get(path, [this, type, pick](const httplib::Request&, httplib::Response& response) {
            const std::lock_guard lock(mutex);
            response.set_content(pick(pages), type);
        });
    }
};

StatusServer::StatusServer() : inside_(std::make_unique<Inside>()) {}

std::variant<std::unique_ptr<StatusServer>, std::string> StatusServer::open(const std::string& host, std::uint16_t port) {
    std::unique_ptr<StatusServer> s(new StatusServer);
    Inside& in = *s->inside_;
    in.server.new_task_queue = [] { return new httplib::ThreadPool(2); };
    in.server.set_payload_max_length(1024);
    in.server.set_read_timeout(2, 0);
    in.server.set_write_timeout(2, 0);
    in.server.set_socket_options([](auto socket) {  // without SO_REUSEPORT, httplib's default: a taken port must show
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    in.server.Get("/", [](const httplib::Request&, httplib::Response& r) { r.set_content(page, "text/html; charset=utf-8"); });
    in.answer("/v1/status", "application/json", [](const StatusPages& p) { return p.status; });
    in.answer("/v1/members", "application/json", [](const StatusPages& p) { return p.members; });
    in.answer("/v1/events", "application/json", [](const StatusPages& p) { return p.events; });
    in.answer("/v1/config", "application/toml", [](const StatusPages& p) { return p.config; });
    in.answer("/metrics", "text/plain; version=0.0.4", [](const StatusPages& p) { return p.metrics; });
    in.server.Get("/healthz", [](const httplib::Request&, httplib::Response& r) { r.set_content("ok\n", "text/plain"); });
    in.server.Get("/readyz", [&in](const httplib::Request&, httplib::Response& r) {
        const std::lock_guard lock(in.mutex);
        r.status = in.pages.ready ? 200 : 503;
        r.set_content(in.pages.ready ? "ready\n" : "not yet\n", "text/plain");
    });
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
