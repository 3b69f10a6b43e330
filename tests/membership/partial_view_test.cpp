// Partial views: each rule alone, then networks of them. A network here has rounds and no time: every message is
// delivered, then everybody repairs, shuffles when it is due, and probes a neighbour as the detector would.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "grapevine/membership/partial_view.hpp"

using namespace grapevine;
using namespace grapevine::membership;

namespace {

// What one view wanted; and that what it told of its views is what they are.
struct Wanted final : ViewOut {
    explicit Wanted(const Book& b) : book(b) {}
    const Book& book;
    std::vector<std::pair<PeerId, ViewMessage>> sent;
    std::set<PeerId> contacts, neighbours;

    void send(Handle to, const ViewMessage& message) override { answer(book.id(to), message); }
    void answer(PeerId to, const ViewMessage& message) override { sent.emplace_back(to, message); }
    void known(Handle who) override { contacts.insert(book.id(who)); }
    void up(Handle who) override {
        CHECK(contacts.contains(book.id(who)));
        CHECK(neighbours.insert(book.id(who)).second);
    }
    void down(PeerId who) override { CHECK(neighbours.erase(who) == 1); }
    void unknown(PeerId who) override {
        CHECK(contacts.erase(who) == 1);
        neighbours.erase(who);
    }
};

struct Alone {
    Book book;
    PartialView view;
    Wanted out{book};

    explicit Alone(ViewConfig config = {}) : view(book, other(1), config, Random(7)) {}
    Handle other(std::uint64_t id, std::uint32_t incarnation = 0) {
        return *book.intern({{PeerId{id}, "o", "tcp://b:1", "tcp://b:2"}, incarnation, 0});
    }

    void hear(std::uint64_t from, const ViewMessage& message) {
        out.sent.clear();
        view.receive(PeerId{from}, message, out);
    }
    void repair() {
        out.sent.clear();
        view.repair(out);
    }
    template <class M>
    std::vector<std::pair<PeerId, M>> sent() const {
        std::vector<std::pair<PeerId, M>> found;
        for (const auto& [to, message] : out.sent)
            if (const auto* m = std::get_if<M>(&message)) found.emplace_back(to, *m);
        return found;
    }
    bool said(bool yes) const { return sent<NeighbourAnswer>().size() == 1 && sent<NeighbourAnswer>()[0].second.yes == yes; }
    bool active(std::uint64_t id) const { return view.neighbour(PeerId{id}); }
    bool passive(std::uint64_t id) const { return view.contains(PeerId{id}) && !active(id); }
    void neighbours(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t i = first; i <= last; ++i) hear(i, Neighbour{other(i), false});
    }
    void spares(std::uint64_t first, std::uint64_t last, std::uint8_t age) {  // by shuffles of one
        for (std::uint64_t i = first; i <= last; ++i) {
            Sample sample;
            sample.push_back(other(i), age);
            hear(1000, ShuffleAnswer{sample});
        }
    }
    void is_sound() const {
        CHECK(view.active().size() <= 5);
        CHECK(view.passive().size() <= 30);
        std::set<PeerId> active, both;
        for (const Handle h : view.active()) active.insert(book.id(h));
        both = active;
        for (const Handle h : view.passive()) both.insert(book.id(h));
        CHECK(both.size() == view.size());
        CHECK(!both.contains(PeerId{1}));
        CHECK(both == out.contacts);
        CHECK(active == out.neighbours);
    }
};

}  // namespace

TEST_CASE("five neighbours are taken, a sixth is refused and remembered; who is in need is taken for another") {
    Alone a;
    for (std::uint64_t i = 2; i <= 6; ++i) {
        a.hear(i, Neighbour{a.other(i), false});
        CHECK(a.said(true));
    }
    a.hear(7, Neighbour{a.other(7), false});
    CHECK(a.said(false));
    CHECK(a.passive(7));
    a.hear(2, Neighbour{a.other(2), false});  // our yes was lost
    CHECK(a.said(true));

    a.hear(8, Neighbour{a.other(8), true});
    CHECK(a.said(true));
    CHECK(a.active(8));
    const auto evicted = a.sent<Disconnect>();
    REQUIRE(evicted.size() == 1);
    CHECK(a.view.contains(evicted[0].first));
    CHECK(!a.view.neighbour(evicted[0].first));
    CHECK(a.book.id(*evicted[0].second.instead) == PeerId{8});  // has room for it
    a.is_sound();
}

