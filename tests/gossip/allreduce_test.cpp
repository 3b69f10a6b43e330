// Allreduce: that its courses fit together, that all end with the same bits, what it costs, and backup workers.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>

#include "baselines/course.hpp"
#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;
using gossip::Algorithm;

namespace {

constexpr Algorithm algorithms[] = {Algorithm::ring, Algorithm::halving_doubling};

// Exchanges and learners that differ in nothing but their values, and whose messages and orders come to pass in any
// order that is possible at all: the next to happen is drawn.
template <class Value>
class Crowd {
public:
    Crowd(std::uint32_t n, std::size_t size, gossip::Config given, std::uint64_t seed) : config(std::move(given)), random_(seed) {
        auto ids = std::make_shared<std::vector<PeerId>>();
        for (std::uint32_t i = 0; i < n; ++i) ids->push_back(PeerId{10 + i});
        company_.ids = *ids;
        config.kind = gossip::Kind::allreduce;
        config.every_steps = config.every_steps.value_or(1);
        config.fixed_roll = ids;
        config.layout = 5;
        config.size = size;
        for (std::uint32_t i = 0; i < n; ++i) {
            Peer& p = peers.emplace_back();
            p.slots.assign(2, std::vector<Value>(size));
            for (Value& x : p.slots[0]) x = static_cast<Value>(random_.normal());
            p.samples = static_cast<double>(random_.below(5));
            p.exchange = gossip::make_exchange(config, (*ids)[i], Random(i));
        }
        for (std::uint32_t i = 0; i < n; ++i) step(i, Start{});
    }

    struct Peer {
        std::unique_ptr<gossip::Exchange> exchange;
        std::vector<std::vector<Value>> slots;
        std::deque<Order> orders;
        double samples = 0;
        std::uint64_t steps = 0, slices = 0, sent_within_step = 0, parts_sent = 0, values_sent = 0, mixed = 0, taken = 0;
        std::vector<Value> brought;  // to its last round, with this weight
        double weight = 0;
    };
    gossip::Config config;
    std::vector<Peer> peers;

    void run() {  // until nothing is left to happen
        for (;;) {
            std::vector<std::uint32_t> busy;
            for (std::uint32_t i = 0; i < peers.size(); ++i)
                if (!peers[i].orders.empty()) busy.push_back(i);
            if (busy.empty() && flying_.empty()) return;
            const std::uint64_t which = random_.below(busy.size() + flying_.size());
            now_ += 1ms;
            if (which < busy.size()) {
                carry_out(busy[which]);
            } else {
                std::swap(flying_[which - busy.size()], flying_.back());
                auto [to, from, message] = std::move(flying_.back());
                flying_.pop_back();
                step(to, Received<gossip::Message>{from, std::move(message)});
            }
        }
    }
    bool same_bits() const {
        for (const Peer& p : peers)
            if (std::memcmp(p.slots[0].data(), peers[0].slots[0].data(), p.slots[0].size() * sizeof(Value)) != 0) return false;
        return true;
    }

private:
    struct Everybody final : Company {
        std::vector<PeerId> ids;
        std::size_t size() const override { return ids.size() - 1; }
        bool contains(PeerId) const override { return true; }
        std::optional<PeerId> draw(Random&) const override { return {}; }
        std::vector<PeerId> all() const override { return ids; }
    };
    struct Flying {
        std::uint32_t to;
        PeerId from;
        gossip::Message message;
    };

    void step(std::uint32_t i, gossip::Exchange::Input input) {
        effects_.list.clear();
        peers[i].exchange->step(now_, std::move(input), company_, effects_);
        for (auto& effect : effects_.list) {
            if (auto* send = std::get_if<gossip::Exchange::Effects::Send>(&effect)) {
                if (const auto* part = std::get_if<gossip::Part>(&send->message)) {
                    ++peers[i].parts_sent;
                    if (peers[i].slices > 0) ++peers[i].sent_within_step;
                    peers[i].values_sent += part->snapshot.range.count;
                }
                flying_.push_back({static_cast<std::uint32_t>(send->to.value - 10), PeerId{10 + i}, std::move(send->message)});
            } else if (auto* tell = std::get_if<gossip::Exchange::Effects::Tell>(&effect)) {
                if (auto* order = std::get_if<Order>(&tell->event)) peers[i].orders.push_back(std::move(*order));
                else if (const auto* mixed = std::get_if<gossip::MixedWith>(&tell->event)) ++(mixed->weight < 1 ? peers[i].mixed : peers[i].taken);
            }
        }
    }

