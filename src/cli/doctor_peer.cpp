// What `grapevine doctor` finds of others.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "finding.hpp"
#include "grapevine/node/visit.hpp"
#include "terminal.hpp"

namespace grapevine::cli {

namespace {

using How = Finding::How;

constexpr std::size_t shown = 4;                              // addresses of a source
constexpr double slow_names = 1;                              // s
constexpr Duration patience = std::chrono::seconds(3);

std::string ms(Duration took) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", seconds(took) * 1e3);
    return text;
}

std::string bare(const std::string& endpoint) { return plain(endpoint.starts_with("tcp://") ? endpoint.substr(6) : endpoint); }

Finding connection(const char* what, const node::Tried& tried) {
    const std::string where = bare(tried.endpoint), port = where.substr(where.rfind(':') + 1);
    if (tried.took) return {what, How::good, where + " connects in " + ms(*tried.took), ""};
    const std::string is = where + ": " + (tried.error == EINVAL ? "no address that can be dialled" : std::strerror(tried.error));
    if (tried.error == ECONNREFUSED) return {what, How::bad, is, "nothing listens there: is a node running, on this port, and with --listen 0.0.0.0? It listens on loopback otherwise"};
    if (tried.error == ETIMEDOUT) return {what, How::bad, is, "packets vanish, as a firewall or router lets them: TCP port " + port + " must be open (control and bulk have each their own)"};
    if (tried.error == EINVAL) return {what, How::bad, is, "what it was told to --advertise is wrong"};
    return {what, How::bad, is, "no way leads there: is the address right, and its network up here?"};
}

Finding echoed(const node::Visit& v) {
    const std::string where = bare(v.advertised.back().endpoint);
    switch (v.echo) {
        case node::Visit::Echo::all: return {"bulk", How::good, where + " returns 256 KiB in " + ms(v.echo_took), ""};
        case node::Visit::Echo::little:
            return {"bulk", How::bad, where + " returns a few bytes, and not 256 KiB", "packets of full size vanish on the way, as where a tunnel or VPN carries shorter ones than this machine believes: try a smaller MTU (ip link set dev DEVICE mtu 1400)"};
        case node::Visit::Echo::none:
        case node::Visit::Echo::nothing: break;
    }
    return {"bulk", How::bad, where + " connects and returns nothing", "what listens there is not this node's bulk plane, or something between lets no more through than a connection: a proxy, a firewall that looks into it"};
}

}  // namespace

std::vector<Finding> looked_up(const std::vector<node::Source>& sources) {
    std::vector<Finding> findings;
    for (const node::Source& source : sources) {
        const auto begun = std::chrono::steady_clock::now();
        const node::Found found = node::find({source}, "127.0.0.1");
        const Duration took = std::chrono::steady_clock::now() - begun;
        std::string is = node::to_string(source) + ": ";
        for (std::size_t i = 0; i < found.endpoints.size() && i < shown; ++i) is += (i ? ", " : "") + bare(found.endpoints[i]);
        if (found.endpoints.size() > shown) is += " and " + std::to_string(found.endpoints.size() - shown) + " more";
        if (found.endpoints.empty()) {
            findings.push_back({"join", How::note, found.missing.empty() ? is + "nothing" : plain(found.missing.front()), "no error for a node, which looks again and again; but nobody is found there now"});
        } else if (!found.missing.empty()) {
            findings.push_back({"join", How::note, is, plain(found.missing.front())});
        } else {
            const bool slow = seconds(took) > slow_names;
            findings.push_back({"join", slow ? How::note : How::good, is, slow ? "looking took " + ms(took) + ": a name server does not answer?" : ""});
        }
    }
    return findings;
}

std::vector<Finding> visited(const node::Address& whom) {
    std::vector<Finding> findings;
    const node::Visit v = node::visit(whom, patience);
    if (v.control.empty()) return {{"peer", How::bad, plain(whom.host) + ": " + v.no_address, "give its address, or see to it that the name resolves here"}};
    for (const node::Tried& tried : v.control) findings.push_back(connection("control", tried));
    if (v.greeted && v.starting) findings.push_back({"peer", How::note, "answers in " + ms(*v.greeted) + ", and is only starting", "try again"});
    else if (v.greeted) findings.push_back({"peer", How::good, plain(v.name) + ", " + plain(v.software) + ", exchange " + plain(v.exchange) + ", answers in " + ms(*v.greeted), ""});
    else if (!v.why_not.empty()) findings.push_back({"peer", How::bad, "no answer: " + v.why_not, "what listens there is no grapevine, or wants a key"});
    static constexpr const char* planes[] = {"control", "bulk"};
    for (std::size_t i = 0; i < v.advertised.size(); ++i) {
        const node::Tried& tried = v.advertised[i];
        Finding found = connection(planes[i], tried);
        bool dialled = false;
        for (const node::Tried& t : v.control) dialled = dialled || t.endpoint == tried.endpoint;
        if (dialled) continue;  // seen above
        if (found.how == How::bad && i == 0) found.advice += ". It tells others to dial this address: --advertise HOST, on its side, tells another";
        if (found.how == How::bad && i == 1) found.advice += ". Without this plane no parameters can be exchanged";
        findings.push_back(std::move(found));
    }
    if (v.echo != node::Visit::Echo::none) findings.push_back(echoed(v));
    return findings;
}

}  // namespace grapevine::cli
