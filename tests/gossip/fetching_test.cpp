// A newcomer's model from others: the fetch alone, whoever gives to it alone, and both in clusters where things go wrong.
#include "fetching.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "../support/cluster.hpp"
#include "donating.hpp"
#include "grapevine/gossip/handover.hpp"

using namespace grapevine;
using namespace grapevine::gossip;
using namespace std::chrono_literals;
using test::Cluster;
using test::ClusterOptions;

namespace {

constexpr std::uint64_t piece_size = Fetching::most_elements;

struct Others final : Company {
    std::vector<PeerId> ids;
    std::size_t size() const override { return ids.size(); }
    bool contains(PeerId peer) const override { return std::find(ids.begin(), ids.end(), peer) != ids.end(); }
    std::optional<PeerId> draw(Random& random) const override { return ids.empty() ? std::nullopt : std::optional(ids[random.below(ids.size())]); }
    std::vector<PeerId> all() const override { return ids; }
};

// A fetch of a model of so many pieces, and so many others who may give it.
struct One {
    Config config;
    Others company;
    std::optional<Fetching> fetching;
    Exchange::Effects effects;
    Instant now{};
    struct Out {
        PeerId to;
        std::uint32_t piece;
        Range range;
    };
    std::vector<Out> wanted;  // all that were asked for and not yet answered

    One(std::uint64_t elements, std::uint64_t others, PeerId only = {}) {
        config.layout = 9;
        config.size = elements;
        config.donors = 4;
        for (std::uint64_t i = 0; i < others; ++i) company.ids.push_back(PeerId{i + 2});
        fetching.emplace(config, 7, Random(3), only);
        does([&] { fetching->start(now, company, effects); });
    }
    template <class What>
    void does(What&& what) {
        effects.list.clear();
        what();
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Exchange::Effects::Send>(&e))
                if (const auto* w = std::get_if<PieceWanted>(&s->message)) wanted.push_back({s->to, w->piece, w->range});
    }
    Snapshot snapshot(Range range, double samples = 100) const {
        Snapshot s;
        s.layout = 9;
        s.range = range;
        s.bytes = {nullptr, range.count * 4, nullptr};
        s.samples = samples;
        return s;
    }
    Out take(PeerId from) {
        const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const Out& o) { return o.to == from; });
        REQUIRE(at != wanted.end());
        const Out out = *at;
        wanted.erase(at);
        return out;
    }
    void gives(PeerId from) {
        const Out out = take(from);
        does([&] { fetching->received(now, from, Piece{7, out.piece, 1, snapshot(out.range)}, company, effects); });
    }
    void refuses(PeerId from, Why why) {
        const Out out = take(from);
        does([&] { fetching->received(now, from, NoPiece{7, out.piece, why}, company, effects); });
    }
    void after(Duration d) {
        now += d;
        does([&] { fetching->woken(now, company, effects); });
    }
    std::set<PeerId> asked() const {
        std::set<PeerId> all;
        for (const Out& o : wanted) all.insert(o.to);
        return all;
    }
    bool all_given() {
        while (!wanted.empty()) gives(wanted.front().to);
        return fetching->whole();
    }
};

bool told_failure(const Exchange::Effects& effects, Failure why) {
    return std::any_of(effects.list.begin(), effects.list.end(), [&](const auto& e) {
        const auto* t = std::get_if<Exchange::Effects::Tell>(&e);
        const auto* f = t ? std::get_if<Failed>(&t->event) : nullptr;
        return f && f->why == why;
    });
}

}  // namespace

TEST_CASE("a small model is one piece of one donor, a large one comes from four at once, and each element once") {
    One small(5, 6);
    CHECK(small.wanted.size() == 1);
    CHECK(small.wanted.front().range == Range{0, 5});
    CHECK(small.all_given());
    CHECK(small.fetching->take().size() == 1);

    One large(40 * piece_size + 3, 6);
    CHECK(large.asked().size() == 4);
    CHECK(large.all_given());
    std::uint64_t next = 0;
    for (const Snapshot& s : large.fetching->take()) {
        CHECK(s.range.offset == next);
        CHECK(s.range.count <= piece_size);
        next += s.range.count;
    }
    CHECK(next == 40 * piece_size + 3);
}

TEST_CASE("who gives quickly is asked further ahead, up to a bound; who gives slowly no longer is") {
    One one(300 * piece_size, 1);
    const PeerId donor{2};
    CHECK(one.wanted.size() == 32);
    for (int i = 0; i < 40; ++i) one.gives(donor);
    CHECK(one.wanted.size() == Fetching::most_ahead);
    for (int i = 0; i < 80; ++i) {
        one.now += 17s;
        one.gives(donor);
    }
    CHECK(one.wanted.size() < 32);
}