    void carry_out(std::uint32_t i) {
        Peer& p = peers[i];
        const Order order = std::move(p.orders.front());
        p.orders.pop_front();
        Completion done{order.tag, 0, 0, Folded{}};
        if (const auto* train = std::get_if<Train>(&order.what)) {
            Range range{0, p.slots[0].size()};
            std::uint32_t taken = train->steps;
            if (const auto& slice = train->slice) {
                REQUIRE(slice->index == p.slices);
                p.slices = slice->last() ? 0 : p.slices + 1;
                taken = slice->last() ? 1 : 0;
                range = slice->of(range);
            } else {
                REQUIRE(p.slices == 0);
            }
            p.steps += taken;
            p.samples += taken;
            for (std::uint64_t k = range.offset; k < range.offset + range.count; ++k) p.slots[0][k] += static_cast<Value>(0.01 * random_.normal());
            done.what = Trained{taken, 0, static_cast<double>(taken)};
        } else if (const auto* publish = std::get_if<Publish>(&order.what)) {
            const auto& slot = p.slots[publish->slot];
            auto copy = std::make_shared<std::vector<Value>>(slot.begin() + static_cast<std::ptrdiff_t>(publish->range.offset),
                                                             slot.begin() + static_cast<std::ptrdiff_t>(publish->range.offset + publish->range.count));
            Snapshot s;
            s.layout = 5;
            s.encoding = sizeof(Value) == 8 ? Encoding::float64 : Encoding::float32;
            s.range = publish->range;
            s.bytes = {reinterpret_cast<const std::byte*>(copy->data()), copy->size() * sizeof(Value), copy};
            done.what = Published{s};
        } else if (const auto* combine = std::get_if<Combine>(&order.what)) {
            const auto* theirs = reinterpret_cast<const Value*>(combine->theirs.bytes.data);
            for (std::uint64_t k = 0; k < combine->theirs.range.count; ++k) {
                Value& x = p.slots[combine->slot][combine->theirs.range.offset + k];
                x = static_cast<Value>(combine->ours_weight) * x + static_cast<Value>(combine->theirs_weight) * theirs[k];
            }
            done.what = Combined{};
        } else if (const auto* fold = std::get_if<Fold>(&order.what)) {
            const Range range = fold->range.value_or(Range{0, p.slots[0].size()});
            p.brought.resize(p.slots[0].size());
            p.weight = fold->from_weight;
            for (std::uint64_t k = range.offset; k < range.offset + range.count; ++k) {
                p.brought[k] = p.slots[0][k];
                p.slots[fold->to][k] = static_cast<Value>(fold->from_weight) * p.slots[fold->from][k];
            }
        } else {
            REQUIRE(p.slices == 0);  // never half a step
            std::swap(p.slots[0], p.slots[std::get<Swap>(order.what).slot]);
            done.what = Swapped{};
        }
        done.samples_behind = p.samples;
        done.steps = p.steps;
        step(i, std::move(done));
    }

