#pragma once

#include <cmath>

#include "../encoded.hpp"
#include "../pace.hpp"

namespace grapevine::gossip {

// What the server and its workers have in common: each trains.
struct Common {
    Common(const Config& c, PeerId s) : config(c), self(s) {}

    const Config& config;
    const PeerId self;
    Training training;
    Patience patience;    // worker: from handing in to the model that comes back; server: how long rounds are
    double samples = 0;   // behind the model
    bool halted = false, finishing = false, finished = false;
    std::uint32_t tag = 0, ticket = 0;

    static constexpr Slot aside = 1;  // server: the average as far as it has come; worker, asynchronous: the model it was handed
    bool rounds() const { return !asynchronous(); }
    bool asynchronous() const { return config.kind == Kind::parameter_server && config.mode == Mode::async; }
    bool federated() const { return config.kind == Kind::fedavg; }
    bool by_the_clock() const { return config.period.has_value(); }
    bool through() const { return config.trains ? !training.wanted(config) : finishing; }  // has made all its steps
    std::uint64_t steps_a_round() const { return config.every_steps.value_or(~std::uint32_t{0}); }
    Range whole() const { return {0, config.size}; }
    bool takes(const Snapshot& s) const { return fits(s, config.layout, config.size) && s.range == whole(); }

    std::uint32_t order(decltype(Order::what) what, Exchange::Out& out) {
        out.tell(Order{++tag, std::move(what)});
        return tag;
    }
    std::uint32_t publish(Slot slot, Exchange::Out& out) { return order(encoded(config, slot, whole()), out); }
    std::uint32_t new_ticket() { return ++ticket ? ticket : ++ticket; }
    void train(Instant now, std::uint64_t most, Exchange::Out& out) {
        training.begin(config, now, most, [&](Train t) { order(t, out); });
    }
    void conclude(Exchange::Out& out) {
        if (!finishing || finished) return;
        finished = true;
        out.tell(Finished{});
    }
};

inline constexpr std::uint64_t finish_turn = ~std::uint64_t{0};
inline constexpr std::uint64_t ask_turn = finish_turn - 1;

}  // namespace grapevine::gossip
