#include <doctest/doctest.h>

#include <thread>

#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;

TEST_CASE("whoever greets an address learns who is there") {
    const Node a = open(1), b = open(2);
    a->greet(b->contact().control);
    const auto hello = await<Hello>(*a, {b.get()});
    REQUIRE(hello);
    CHECK(hello->endpoint == b->contact().control);
    CHECK(hello->who == PeerId{2});
    CHECK(hello->run == run);
    CHECK(hello->greeting == "I am 2");

    b->set_greeting("changed");
    a->greet(b->contact().control);
    const auto again = await<Hello>(*a, {b.get()});
    REQUIRE(again);
    CHECK(again->greeting == "changed");
}

TEST_CASE("an address may be given by name") {
    const Node a = open(1), b = open(2);
    std::string by_name = b->contact().control;
    by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
    a->greet(by_name);
    const auto hello = await<Hello>(*a, {b.get()});
    REQUIRE(hello);
    CHECK(hello->endpoint == by_name);
    CHECK(hello->who == PeerId{2});
}

TEST_CASE("a newcomer that has no run yet may greet, and takes over the run it hears of") {
    auto options = options_of(1);
    options.run = 0;
    const Node a = open(options), b = open(2);
    a->greet(b->contact().control);
    const auto hello = await<Hello>(*a, {b.get()});
    REQUIRE(hello);

    a->know(b->contact());
    a->send(PeerId{2}, "too early");
    CHECK(spin({b.get()}, [&] { return b->counters().of(Drop::other_run) == 1; }));

    a->set_run(hello->run);
    a->send(PeerId{2}, "now");
    const auto frame = await<Frame>(*b);
    REQUIRE(frame);
    CHECK(frame->bytes == "now");
}

TEST_CASE("a port in use is an error that names it and says what to do") {
    const Node a = open(1);
    auto options = options_of(2);
    const std::string taken = a->contact().control;
    const std::string port = taken.substr(taken.rfind(':') + 1);
    options.control_port = static_cast<std::uint16_t>(std::stoi(port));
    auto opened = Transport::open(options);
    const auto* error = std::get_if<Error>(&opened);
    REQUIRE(error);
    CHECK(error->what.find(port) != std::string::npos);
    CHECK(error->what.find("in use") != std::string::npos);
    CHECK(error->hint.find("--listen") != std::string::npos);
}

TEST_CASE("a name to listen on becomes an address that others can dial") {
    auto options = options_of(1);
    options.listen_host = "localhost";
    const Node a = open(options);
    CHECK(a->contact().control.rfind("tcp://127.0.0.1:", 0) == 0);
    options.listen_host = "*";
    options.self = PeerId{2};
    const Node everywhere = open(options);
    CHECK(everywhere->contact().control.find('*') == std::string::npos);
    options.listen_host = "no-such-host.invalid";
    auto opened = Transport::open(options);
    CHECK(std::holds_alternative<Error>(opened));
}

TEST_CASE("an address that is not this machine's is an error") {
    auto options = options_of(1);
    options.listen_host = "192.0.2.1";
    auto opened = Transport::open(options);
    const auto* error = std::get_if<Error>(&opened);
    REQUIRE(error);
    CHECK(error->what.find("192.0.2.1") != std::string::npos);
}

TEST_CASE("a greeting that nobody answers ends in NoAnswer") {
    auto options = options_of(1);
    options.greet_patience = milliseconds(300);
    const Node a = open(options);
    std::string endpoint;
    SUBCASE("nobody listens") {
        const Node gone = open(2);
        endpoint = gone->contact().control;  // free again, a moment later
    }
    SUBCASE("no address at all") { endpoint = "gpu1"; }
    SUBCASE("another scheme") { endpoint = "ipc:///tmp/x"; }
    SUBCASE("no such port") { endpoint = "tcp://127.0.0.1:99999"; }
    SUBCASE("no such name") { endpoint = "tcp://no-such-host.invalid:7470"; }
    a->greet(endpoint);
    const auto answer = await<NoAnswer>(*a);
    REQUIRE(answer);
    CHECK(answer->endpoint == endpoint);
    CHECK_FALSE(answer->why.empty());
}