TEST_CASE("nobody speaks for another") {
    Alone a;
    a.hear(2, Neighbour{a.other(3), true});
    a.hear(2, Enter{a.other(3)});
    a.hear(2, Shuffle{a.other(3), {}});
    a.hear(1, Neighbour{a.other(1), true});  // nor are we our own neighbour
    CHECK(a.out.sent.empty());
    CHECK(a.view.size() == 0);
}

TEST_CASE("a newcomer is led on, remembered three steps from the end, asked at the end, and somebody gives way for it") {
    Alone a;
    a.neighbours(2, 6);
    struct Row { std::uint8_t walk; int led_with; bool remembered; };
    for (const Row& row : {Row{255, 5, false}, Row{6, 5, false}, Row{4, 3, false}, Row{3, 2, true}, Row{2, 1, true}, Row{1, 0, true}}) {
        a.hear(2, ForwardJoin{a.other(9), row.walk});
        REQUIRE(a.sent<ForwardJoin>().size() == 1);
        CHECK(a.sent<ForwardJoin>()[0].second.walk == row.led_with);
        CHECK(a.sent<ForwardJoin>()[0].first != PeerId{2});  // not back
        CHECK(a.passive(9) == row.remembered);
    }
    a.hear(2, ForwardJoin{a.other(9), 0});
    REQUIRE(a.sent<Neighbour>().size() == 1);
    CHECK(!a.sent<Neighbour>()[0].second.urgent);
    CHECK(a.view.active().size() == 5);  // nobody gives way before it has said yes
    a.hear(9, NeighbourAnswer{true});
    CHECK(a.active(9));
    CHECK(a.sent<Disconnect>().size() == 1);
    a.is_sound();

    Alone b;  // whose only neighbour sent it
    b.neighbours(2, 2);
    b.hear(2, ForwardJoin{b.other(9), 6});
    CHECK(b.sent<Neighbour>().size() == 1);
    b.hear(2, ForwardJoin{b.other(1), 6});  // it met itself
    CHECK(b.out.sent.empty());
}

TEST_CASE("a contact takes a newcomer while there is room, and evicts nobody for it") {
    Alone a;
    for (std::uint64_t i = 2; i <= 20; ++i) {
        a.hear(i, Enter{a.other(i)});
        CHECK(a.active(i) == (i <= 6));
        CHECK(a.sent<NeighbourAnswer>().size() == (i <= 6 ? 1 : 0));
        CHECK(a.sent<ForwardJoin>().size() == std::min<std::size_t>(i - 2, 3));
        REQUIRE(a.sent<ShuffleAnswer>().size() == 1);
        CHECK(a.sent<ShuffleAnswer>()[0].second.sample.size() == std::min<std::size_t>(i - 2, 8));
    }
    a.is_sound();
    a.hear(2, Enter{a.other(2)});  // again: it has nobody, so our yes was lost
    CHECK(a.said(true));
    CHECK(a.view.active().size() == 5);
}

TEST_CASE("in a storm of newcomers the contact's spares are a fair sample of all") {
    double sum = 0;
    int count = 0;
    for (int run = 0; run < 20; ++run) {
        Book book;
        Wanted out{book};
        const auto handle = [&](std::uint64_t id) { return *book.intern({{PeerId{id}, "", "", ""}, 0, 0}); };
        PartialView view(book, handle(1), {}, Random(static_cast<std::uint64_t>(run)));
        for (std::uint64_t i = 2; i < 2002; ++i) view.receive(PeerId{i}, Enter{handle(i)}, out);
        for (const Handle h : view.passive()) {
            sum += static_cast<double>(book.id(h).value);
            ++count;
        }
    }
    CHECK(count == 600);
    CHECK(std::abs(sum / count - 1000) < 4 * 577 / std::sqrt(600.0));  // sd of uniform over 2000, of 600
}

