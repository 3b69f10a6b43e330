#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/membership/book.hpp"

namespace grapevine::node {

// What a node says of itself to whoever greets its address: enough to join the run, or to see why not.
struct Greeting {
    std::string software;        // "grapevine 0.1.0"
    std::uint64_t run = 0;
    bool provisional = false;    // it waits for a seed itself and would give this run up for another
    std::uint64_t layout = 0;
    std::string layout_text;     // "w1 784x128, b1 128, ..."
    std::uint64_t data = 0;      // fingerprint of the data set
    std::string data_text;       // its name
    std::vector<float> scale, shift;  // of private data: by which everybody normalises; else none
    std::string exchange;        // kind
    membership::Record record;   // as a member: who hears of it otherwise must hear the same
    double elapsed = 0;          // seconds since the run began
    std::string config;          // of the run, as TOML
};

inline constexpr std::size_t most_figures = 256;  // columns that are normalised each by itself: two words of 8 digits each, of the 16 KiB of a greeting

std::string to_text(const Greeting& greeting);
// From anybody: nothing if it is not a greeting.
std::optional<Greeting> parse_greeting(const std::string& text);

// What keeps two from mixing, named with both sides; empty if nothing does. The run id is not compared.
std::string difference(const Greeting& ours, const Greeting& theirs);

// The same of two configurations: what belongs to the run and not to a peer. Of a peer are [train] order, pace, compute and target, [data] batch
// and split, where a peer of `average` and `quadratic` starts and what it aims at, and [metrics].
std::string conflict(const config::Config& ours, const config::Config& theirs);

}  // namespace grapevine::node