TEST_CASE("of two ranges of versions the highest common one is picked, if there is one") {
    CHECK(common({2, 2}, {2, 2}) == 2);
    CHECK(common({2, 4}, {1, 3}) == 3);
    CHECK(common({1, 3}, {2, 4}) == 3);
    CHECK(common({2, 2}, {1, 9}) == 2);
    CHECK_FALSE(common({2, 3}, {4, 5}));
    CHECK_FALSE(common({4, 5}, {2, 3}));
    CHECK(to_string(Versions{2, 2}) == "2");
    CHECK(to_string(Versions{2, 4}) == "2 to 4");
}

TEST_CASE("a greeting says what its node speaks, and the answer picks the highest that both do") {
    const Node a = open(1);
    Raw newcomer(a->contact().control, PeerId{5});
    Header header{wire_version, Kind::greet, run, PeerId{5}, {}};
    const auto answer_to = [&](std::uint16_t version, const std::optional<Versions>& range, const std::string& more = "") {
        header.version = version;
        Writer greet(header);
        greet.u64(7);
        if (range) greet.u16(range->lowest).u16(range->highest);
        newcomer.send({greet.text(more).take()});
        std::string answer;
        spin({a.get()}, [&] { return !(answer = newcomer.receive(1)).empty(); });
        return answer;
    };
    const auto picked = [&](const std::string& answer) -> std::optional<std::uint16_t> {
        Reader reader(answer);
        const auto said = read_header(reader);
        REQUIRE(said);
        if (said->kind == Kind::welcome) {
            CHECK(reader.u64() == 7);
            CHECK(reader.rest() == "I am 1");
            return said->version;
        }
        CHECK(said->kind == Kind::other_version);
        CHECK(said->version == spoken.highest);
        CHECK(read_versions(reader, *said) == spoken);
        return std::nullopt;
    };
    const std::uint16_t lowest = spoken.lowest, highest = spoken.highest;
    CHECK(picked(answer_to(highest, spoken)) == highest);
    CHECK(picked(answer_to(9, Versions{lowest, 9})) == highest);                    // a later build that still speaks ours
    CHECK(picked(answer_to(9, Versions{1, 9}, "what a later one adds")) == highest);
    CHECK_FALSE(picked(answer_to(9, Versions{static_cast<std::uint16_t>(highest + 1), 9})));
    CHECK_FALSE(picked(answer_to(9, std::nullopt)));
    CHECK_FALSE(picked(answer_to(1, std::nullopt)));                                // the first one, which said no range
    CHECK_FALSE(picked(answer_to(9, Versions{9, lowest})));                         // no range at all
    CHECK(a->counters().of(Drop::other_version) == 4);
}

TEST_CASE("a node of another wire version is told apart from a stranger") {
    auto options = options_of(1);
    const Node a = open(options);
    Header header{9, Kind::greet, run, PeerId{5}, {}};
    std::optional<Versions> said;
    Versions expected{9, 9};
    SUBCASE("that says what it speaks") { said = expected = {8, 9}; }
    SUBCASE("that is of the first version, and says nothing") {}
    zmq::context_t context;
    zmq::socket_t theirs(context, zmq::socket_type::router);
    theirs.bind("tcp://127.0.0.1:*");
    const std::string endpoint = theirs.get(zmq::sockopt::last_endpoint);
    a->greet(endpoint);
    zmq::message_t name, frame;
    REQUIRE(theirs.recv(name));
    REQUIRE(theirs.recv(frame));
    header.kind = Kind::other_version;
    theirs.send(name, zmq::send_flags::sndmore);
    Writer writer(header);
    if (said) writer.u16(said->lowest).u16(said->highest);
    theirs.send(zmq::buffer(writer.take()), zmq::send_flags::none);
    const auto refused = await<OtherVersion>(*a);
    REQUIRE(refused);
    CHECK(refused->endpoint == endpoint);
    CHECK(refused->theirs == expected);
    CHECK(refused->ours == spoken);
}

