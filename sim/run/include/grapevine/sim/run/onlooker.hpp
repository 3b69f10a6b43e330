#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "grapevine/record/sample.hpp"
#include "grapevine/sim/tap.hpp"

namespace grapevine::sim {

// A tap that is told as well what no peer tells: what the scenario does, and what is measured.
class Onlooker : public Tap {
public:
    virtual void happened(const record::RunEvent&) {}
    virtual void sampled(const record::Sample&) {}
    virtual void ended(Instant) {}
    // What went wrong with its file, and what the reader of it must know; after ended().
    virtual std::optional<record::Error> fault() const { return {}; }
    virtual std::string note() const { return ""; }
};

// What of a run is written down: what lies in [from, to], and no more than so many bytes.
struct Window {
    Instant from{}, to = Instant::max();
    bool holds(Instant t) const { return from <= t && t <= to; }
};
inline constexpr std::uint64_t most_trace_bytes = std::uint64_t{256} << 20;

// Chrome's Trace Event Format, which ui.perfetto.dev and chrome://tracing show: a track a peer with what its learner does and
// the messages between them. Written while the run goes on.
inline constexpr std::uint32_t most_traced_peers = 200;
std::unique_ptr<Onlooker> perfetto_trace(const std::string& path, const Window& window, std::uint64_t most_bytes = most_trace_bytes);

// All that happens, an object a line: docs/simulator.md.
std::unique_ptr<Onlooker> json_lines_trace(const std::string& path, const Window& window, std::uint64_t most_bytes = most_trace_bytes);

// A space-time diagram (SVG), written when the run ends.
inline constexpr std::uint32_t most_drawn_peers = 20;
std::unique_ptr<Onlooker> space_time_diagram(const std::string& path, const Window& window, const std::string& title);

// All inputs of one peer, for `grapevine replay`: of the first one with that name ("gpu-2") or number ("p3").
std::unique_ptr<Onlooker> recorder_of(const std::string& peer, const std::string& path);

}  // namespace grapevine::sim
