#include "section.hpp"

// preset = "wan": the cards and the links of a network as they usually are, so that a scenario need not say them. A key of
// the file's own [[group]] or [[link]] is laid over it, and its links come after the preset's, which is between all. What
// it resolved to is written out; the word itself is forgotten. The figures and where they are from: docs/configuration.md.
namespace grapevine::config {
namespace {

using Kind = Distribution::Kind;

struct Preset {
    const char* word;
    double uplink, downlink;        // bytes per second
    Distribution distance, latency; // one way, seconds
    double loss;
    std::optional<Bursts> bursts;
};

constexpr double Mbit = 1e6 / 8, Gbit = 1e9 / 8;

const Preset presets[] = {
    {"datacenter", 25 * Gbit, 25 * Gbit, {}, {Kind::lognormal, 120e-6, 0.85, {}, {}}, 5e-5, {}},
    {"lan", Gbit, Gbit, {}, {Kind::shifted_exponential, 100e-6, 100e-6, {}, {}}, 0, {}},
    {"wan", Gbit, Gbit, {Kind::lognormal, 40e-3, 0.7, {}, {}}, {Kind::shifted_exponential, 1e-3, 2e-3, {}, {}}, 0,
     Bursts{0.004, std::chrono::minutes(2)}},
    {"edge", 20 * Mbit, 100 * Mbit, {Kind::lognormal, 20e-3, 0.5, {}, {}}, {Kind::shifted_exponential, 5e-3, 5e-3, {}, {}}, 0,
     Bursts{0.005, std::chrono::seconds(30)}},
};

}  // namespace

Usual read_preset(Section& file) {
    Usual usual;
    std::vector<std::string> words;
    for (const Preset& preset : presets) words.emplace_back(preset.word);
    const auto index = file.pick("preset", words, {});
    if (!index) return usual;
    const Preset& preset = presets[*index];
    usual.preset = true;
    usual.group.uplink = preset.uplink;
    usual.group.downlink = preset.downlink;
    usual.link.distance = preset.distance;
    usual.link.latency = preset.latency;
    usual.link.loss = preset.loss;
    usual.link.bursts = preset.bursts;
    return usual;
}

}  // namespace grapevine::config