TEST_CASE("a shuffle goes to the oldest; it and what it was sent give way to the answer") {
    Alone a;
    a.neighbours(2, 6);
    a.spares(10, 38, 1);
    a.spares(39, 39, 7);
    a.out.sent.clear();
    a.view.shuffle(a.out);
    REQUIRE(a.out.sent.size() == 1);
    CHECK(a.out.sent[0].first == PeerId{39});
    const Sample sample = std::get<Shuffle>(a.out.sent[0].second).sample;
    REQUIRE(sample.size() == 8);
    CHECK(sample[0] == a.other(1));
    for (std::size_t i = 1; i < 4; ++i) CHECK(a.view.neighbour(a.book.id(sample[i])));
    std::set<PeerId> gave{PeerId{39}};
    for (std::size_t i = 4; i < 8; ++i) gave.insert(a.book.id(sample[i]));

    Sample answer;
    for (std::uint64_t i = 50; i < 55; ++i) answer.push_back(a.other(i), 8);  // however old
    answer.push_back(a.other(1), 0);                                          // ourselves
    answer.push_back(a.other(2), 0);                                          // a neighbour
    answer.push_back(a.other(55), 9);                                         // one too many, and older than all
    a.hear(39, ShuffleAnswer{answer});
    for (std::uint64_t i = 10; i < 40; ++i) CHECK(a.passive(i) == !gave.contains(PeerId{i}));
    for (std::uint64_t i = 50; i < 55; ++i) CHECK(a.passive(i));
    CHECK(!a.view.contains(PeerId{55}));
    a.is_sound();
}

TEST_CASE("a full view takes no entry that is older than its oldest") {
    Alone a;
    a.spares(10, 39, 4);
    a.spares(50, 50, 5);
    CHECK(!a.view.contains(PeerId{50}));
    a.spares(51, 51, 3);
    CHECK(a.view.contains(PeerId{51}));
    a.is_sound();
}

TEST_CASE("a shuffle is answered with as many, and what the answer held gives way") {
    Alone a;
    a.spares(10, 39, 1);
    Sample sample;
    for (std::uint64_t i = 50; i < 58; ++i) sample.push_back(a.other(i), 200);
    a.hear(50, Shuffle{a.other(50), sample});
    const auto answers = a.sent<ShuffleAnswer>();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].first == PeerId{50});
    CHECK(answers[0].second.sample.size() == 8);
    for (const Handle h : answers[0].second.sample) CHECK(!a.view.contains(a.book.id(h)));
    for (std::uint64_t i = 50; i < 58; ++i) CHECK(a.passive(i));
    a.is_sound();
}

TEST_CASE("who answers no shuffle within two rounds is no spare any more, and another is tried") {
    Alone a;
    a.neighbours(2, 6);
    a.spares(10, 12, 1);
    a.spares(13, 13, 9);
    a.view.shuffle(a.out);
    a.repair();
    CHECK(a.passive(13));
    a.repair();
    CHECK(!a.view.contains(PeerId{13}));
    const auto next = a.sent<Shuffle>();
    REQUIRE(next.size() == 1);
    CHECK(a.passive(next[0].first.value));
    for (const Handle h : next[0].second.sample) CHECK(!a.view.neighbour(a.book.id(h)));  // they may be gone too
}

TEST_CASE("one spare is asked where a neighbour is missing, three at once and urgently where few are left") {
    struct Row { std::uint64_t neighbours; std::size_t asked; bool urgent; };
    for (const Row& row : {Row{5, 0, false}, Row{4, 1, false}, Row{3, 1, false}, Row{2, 3, true}, Row{1, 3, true}, Row{0, 3, true}}) {
        Alone a;
        a.neighbours(2, 1 + row.neighbours);
        a.spares(10, 30, 0);
        a.repair();
        const auto asked = a.sent<Neighbour>();
        CHECK(asked.size() == row.asked);
        for (const auto& [to, request] : asked) CHECK(request.urgent == row.urgent);
        a.repair();
        CHECK(a.sent<Neighbour>().empty());  // they still have time
        a.repair();
        CHECK(a.sent<Neighbour>().size() == row.asked);  // others
        for (const auto& [to, request] : asked) CHECK(!a.view.contains(to));
        a.is_sound();
    }
}

TEST_CASE("who refused stays a spare, who is dead or left does not, and neighbours are not forgotten by a whim") {
    Alone a;
    a.neighbours(2, 5);
    a.spares(10, 10, 0);
    a.repair();
    a.hear(10, NeighbourAnswer{false});
    CHECK(a.passive(10));
    a.view.forget(PeerId{2}, a.out);
    CHECK(a.active(2));
    a.view.forget(PeerId{10}, a.out);
    a.view.member_down(PeerId{2}, a.out);
    CHECK(a.view.size() == 3);
    a.is_sound();
}

