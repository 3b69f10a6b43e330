// Bytes over the bulk plane and back.
#include <doctest/doctest.h>

#include "proxy.hpp"
#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;
using namespace std::chrono_literals;

namespace {

Options hasty(std::uint64_t id) {
    auto options = options_of(id);
    options.echo_patience = 2s;
    return options;
}

}  // namespace

TEST_CASE("an echo comes back from whoever is of our run, whether it knows us or not, once however often it was asked for") {
    const Node a = open(1), b = open(2);
    a->know(b->contact());
    a->echo(PeerId{2});
    a->echo(PeerId{2});
    const auto echoed = await<Echoed>(*a, {b.get()});
    REQUIRE(echoed);
    CHECK(echoed->who == PeerId{2});
    CHECK(echoed->came == Echoed::Came::all);
    CHECK(echoed->took > Duration::zero());
    CHECK(!await<Echoed>(*a, {b.get()}, 500ms));
    CHECK(b->counters().bulk.bytes_in > 256 * 1024);
    CHECK(a->counters().bulk.bytes_in > 256 * 1024);
}

TEST_CASE("who can only dial out is called, and echoes") {
    auto options = options_of(1);
    options.advertise_host = "127.0.0.9";  // nobody's
    const Node home = open(options), b = open(2);
    home->know(b->contact());
    b->know({home->contact().id, "", "", ""});
    home->send(PeerId{2}, "hello");
    REQUIRE(await<Frame>(*b, {home.get()}));
    b->echo(PeerId{1});
    const auto echoed = await<Echoed>(*b, {home.get()});
    REQUIRE(echoed);
    CHECK(echoed->came == Echoed::Came::all);
}

TEST_CASE("a port where nobody listens, another run and a forgotten peer come to nothing") {
    const Node a = open(hasty(1)), b = open(2);
    auto other = options_of(3);
    other.run = 78;
    const Node c = open(other);
    a->know({PeerId{2}, "b", b->contact().control, "tcp://127.0.0.1:1"});
    a->know(c->contact());
    a->know({PeerId{4}, "d", "", ""});
    for (std::uint64_t i = 2; i <= 4; ++i) a->echo(PeerId{i});
    for (int i = 0; i < 3; ++i) {
        const auto echoed = await<Echoed>(*a, {b.get(), c.get()});
        REQUIRE(echoed);
        CHECK(echoed->came == Echoed::Came::nothing);
    }
    CHECK(c->counters().of(Drop::other_run) == 1);  // the few; the many wait for them
    a->know({PeerId{5}, "e", "", "tcp://127.0.0.1:1"});
    a->echo(PeerId{5});
    a->forget(PeerId{5});
    const auto echoed = await<Echoed>(*a);
    REQUIRE(echoed);
    CHECK(echoed->who == PeerId{5});
}

TEST_CASE("where little comes through and much does not, it says so") {
    const Node a = open(hasty(1)), b = open(2);
    Proxy router(b->contact().bulk);
    router.narrow(1500);
    a->know({PeerId{2}, "b", b->contact().control, router.endpoint()});
    a->echo(PeerId{2});
    const auto echoed = await<Echoed>(*a, {b.get()});
    REQUIRE(echoed);
    CHECK(echoed->came == Echoed::Came::little);
}

TEST_CASE("more echoes than a number a second are answered without bytes, and who asked asks again") {
    auto options = options_of(2);
    options.echoes_of_all = 1;  // and two in a burst
    const Node a = open(options_of(1)), b = open(options), c = open(3);
    a->know(b->contact());
    c->know(b->contact());
    a->echo(PeerId{2});
    REQUIRE(await<Echoed>(*a, {b.get(), c.get()}));
    c->echo(PeerId{2});
    const auto echoed = await<Echoed>(*c, {a.get(), b.get()});
    REQUIRE(echoed);
    CHECK(echoed->came == Echoed::Came::all);
    CHECK(b->counters().of(Drop::too_many) >= 1);
}

TEST_CASE("forged echoes: of a wrong length, unasked, in another's name, longer than a chunk") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    Raw raw(a->contact().bulk, PeerId{9});
    const auto begin = [](Kind kind, std::uint64_t from) { return Writer(Header{wire_version, kind, run, PeerId{from}, PeerId{1}}); };
    raw.send({begin(Kind::echo, 9).take(), "x"});
    raw.send({begin(Kind::echo, 9).u64(1).u8(1).take(), "x"});
    raw.send({begin(Kind::echo, 9).u64(1).take()});
    raw.send({begin(Kind::echo, 9).u64(1).take(), std::string(max_chunk_bytes + 1, 'x')});
    raw.send({begin(Kind::echoed, 9).u64(1).take(), "x"});
    raw.send({begin(Kind::echo, 2).u64(1).take(), "x"});
    raw.send({begin(Kind::echo, 9).u64(7).take(), std::string(max_chunk_bytes, 'x')});  // the longest, and well
    Reader reader("");
    std::string answer = raw.receive(10'000);
    reader = Reader(answer);
    const auto header = read_header(reader);
    REQUIRE(header);
    CHECK(header->kind == Kind::echoed);
    CHECK(reader.u64() == 7);
    CHECK(a->counters().of(Drop::malformed) == 4);
    CHECK(a->counters().of(Drop::stray) == 1);
    CHECK(a->counters().of(Drop::impostor) == 1);
    CHECK(!await<Echoed>(*a, {b.get()}, 200ms));
}
