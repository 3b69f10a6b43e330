// Peers that nobody can dial: how they find out, and how they are reached.
#include <doctest/doctest.h>

#include "dial_back.hpp"
#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

// Listens on loopback, and says that it is at another address of it where nobody does.
Options behind_router(std::uint64_t id) {
    Options options = options_of(id);
    options.advertise_host = "127.0.0.9";
    return options;
}

Contact only_calls(const Transport& node) { return {node.contact().id, "", "", ""}; }

}  // namespace

TEST_CASE("whoever asks to be dialled back learns whether that went") {
    const Node open_one = open(1), shut = open(behind_router(2)), asked = open(3);
    for (Transport* node : {open_one.get(), shut.get()}) {
        node->know(asked->contact());
        asked->know(node->contact());
    }
    open_one->ask_back(PeerId{3});
    const auto yes = await<DialledBack>(*open_one, {asked.get()});
    REQUIRE(yes);
    CHECK(yes->reached);
    CHECK(yes->by == PeerId{3});
    shut->ask_back(PeerId{3});
    const auto no = await<DialledBack>(*shut, {asked.get()});
    REQUIRE(no);
    CHECK(!no->reached);
}

TEST_CASE("somebody else at that address is no yes") {
    const Node asker = open(1), asked = open(3), other = open(4);
    asker->know(asked->contact());
    asked->know(asker->contact());
    // As the asker, but to where another node is.
    Raw raw(asked->contact().control, PeerId{5});
    std::string question = Writer({wire_version, Kind::try_me, run, PeerId{5}, PeerId{3}}).u64(42).text(other->contact().control).take();
    raw.send({question});
    REQUIRE(spin({asked.get(), other.get()}, [&] { return other->counters().control.frames_in > 0; }));  // greeted, and answers
    std::string answer;
    for (int i = 0; i < 300 && answer.empty(); ++i) {
        asked->receive(milliseconds(10)), other->receive(milliseconds(1));
        answer = raw.receive(1);
    }
    Reader reader(answer);
    const auto header = read_header(reader);
    REQUIRE(header);
    CHECK(header->kind == Kind::tried);
    CHECK(reader.u64() == 42);
    CHECK(reader.u8() == 0);
    CHECK(reader.done());
}

TEST_CASE("a parcel to one that cannot be dialled waits for the connection that it is asked to open") {
    const Node home = open(behind_router(1)), dialable = open(2);
    home->know(dialable->contact());
    dialable->know(only_calls(*home));
    dialable->send(PeerId{1}, "nobody has called");
    CHECK(dialable->counters().of(Drop::unreachable) == 1);
    home->send(PeerId{2}, "hello");
    REQUIRE(await<Frame>(*dialable));
    dialable->send(PeerId{1}, "hello to you");
    REQUIRE(await<Frame>(*home));
    for (std::uint32_t ticket = 1; ticket < 4; ++ticket) {
        const Bytes body = pattern(3 << 20, ticket);
        dialable->ship(PeerId{1}, ticket, "header", body);
        const auto parcel = await<Parcel>(*home, {dialable.get()});
        REQUIRE(parcel);
        CHECK(parcel->ticket == ticket);
        CHECK(equal(parcel->body, body));
    }
    CHECK(spin({dialable.get()}, [&] { return dialable->counters().bulk.connections == 1; }));  // theirs, and none of ours
}

TEST_CASE("two that nobody can dial do not reach each other, and no parcel waits for ever") {
    const Node a = open(behind_router(1)), b = open(behind_router(2));
    a->know(only_calls(*b));
    b->know(only_calls(*a));
    a->send(PeerId{2}, "are you there?");
    CHECK(a->counters().of(Drop::unreachable) == 1);
    a->ship(PeerId{2}, 7, "", pattern(1000, 1));
    const auto undelivered = await<Undelivered>(*a, {b.get()});
    REQUIRE(undelivered);
    CHECK(undelivered->ticket == 7);
}

TEST_CASE("a question is tried once an asker, at numeric addresses, and few at a time") {
    DialBack asked;
    const Instant start{};
    const std::string somewhere = "tcp://10.0.0.1:7470";
    CHECK(asked.begin(PeerId{1}, 1, 101, somewhere, start));
    CHECK(!asked.begin(PeerId{1}, 2, 102, somewhere, start));
    CHECK(!asked.begin(PeerId{2}, 2, 102, "tcp://a.name.of.its.choice:1", start));
    CHECK(!asked.begin(PeerId{2}, 2, 102, "tcp://10.0.0.1:7470" + std::string(110, '0'), start));
    for (std::uint64_t i = 2; i <= DialBack::at_once; ++i) CHECK(asked.begin(PeerId{i}, i, 100 + i, somewhere, start));
    CHECK(!asked.begin(PeerId{99}, 99, 199, somewhere, start));
    CHECK(asked.due() == start + DialBack::patience);
    CHECK(!asked.welcomed(PeerId{2}, 101, somewhere));  // another's greeting
    CHECK(!asked.welcomed(PeerId{1}, 101, "tcp://10.0.0.2:7470"));
    CHECK(asked.welcomed(PeerId{1}, 101, somewhere)->theirs == 1);
    CHECK(!asked.welcomed(PeerId{1}, 101, somewhere));
    CHECK(asked.expire(start + DialBack::patience - Duration(1)).empty());
    CHECK(asked.expire(start + DialBack::patience).size() == DialBack::at_once - 1);
    CHECK(asked.due() == Instant::max());

    DialBack asker;
    asker.ask(PeerId{1}, 7, start);
    CHECK(!asker.answered(PeerId{2}, 7, start));
    CHECK(!asker.answered(PeerId{1}, 8, start));
    CHECK(!asker.answered(PeerId{1}, 7, start + 2 * DialBack::patience + Duration(1)));
    CHECK(asker.answered(PeerId{1}, 7, start + 2 * DialBack::patience));
    CHECK(!asker.answered(PeerId{1}, 7, start));
}