TEST_CASE("who is dismissed asks whom it was told of, and remembers who dismissed it") {
    Alone a;
    a.neighbours(2, 6);
    a.hear(2, Disconnect{a.other(20)});
    CHECK(a.passive(2));
    REQUIRE(a.sent<Neighbour>().size() == 1);
    CHECK(a.sent<Neighbour>()[0].first == PeerId{20});
    a.hear(20, NeighbourAnswer{true});
    CHECK(a.active(20));
    a.hear(2, Disconnect{a.other(21)});  // no neighbour any more: nothing to say
    CHECK(a.out.sent.empty());
    a.is_sound();
}

TEST_CASE("a stranger that probes us becomes a neighbour or learns that it is none") {
    Alone a;
    a.neighbours(2, 5);
    a.spares(10, 11, 0);
    a.out.sent.clear();
    a.view.stranger_pinged(PeerId{30}, a.out);  // nor do we know how to reach it
    CHECK(a.sent<Disconnect>().size() == 1);
    a.view.stranger_pinged(PeerId{10}, a.out);
    CHECK(a.active(10));
    a.out.sent.clear();
    a.view.stranger_pinged(PeerId{11}, a.out);  // no room
    CHECK(a.sent<Disconnect>().size() == 1);
    CHECK(a.passive(11));
    a.is_sound();
}

TEST_CASE("requests that cross make one link, and a no takes back a yes") {
    Alone a;
    a.neighbours(2, 5);
    a.spares(10, 10, 0);
    a.repair();
    a.hear(10, Neighbour{a.other(10), false});
    CHECK(a.said(true));
    a.hear(10, NeighbourAnswer{true});
    CHECK(a.out.sent.empty());
    CHECK(a.active(10));
    a.hear(10, NeighbourAnswer{false});
    CHECK(a.passive(10));
    a.is_sound();
}

TEST_CASE("the newest record of a member is kept") {
    Alone a;
    a.neighbours(2, 2);
    a.spares(10, 10, 0);
    a.view.renew(a.other(10, 2), a.out);
    a.view.renew(a.other(10, 1), a.out);
    a.hear(2, Neighbour{a.other(2, 3), false});
    CHECK(a.view.passive()[0] == a.other(10, 2));
    CHECK(a.view.active()[0] == a.other(2, 3));
    a.is_sound();
}

TEST_CASE("who has nobody left turns to its contacts in turn, and to the last that it lost") {
    Alone a;
    a.view.join(a.other(20), a.out);
    a.view.join(a.other(21), a.out);
    CHECK(a.sent<Enter>().size() == 2);
    a.neighbours(2, 4);
    a.repair();
    CHECK(a.sent<Enter>().empty());
    for (std::uint64_t i = 2; i <= 4; ++i) a.view.member_down(PeerId{i}, a.out);
    std::set<PeerId> tried;
    for (int round = 0; round < 5; ++round) {
        a.repair();
        REQUIRE(a.sent<Enter>().size() == 1);
        tried.insert(a.sent<Enter>()[0].first);
    }
    CHECK(tried == std::set<PeerId>{PeerId{2}, PeerId{3}, PeerId{4}, PeerId{20}, PeerId{21}});
    a.hear(3, NeighbourAnswer{true});
    CHECK(a.active(3));
}

TEST_CASE("a spare that falls silent is turned to when nobody is left, if neighbours were few") {
    struct Row { std::uint64_t neighbours; bool remembered; };
    for (const Row& row : {Row{1, true}, Row{2, true}, Row{3, false}, Row{4, false}})
        for (int how = 0; how < 3; ++how) {
            Alone a;
            a.neighbours(2, 1 + row.neighbours);
            a.spares(10, 10, 0);
            a.out.sent.clear();
            if (how == 0) a.view.forget(PeerId{10}, a.out);  // an exchange
            if (how == 1) a.view.shuffle(a.out);
            for (int round = 0; round < 3; ++round) a.repair();  // how == 2: it is asked to be a neighbour
            CHECK(!a.view.contains(PeerId{10}));
            for (std::uint64_t i = 2; i < 2 + row.neighbours; ++i) a.view.member_down(PeerId{i}, a.out);
            std::set<PeerId> tried;
            for (int round = 0; round < 6; ++round) {
                a.repair();
                for (const auto& [to, enter] : a.sent<Enter>()) tried.insert(to);
            }
            CHECK(tried.contains(PeerId{10}) == row.remembered);
            a.is_sound();
        }
}

