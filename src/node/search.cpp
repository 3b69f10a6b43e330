#include "search.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "grapevine/net/names.hpp"
#include "grapevine/protocol.hpp"

namespace grapevine::node {

namespace {

constexpr std::size_t asked_at_once = 32;

std::string why() { return errno == ENOENT ? "not there (yet)" : std::strerror(errno); }

// A pipe or a device would keep us for ever, a huge file fill the memory.
std::optional<std::string> read_file(const std::string& path, std::string& fault) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat is{};
    std::optional<std::string> text;
    if (fd < 0) fault = why();
    else if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) fault = "no file";
    else text.emplace(longest_address_file + 1, '\0');
    std::size_t have = 0;
    while (text && have < text->size()) {
        const ssize_t got = read(fd, text->data() + have, text->size() - have);
        if (got < 0) {
            fault = why();
            text.reset();
        }
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    if (fd >= 0) close(fd);
    if (text && have > longest_address_file) {
        fault = "more than 1 MiB";
        text.reset();
    }
    if (text) text->resize(have);
    return text;
}

}  // namespace

struct Search::Answer {
    std::mutex mutex;
    std::optional<Found> found;
};

Found find(const std::vector<Source>& sources, const std::string& own_host) {
    Found found;
    std::set<std::string> seen;
    const auto put = [&](std::string endpoint, const std::string& key) {
        if (!seen.insert(endpoint).second) return;
        if (!key.empty()) endpoint.insert(endpoint.find("//") + 2, key + "@");
        found.endpoints.push_back(std::move(endpoint));
    };
    const auto add = [&](const std::string& host, std::uint16_t port, const std::string& key = {}) { put(net::endpoint_at(host, port), key); };
    for (const Source& source : sources) {
        const auto missing = [&](const std::string& what) { found.missing.push_back(to_string(source) + ": " + what); };
        std::visit(Cases{
                       [&](const Address& a) { add(a.host, a.port, a.key); },
                       [&](const Master& m) { add(m.at.host, m.at.port); },
                       [&](const DnsName& d) {
                           std::string failed;
                           const auto endpoints = net::addresses_of(d.at.host, d.at.port, most_records, failed);
                           if (endpoints.empty()) missing(failed);
                           for (const std::string& endpoint : endpoints) put(endpoint, d.at.key);
                       },
                       [&](const AddressFile& f) {
                           std::string fault;
                           const auto text = read_file(f.path, fault);
                           if (!text) return missing(fault);
                           const Lines lines = read_lines(*text);
                           if (!lines.wrong.empty()) missing(lines.wrong);
                           else if (lines.addresses.empty()) missing("no address in it");
                           for (const Address& a : lines.addresses) add(a.host, a.port, a.key);
                       },
                       [&](const SlurmJob& job) {
                           for (const std::string& host : job.hosts)
                               for (std::uint32_t task = 0; task < job.tasks; ++task)
                                   add(host == job.own_host ? own_host : host, static_cast<std::uint16_t>(job.port + task * ports_of_a_node));
                       },
                   },
                   source);
    }
    return found;
}

void Search::begin() {
    if (std::exchange(under_way_, true)) return;
    answer_ = std::make_shared<Answer>();
    const auto waits = [](const Source& s) { return std::holds_alternative<DnsName>(s) || std::holds_alternative<AddressFile>(s); };
    if (std::none_of(sources_.begin(), sources_.end(), waits)) {
        answer_->found = find(sources_, own_host_);
        return;
    }
    std::thread([sources = sources_, own_host = own_host_, answer = answer_] {
        Found found = find(sources, own_host);
        const std::lock_guard lock(answer->mutex);
        answer->found = std::move(found);
    }).detach();
}

std::optional<Found> Search::take() {
    if (!under_way_) return std::nullopt;
    std::optional<Found> found;
    {
        const std::lock_guard lock(answer_->mutex);
        found = std::move(answer_->found);
    }
    if (!found) return std::nullopt;
    under_way_ = false;
    std::vector<std::string>& all = found->endpoints;
    if (all.size() > asked_at_once) {
        std::shuffle(all.begin(), all.end(), std::random_device());
        all.resize(asked_at_once);
    }
    return found;
}

}  // namespace grapevine::node
