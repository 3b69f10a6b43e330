#include "grapevine/node/sources.hpp"

#include <algorithm>
#include <charconv>

#include "grapevine/keys/keys.hpp"
#include "grapevine/protocol.hpp"
#include "hostlist.hpp"

namespace grapevine::node {

namespace {

constexpr std::size_t longest_shown = 80;  // of what others wrote
constexpr std::size_t most_tasks_of_a_job = 100'000;

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    return wrong == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional(value) : std::nullopt;
}

std::string shown(std::string_view text) {
    std::string s(text.substr(0, longest_shown));
    for (char& c : s)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return "'" + s + (text.size() > longest_shown ? "..." : "") + "'";
}

std::string text_of(const Address& a) {
    const std::string host = a.host.find(':') == std::string::npos ? a.host : "[" + a.host + "]";
    return a.port == default_port ? host : host + ":" + std::to_string(a.port);
}

config::Error no_address(std::string_view word) {
    if (const auto at = word.find('@'); at != std::string_view::npos && !keys::parse_key(word.substr(0, at)))
        return {shown(word) + " does not begin with a public key", "64 digits of 0-9 and a-f, as 'grapevine keygen' prints them: KEY@HOST:PORT"};
    const std::size_t colon = word.find(':');
    if (colon != std::string_view::npos && colon + 1 < word.size() && !number<std::uint64_t>(word.substr(colon + 1)))
        if (const auto near = config::nearest(std::string(word.substr(0, colon)), {"dns", "file"}); near && *near != word.substr(0, colon))
            return {shown(word) + " is not an address", "did you mean " + *near + ":" + std::string(word.substr(colon + 1, longest_shown)) + "?"};
    return {shown(word) + " is not an address", "HOST[:PORT], dns:NAME[:PORT], slurm, env or file:PATH; for example 192.168.1.7:7470 or [fe80::1]:7470"};
}

std::variant<Source, config::Error> slurm(const Environment& environment, std::uint16_t port) {
    const auto list = environment("SLURM_JOB_NODELIST");
    if (!list) return config::Error{"slurm: there is no SLURM_JOB_NODELIST, so this is no Slurm job", "srun grapevine node RUN.toml --join slurm, within a job"};
    auto hosts = expand_hostlist(*list);
    if (const auto* error = std::get_if<config::Error>(&hosts)) return config::Error{"slurm: SLURM_JOB_NODELIST: " + error->what, error->hint};
    SlurmJob job{std::get<0>(std::move(hosts)), environment("SLURMD_NODENAME").value_or(""), port, 1};
    for (const char* name : {"SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE"})
        if (const auto counts = environment(name)) {
            const auto most = most_tasks(*counts);
            if (!most) return config::Error{std::string("slurm: ") + name + ": " + shown(*counts) + " cannot be read", "as Slurm counts tasks: 2(x3),1"};
            job.tasks = std::max(job.tasks, *most);
        }
    if (job.hosts.size() * job.tasks > most_tasks_of_a_job)
        return config::Error{"slurm: a job of " + std::to_string(job.hosts.size()) + " nodes with up to " + std::to_string(job.tasks) + " tasks", "up to 100000 tasks are known what to do with"};
    if (port + job.tasks * ports_of_a_node > 65536)
        return config::Error{"slurm: " + std::to_string(job.tasks) + " tasks of a node take three ports each, and there are not as many from " + std::to_string(port) + " on", "a smaller --port"};
    return job;
}

std::variant<Source, config::Error> master(const Environment& environment) {
    const auto host = environment("MASTER_ADDR");
    if (!host) return config::Error{"env: there is no MASTER_ADDR", "set MASTER_ADDR to the address of a node of the run, and MASTER_PORT to its control port if that is not 7470"};
    auto at = read_address(host->find(':') == std::string::npos || host->front() == '[' ? *host : "[" + *host + "]");
    if (!at) return config::Error{"env: MASTER_ADDR: " + shown(*host) + " is not an address", "the name or address of a machine"};
    if (const auto text = environment("MASTER_PORT")) {
        const auto port = number<std::uint16_t>(*text);
        if (!port || *port == 0) return config::Error{"env: MASTER_PORT: " + shown(*text) + " is not a port", "a number up to 65535"};
        at->port = *port;
    }
    return Master{*at};
}

std::variant<Source, config::Error> read_source(std::string_view word, const Environment& environment, std::uint16_t port) {
    if (word == "slurm") return slurm(environment, port);
    if (word == "env") return master(environment);
    if (word.starts_with("dns:")) {
        const auto at = read_address(word.substr(4));
        if (!at) return config::Error{shown(word) + " is not a name", "dns:NAME[:PORT], for example dns:grapevine.default.svc:7470"};
        return DnsName{*at};
    }
    if (word.starts_with("file:")) {
        if (word.size() == 5) return config::Error{"'file:' names no file", "file:PATH, of a file with an address a line"};
        return AddressFile{std::string(word.substr(5))};
    }
    for (const char* bare : {"dns", "file"})
        if (word == bare) return config::Error{shown(word) + " wants more", std::string(bare) + (word == "dns" ? ":NAME[:PORT]" : ":PATH")};
    const auto at = read_address(word);
    if (!at) return no_address(word);
    return *at;
}

}  // namespace