    Random random_;
    Instant now_{};
    Everybody company_;
    std::vector<Flying> flying_;
    gossip::Exchange::Effects effects_;
};

gossip::Config steps(std::uint64_t until, Algorithm algorithm = Algorithm::any, std::uint32_t backup = 0) {
    gossip::Config c;
    c.until_steps = until;
    c.algorithm = algorithm;
    c.backup = backup;
    return c;
}

template <class Value>
void all_end_with_the_same_bits(double within, std::uint32_t buckets = 1, std::uint32_t every = 1, std::uint32_t most = 33) {
    for (const Algorithm algorithm : algorithms)
        for (std::uint32_t n = 2; n <= most; ++n)
            for (const std::size_t size : {3u, 101u})       // less than a value a peer, and uneven parts
                for (const std::uint64_t rounds : {1u, 3u}) {  // the first is weighted by samples, the others are not
                    gossip::Config config = steps(rounds * every, algorithm);
                    config.buckets = buckets;
                    config.every_steps = every;
                    Crowd<Value> crowd(n, size, config, 100 * n + size);
                    crowd.run();
                    CHECK(crowd.same_bits());
                    for (std::size_t k = 0; k < size; ++k) {
                        double sum = 0, weight = 0;
                        for (const auto& p : crowd.peers) sum += p.weight * static_cast<double>(p.brought[k]), weight += p.weight;
                        CHECK(std::abs(static_cast<double>(crowd.peers[0].slots[0][k]) - sum / weight) < within);
                    }
                    std::uint64_t within_step = 0;
                    for (const auto& p : crowd.peers) {
                        CHECK(p.mixed == rounds);
                        CHECK(p.steps == rounds * every);
                        within_step += p.sent_within_step;
                    }
                    CHECK((within_step > 0) == (buckets > 1));
                }
}

double harmonic(std::uint32_t n) { return n == 0 ? 0 : harmonic(n - 1) + 1.0 / n; }

// Backup workers, steps of length Exp(1) and a network that takes no time. `fresh` are at a step that counts for this round,
// `late` at one that does not: they will drop it and begin anew. The round ends when b have not made their step.
double round_length(std::uint32_t fresh, std::uint32_t late, std::uint32_t b, std::map<std::pair<std::uint32_t, std::uint32_t>, double>& known) {
    if (fresh + late == b) return 0;
    const auto place = known.find({fresh, late});
    if (place != known.end()) return place->second;
    const double all = fresh + late;
    double length = 1 / all;
    if (fresh > 0) length += fresh / all * round_length(fresh - 1, late, b, known);
    if (late > 0) length += late / all * round_length(fresh + 1, late - 1, b, known);
    return known[{fresh, late}] = length;
}

struct Lengths {
    double mean = 0;        // seconds a round
    std::uint64_t rounds = 0;
};

// Of the rounds that the cluster makes in that time, by how often the first on the roll mixed or took a model.
Lengths rounds_of(ClusterOptions options, Duration until) {
    options.exchange.kind = gossip::Kind::allreduce;
    options.exchange.period.reset();
    options.exchange.every_steps = options.exchange.every_steps.value_or(1);
    options.membership.probing = false;
    const std::uint32_t n = options.peers, b = options.exchange.backup;
    Cluster cluster(options);
    std::uint64_t mixed = 0;
    for (Duration t{}; t < until; t += until / 20) {
        cluster.run_for(until / 20);
        for (const sim::Note& note : cluster.world().take_notes())
            if (const auto* m = std::get_if<gossip::MixedWith>(&note.event)) mixed += m->weight < 1;
    }
    // Each round mixes n - b, but the first all.
    Lengths l;
    l.rounds = (mixed - b) / (n - b);
    l.mean = seconds(until) / static_cast<double>(l.rounds);
    return l;
}

}  // namespace