TEST_CASE("a donor that dies, leaves, has no time or is behind itself is replaced, and its pieces asked of others") {
    for (int how = 0; how < 4; ++how) {
        CAPTURE(how);
        One one(40 * piece_size, 5);
        const PeerId gone = one.wanted.front().to;
        if (how == 0) {
            std::erase(one.company.ids, gone);
            std::erase_if(one.wanted, [&](const One::Out& o) { return o.to == gone; });
            one.does([&] { one.fetching->peer_down(one.now, gone, one.company, one.effects); });
        } else {
            while (one.asked().contains(gone)) one.refuses(gone, how == 1 ? Why::leaving : how == 2 ? Why::busy : Why::catching_up);
        }
        CHECK(one.asked().size() == 4);
        CHECK(!one.asked().contains(gone));
        CHECK(one.all_given());
    }
}

TEST_CASE("a donor that falls silent is given up after a few times what pieces take, and what it sends all the same counts") {
    One one(40 * piece_size, 2);
    const PeerId silent{2}, other{3};
    for (int i = 0; i < 4; ++i) {
        one.now += 100ms;
        one.gives(silent);
        one.gives(other);
    }
    const auto late = one.take(silent);
    while (one.asked().contains(silent)) one.take(silent);
    one.after(400ms);
    CHECK(!told_failure(one.effects, Failure::overdue));
    one.after(1s);
    CHECK(told_failure(one.effects, Failure::overdue));
    one.does([&] { one.fetching->received(one.now, silent, Piece{7, late.piece, 1, one.snapshot(late.range)}, one.company, one.effects); });
    CHECK(one.asked().contains(silent));  // it is there after all
    while (one.asked().contains(other)) one.gives(other);
    while (!one.wanted.empty()) one.gives(one.wanted.front().to);
    for (int i = 0; i < 100 && !one.fetching->whole(); ++i) {
        one.after(1s);
        while (!one.wanted.empty()) one.gives(one.wanted.front().to);
    }
    CHECK(one.fetching->whole());
}

TEST_CASE("where nobody else is there a silent donor is asked again, with ever more patience, and in the end it is vain") {
    One one(4 * piece_size, 1);
    std::vector<double> asked_at;
    for (int i = 0; i < 1000 && !one.fetching->vain(); ++i) {
        if (!one.wanted.empty()) asked_at.push_back(seconds(one.now));
        one.wanted.clear();
        one.after(100ms);
    }
    CHECK(seconds(one.now) > 59);
    CHECK(seconds(one.now) < 61);
    REQUIRE(asked_at.size() >= 3);
    CHECK(asked_at.size() <= 5);
    CHECK(asked_at[1] == doctest::Approx(5));
    CHECK(asked_at[2] - asked_at[1] == doctest::Approx(10));
}

TEST_CASE("the last pieces of a slow donor are asked of one that has nothing to do") {
    One one(16 * piece_size, 2);
    const PeerId slow{2}, quick{3};
    one.now += 50ms;
    for (int i = 0; i < 12; ++i) one.gives(quick);  // all but the four that were asked of the other
    CHECK(!one.fetching->whole());
    for (int i = 0; i < 40 && !one.fetching->whole(); ++i) {
        one.after(100ms);
        while (one.asked().contains(quick)) one.gives(quick);
    }
    CHECK(one.fetching->whole());
    CHECK(seconds(one.now) < 3);
    CHECK(one.asked().contains(slow));  // it never answered
}

TEST_CASE("a liar is asked no more: another range, another layout, no such piece, samples that are no number") {
    for (int how = 0; how < 5; ++how) {
        CAPTURE(how);
        One one(20 * piece_size, 2);
        const PeerId liar = one.wanted.front().to;
        const One::Out out = one.take(liar);
        Piece piece{7, out.piece, 1, one.snapshot(out.range)};
        if (how == 0) piece.snapshot.range.offset += 1;
        if (how == 1) piece.snapshot.layout = 8;
        if (how == 2) piece.piece = 20;
        if (how == 3) piece.snapshot.samples = -1;
        if (how == 4) piece.snapshot.bytes.size -= 4;
        one.does([&] { one.fetching->received(one.now, liar, std::move(piece), one.company, one.effects); });
        CHECK(told_failure(one.effects, Failure::other_layout));
        std::erase_if(one.wanted, [&](const One::Out& o) { return o.to == liar; });
        CHECK(one.all_given());
        CHECK(one.fetching->summary(one.now).donors == 1);
        one.does([&] { one.fetching->received(one.now, liar, Piece{7, out.piece, 1, one.snapshot(out.range)}, one.company, one.effects); });
        CHECK(one.effects.list.empty());
    }
}

TEST_CASE("what nobody asked for is not taken; what comes twice counts once") {
    One one(2 * piece_size, 1);
    const auto out = one.take(PeerId{2});
    one.does([&] { one.fetching->received(one.now, PeerId{5}, Piece{7, out.piece, 1, one.snapshot(out.range)}, one.company, one.effects); });
    CHECK(one.effects.list.empty());
    for (int i = 0; i < 2; ++i) one.does([&] { one.fetching->received(one.now, PeerId{2}, Piece{7, out.piece, 1, one.snapshot(out.range)}, one.company, one.effects); });
    CHECK(!one.fetching->whole());
    CHECK(one.all_given());
    CHECK(one.fetching->summary(one.now).bytes == 2 * piece_size * 4);
}

