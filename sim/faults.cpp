#include "grapevine/sim/faults.hpp"

#include <algorithm>

#include "grapevine/sim/network.hpp"

namespace grapevine::sim {

namespace {
constexpr std::uint32_t end_a = 1, end_b = 2;  // a peer may be at both
}

void Faults::Fault::put(std::uint32_t peer, std::uint32_t what) {
    if (peer >= part.size()) part.resize(peer + std::size_t{1});
    part[peer] = what;
}

int Faults::Fault::chances(std::uint32_t from, std::uint32_t to) const {
    const std::uint32_t a = of(from), b = of(to);
    switch (kind) {
        case Kind::sides: return a != 0 && b != 0 && a != b;
        case Kind::one_way: return (a & end_a) != 0 && (b & end_b) != 0;
        case Kind::both_ways: return ((a & end_a) != 0 && (b & end_b) != 0) || ((a & end_b) != 0 && (b & end_a) != 0);
        case Kind::touching: return (a != 0) + (b != 0);
        case Kind::ring: {
            if (a == 0 || b == 0) return 0;
            const std::uint32_t apart = a < b ? b - a : a - b;
            return std::min(apart, around - apart) > (around / 2 + 1) / 2;  // so many on each side and oneself are more than half
        }
    }
    return 0;
}

Faults::Key Faults::add(Fault::Kind kind, double loss, const Peers& a, const Peers& b, std::optional<Harm> harm) {
    Fault fault{++last_, kind, loss};
    harming_ += harm.has_value();
    fault.harm = std::move(harm);
    for (const std::uint32_t p : a) fault.put(p, end_a);
    for (const std::uint32_t p : b) fault.put(p, fault.of(p) | end_b);
    all_.push_back(std::move(fault));
    return last_;
}

Faults::Key Faults::partition(const std::vector<int>& side) {
    Fault fault{++last_, Fault::Kind::sides, 1};
    for (std::uint32_t p = 0; p < side.size(); ++p) fault.put(p, static_cast<std::uint32_t>(side[p] + 1));
    all_.push_back(std::move(fault));
    return last_;
}

Faults::Key Faults::one_way(const Peers& from, const Peers& to) { return add(Fault::Kind::one_way, 1, from, to); }
Faults::Key Faults::cut(const Peers& a, const Peers& b) { return add(Fault::Kind::both_ways, 1, a, b); }
Faults::Key Faults::bulk_cut(const Peers& a, const Peers& b) {
    const Key key = cut(a, b);
    all_.back().bulk_only = true;
    return key;
}

Faults::Key Faults::lossy(const Peers& peers, double loss) { return add(Fault::Kind::touching, loss, peers, {}); }
Faults::Key Faults::lossy_between(const Peers& a, const Peers& b, double loss) { return add(Fault::Kind::both_ways, loss, a, b); }

Faults::Key Faults::harmed(const Peers& peers, const Harm& harm) { return add(Fault::Kind::touching, 0, peers, {}, harm); }
Faults::Key Faults::harmed_between(const Peers& a, const Peers& b, const Harm& harm) { return add(Fault::Kind::both_ways, 0, a, b, harm); }

Faults::Key Faults::majorities(const Peers& ring) {
    Fault fault{++last_, Fault::Kind::ring, 1};
    fault.around = static_cast<std::uint32_t>(ring.size());
    for (std::uint32_t place = 0; place < ring.size(); ++place) fault.put(ring[place], place + 1);
    all_.push_back(std::move(fault));
    return last_;
}

void Faults::end(Key key) {
    std::erase_if(all_, [&](const Fault& f) {
        if (f.key != key) return false;
        harming_ -= f.harm.has_value();
        return true;
    });
}

bool Faults::cut_off(std::uint32_t from, std::uint32_t to, bool bulk) const {
    for (const Fault& f : all_)
        if (f.loss >= 1 && (bulk || !f.bulk_only) && f.chances(from, to) > 0) return true;
    return false;
}

bool Faults::take(std::uint32_t from, std::uint32_t to, Random& random, bool bulk) const {
    double through = 1;
    for (const Fault& f : all_)
        for (int n = f.bulk_only && !bulk ? 0 : f.chances(from, to); n > 0; --n) through *= 1 - f.loss;
    if (through >= 1) return false;
    return through <= 0 || !random.chance(through);
}

Faults::Mischief Faults::meddle(Instant now, std::uint32_t from, std::uint32_t to, Random random) const {
    Mischief m;
    Duration held{};
    for (const Fault& f : all_) {
        if (!f.harm) continue;
        const Harm& harm = *f.harm;
        Random own = random.split(f.key);  // whatever else is in force or has ended
        for (int n = f.chances(from, to); n > 0; --n) {
            if (harm.held_until) held = std::max(held, *harm.held_until - now);
            auto traced = static_cast<std::uint32_t>(own.split(1).bits() >> 33);
            if (harm.delay) m.delay += from_seconds(draw(*harm.delay, own, traced));
            m.garbled = own.chance(harm.garbled) || m.garbled;
            if (own.chance(harm.again)) m.again = from_seconds(draw(harm.after, own, traced));
        }
    }
    m.delay += held;
    return m;
}

void Faults::joins(std::uint32_t peer, std::uint32_t through) {
    for (Fault& f : all_)
        if ((f.kind == Fault::Kind::sides || f.kind == Fault::Kind::ring) && f.of(through) != 0) f.put(peer, f.of(through));
}

void Faults::replaces(std::uint32_t peer, std::uint32_t before) {
    for (Fault& f : all_)
        if (f.of(before) != 0 || f.of(peer) != 0) f.put(peer, f.of(before));
}

}  // namespace grapevine::sim