std::string to_string(const Source& source) {
    return std::visit(Cases{
                          [](const Address& a) { return text_of(a); },
                          [](const DnsName& d) { return "dns:" + text_of(d.at); },
                          [](const AddressFile& f) { return "file:" + f.path; },
                          [](const Master& m) { return "env (" + text_of(m.at) + ")"; },
                          [](const SlurmJob& j) { return "slurm (" + std::to_string(j.hosts.size()) + (j.hosts.size() == 1 ? " node" : " nodes") + ", up to " + std::to_string(j.tasks) + (j.tasks == 1 ? " task each)" : " tasks each)"); },
                      },
                      source);
}

std::variant<std::vector<Source>, config::Error> read_sources(std::string_view words, const Environment& environment, std::uint16_t port) {
    std::vector<Source> all;
    while (!words.empty()) {
        const std::string_view word = words.substr(0, words.find(','));
        words.remove_prefix(std::min(words.size(), word.size() + 1));
        if (word.empty()) continue;
        auto source = read_source(word, environment, port);
        if (auto* error = std::get_if<config::Error>(&source)) return std::move(*error);
        if (std::find(all.begin(), all.end(), std::get<Source>(source)) == all.end()) all.push_back(std::get<Source>(std::move(source)));
    }
    return all;
}

std::optional<Address> read_address(std::string_view text) {
    std::string key;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        key = text.substr(0, at);
        if (!keys::parse_key(key)) return std::nullopt;
        text.remove_prefix(at + 1);
    }
    std::string_view host = text;
    std::optional<std::string_view> port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        host = text.substr(1, close - 1);
        if (host.find(':') == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return std::nullopt;
        if (!rest.empty()) port = rest.substr(1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        host = text.substr(0, text.find(':'));
        port = text.substr(host.size() + 1);
    }
    const auto plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
    };
    if (host.empty() || host.size() > longest_host || !std::all_of(host.begin(), host.end(), plain)) return std::nullopt;
    Address address{std::string(host), default_port, std::move(key)};
    if (port) {
        const auto n = number<std::uint16_t>(*port);
        if (!n || *n == 0) return std::nullopt;
        address.port = *n;
    }
    return address;
}

std::variant<Place, config::Error> place_among(const std::vector<Source>& sources, const Environment& environment) {
    const auto has = [&](auto kind) { return std::any_of(sources.begin(), sources.end(), [](const Source& s) { return std::holds_alternative<decltype(kind)>(s); }); };
    const char *on_machine = nullptr, *in_all = nullptr;
    if (has(SlurmJob{})) on_machine = "SLURM_LOCALID", in_all = "SLURM_PROCID";
    else if (has(Master{})) on_machine = "LOCAL_RANK", in_all = "RANK";
    Place place;
    for (const char* name : {on_machine, in_all}) {
        const auto text = name ? environment(name) : std::nullopt;
        if (!text) continue;
        const auto n = number<std::uint32_t>(*text);
        if (!n || *n >= most_tasks_of_a_job) return config::Error{std::string(name) + ": " + shown(*text) + " is not a place among others", "a number from 0 on"};
        if (name == on_machine) place.on_machine = *n;
        else place.in_all = *n;
    }
    return place;
}

Lines read_lines(std::string_view text) {
    Lines lines;
    const auto complain = [&](std::size_t number, const std::string& what) {
        if (lines.wrong.empty()) lines.wrong = "line " + std::to_string(number) + ": " + what;
    };
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        line = line.substr(0, line.find('#'));
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string_view::npos) continue;
        line = line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
        if (lines.addresses.size() == most_lines) {
            complain(number, "more than " + std::to_string(most_lines) + " addresses; the rest is not read");
            break;
        }
        if (auto address = read_address(line)) lines.addresses.push_back(std::move(*address));
        else complain(number, shown(line) + " is no address");
    }
    return lines;
}

}  // namespace grapevine::node