TEST_CASE("who was lost twice takes one place among the lost") {
    Alone a;
    a.neighbours(2, 3);
    a.view.member_down(PeerId{3}, a.out);
    for (int times = 0; times < 5; ++times) {
        a.neighbours(2, 2);
        a.view.member_down(PeerId{2}, a.out);
    }
    std::set<PeerId> tried;
    for (int round = 0; round < 4; ++round) {
        a.repair();
        for (const auto& [to, enter] : a.sent<Enter>()) tried.insert(to);
    }
    CHECK(tried == std::set<PeerId>{PeerId{2}, PeerId{3}});
}

TEST_CASE("whatever is said to it, a view keeps its sizes and nobody twice") {
    Alone a;
    Random random(11);
    const auto anybody = [&] { return 1 + random.below(80); };
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t from = 2 + random.below(79), about = anybody();
        Sample sample;
        for (std::uint64_t k = random.below(9); k > 0; --k) {
            const std::uint64_t who = anybody(), incarnation = random.below(3), age = random.below(12);
            sample.push_back(a.other(who, static_cast<std::uint32_t>(incarnation)), static_cast<std::uint8_t>(age));
        }
        const auto byte = static_cast<std::uint8_t>(random.bits());
        const bool coin = random.chance(0.5);
        a.out.sent.clear();
        switch (random.below(12)) {
            case 0: a.hear(from, Enter{a.other(from)}); break;
            case 1: a.hear(from, ForwardJoin{a.other(about), static_cast<std::uint8_t>(byte % 8)}); break;
            case 2: a.hear(from, Neighbour{a.other(from), coin}); break;
            case 3: a.hear(from, NeighbourAnswer{coin}); break;
            case 4: a.hear(from, Disconnect{coin ? std::optional(a.other(about)) : std::nullopt}); break;
            case 5: a.hear(from, Shuffle{a.other(from), sample}); break;
            case 6: a.hear(from, ShuffleAnswer{sample}); break;
            case 7: a.view.repair(a.out); break;
            case 8: a.view.shuffle(a.out); break;
            case 9: a.view.member_down(PeerId{about}, a.out); break;
            case 10: a.view.forget(PeerId{about}, a.out); break;
            default: a.view.stranger_pinged(PeerId{from}, a.out);
        }
        for (const auto& [to, message] : a.out.sent) REQUIRE(to != PeerId{1});
        if (i % 16 == 0) a.is_sound();
    }
}

// ---- networks

namespace {

struct Net {
    struct Mail {
        std::size_t to, from;
        ViewMessage message;
    };
    struct Post final : ViewOut {
        Post(Net& n, std::size_t m) : net(n), me(m) {}
        Net& net;
        std::size_t me;
        void send(Handle to, const ViewMessage& message) override { answer(net.book.id(to), message); }
        void answer(PeerId to, const ViewMessage& message) override {
            ++net.sent;
            if (!net.random.chance(net.loss)) net.mail.push_back({static_cast<std::size_t>(to.value) - 1, me, message});
        }
        void known(Handle) override {}
        void up(Handle) override {}
        void down(PeerId) override {}
        void unknown(PeerId) override {}
    };

    std::size_t n;
    double loss = 0;
    std::size_t period = 1;  // rounds between shuffles
    std::size_t rounds = 0, sent = 0;
    Book book;
    std::vector<PartialView> views;
    std::vector<bool> alive;
    std::vector<std::size_t> missed_from;  // by whom and when the dead are missed
    std::deque<Mail> mail;
    Random random;

    Net(std::size_t size, std::uint64_t seed) : n(size), alive(size, true), random(seed) {
        views.reserve(n);
        for (std::size_t i = 0; i < n; ++i)
            views.emplace_back(book, *book.intern({{PeerId{i + 1}, "", "", ""}, 0, 0}), ViewConfig{}, random.split(i));
    }
    std::size_t place(Handle h) const { return static_cast<std::size_t>(book.id(h).value) - 1; }

