#include "scenario.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "grapevine/random.hpp"
#include "grapevine/setup/peer_config.hpp"

namespace grapevine::swarm {

using namespace std::chrono_literals;
using config::Config;
using config::Event;
using config::ExchangeKind;

namespace {

// What is drawn for a purpose depends on the seed and the purpose's name alone: a new word leaves the others as they were.
class Draw {
public:
    explicit Draw(std::uint64_t seed) : random_(seed) {}
    Draw of(std::string_view purpose) const {
        std::uint64_t hash = 0;
        for (const char c : purpose) hash = Random::mix(hash ^ static_cast<unsigned char>(c));
        Draw d = *this;
        d.random_ = random_.split(hash);
        return d;
    }
    bool chance(double p) { return random_.chance(p); }
    double between(double from, double to) { return from + (to - from) * random_.uniform(); }
    std::uint32_t number(std::uint32_t from, std::uint32_t to) { return from + static_cast<std::uint32_t>(random_.below(to - from + 1)); }
    Duration ms(std::uint32_t from, std::uint32_t to) { return std::chrono::milliseconds(number(from, to)); }
    double in_seconds(std::uint32_t from_ms, std::uint32_t to_ms) { return seconds(ms(from_ms, to_ms)); }
    template <class T>
    T one_of(std::initializer_list<T> all) { return all.begin()[random_.below(all.size())]; }

private:
    Random random_;
};

// --- The world

config::Distribution step_time(Draw d) {
    using Kind = config::Distribution::Kind;
    const double typical = d.in_seconds(2, 40);
    switch (d.number(0, 4)) {
        case 0: return {Kind::constant, typical, 0, {}, {}};
        case 1: return {Kind::uniform, typical / 2, typical * 2, {}, {}};
        case 2: return {Kind::exponential, typical, 0, {}, {}};
        case 3: return {Kind::lognormal, typical, 0.5, {}, {}};
        default: return {Kind::pareto, typical, 2.5, {}, {}};
    }
}

config::Distribution latency(Draw d) {
    using Kind = config::Distribution::Kind;
    const double typical = d.chance(0.2) ? d.in_seconds(40, 110) : d.in_seconds(0, 30);  // a round trip is within the time-out of a probe
    switch (d.number(0, 4)) {
        case 0: return {Kind::uniform, typical / 2, typical * 2, {}, {}};
        case 1: return {Kind::exponential, typical, 0, {}, {}};
        case 2: return {Kind::lognormal, std::max(typical, 0.001), 0.4, {}, {}};
        case 3: return {Kind::pareto, std::max(typical, 0.001), 2.5, {}, {}};
        default: return {Kind::constant, typical, 0, {}, {}};
    }
}

struct LinkWord {
    const char* name;
    double odds;
    void (*say)(config::Link&, Draw&);
};

// One line each: what links do for as long as there are any. A round trip stays within the time-out of a probe, and models get through.
constexpr LinkWord link_words[] = {
    {"distance", 0.15, [](config::Link& l, Draw& d) { l.distance = {config::Distribution::Kind::uniform, 0, d.between(0.001, 0.02), {}, {}}; }},
    {"reorder", 0.15, [](config::Link& l, Draw& d) { l.reorder = d.between(0, 0.3); }},
    {"bursts", 0.1, [](config::Link& l, Draw& d) { l.loss = 0, l.bursts = {d.between(0.001, 0.01), d.ms(500, 10'000)}; }},
    {"rate", 0.1, [](config::Link& l, Draw& d) { l.rate = d.one_of({125e3, 1.25e6}); }},
    {"largest", 0.1, [](config::Link& l, Draw& d) { l.largest = d.one_of({std::uint64_t{4096}, std::uint64_t{65536}}); }},
};

void world(Config& c, Draw d) {
    static constexpr const char* names[] = {"north", "south", "west"};
    const std::uint32_t peers = d.number(2, 10), groups = std::min(peers, d.number(1, 3));
    std::uint32_t left = peers;
    for (std::uint32_t g = 0; g < groups; ++g) {
        config::Group group;
        group.name = names[g];
        group.count = g + 1 == groups ? left : d.number(1, left - (groups - g - 1));
        left -= group.count;
        group.step_time = step_time(d.of(names[g]));
        c.groups.push_back(group);
    }
    for (std::uint32_t g = 0; g < groups; ++g) {  // a rate and its absence
        Draw of = d.of("card").of(names[g]);
        if (of.chance(0.3)) c.groups[g].uplink = of.one_of({125e3, 1.25e6, 125e6});
        if (of.chance(0.3)) c.groups[g].downlink = of.one_of({125e3, 1.25e6, 125e6});
        if (of.chance(0.3)) c.groups[g].mix_rate = of.one_of({1e4, 1e6});
        if (of.chance(0.3)) c.groups[g].slowness = {config::Distribution::Kind::uniform, 0.5, 4, {}, {}};
    }
    config::Link all;
    all.latency = latency(d.of("latency"));
    if (d.chance(0.3)) all.loss = d.between(0, 0.05);
    if (d.chance(0.3)) all.duplicate = d.between(0, 0.1);
    for (const LinkWord& word : link_words)
        if (Draw own = d.of(word.name); own.chance(word.odds)) word.say(all, own);
    c.links.push_back(all);
    if (groups > 1 && d.chance(0.4)) {
        config::Link far = all;
        far.from = names[0];
        far.to = names[1];
        far.both_ways = d.chance(0.5);
        far.latency = latency(d.of("far"));
        c.links.push_back(far);
    }
}

void model(Config& c, Draw d) {
    using Initial = config::Initial;
    c.model.kind = d.chance(0.4) ? config::ModelKind::average : config::ModelKind::quadratic;
    c.model.dimension = d.chance(0.5) ? 1 : d.number(2, 24);
    c.model.initial = Initial{d.one_of({Initial::Rule::normal, Initial::Rule::index, Initial::Rule::alternate, Initial::Rule::delta}), 0};
    c.model.noise = d.chance(0.3) ? 0.1 : 0;
    c.model.b.rule = d.one_of({config::PerPeer::Rule::number, config::PerPeer::Rule::index, config::PerPeer::Rule::alternate});
    c.train.learning_rate = d.one_of({0.01, 0.1, 0.5});
}

// --- How they meet

void membership(Config& c, Draw d) {
    config::Membership& m = c.membership;
    m.kind = d.chance(0.25) ? config::MembershipKind::partial : d.chance(0.1) ? config::MembershipKind::fixed : config::MembershipKind::swim;
    if (m.kind == config::MembershipKind::fixed) return;
    if (m.kind == config::MembershipKind::partial)
        for (config::Group& g : c.groups) g.count *= d.number(1, 6);
    m.start_full = d.chance(0.7);
    if (!m.start_full) m.start_over = d.ms(0, 10'000);
    if (d.chance(0.2)) m.period = d.ms(1000, 2000), m.probe_timeout = m.period / 2;
    Draw off = d.of("lifeguard");
    if (!off.chance(0.3)) return;
    for (bool* part : {&m.local_health, &m.dogpile, &m.buddy, &m.nacks, &m.confirm, &m.damping}) *part = off.chance(0.6);
}

// Takes `set` back where the result is refused. What is refused is its own test's business.
template <class Set>
bool keeps(Config& c, Set&& set) {
    const Config before = c;
    set(c.exchange);
    if (setup::refused(c, true).empty() && !config::check(c)) return true;
    c = before;
    return false;
}

struct Option {
    const char* name;
    double odds;
    void (*set)(config::Exchange&, Draw&);
};

// One line each.
constexpr Option options[] = {
    {"by steps", 0.4, [](auto& e, Draw& d) { e.period.reset(), e.every_steps = d.number(1, 30); }},
    {"clock", 0.5, [](auto& e, Draw& d) { e.clock = d.one_of({config::Clock::poisson, config::Clock::shuffled, config::Clock::rounds}); }},
    {"graph", 0.8, [](auto& e, Draw& d) {
         using enum config::Graph;
         e.graph = d.one_of({torus, exponential, one_peer_exponential, base, matching});
         if (e.graph == base) e.base = d.number(2, 4);
     }},
    {"form", 0.5, [](auto& e, Draw&) { e.form = config::Form::convex; }},
    {"staleness_weight", 0.2, [](auto& e, Draw& d) { e.staleness_weight = d.between(0.01, 0.5); }},
    {"consensus", 0.2, [](auto& e, Draw& d) { e.consensus = d.between(0.01, 0.5); }},
    {"speed_scaled", 0.2, [](auto& e, Draw&) { e.speed_scaled = true; }},
    {"pushes", 0.5, [](auto& e, Draw& d) { e.pushes = d.number(1, 4); }},
    {"robust", 0.4, [](auto& e, Draw&) { e.robust = true; }},
    {"size", 0.7, [](auto& e, Draw& d) { e.size = d.number(2, 5); }},
    {"everybody", 0.3, [](auto& e, Draw&) { e.everybody = true, e.size = 0; }},
    {"momentum", 0.3, [](auto& e, Draw& d) { e.momentum = d.between(0, 0.6), e.rate = d.between(0.3, 1); }},
    {"algorithm", 0.6, [](auto& e, Draw& d) { e.algorithm = d.one_of({config::Algorithm::ring, config::Algorithm::halving_doubling}); }},
    {"backup", 0.5, [](auto& e, Draw& d) { e.backup = d.number(1, 3); }},
    {"buckets", 0.5, [](auto& e, Draw& d) { e.buckets = d.number(2, 5); }},
    {"mode", 0.4, [](auto& e, Draw&) { e.mode = config::Mode::async; }},
    {"wait_for", 0.4, [](auto& e, Draw& d) { e.wait_for = d.number(1, 6); }},
    {"clients", 0.7, [](auto& e, Draw& d) { e.clients = d.between(0.2, 1); }},
    {"quasi_global", 0.2, [](auto& e, Draw&) { e.quasi_global = 0.5; }},
    {"fragments", 0.2, [](auto& e, Draw& d) { e.fragments = d.number(2, 4); }},
    {"clip", 0.2, [](auto& e, Draw& d) { e.clip = d.one_of({config::Clip::self_centred, config::Clip::balance}), e.form = config::Form::convex; }},
    {"encoding", 0.3, [](auto& e, Draw& d) { e.encoding = d.one_of({config::Encoding::bf16, config::Encoding::int8, config::Encoding::top_k}), e.kept = 0.3; }},
    {"patience", 0.2, [](auto& e, Draw& d) { e.patience = d.ms(500, 8000); }},
};

// Whom an option belongs to the file's reader knows; others would be written out as something else.
void exchange(Config& c, Draw d) {
    config::Exchange& e = c.exchange;
    e.period = d.of("period").ms(50, 1500);
    Draw steps = d.of("steps");
    using enum ExchangeKind;
    const auto start = [&](config::Exchange& x) { x.kind = d.one_of({gossip, epidemic, dpsgd, push_sum, group, outer, allreduce, parameter_server, fedavg}); };
    while (!keeps(c, start)) {  // of all kinds those that this world has a place for
        const auto other = [&](config::Exchange& x) {
            start(x);
            if (x.period && d.chance(0.5)) x.clock = config::Clock::rounds;
            else x.period.reset(), x.every_steps = steps.number(1, 30);
        };
        if (keeps(c, other)) break;
    }
    for (const Option& option : options) {
        Draw own = d.of(option.name);
        if (own.chance(option.odds)) keeps(c, [&](config::Exchange& x) { option.set(x, own); });
    }
    // Of what all workers do at once an asynchronous server takes the sum: with large steps it runs away, by design.
    if (e.kind == parameter_server && e.mode == config::Mode::async) c.train.learning_rate = 0.01, e.every_steps = std::min(*e.every_steps, 3u);
}

// --- What goes wrong

std::string any_group(const Config& c, Draw& d) { return d.chance(0.4) ? "*" : c.groups[d.number(0, static_cast<std::uint32_t>(c.groups.size()) - 1)].name; }

config::Selection some(const Config& c, Draw& d, std::uint32_t most = 2) {
    using What = config::Selection::What;
    config::Selection s{any_group(c, d), What::count, 0};
    std::uint32_t there = 0;
    for (const config::Group& g : c.groups) there += s.group == "*" || s.group == g.name ? g.count : 0;
    s.number = d.number(1, std::min(most, there));
    if (s.group != "*" && d.chance(0.3)) s.what = What::index, s.number = d.number(0, there - 1);
    return s;
}
config::Selection share(const Config& c, Draw& d) {
    return {any_group(c, d), config::Selection::What::share, static_cast<double>(d.number(1, 10)) / 10};
}

const config::Selection everybody;

// The time that it was to last is that from the first time's beginning to the last one's end.
void again(Event& e, Draw& d) {
    e.times = d.number(2, 6);
    e.every = std::max<Duration>(2ms, *e.lasts / *e.times), e.lasts = *e.every / 2;
}

// By how much at most something comes later. What is sent before the faults' end is here long before it is quiet.
config::Distribution later(Draw& d, std::uint32_t most_ms) {
    return {config::Distribution::Kind::uniform, 0, d.in_seconds(1, most_ms), {}, {}};
}

struct Word {
    const char* name;
    double odds;
    void (*say)(Event&, const Config&, Draw&);
};

// One line each. `at` and `lasts` are there, lasts for what can end.
constexpr Word words[] = {
    {"crash", 0.4, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::crash, e.nodes = some(c, d, 1), e.lasts.reset(); }},
    {"restart", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::restart, e.nodes = some(c, d), e.lasts.reset(); }},
    {"back later", 0.2, [](Event& e, const Config& c, Draw& d) {
         e.kind = Event::Kind::restart, e.nodes = some(c, d), e.checkpoint = d.chance(0.5), e.down = std::max<Duration>(1s, *e.lasts / 2), e.lasts.reset();
     }},
    {"clock jumps", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::clock, e.nodes = some(c, d), e.offset = d.ms(10, 5000), e.lasts.reset(); }},
    {"clock drifts", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::clock, e.nodes = share(c, d), e.drift = d.between(0.0001, 0.05); }},
    {"leave", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::leave, e.nodes = some(c, d, 1), e.lasts.reset(); }},
    {"join", 0.4, [](Event& e, const Config& c, Draw& d) {
         e.kind = Event::Kind::join, e.group = c.groups[d.number(0, static_cast<std::uint32_t>(c.groups.size()) - 1)].name, e.count = d.number(1, 5);
         e.over = d.chance(0.5) ? 0s : std::min<Duration>(*e.lasts, 5s), e.lasts.reset();
     }},
    {"pause", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::pause, e.nodes = some(c, d, 3); }},
    {"pause, timers running", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::pause, e.nodes = some(c, d, 3), e.timers_run = true; }},
    {"pauses", 0.2, [](Event& e, const Config& c, Draw& d) {
         e.kind = Event::Kind::pause, e.nodes = some(c, d, 3), e.timers_run = d.chance(0.5), e.times = d.number(2, 6);
         e.every = *e.lasts / *e.times, e.lasts = *e.every / 2;
     }},
    {"slow", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::slow, e.nodes = share(c, d), e.factor = d.number(2, 20); }},
    {"partition", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::partition, e.sides = {{share(c, d)}, {everybody}}; }},
    {"isolate", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::partition, e.sides = {{some(c, d, 1)}, {everybody}}; }},
    {"one-way", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::one_way, e.from = {share(c, d)}, e.to = {share(c, d)}; }},
    {"deaf", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::one_way, e.from = {everybody}, e.to = {some(c, d, 1)}; }},
    {"cut", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::cut, e.sides = {{share(c, d)}, {share(c, d)}}; }},
    {"lossy", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::loss, e.nodes = share(c, d), e.loss = d.between(0.05, 0.9); }},
    {"lossy between", 0.3, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::loss, e.sides = {{share(c, d)}, {share(c, d)}}, e.loss = d.between(0.05, 0.9); }},
    {"shape", 0.2, [](Event& e, const Config&, Draw& d) {
         using enum Event::Shape;
         e.kind = Event::Kind::partition, e.shape = d.one_of({halves, isolate_one, bridge, ring_of_majorities, random});
     }},
    {"shape again", 0.1, [](Event& e, const Config&, Draw& d) {
         using enum Event::Shape;
         e.kind = Event::Kind::partition, e.shape = d.one_of({halves, isolate_one, bridge, ring_of_majorities, random}), again(e, d);
     }},
    {"one-way again", 0.1, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::one_way, e.from = {share(c, d)}, e.to = {share(c, d)}, again(e, d); }},
    {"lossy again", 0.1, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::loss, e.nodes = share(c, d), e.loss = d.between(0.05, 1), again(e, d); }},
    {"delay", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::delay, e.nodes = share(c, d), e.latency = later(d, 2000); }},
    {"delay between", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::delay, e.sides = {{share(c, d)}, {share(c, d)}}, e.latency = later(d, 8000); }},
    {"clog", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::clog, e.nodes = some(c, d, 3), e.lasts = std::max<Duration>(1ms, *e.lasts / 3); }},
    {"bandwidth", 0.2, [](Event& e, const Config& c, Draw& d) {
         e.kind = Event::Kind::bandwidth, e.nodes = share(c, d), e.uplink = d.one_of({0.0, 2e3, 12.5e3, 125e3}), e.downlink = d.one_of({2e3, 12.5e3, 125e3});
     }},
    {"corrupt", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::corrupt, e.nodes = share(c, d), e.share = d.between(0.01, 1); }},
    {"corrupt between", 0.1, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::corrupt, e.sides = {{share(c, d)}, {share(c, d)}}, e.share = d.between(0.01, 1); }},
    {"replay", 0.2, [](Event& e, const Config& c, Draw& d) { e.kind = Event::Kind::replay, e.nodes = share(c, d), e.share = d.between(0.01, 1), e.latency = later(d, 20'000); }},
    {"replay between", 0.1, [](Event& e, const Config& c, Draw& d) {
         e.kind = Event::Kind::replay, e.sides = {{share(c, d)}, {share(c, d)}}, e.share = d.between(0.01, 1), e.latency = later(d, 20'000);
     }},
    {"liar", 0.15, [](Event& e, const Config& c, Draw& d) {
         using enum Event::Sends;
         e.kind = Event::Kind::liar, e.nodes = some(c, d, 1), e.sends = d.one_of({random, sign_flip, huge, no_number}), e.lasts.reset();
     }},
};

// Who is in the roll of a static membership is in it for ever.
bool changes_who_is_there(Event::Kind kind) { return kind == Event::Kind::crash || kind == Event::Kind::restart || kind == Event::Kind::leave || kind == Event::Kind::join; }

void faults(Config& c, const Draw& d) {
    std::uint32_t peers = 0, gone = 0;
    for (const config::Group& g : c.groups) peers += g.count;
    for (const Word& word : words) {
        Draw own = d.of(word.name);
        if (!own.chance(word.odds)) continue;
        for (std::uint32_t n = own.number(1, 3); n > 0; --n) {
            Event e;
            e.at = Instant(own.ms(2000, 70'000));
            e.lasts = std::min<Duration>(own.ms(100, 30'000), faults_end - e.at.time_since_epoch());
            word.say(e, c, own);
            const Event::Kind kind = e.kind;
            if (c.membership.kind == config::MembershipKind::fixed && changes_who_is_there(kind)) continue;
            if ((kind == Event::Kind::crash || kind == Event::Kind::leave) && gone + 2 >= peers) continue;  // two of those that were there at first stay
            c.events.push_back(std::move(e));
            if (config::check(c)) c.events.pop_back();  // clocks that differ, where all go by one
            else gone += kind == Event::Kind::crash || kind == Event::Kind::leave;
        }
    }
    std::sort(c.events.begin(), c.events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
}

}  // namespace

Config drawn(std::uint64_t seed) {
    const Draw d(seed);
    Config c;
    c.name = "swarm-" + std::to_string(seed);
    c.seed = seed;
    c.until = the_end;
    c.metrics.every = c.metrics.evaluate_every = 10s;
    if (d.of("tally").chance(0.2)) c.metrics.tally = 500ms;
    world(c, d.of("world"));
    model(c, d.of("model"));
    membership(c, d.of("membership"));
    exchange(c, d.of("exchange"));
    faults(c, d.of("faults"));
    // What the file says, and no more: options of other exchanges fall away here.
    auto read = config::read_text(config::to_toml(c), c.name);
    if (const auto* error = std::get_if<config::Error>(&read)) {
        std::fprintf(stderr, "seed %llu: the swarm has drawn what cannot be: %s (%s)\n%s", static_cast<unsigned long long>(seed), error->what.c_str(),
                     error->hint.c_str(), config::to_toml(c).c_str());
        std::abort();
    }
    return std::get<Config>(std::move(read));
}

}  // namespace grapevine::swarm