TEST_CASE("frames go both ways, in order") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    for (int i = 0; i < 100; ++i) a->send(PeerId{2}, std::to_string(i));
    for (int i = 0; i < 100; ++i) {
        const auto frame = await<Frame>(*b);
        REQUIRE(frame);
        CHECK(frame->from == PeerId{1});
        CHECK(frame->bytes == std::to_string(i));
    }
    const std::string longest(max_frame_bytes, 'x');
    b->send(PeerId{1}, longest);
    const auto frame = await<Frame>(*a);
    REQUIRE(frame);
    CHECK(frame->bytes == longest);
    b->send(PeerId{1}, longest + "x");
    CHECK(b->counters().of(Drop::too_long) == 1);
}

TEST_CASE("a peer that nobody can dial is answered on the connection it opened") {
    const Node hidden = open(1), seen = open(2);
    hidden->know(seen->contact());
    Contact contact = hidden->contact();
    contact.control.clear();
    contact.bulk.clear();
    seen->know(contact);
    seen->send(PeerId{1}, "not yet");
    CHECK(seen->counters().of(Drop::unreachable) == 1);

    hidden->send(PeerId{2}, "here I am");
    REQUIRE(await<Frame>(*seen));
    seen->send(PeerId{1}, "I see");
    const auto frame = await<Frame>(*hidden);
    REQUIRE(frame);
    CHECK(frame->bytes == "I see");

    hidden->ship(PeerId{2}, 1, "", pattern(1000, 1));
    REQUIRE(await<Parcel>(*seen));
    seen->ship(PeerId{1}, 2, "", pattern(1000, 2));
    REQUIRE(await<Parcel>(*hidden));
}

TEST_CASE("of two connections between a pair one is used, and idle ones are closed") {
    auto one = options_of(1), two = options_of(2);
    one.idle = two.idle = milliseconds(1500);
    const Node a = open(one), b = open(two);
    introduce(*a, *b);
    a->send(PeerId{2}, "both dial");
    b->send(PeerId{1}, "at once");
    REQUIRE(await<Frame>(*a));
    REQUIRE(await<Frame>(*b));
    const auto talk = [&] {
        a->send(PeerId{2}, "ping");
        b->send(PeerId{1}, "pong");
    };
    // As long as they talk one stays open. It is counted by both: dialled by the one, called by the other.
    CHECK(spin({a.get(), b.get()}, [&] {
        talk();
        return a->counters().control.connections == 1 && b->counters().control.connections == 1;
    }));
    CHECK(spin({a.get(), b.get()}, [&] { return a->counters().control.connections + b->counters().control.connections == 0; }));
    talk();
    CHECK(await<Frame>(*a, {}));
}

TEST_CASE("a node that comes back at the same address is another peer") {
    auto options = options_of(2);
    const Node a = open(1);
    Node b = open(options);
    introduce(*a, *b);
    a->send(PeerId{2}, "hello");
    REQUIRE(await<Frame>(*b));
    const std::string endpoint = b->contact().control;
    options.control_port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
    b.reset();
    options.self = PeerId{3};
    b = open(options);
    // What is meant for the one before does not reach it.
    CHECK(spin({a.get(), b.get()}, [&] {
        a->send(PeerId{2}, "are you there?");
        return b->counters().of(Drop::other_peer) > 0;
    }));
    introduce(*a, *b);
    a->send(PeerId{3}, "welcome");
    const auto frame = await<Frame>(*b, {a.get()});
    REQUIRE(frame);
    CHECK(frame->bytes == "welcome");
}

TEST_CASE("wake() ends a long wait") {
    const Node a = open(1);
    const Instant before = clock_now();
    std::thread waker([&] { a->wake(); });
    CHECK_FALSE(a->receive(soon));
    waker.join();
    CHECK(clock_now() - before < soon / 2);
}

TEST_CASE("close() lets a farewell get out") {
    Node a = open(1);
    const Node b = open(2);
    introduce(*a, *b);
    a->send(PeerId{2}, "farewell");  // the connection is not even open yet
    a->close(std::chrono::seconds(5));
    a.reset();
    const auto frame = await<Frame>(*b);
    REQUIRE(frame);
    CHECK(frame->bytes == "farewell");
}
