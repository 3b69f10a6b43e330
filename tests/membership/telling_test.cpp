// What is told, and that a message stays one packet.
#include <doctest/doctest.h>

#include "alone.hpp"
#include "grapevine/wire/wire.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

namespace {

// As long as a record may be.
Record longest(std::uint64_t id) {
    Record r = record(id);
    r.contact.name = std::string(longest_name, 'n');
    r.contact.control = r.contact.bulk = std::string(longest_endpoint, 'e');
    r.key = std::string(longest_key, 'k');
    r.metadata = std::string(longest_metadata, 'm');
    return r;
}

std::size_t largest(const Alone& a) {
    std::size_t bytes = 0;
    for (const auto& e : a.effects.list)
        if (const auto* s = std::get_if<Membership::Effects::Send>(&e)) bytes = std::max(bytes, wire::control_size(Peer::Message(s->message), a.book));
    return bytes;
}

constexpr std::size_t frame = 48;  // what the transport puts before it, and more

}  // namespace

TEST_CASE("no message is longer than 1,200 bytes, however long names and addresses are") {
    for (const bool partial : {false, true}) {
        Config config;
        config.partial = partial;
        Alone a(0, config, longest(1));
        std::size_t most = 0;
        const auto look = [&] { most = std::max(most, largest(a)); };
        std::vector<Handle> all;
        for (std::uint64_t i = 2; i < 300; ++i) all.push_back(*a.book.intern(longest(i)));
        for (const Handle h : all) {
            a.give(Met{h});
            look();
            a.hear({h, Standing::alive, {}}, a.book.id(h));
            look();
            Sample sample;
            for (std::size_t k = 0; k < 8; ++k) sample.push_back(all[(h + k) % all.size()]);
            a.give(Received<Message>{a.book.id(h), Message{ViewMessage(Shuffle{h, sample}), {}}});
            look();
            a.give(Received<Message>{a.book.id(h), Message{ViewMessage(Neighbour{h, true}), {}}});
            look();
            a.hear({h, Standing::suspect, PeerId{2}}, PeerId{2});
            a.give(Received<Message>{a.book.id(h), Message{Ping{1, {}, false}, {}}});
            look();
            a.give(Received<Message>{a.book.id(h), Message{Join{}, {}}});
            look();
            a.give(Received<Message>{a.book.id(h), Message{Sync{1}, {}}});
            look();
            Mask mask;
            for (std::size_t b = 0; b < 256; ++b) mask.add(b);
            a.give(Received<Message>{a.book.id(h), Message{Want{8, mask}, {}}});
            look();
            a.probe();
            look();
            a.give(Woken<Timer>{GossipDue{}});
            look();
        }
        CHECK(most + frame <= 1200);
        CHECK(most > 900);
    }
}

TEST_CASE("a rumor is told so often and then no more") {
    Alone a(9);
    a.hear({a.other(3), Standing::left, {}});
    int told = 0;
    for (int i = 0; i < 50; ++i) {
        a.give(Woken<Timer>{GossipDue{}});
        for (const auto& e : a.effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e))
                for (const Rumor& r : s->message.rumors) told += a.book.id(r.about) == PeerId{3};
    }
    CHECK(told == static_cast<int>(telling_limit(9, 4)));
    CHECK(a.effects.list.empty());
}

TEST_CASE("a second leave is silent, and who has left answers and asks nobody") {
    Alone a(5);
    a.give(Leave{});
    CHECK(a.sent<Gossip>() == 3);
    a.give(Leave{});
    CHECK(a.effects.list.empty());
    int departed = 0;
    for (int i = 0; i < 20; ++i) {
        a.give(Woken<Timer>{GossipDue{}});
        departed += a.told<Departed>();
    }
    CHECK(departed == 1);
    CHECK(!a.probe());
    a.give(Received<Message>{PeerId{3}, Message{Ping{1, {}, false}, {}}});
    CHECK(a.sent<Ack>() == 1);
}