TEST_CASE("what one place gives another gets, in the same hop, and every place ends with every part") {
    for (const Algorithm algorithm : algorithms)
        for (std::uint32_t n = 2; n <= 70; ++n) {
            const std::uint32_t k = static_cast<std::uint32_t>(std::bit_width(n)) - 1;
            for (std::uint32_t place = 0; place < n; ++place) {
                const gossip::Course course(algorithm, n, place);
                std::uint32_t given = 0, copied = 0, finished = 0;
                for (std::uint32_t i = 0; i < course.hops(); ++i) {
                    const gossip::Hop hop = course.at(i);
                    CHECK(course.numbered(hop.number)->number == hop.number);
                    if (hop.give) {
                        REQUIRE(hop.give->to < n);
                        const auto other = gossip::Course(algorithm, n, hop.give->to).numbered(hop.number);
                        REQUIRE(other);
                        REQUIRE(other->get);
                        CHECK(other->get->from == place);
                        CHECK(other->get->run == hop.give->run);
                        ++given;
                    }
                    if (hop.get && hop.get->use == gossip::Use::copy) copied += hop.get->run.count;
                    if (hop.get && hop.get->use == gossip::Use::finish) finished += hop.get->run.count;
                }
                CHECK(copied + finished == course.parts());
                if (algorithm == Algorithm::ring) CHECK(given == 2 * (n - 1));
                else if (std::has_single_bit(n)) CHECK(given == 2 * k);
                else CHECK(given <= 2 * k + 2);
                CHECK(!course.numbered(2 * n + 2));
            }
        }
}

TEST_CASE("all end with the same bits, the weighted mean, in whatever order messages come") {
    all_end_with_the_same_bits<double>(1e-14);
    all_end_with_the_same_bits<float>(2e-6);
}

TEST_CASE("buckets travel while the step is still made, and all end with the same bits, the mean of whole steps") {
    for (const std::uint32_t buckets : {2u, 4u, 7u})
        for (const std::uint32_t every : {1u, 3u}) {
            all_end_with_the_same_bits<double>(1e-14, buckets, every, 17);
            all_end_with_the_same_bits<float>(2e-6, buckets, every, 17);
        }
}

TEST_CASE("a step in slices is made to its end, and only then is the run over") {
    auto ids = std::make_shared<std::vector<PeerId>>(std::vector<PeerId>{{1}, {2}});
    gossip::Config c;
    c.kind = gossip::Kind::allreduce;
    c.every_steps = 1;
    c.buckets = 3;
    c.fixed_roll = ids;
    c.layout = 5;
    c.size = 6;
    const auto exchange = gossip::make_exchange(c, PeerId{1}, Random(1));
    gossip::Exchange::Effects effects;
    struct Nobody final : Company {
        std::size_t size() const override { return 0; }
        bool contains(PeerId) const override { return false; }
        std::optional<PeerId> draw(Random&) const override { return {}; }
        std::vector<PeerId> all() const override { return {}; }
    } company;
    // The range of the slice that was ordered, whether it was the last order, and whether the run is said to be over.
    struct Answer {
        std::optional<std::uint32_t> slice;
        std::optional<Range> folded;
        std::size_t orders = 0;
        bool finished = false;
    };
    const auto answers_to = [&](gossip::Exchange::Input input) {
        effects.list.clear();
        exchange->step(Instant{1s}, std::move(input), company, effects);
        Answer a;
        for (const auto& e : effects.list) {
            const auto* tell = std::get_if<gossip::Exchange::Effects::Tell>(&e);
            if (!tell) continue;
            if (std::holds_alternative<gossip::Finished>(tell->event)) a.finished = true;
            const auto* order = std::get_if<Order>(&tell->event);
            if (!order) continue;
            ++a.orders;
            if (const auto* train = std::get_if<Train>(&order->what); train && train->slice) a.slice = train->slice->index;
            if (const auto* fold = std::get_if<Fold>(&order->what)) a.folded = fold->range;
        }
        return a;
    };
    CHECK(answers_to(Start{}).slice == 0u);
    Answer a = answers_to(Completion{1, 0, 0, Trained{0, 0, 0}});
    CHECK(a.folded == Range{4, 2});                     // the last parameters first
    CHECK(a.slice == 1u);
    CHECK(a.orders == 3);                               // with what is to travel
    Snapshot s;
    s.layout = 5;
    s.range = {5, 1};
    auto values = std::make_shared<std::vector<float>>(1);
    s.bytes = {reinterpret_cast<const std::byte*>(values->data()), 4, values};
    answers_to(Completion{2, 0, 0, Folded{}});
    answers_to(Completion{3, 0, 0, Published{s}});
    REQUIRE(effects.list.size() == 1);
    const auto sent = std::get<gossip::Part>(std::get<gossip::Exchange::Effects::Send>(effects.list[0]).message);
    const auto hears = [&](std::uint32_t hop, std::uint64_t value) {
        s.range = {value, 1};
        return answers_to(Received<gossip::Message>{PeerId{2}, gossip::Part{sent.roll, 1, hop, 7, s}}).orders;
    };
    const std::uint32_t numbers = 4;                    // of hops, to a bucket
    CHECK(sent.hop == 1);
    CHECK(hears(3 * numbers + 1, 4) == 0);              // there is no such bucket
    CHECK(hears(0xffffffff, 4) == 0);
    CHECK(hears(numbers + 1, 4) == 0);                  // not what this bucket has
    CHECK(hears(1, 4) == 2);                            // mixed, and sent on
    CHECK(hears(1, 4) == 0);                            // once
    CHECK(hears(numbers + 1, 2) == 0);                  // early: our own part of it is not made yet
    CHECK(!answers_to(gossip::Finish{}).finished);
    a = answers_to(Completion{2, 0, 0, Trained{0, 0, 0}});
    CHECK(a.slice == 2u);
    CHECK(a.orders == 5);                               // and what was early is mixed and sent on
    CHECK(!a.finished);
    a = answers_to(Completion{3, 1, 1, Trained{1, 0, 1}});
    CHECK(a.folded == Range{0, 2});
    CHECK(!a.slice);
    CHECK(a.finished);
}

