// Where a node is told to look: the words of --join, the environment behind them, a file of addresses. What is taken is as large as its
// limits say at the most, and what is taken of a word is written as a word that is read as the same.
#include "fuzz.hpp"
#include "grapevine/node/sources.hpp"
#include "hostlist.hpp"

using namespace grapevine;

std::vector<std::string> fuzz::seeds() {
    return {"", "desk:8000,[fe80::1%eth0]:7471,dns:grapevine.default.svc,file:peers.txt,slurm,env", "node[001-004,7],gpu-a", "r[1-20]n[01-02].x,h", "[1-9999],a", "2(x3),1",
            "# who is there\n desk:8000 # under it\r\n\n\t[::1]\nten two\n10.0.0.7"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto hosts = node::expand_hostlist(text);
    if (const auto* all = std::get_if<0>(&hosts)) {
        assert(!all->empty() && all->size() <= node::most_hosts);
        for (const std::string& host : *all) assert(!host.empty() && host.size() <= node::longest_host);
    }
    if (const auto most = node::most_tasks(text)) assert(*most > 0 && *most <= 1024);
    const node::Lines lines = node::read_lines(text);
    assert(lines.addresses.size() <= node::most_lines && lines.wrong.size() < 200);
    for (const node::Address& a : lines.addresses) assert(!a.host.empty() && a.port > 0);
    const auto environment = [&](const char*) { return std::optional(text); };
    for (const std::string& words : {text, std::string("slurm"), std::string("env")}) {
        const auto read = node::read_sources(words, environment, 7470);
        if (const auto* error = std::get_if<config::Error>(&read)) {
            assert(!error->what.empty() && !error->hint.empty());
            continue;
        }
        for (const node::Source& source : std::get<0>(read)) {
            if (const auto* a = std::get_if<node::Address>(&source)) assert(node::read_address(node::to_string(*a)) == *a);
            if (const auto* job = std::get_if<node::SlurmJob>(&source)) assert(job->hosts.size() * job->tasks <= 100'000);
        }
        (void)node::place_among(std::get<0>(read), environment);
    }
    return 0;
}