    void join_all(std::size_t first, std::size_t last) {  // through the first of all, before any message arrives
        for (std::size_t i = std::max<std::size_t>(first, 1); i < last; ++i) {
            Post post(*this, i);
            views[i].join(0, post);
        }
        deliver();
    }
    void deliver() {
        for (; !mail.empty(); mail.pop_front()) {
            if (!alive[mail.front().to]) continue;
            const Mail m = mail.front();
            Post post(*this, m.to);
            views[m.to].receive(PeerId{m.from + 1}, m.message, post);
        }
    }
    void round() {
        ++rounds;
        for (std::size_t i = 0; i < n; ++i) {
            if (!alive[i]) continue;
            Post post(*this, i);
            views[i].repair(post);
            if ((rounds + i) % period == 0) views[i].shuffle(post);
        }
        deliver();
        for (std::size_t i = 0; i < n; ++i) {
            if (!alive[i] || views[i].active().empty()) continue;
            const std::size_t target = place(views[i].active()[rounds % views[i].active().size()]);
            if (!alive[target] || random.chance(loss) || views[target].neighbour(PeerId{i + 1})) continue;
            Post post(*this, target);
            views[target].stranger_pinged(PeerId{i + 1}, post);
        }
        deliver();
    }
    void run(std::size_t count) {
        while (count-- > 0) round();
    }
    // Neighbours miss a dead member some time later, each at its own.
    void miss_the_dead(std::size_t since) {
        for (std::size_t i = 0; i < n; ++i) {
            if (!alive[i]) continue;
            const Handles<8> neighbours = views[i].active();
            for (const Handle h : neighbours) {
                if (alive[place(h)] || rounds < since + 5 + Random::mix(i * n + place(h)) % 11) continue;
                Post post(*this, i);
                views[i].member_down(book.id(h), post);
            }
        }
    }

    std::size_t living() const { return static_cast<std::size_t>(std::count(alive.begin(), alive.end(), true)); }
    // Of the graph of neighbours; or of all that anybody knows, which is what could be joined again.
    std::size_t largest_component(bool spares_too = false) const {
        std::vector<std::size_t> up(n), count(n, 0);
        std::iota(up.begin(), up.end(), std::size_t{0});
        const auto root = [&](std::size_t i) {
            while (up[i] != i) i = up[i] = up[up[i]];
            return i;
        };
        std::size_t most = 0;
        for (std::size_t i = 0; i < n; ++i)
            for (const Handle h : views[i].active())
                if (alive[i] && alive[place(h)]) up[root(i)] = root(place(h));
        for (std::size_t i = 0; spares_too && i < n; ++i)
            for (const Handle h : views[i].passive())
                if (alive[i] && alive[place(h)]) up[root(i)] = root(place(h));
        for (std::size_t i = 0; i < n; ++i)
            if (alive[i]) most = std::max(most, ++count[root(i)]);
        return most;
    }
    struct Figures {
        double neighbours = 0, symmetric = 0, spares = 0, spares_alive = 0;
        double in_mean = 0, in_deviation = 0, in_most = 0, in_least = 0;  // in how many passive views one is
    };
    Figures figures() const {
        Figures f;
        std::vector<double> in(n, 0);
        const auto living_count = static_cast<double>(living());
        double links = 0, both = 0, spares = 0, alive_ones = 0;
        for (std::size_t i = 0; i < n; ++i) {
            if (!alive[i]) continue;
            for (const Handle h : views[i].active()) {
                ++links;
                both += alive[place(h)] && views[place(h)].neighbour(PeerId{i + 1});
            }
            for (const Handle h : views[i].passive()) {
                ++spares;
                alive_ones += alive[place(h)];
                ++in[place(h)];
            }
        }
        f = {links / living_count, links > 0 ? both / links : 0, spares / living_count, spares > 0 ? alive_ones / spares : 0, 0, 0, 0, 1e9};
        for (std::size_t i = 0; i < n; ++i) {
            if (!alive[i]) continue;
            f.in_mean += in[i] / living_count;
            f.in_deviation += in[i] * in[i] / living_count;
            f.in_most = std::max(f.in_most, in[i]);
            f.in_least = std::min(f.in_least, in[i]);
        }
        f.in_deviation = std::sqrt(f.in_deviation - f.in_mean * f.in_mean);
        return f;
    }
};

// Everybody starts one exchange a round, in an order that is drawn anew; the sum of squares is 1 before each round.
// Returns the geometric mean of what a round leaves of it, late.
template <class Draw>
double contraction(std::size_t n, std::size_t rounds, std::uint64_t seed, Draw draw, auto between) {
    Random random(seed);
    std::vector<double> x(n);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto normalise = [&] {
        double mean = 0, sum = 0;
        for (const double v : x) mean += v / static_cast<double>(n);
        for (double& v : x) sum += (v - mean) * (v - mean);
        for (double& v : x) v = (v - mean) / std::sqrt(sum);
        return sum;
    };
    for (double& v : x) v = random.normal();
    normalise();
    double log_sum = 0;
    const std::size_t early = 50;
    for (std::size_t t = 0; t < rounds; ++t) {
        between();
        for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
        for (const std::size_t i : order) {
            const std::size_t j = draw(i, random);
            x[i] = x[j] = (x[i] + x[j]) / 2;
        }
        const double left = normalise();
        if (t >= early) log_sum += std::log(left);
    }
    return std::exp(log_sum / static_cast<double>(rounds - early));
}

}  // namespace