TEST_CASE("bytes: 2 (n-1)/n of the model a peer, but for those who give theirs to a neighbour first") {
    for (const Algorithm algorithm : algorithms)
        for (const std::uint32_t n : {4u, 16u, 32u}) {
            Crowd<double> crowd(n, 64 * n, steps(1, algorithm), 3);
            crowd.run();
            for (const auto& p : crowd.peers) {
                CHECK(p.values_sent == 2 * (n - 1) * 64);
                CHECK(p.parts_sent == (algorithm == Algorithm::ring ? 2 * (n - 1) : 2 * static_cast<std::uint32_t>(std::countr_zero(n))));
            }
        }
}

TEST_CASE("which one is taken: halving and doubling with a power of two, else while a part is small") {
    constexpr std::uint64_t large = gossip::small_part_bytes / 4;  // float32 values
    CHECK(gossip::chosen(Algorithm::any, 64, 64 * large * 100) == Algorithm::halving_doubling);
    CHECK(gossip::chosen(Algorithm::any, 12, 12 * large - 12) == Algorithm::halving_doubling);
    CHECK(gossip::chosen(Algorithm::any, 12, 12 * large) == Algorithm::ring);
    CHECK(gossip::chosen(Algorithm::ring, 64, 1) == Algorithm::ring);
    CHECK(gossip::chosen(Algorithm::halving_doubling, 12, 12 * large) == Algorithm::halving_doubling);
}

TEST_CASE("backup workers: whoever is left out, at the end all have the same bits, and all have made their steps") {
    std::uint64_t taken = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (const auto& [n, b] : {std::pair{2u, 1u}, {3u, 1u}, {5u, 2u}, {9u, 3u}, {9u, 8u}, {16u, 4u}}) {
            gossip::Config c = steps(12, seed % 2 ? Algorithm::ring : Algorithm::halving_doubling, b);
            c.every_steps = 1 + seed % 3;
            Crowd<float> crowd(n, 20, c, seed);
            crowd.run();
            CHECK(crowd.same_bits());
            for (const auto& p : crowd.peers) {
                CHECK(p.steps == 12);
                taken += p.taken;
            }
        }
    CHECK(taken > 1000);  // it did happen
}

