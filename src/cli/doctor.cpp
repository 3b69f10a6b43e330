// grapevine doctor: what works here, and what to do about the rest.
#include <arpa/inet.h>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <netdb.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "grapevine/kernels/cpu.hpp"
#include "grapevine/kernels/cuda.hpp"
#include "grapevine/learn/dataset.hpp"
#include "finding.hpp"
#include "grapevine/node/node.hpp"
#include "joins.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

using How = Finding::How;

bool port_free(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return free;
}

Finding ports() {
    std::string taken;
    for (const int port : {7470, 7471, 7472})
        if (!port_free(port)) taken += (taken.empty() ? "" : ", ") + std::to_string(port);
    if (taken.empty()) return {"ports", How::good, "7470 (control), 7471 (bulk), 7472 (status) are free", ""};
    return {"ports", How::note, taken + " in use, perhaps by a node", "another node here needs --port 0 (any free ones) or other numbers"};
}

Finding files() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const std::string is = "up to " + std::to_string(limit.rlim_max) + " open files";
    if (limit.rlim_max >= 16384) return {"files", How::good, is, ""};
    return {"files", How::note, is, "clusters of thousands, and a node that strangers may reach and flood with connections, need a hard limit of 16384 or more (ulimit -Hn)"};
}

Finding clock_set() {
    const std::time_t now = std::time(nullptr);
    char text[40];
    std::strftime(text, sizeof text, "%F %T UTC", std::gmtime(&now));
    const bool plausible = now > 1'700'000'000;
    return {"clock", plausible ? How::good : How::bad, text, plausible ? "" : "set it: logs of several machines cannot be read together otherwise"};
}

Finding name() {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    addrinfo* found = nullptr;
    const int error = getaddrinfo(host, nullptr, nullptr, &found);
    if (found) freeaddrinfo(found);
    if (error == 0) return {"name", How::good, std::string(host) + " resolves", ""};
    return {"name", How::note, std::string(host) + " does not resolve (" + gai_strerror(error) + ")", "give addresses to --join and --advertise, or add it to /etc/hosts"};
}

Finding blas() {
    const std::string library = kernels::products_library();
    const std::string is = library + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
    if (library != "own") return {"cpu", How::good, is, ""};
    return {"cpu", How::note, is, "install libdnnl-dev and build anew: products are several times faster"};
}

Finding gpu() {
    const auto cuda = kernels::load_cuda_backend();
    if (cuda.backend) return {"gpu", How::good, "cuda:0 answers", ""};
    return {"gpu", How::note, "none: " + cuda.reason, "the CPU is used"};
}

Finding data(const std::string& directory) {
    config::Data d;
    d.directory = directory;
    const auto loaded = learn::load(d, 1);
    if (const auto* error = std::get_if<learn::Error>(&loaded)) return {"data", How::note, error->what, error->hint};
    return {"data", How::good, "fashion-mnist is here", ""};
}

Finding nodes() {
    const auto here = node::local_nodes();
    std::string names;
    for (const auto& n : here) names += (names.empty() ? "" : ", ") + n.name + " (status port " + std::to_string(n.status_port) + ")";
    return {"nodes", How::good, here.empty() ? "none of yours runs here" : names, ""};
}

int run(const Arguments& a) {
    auto list = nlohmann::ordered_json::array();
    bool well = true;
    const auto joins = sources("--join", a.all("join"));
    if (const auto* error = std::get_if<Error>(&joins)) return complain(*error, usage);
    std::vector<Finding> findings{ports(), files(), clock_set(), name(), blas(), gpu(), data(a.get("data-dir").value_or("")), nodes()};
    for (Finding& f : looked_up(std::get<0>(joins))) findings.push_back(std::move(f));
    if (const auto peer = a.get("peer")) {
        const auto whom = node::read_address(*peer);
        if (!whom) return complain({"--peer '" + *peer + "' is not an address", "HOST[:PORT] of a node that runs, port 7470 unless said"}, usage);
        for (Finding& f : visited(*whom)) findings.push_back(std::move(f));
    }
    for (const Finding& f : findings) {
        static constexpr const char* words[] = {"ok", "note", "BAD"};
        well = well && f.how != How::bad;
        list.push_back({{"what", f.what}, {"how", words[static_cast<int>(f.how)]}, {"is", f.is}, {"advice", f.advice}});
        if (a.has("json")) continue;
        std::printf("%-5s %-7s %s\n", words[static_cast<int>(f.how)], f.what.c_str(), f.is.c_str());
        if (!f.advice.empty()) std::printf("              %s\n", f.advice.c_str());
    }
    if (a.has("json")) std::printf("%s\n", list.dump(2).c_str());
    return well ? finished : failed;
}

}  // namespace

Verb doctor_verb() {
    return {"doctor", "[--join WHERE]... [--peer HOST[:PORT]]", "what works on this machine, and what to do about the rest",
            "Looks at ports, limits, clock, name, CPU, GPU, data and running nodes; with --join at what each source says now, with\n"
            "--peer at whether a node there could be joined from here, on both planes. Exit status 1 if something is BAD.", {{"join", "WHERE", "as of 'grapevine node'", true}, {"peer", "HOST[:PORT]", "a node that runs", false, true}, {"data-dir", "DIR", "where the data set's files are"}, {"json", "", "as JSON"}}, 0, run};
}

}  // namespace grapevine::cli