TEST_CASE("in a small cluster everybody knows everybody") {
    for (const std::size_t n : {2, 3, 5, 6, 7, 8, 20, 36}) {
        CAPTURE(n);
        Net net(n, n);
        net.join_all(0, n);
        net.run(30);
        std::size_t least = n;
        for (const PartialView& v : net.views) least = std::min(least, v.size());
        CHECK(least >= n - 1 - n / 20);
        CHECK(net.largest_component() == n);
        CHECK(net.figures().symmetric == 1);
        CHECK(net.figures().neighbours > 0.9 * static_cast<double>(std::min<std::size_t>(n - 1, 5)));
    }
}

TEST_CASE("10,000 join through one seed at once, also where every tenth message is lost") {
    for (const double loss : {0.0, 0.1}) {
        Net net(10000, 1);
        net.loss = loss;
        net.join_all(0, net.n);
        std::size_t joined = 0;
        for (std::size_t round = 1; round <= 30; ++round) {
            net.round();
            if (joined == 0 && net.largest_component() == net.n) joined = round;
        }
        const auto f = net.figures();
        MESSAGE("loss ", loss, ": one component after ", joined, " rounds; after 30: ", f.neighbours, " neighbours, symmetric ",
                f.symmetric, ", ", f.spares, " spares; in ", f.in_mean, " +- ", f.in_deviation, " passive views (", f.in_least, "..",
                f.in_most, "); ", static_cast<double>(net.sent) / 1e4, " messages a peer");
        CHECK(joined > 0);
        CHECK(joined <= 10);
        CHECK(net.largest_component() == net.n);
        CHECK(f.symmetric >= 0.99);
        CHECK(f.neighbours > 4.9);
        CHECK(f.in_deviation < 6);
        CHECK(f.in_most < 80);
    }
}

TEST_CASE("10,000 join by hundreds, and every tenth message is lost") {
    Net net(10000, 2);
    net.loss = 0.1;
    for (std::size_t i = 1; i < net.n; ++i) net.alive[i] = false;
    for (std::size_t i = 0; i < net.n; i += 500) {
        for (std::size_t k = i; k < i + 500; ++k) net.alive[k] = true;
        net.join_all(i, i + 500);
        net.round();
    }
    net.run(20);
    CHECK(net.largest_component() == net.n);
    CHECK(net.figures().symmetric >= 0.99);
}