TEST_CASE("the time of a round: latencies and bytes of either algorithm") {
    // A hundred rounds. Beside latencies, or 8 ms for a model of 800 kB, steps of a microsecond and headers are little.
    for (const Algorithm algorithm : algorithms)
        for (const std::uint32_t n : {4u, 16u, 64u}) {
            const double hops = algorithm == Algorithm::ring ? 2.0 * (n - 1) : 2 * std::log2(n);
            ClusterOptions o;
            o.peers = n;
            o.step_seconds = 1e-6;
            o.exchange.algorithm = algorithm;
            o.latency = 10ms;
            CHECK(rounds_of(o, from_seconds(hops)).mean == doctest::Approx(hops * 0.010).epsilon(0.03));

            o.latency = Duration::zero();
            o.dimension = 100'000;
            o.rate = 1e8;
            const double model = 8e5 / o.rate;
            CHECK(rounds_of(o, from_seconds(200 * model)).mean == doctest::Approx(2 * (n - 1.0) / n * model).epsilon(0.03));
        }
}

TEST_CASE("buckets: what travels no longer than the backward pass takes is hidden, but for the last hops") {
    // A step is 100 ms, 66.7 of them backward. While slices are taken a bucket makes a hop in each: the last one has all of its way
    // before it after the last slice, the one before all but its first hop, and so on.
    for (const std::uint32_t n : {2u, 4u, 8u})
        for (const std::uint32_t buckets : {1u, 8u, 16u}) {
            ClusterOptions o;
            o.peers = n;
            o.latency = Duration::zero();
            o.step_seconds = 0.1;
            o.dimension = 100'000;
            const double c = 0.06;
            o.rate = 2 * (n - 1.0) / n * 8e5 / c;
            o.exchange.algorithm = Algorithm::halving_doubling;
            o.exchange.buckets = buckets;
            double before = 0, left = 0;  // of the bytes of a bucket, in hops
            const gossip::Course course(Algorithm::halving_doubling, n, 0);
            for (std::uint32_t h = 0; h < course.hops() && h < buckets; ++h) {
                left += 1 - before;
                before += course.at(h).give->run.count / (2 * (n - 1.0));
            }
            // Partners change from hop to hop, and who has two messages coming at once waits: 6 % was the most we saw. A round
            // more or less of the 20 s is 0.8 %.
            const double law = 0.1 + left * c / buckets, mean = rounds_of(o, 20s).mean;
            CHECK(mean < law * (buckets == 1 || n == 2 ? 1.01 : 1.07));
            CHECK(mean > (buckets == 1 ? law : 0.1 + c / buckets) * 0.99);
            if (buckets > 1) CHECK(mean < 0.1 + c * 0.75);
        }
}

TEST_CASE("local steps: a round every H of them, and between rounds nothing but steps") {
    for (const std::uint32_t every : {1u, 20u}) {
        ClusterOptions o;
        o.peers = 8;
        o.latency = 5ms;
        o.exchange.every_steps = every;
        CHECK(rounds_of(o, 20s).mean == doctest::Approx(every * 0.010 + 6 * 0.005).epsilon(0.01));
    }
}

TEST_CASE("the barrier: with steps of length Exp(1) a round takes H_n") {
    // The slowest of n has standard deviation below pi/sqrt 6 = 1.28: over so many rounds four errors are 2.5 % at most.
    for (const std::uint32_t n : {4u, 16u, 64u}) {
        ClusterOptions o;
        o.peers = n;
        o.latency = Duration::zero();
        o.step_seconds = 1;
        o.exponential_steps = true;
        const Lengths l = rounds_of(o, 10000s);
        CHECK(l.mean == doctest::Approx(harmonic(n)).epsilon(4 * 1.2826 / harmonic(n) / std::sqrt(static_cast<double>(l.rounds))));
    }
}

TEST_CASE("backup workers and steps of length Exp(1): the round waits for the fresh steps of n - b") {
    for (const auto& [n, b] : {std::pair{16u, 1u}, {16u, 2u}, {16u, 4u}, {64u, 3u}, {64u, 6u}}) {
        ClusterOptions o;
        o.peers = n;
        o.latency = Duration::zero();
        o.step_seconds = 1;
        o.exponential_steps = true;
        o.exchange.backup = b;
        const Lengths l = rounds_of(o, 4000s);
        std::map<std::pair<std::uint32_t, std::uint32_t>, double> known;
        const double law = round_length(n - b, b, b, known);

        CHECK(l.mean == doctest::Approx(law).epsilon(4 * 1.2826 / law / std::sqrt(static_cast<double>(l.rounds))));
        CHECK(law >= harmonic(n) - harmonic(b));
        CHECK(law < harmonic(n));
    }
}