TEST_CASE("with nobody there, or only such as are behind themselves, it is vain after ten seconds; of one that must give it at once when that is gone") {
    One nobody(5, 0);
    nobody.after(9s);
    CHECK(!nobody.fetching->vain());
    nobody.after(2s);
    CHECK(nobody.fetching->vain());

    One behind(5, 3);
    for (int i = 0; i < 15 && !behind.fetching->vain(); ++i) {
        while (!behind.wanted.empty()) behind.refuses(behind.wanted.front().to, Why::catching_up);
        behind.after(1s);
    }
    CHECK(behind.fetching->vain());

    One only(5, 3, PeerId{3});
    CHECK(only.asked() == std::set{PeerId{3}});
    only.does([&] { only.fetching->peer_down(only.now, PeerId{3}, only.company, only.effects); });
    CHECK(only.fetching->vain());
}

TEST_CASE("whoever comes while a newcomer looks is asked at once") {
    One one(5, 0);
    one.company.ids.push_back(PeerId{9});
    one.does([&] { one.fetching->peer_up(one.now, one.company, one.effects); });
    CHECK(one.asked() == std::set{PeerId{9}});
}

TEST_CASE("a donor gives to two at once, and so many pieces each; not what lies outside, is too large, or is asked for twice") {
    Config config;
    config.layout = 9;
    config.size = 100 * piece_size;
    Donating donating(config);
    Exchange::Effects effects;
    std::uint32_t tag = 0;
    const auto asks = [&](std::uint64_t who, std::uint32_t piece, Range range, std::optional<Why> refused = {}) -> std::optional<Why> {
        effects.list.clear();
        donating.wanted(Instant{}, PeerId{who}, PieceWanted{1, piece, range}, refused, ++tag, effects);
        if (effects.list.empty()) return Why::undelivered;  // nothing
        if (const auto* s = std::get_if<Exchange::Effects::Send>(&effects.list[0])) return std::get<NoPiece>(s->message).why;
        CHECK(std::get<Publish>(std::get<Order>(std::get<Exchange::Effects::Tell>(effects.list[0]).event).what).range == range);
        return std::nullopt;
    };
    const Range range{0, piece_size};
    for (std::uint32_t i = 0; i < Donating::most_pieces; ++i) CHECK(!asks(2, i, range));
    CHECK(asks(2, 0, range) == Why::undelivered);
    CHECK(asks(2, 99, range) == Why::busy);
    CHECK(!asks(3, 0, range));
    CHECK(asks(4, 0, range) == Why::busy);
    CHECK(asks(3, 1, {0, piece_size + 1}) == Why::other_layout);
    CHECK(asks(3, 1, {config.size - 1, 2}) == Why::other_layout);
    CHECK(asks(3, 1, {config.size + 1, 1}) == Why::other_layout);
    CHECK(asks(3, 1, {0, 0}) == Why::other_layout);
    CHECK(asks(3, 1, range, Why::catching_up) == Why::catching_up);

    // A place is free again when the piece came, was given up, or its taker is gone, whatever of it is still to be frozen.
    donating.peer_down(PeerId{2});
    CHECK(!asks(4, 0, range));
    for (std::uint32_t t = 1; t <= tag; ++t) {
        effects.list.clear();
        donating.published(t, Snapshot{}, 1000 + t, effects);
        for (const auto& e : effects.list) CHECK(std::get<Exchange::Effects::Send>(e).to != PeerId{2});
    }
    donating.came(PeerId{3}, PieceCame{1, 0});
    effects.list.clear();
    donating.undelivered({PeerId{4}, 1000 + tag}, effects);
    REQUIRE(effects.list.size() == 1);
    CHECK(std::get<NoPiece>(std::get<Exchange::Effects::Send>(effects.list[0]).message).why == Why::undelivered);
    CHECK(donating.over());
}

TEST_CASE("which newcomers fetch: those of exchanges that average asynchronously, and of models that are averages") {
    Config config;
    config.size = 1;
    config.newcomer = true;
    config.donors = 4;
    for (const Kind kind : {Kind::gossip, Kind::epidemic, Kind::outer}) {
        config.kind = kind;
        config.group_size = 2;
        CHECK(fetches(config));
    }
    for (const Kind kind : {Kind::dpsgd, Kind::push_sum, Kind::group, Kind::allreduce, Kind::parameter_server, Kind::fedavg, Kind::local}) {
        config.kind = kind;
        CHECK(!fetches(config));
    }
    for (const auto& change : std::initializer_list<void (*)(Config&)>{[](Config& c) { c.sums = true; }, [](Config& c) { c.sets = true; }, [](Config& c) { c.trains = false; },
                                                                       [](Config& c) { c.newcomer = false; }, [](Config& c) { c.donors = 0; }, [](Config& c) { c.size = 0; }}) {
        Config c = config;
        c.kind = Kind::gossip;
        change(c);
        CHECK(!fetches(c));
    }
}