TEST_CASE("after most die at once the survivors find each other") {
    Net before(10000, 3);
    before.join_all(0, before.n);
    before.run(20);
    before.period = 3;
    before.run(21);
    struct Row { double dead, least; };
    for (const Row& row : {Row{0.9, 0.98}, Row{0.95, 0.9}, Row{0.98, 0.2}}) {
        std::vector<double> shares, limits, alive_spares, rounds_to_ninety;
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            Net net(before.n, 3);
            net.period = before.period;
            net.rounds = before.rounds;
            net.views.clear();
            for (const PartialView& v : before.views) net.views.push_back(v);
            Random fate(seed);
            for (std::size_t i = 0; i < net.n; ++i) net.alive[i] = !fate.chance(row.dead);
            const auto survivors = static_cast<double>(net.living());
            limits.push_back(static_cast<double>(net.largest_component(true)) / survivors);
            double ninety = 1e9;
            for (std::size_t round = 1; round <= 60; ++round) {
                net.round();
                net.miss_the_dead(before.rounds);
                const double share = static_cast<double>(net.largest_component()) / survivors;
                if (share >= 0.9) ninety = std::min(ninety, static_cast<double>(round));
                else ninety = 1e9;
            }
            shares.push_back(static_cast<double>(net.largest_component()) / survivors);
            alive_spares.push_back(net.figures().spares_alive);
            rounds_to_ninety.push_back(ninety);
        }
        for (auto* figures : {&shares, &limits, &alive_spares, &rounds_to_ninety}) std::sort(figures->begin(), figures->end());
        MESSAGE(row.dead, " dead: largest component of the survivors after 60 rounds ", shares[2], " (", shares[0], "..", shares[4],
                "; that knew of each other when it happened ", limits[2], "), 0.9 for good after ", rounds_to_ninety[2],
                " rounds; of the spares ", alive_spares[2], " are alive");
        CHECK(shares[2] >= row.least);
        CHECK(shares[2] >= 0.9 * limits[2]);
    }
}

TEST_CASE("everybody is drawn as often as everybody else, and averaging is as fast as with uniform partners") {
    const std::size_t n = 1000;
    const double uniform = contraction(n, 300, 1, [&](std::size_t i, Random& r) { return (i + 1 + r.below(n - 1)) % n; }, [] {});
    MESSAGE("uniform partners leave ", uniform, " of S a round (law: 0.303)");
    CHECK(std::abs(uniform - 0.303) < 0.01);

    Net settled(n, 5);
    settled.join_all(0, n);
    settled.run(50);
    for (const std::size_t period : {1, 3, 10, 1000000}) {
        Net net(n, 5);
        net.views.clear();
        for (const PartialView& v : settled.views) net.views.push_back(v);
        net.period = period;
        const std::size_t rounds = 1000;
        std::vector<double> drawn(n, 0);
        std::vector<std::uint16_t> pairs(n * n, 0);
        const double left = contraction(n, rounds, 1,
                                        [&](std::size_t i, Random& r) {
                                            const std::size_t j = static_cast<std::size_t>(net.views[i].draw(r)->value) - 1;
                                            ++drawn[j];
                                            ++pairs[i * n + j];
                                            return j;
                                        },
                                        [&] { net.round(); });
        const auto times = static_cast<double>(rounds);
        double chi = 0, chi_pairs = 0, met = 0;  // a degree of freedom; 1 if every draw were independent and uniform
        for (const double d : drawn) chi += (d - times) * (d - times) / times / (n - 1);
        const double each = times / (n - 1);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                if (i != j) {
                    const double d = pairs[i * n + j] - each;
                    chi_pairs += d * d / each / (n * (n - 2.0));
                    met += pairs[i * n + j] > 0;
                }
        const std::string every = period > rounds ? "never" : "every " + std::to_string(period);
        MESSAGE("shuffled ", every, ": ", left, " of S a round; times drawn in ", rounds, " rounds: chi2/dof ", chi, ", deviation ",
                std::sqrt(chi / times), " of the mean (chance alone ", std::sqrt(1 / times), "); pairs: chi2/dof ", chi_pairs, ", met ",
                met / (n * (n - 1.0)), " (chance alone 0.633); ", static_cast<double>(net.sent) / times / n, " messages a peer and round");
        CHECK(left < 0.32);
        if (period <= 10) CHECK(std::sqrt(chi / times) < 0.08);
        if (period == 1) CHECK(std::sqrt(chi / times) < 0.04);
        if (period == 10) {
            const double neighbours = contraction(n, 300, 1, [&](std::size_t i, Random& r) {
                const auto& active = net.views[i].active();
                return net.place(active[r.below(active.size())]);
            }, [] {});
            MESSAGE("neighbours alone would leave ", neighbours);
            CHECK(neighbours > 0.4);
        }
    }
}

TEST_CASE("the same seed gives the same views") {
    const auto digest = [](std::uint64_t seed) {
        Net net(300, seed);
        net.loss = 0.05;
        net.join_all(0, net.n);
        net.run(20);
        std::uint64_t sum = net.sent;
        for (const PartialView& v : net.views)
            for (const PeerId id : v.all()) sum = Random::mix(sum ^ id.value);
        return sum;
    };
    CHECK(digest(1) == digest(1));
    CHECK(digest(1) != digest(2));
}
