#include "troubles.hpp"

#include <algorithm>
#include <numeric>

namespace grapevine::sim {

using Kind = config::Event::Kind;
using Shape = config::Event::Shape;

namespace {

void shuffle(std::vector<std::uint32_t>& peers, Random& random) {
    for (std::size_t i = 0; i + 1 < peers.size(); ++i) std::swap(peers[i], peers[i + random.below(peers.size() - i)]);
}

struct Words {
    const char *begins, *ends;
};

Words words_of(Kind kind) {
    switch (kind) {
        case Kind::one_way: return {"one_way", "one_way_ended"};
        case Kind::cut: return {"cut", "cut_ended"};
        case Kind::loss: return {"lossy", "lossy_ended"};
        case Kind::delay: return {"delayed", "delayed_ended"};
        case Kind::clog: return {"clogged", "clogged_ended"};
        case Kind::bandwidth: return {"bandwidth", "bandwidth_ended"};
        case Kind::corrupt: return {"corrupted", "corrupted_ended"};
        case Kind::replay: return {"replayed", "replayed_ended"};
        default: return {"partitioned", "healed"};
    }
}

}  // namespace

const char* Troubles::begins(Kind kind) { return words_of(kind).begins; }
const char* Troubles::ends(Kind kind) { return words_of(kind).ends; }

bool Troubles::is_one(Kind kind) { return kind == Kind::partition || words_of(kind).ends != words_of(Kind::partition).ends; }

Troubles::Troubles(const config::Config& config, Population& population, World& world, Watch& watch)
    : config_(config), population_(population), world_(world), watch_(watch), shapes_(Random(config.seed).split(0x7368617065)) {}

std::size_t Troubles::draw(const config::Event& event) {
    Trouble t{&event, {}, {}, {}};
    if (event.shape) {
        draw_shape(t);
    } else if (event.kind == Kind::partition) {
        t.side.assign(world_.size(), -1);
        for (std::size_t s = 0; s < event.sides.size(); ++s)
            for (const std::uint32_t p : population_.pick(event.sides[s]))
                if (t.side[p] < 0) t.side[p] = static_cast<int>(s);
    } else if (event.kind == Kind::one_way) {
        t.a = population_.pick(event.from), t.b = population_.pick(event.to);
    } else if (!event.sides.empty()) {
        t.a = population_.pick(event.sides[0]), t.b = population_.pick(event.sides[1]);
    } else {
        t.a = population_.pick(event.nodes);
    }
    if (event.kind == Kind::clog) {
        Random order = shapes_.split(all_.size());
        shuffle(t.a, order);
    }
    all_.push_back(std::move(t));
    return all_.size() - 1;
}

// halves: of equal size, or one more in the first. isolate-one: one against all others. bridge: halves, and one that hears both.
// random: each by a coin. Who is put where is drawn. ring-of-majorities: see Faults.
void Troubles::draw_shape(Trouble& t) {
    Random random = shapes_.split(all_.size());
    Peers peers = population_.pick(config::Selection{});
    shuffle(peers, random);
    t.side.assign(world_.size(), -1);
    const std::size_t n = peers.size(), first = n - n / 2;
    for (std::size_t i = 0; i < n; ++i) switch (*t.event->shape) {
            case Shape::halves: t.side[peers[i]] = i < first ? 0 : 1; break;
            case Shape::isolate_one: t.side[peers[i]] = i == 0 ? 0 : 1; break;
            case Shape::bridge: t.side[peers[i]] = i == 0 ? -1 : i < first ? 0 : 1; break;
            case Shape::random: t.side[peers[i]] = random.chance(0.5) ? 0 : 1; break;
            case Shape::ring_of_majorities: break;
        }
    t.a = std::move(peers);
}

std::size_t Troubles::turns(std::size_t trouble) const { return all_[trouble].event->kind == Kind::clog ? all_[trouble].a.size() : 1; }

std::optional<std::uint32_t> Troubles::whose_turn(std::size_t trouble) const {
    const Trouble& t = all_[trouble];
    return t.event->kind == Kind::clog && t.begun > 0 ? std::optional(t.a[t.begun - 1]) : std::nullopt;
}

// Who is spoken to by everybody is not ill for that: of two ends, one that is everybody is well.
void Troubles::touch(const Trouble& t) {
    if (t.event->kind == Kind::partition) return;
    const std::size_t all = world_.up_count();
    for (const Peers* end : {&t.a, &t.b})
        if (t.b.empty() || end->size() < all || (t.a.size() == all && t.b.size() == all))
            for (const std::uint32_t p : *end) watch_.touched(p);
}

void Troubles::begin(std::size_t trouble, Instant now) {
    Trouble& t = all_[trouble];
    const config::Event& event = *t.event;
    Faults& faults = world_.network().faults();
    ++t.begun;
    const auto harm = [&](const Harm& harm) { t.fault = event.sides.empty() ? faults.harmed(t.a, harm) : faults.harmed_between(t.a, t.b, harm); };
    switch (event.kind) {
        case Kind::one_way: t.fault = faults.one_way(t.a, t.b); break;
        case Kind::cut: t.fault = faults.cut(t.a, t.b); break;
        case Kind::loss: t.fault = event.sides.empty() ? faults.lossy(t.a, event.loss) : faults.lossy_between(t.a, t.b, event.loss); break;
        case Kind::delay: harm({.delay = event.latency}); break;
        case Kind::corrupt:
            world_.words_may_be_garbled();
            harm({.garbled = event.share});
            break;
        case Kind::replay: harm({.again = event.share, .after = event.latency}); break;
        case Kind::clog:
            t.fault = faults.harmed({t.a[t.begun - 1]}, {.held_until = now + *event.lasts});
            watch_.touched(t.a[t.begun - 1]);
            return;
        case Kind::bandwidth:
            t.slows = true;
            set_rates(t.a);
            break;
        default: t.fault = event.shape == Shape::ring_of_majorities ? faults.majorities(t.a) : faults.partition(t.side);
    }
    touch(t);
}

void Troubles::end(std::size_t trouble) {
    Trouble& t = all_[trouble];
    if (t.fault) world_.network().faults().end(*t.fault);
    t.fault.reset();
    if (std::exchange(t.slows, false)) set_rates(t.a);
}

// As the file says, and then what each event in force says of it, the later word last.
void Troubles::set_rates(const Peers& peers) {
    for (const std::uint32_t p : peers) {
        const config::Group& group = config_.groups[world_.group(p)];
        double up = group.uplink, down = group.downlink;
        for (const Trouble& t : all_) {
            if (!t.slows || std::find(t.a.begin(), t.a.end(), p) == t.a.end()) continue;
            if (t.event->uplink > 0) up = t.event->uplink;
            if (t.event->downlink > 0) down = t.event->downlink;
        }
        world_.rates(p, up, down);
    }
}

void Troubles::replaces(std::uint32_t peer, std::uint32_t before) {
    bool slow = false;
    for (Trouble& t : all_)
        if (t.slows && std::find(t.a.begin(), t.a.end(), before) != t.a.end()) t.a.push_back(peer), slow = true;
    if (slow) set_rates({peer});
}

}  // namespace grapevine::sim
