#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"

// Where a node looks for others of its run: what --join says. Reading it is a matter of texts; find() goes and looks.
namespace grapevine::node {

inline constexpr std::uint16_t default_port = 7470;
inline constexpr std::uint16_t ports_of_a_node = 3;  // control, bulk, status: those of the next node of a machine follow

struct Address {             // "host", "host:port", "[v6]:port"; before it "KEY@", if it was said whose it is
    std::string host;        // without brackets
    std::uint16_t port = default_port;
    std::string key{};       // public, as text; empty: not said
    friend bool operator==(const Address&, const Address&) = default;
};
struct DnsName {             // "dns:NAME[:port]": all addresses that it has at the time
    Address at;
    friend bool operator==(const DnsName&, const DnsName&) = default;
};
struct AddressFile {         // "file:PATH"
    std::string path;
    friend bool operator==(const AddressFile&, const AddressFile&) = default;
};
struct Master {              // "env": MASTER_ADDR, MASTER_PORT
    Address at;
    friend bool operator==(const Master&, const Master&) = default;
};
struct SlurmJob {            // "slurm": all tasks on all nodes of the job we are in
    std::vector<std::string> hosts;
    std::string own_host;               // of these; empty: unknown
    std::uint16_t port = default_port;  // of the first task of each host
    std::uint32_t tasks = 1;            // of a host, at most
    friend bool operator==(const SlurmJob&, const SlurmJob&) = default;
};
using Source = std::variant<Address, DnsName, AddressFile, Master, SlurmJob>;

std::string to_string(const Source& source);  // as it is typed

// A variable of the environment, if it is set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// What stands behind one --join, with commas between several. `port`: of the first task of each host of a Slurm job.
std::variant<std::vector<Source>, config::Error> read_sources(std::string_view words, const Environment& environment, std::uint16_t port);

std::optional<Address> read_address(std::string_view text);

// Our place among the nodes that the same command started on this machine, from 0, and among all of them: SLURM_LOCALID and
// SLURM_PROCID, or torchrun's LOCAL_RANK and RANK. It decides our port and our default name, never who is a member.
struct Place {
    std::uint32_t on_machine = 0;
    std::optional<std::uint32_t> in_all;
};
std::variant<Place, config::Error> place_among(const std::vector<Source>& sources, const Environment& environment);

inline constexpr std::size_t most_lines = 10'000;                      // of a file; of a job, 100,000
inline constexpr std::size_t most_records = 1000;                          // of a name
inline constexpr std::size_t longest_address_file = std::size_t{1} << 20;  // bytes

// The addresses in a file: one a line; "#" begins a comment. What is none is left out, and the first of these said.
struct Lines {
    std::vector<Address> addresses;
    std::string wrong;  // "line 3: 'host:port' is no address"; empty: all is well
};
Lines read_lines(std::string_view text);

// What the sources say now.
struct Found {
    std::vector<std::string> endpoints;  // as the transport wants them, "tcp://host:port", each once; with "KEY@" before the host if it was said
    std::vector<std::string> missing;    // sources that gave none, or not all, and why
};
// Waits for name servers and file systems. `own_host`: where nodes of this machine listen; tasks of our job beside us do.
Found find(const std::vector<Source>& sources, const std::string& own_host);

}  // namespace grapevine::node