TEST_CASE("what nobody honest says about who was chosen does nothing") {
    auto ids = std::make_shared<std::vector<PeerId>>(std::vector<PeerId>{{1}, {2}, {3}, {4}});
    gossip::Config c;
    c.kind = gossip::Kind::allreduce;
    c.every_steps = 1;
    c.backup = 1;
    c.fixed_roll = ids;
    c.layout = 5;
    c.size = 8;
    const auto exchange = gossip::make_exchange(c, PeerId{2}, Random(1));
    gossip::Exchange::Effects effects;
    struct Nobody final : Company {
        std::size_t size() const override { return 0; }
        bool contains(PeerId) const override { return false; }
        std::optional<PeerId> draw(Random&) const override { return {}; }
        std::vector<PeerId> all() const override { return {}; }
    } company;
    const auto answers_to = [&](gossip::Exchange::Input input) {
        effects.list.clear();
        exchange->step(Instant{1s}, std::move(input), company, effects);
        return effects.list.size();
    };
    const auto ranks = [](std::vector<std::uint32_t> r) { return std::make_shared<const std::vector<std::uint32_t>>(std::move(r)); };
    const auto hears = [&](PeerId from, gossip::Message m) { return answers_to(Received<gossip::Message>{from, std::move(m)}); };
    answers_to(Start{});
    REQUIRE(answers_to(Completion{1, 1, 1, Trained{1, 0, 1}}) >= 2);  // what it lost, that it is ready
    std::uint64_t roll = 0;
    for (const auto& e : effects.list)
        if (const auto* send = std::get_if<gossip::Exchange::Effects::Send>(&e)) {
            CHECK(send->to == PeerId{1});
            roll = std::get<gossip::Ready>(send->message).roll;
        }
    Snapshot s;
    s.layout = 5;
    s.range = {0, 8};
    auto values = std::make_shared<std::vector<float>>(8);
    s.bytes = {reinterpret_cast<const std::byte*>(values->data()), 32, values};
    CHECK(hears(PeerId{3}, gossip::Chosen{roll, 1, ranks({})}) == 0);            // not for it to choose
    CHECK(hears(PeerId{1}, gossip::Chosen{roll, 1, ranks({4})}) == 0);           // there is no such rank
    CHECK(hears(PeerId{1}, gossip::Chosen{roll, 1, ranks({2, 0})}) == 0);        // not in order
    CHECK(hears(PeerId{1}, gossip::Chosen{roll, 1, ranks({0, 2, 3})}) == 0);     // one alone is no round
    CHECK(hears(PeerId{1}, gossip::Chosen{roll + 1, 1, ranks({})}) == 0);        // of another roll
    CHECK(hears(PeerId{9}, gossip::Ready{roll, 1}) == 0);                        // not on the roll
    CHECK(hears(PeerId{3}, gossip::RoundModel{roll, 1, 7, s}) == 0);             // not asked for
    REQUIRE(hears(PeerId{1}, gossip::Chosen{roll, 4, ranks({1})}) == 1);         // left out: asks the first beside rank 0
    CHECK(std::get<gossip::Exchange::Effects::Send>(effects.list[0]).to == PeerId{3});
    CHECK(hears(PeerId{4}, gossip::RoundModel{roll, 4, 7, s}) == 0);             // from another than was asked
    CHECK(hears(PeerId{3}, gossip::RoundModel{roll, 3, 7, s}) == 0);             // older than asked for
    CHECK(hears(PeerId{3}, gossip::Part{roll, 4, 0, 7, s}) == 0);
    CHECK(hears(PeerId{3}, gossip::RoundModel{roll, 4, 7, s}) == 1);             // taken
    CHECK(hears(PeerId{3}, gossip::RoundModel{roll, 4, 7, s}) == 0);             // once
}
