#include <doctest/doctest.h>

#include <map>
#include <numeric>
#include <set>

#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;

TEST_CASE("parcels of every size arrive whole and equal, in order") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    const std::size_t sizes[] = {0, 1, max_chunk_bytes, max_chunk_bytes + 1, 20 << 20, 0, 3};
    std::uint32_t ticket = 0;
    for (const std::size_t size : sizes) {
        ++ticket;
        a->ship(PeerId{2}, ticket, "header " + std::to_string(ticket), pattern(size, ticket));
    }
    ticket = 0;
    for (const std::size_t size : sizes) {
        const auto parcel = await<Parcel>(*b);
        REQUIRE(parcel);
        ++ticket;
        CHECK(parcel->from == PeerId{1});
        CHECK(parcel->ticket == ticket);
        CHECK(parcel->header == "header " + std::to_string(ticket));
        CHECK(equal(parcel->body, pattern(size, ticket)));
    }
    CHECK(spin({a.get()}, [&] { return a->counters().parcels_out == std::size(sizes); }));
    const Counters counters = a->counters();
    CHECK(counters.undelivered == 0);
    CHECK(counters.bulk.bytes_out > (20 << 20));
    CHECK(counters.body_bytes_out == std::accumulate(std::begin(sizes), std::end(sizes), std::size_t{0}));
}

TEST_CASE("the body is let go of when it is sent") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    Bytes body = pattern(5 << 20, 1);
    const std::weak_ptr<const void> alive = body.owner;
    a->ship(PeerId{2}, 1, "", std::move(body));
    body = {};
    REQUIRE(await<Parcel>(*b));
    CHECK(spin({a.get()}, [&] { return alive.expired(); }));
}

TEST_CASE("two senders share a receiver, and both ways at once") {
    const Node a = open(1), b = open(2), c = open(3);
    for (auto* x : {a.get(), b.get()}) introduce(*x, *c);
    constexpr std::size_t size = 8 << 20;
    for (std::uint32_t i = 1; i <= 4; ++i) {
        a->ship(PeerId{3}, i, "", pattern(size, i));
        b->ship(PeerId{3}, i, "", pattern(size, 100 + i));
        c->ship(PeerId{1}, i, "", pattern(size, 200 + i));
    }
    std::map<PeerId, std::uint32_t> next{{PeerId{1}, 1}, {PeerId{2}, 1}};
    for (int i = 0; i < 8; ++i) {
        const auto parcel = await<Parcel>(*c);
        REQUIRE(parcel);
        CHECK(parcel->ticket == next[parcel->from]++);
        CHECK(equal(parcel->body, pattern(size, parcel->ticket + (parcel->from == PeerId{1} ? 0 : 100))));
    }
    for (std::uint32_t i = 1; i <= 4; ++i) {
        const auto parcel = await<Parcel>(*a);
        REQUIRE(parcel);
        CHECK(equal(parcel->body, pattern(size, 200 + i)));
    }
}

TEST_CASE("buffers are used again") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    for (std::uint32_t i = 0; i < 50; ++i) {
        a->ship(PeerId{2}, i, "", pattern(3 << 20, i));
        const auto parcel = await<Parcel>(*b);
        REQUIRE(parcel);
        CHECK(equal(parcel->body, pattern(3 << 20, i)));
    }
    const Counters counters = b->counters();
    CHECK(counters.parcels_in == 50);
    CHECK(counters.buffers_made <= 2);
    CHECK(counters.buffers_in_use == 0);
}

TEST_CASE("a receiver that takes nothing bounds what waits for it") {
    auto options = options_of(2);
    options.max_waiting_bytes = 10 << 20;
    const Node a = open(1), b = open(options);
    introduce(*a, *b);
    for (std::uint32_t i = 0; i < 8; ++i) a->ship(PeerId{2}, i, "", pattern(4 << 20, i));
    // Two wait, the others are refused, and refused at once.
    for (int i = 0; i < 6; ++i) REQUIRE(await<Undelivered>(*a));
    CHECK(b->counters().of(Drop::queue_full) >= 1);
    CHECK(b->counters().buffers_in_use == 2);
    for (std::uint32_t i = 0; i < 2; ++i) {
        const auto parcel = await<Parcel>(*b);
        REQUIRE(parcel);
        CHECK(parcel->ticket == i);
    }
    a->ship(PeerId{2}, 9, "", pattern(4 << 20, 9));
    CHECK(await<Parcel>(*b));
}

TEST_CASE("a parcel that is too large is refused unread") {
    auto options = options_of(2);
    options.max_parcel_bytes = 1 << 20;
    const Node a = open(1), b = open(options);
    introduce(*a, *b);
    a->ship(PeerId{2}, 1, "", pattern((1 << 20) + 1, 1));
    const auto undelivered = await<Undelivered>(*a);
    REQUIRE(undelivered);
    CHECK(undelivered->ticket == 1);
    CHECK(b->counters().of(Drop::too_long) == 1);
    CHECK(b->counters().buffers_made == 0);
    a->ship(PeerId{2}, 2, "", pattern(1 << 20, 2));  // at the limit
    CHECK(await<Parcel>(*b));
}

TEST_CASE("parcels to nobody, to a dead address and to the forgotten are undelivered") {
    auto options = options_of(1);
    options.stall = milliseconds(500);
    const Node a = open(options);
    a->ship(PeerId{9}, 1, "", pattern(10, 1));
    auto undelivered = await<Undelivered>(*a);
    REQUIRE(undelivered);
    CHECK(undelivered->to == PeerId{9});

    Contact dead;
    {
        const Node b = open(2);
        dead = b->contact();
    }
    a->know(dead);
    for (std::uint32_t i = 0; i < 3; ++i) a->ship(PeerId{2}, i, "", pattern(10, 1));
    for (std::uint32_t i = 0; i < 3; ++i) {
        undelivered = await<Undelivered>(*a);
        REQUIRE(undelivered);
        CHECK(undelivered->ticket == i);
    }
    a->ship(PeerId{2}, 7, "", pattern(10 << 20, 1));
    a->forget(PeerId{2});
    undelivered = await<Undelivered>(*a);
    REQUIRE(undelivered);
    CHECK(undelivered->ticket == 7);
}

TEST_CASE("a receiver that never answers costs only its parcel, and others are served meanwhile") {
    auto options = options_of(1);
    options.stall = milliseconds(1000);
    const Node a = open(options), good = open(2);
    introduce(*a, *good);
    // Like a stopped process: it accepts, its kernel buffers, and no acknowledgement ever comes.
    zmq::context_t context;
    zmq::socket_t hung(context, zmq::socket_type::router);
    hung.set(zmq::sockopt::rcvhwm, 1);
    hung.bind("tcp://127.0.0.1:*");
    a->know({PeerId{3}, "hung", "tcp://127.0.0.1:1", hung.get(zmq::sockopt::last_endpoint)});

    Bytes body = pattern(50 << 20, 3);
    const std::weak_ptr<const void> alive = body.owner;
    const Instant before = clock_now();
    a->ship(PeerId{3}, 33, "", std::move(body));
    body = {};
    int served = 0;
    std::optional<Undelivered> undelivered;
    while (!undelivered && clock_now() - before < soon) {
        a->ship(PeerId{2}, 1, "", pattern(1 << 20, 1));
        REQUIRE(await<Parcel>(*good));
        ++served;
        while (auto inbound = a->receive(Duration::zero()))
            if (const auto* u = std::get_if<Undelivered>(&*inbound)) undelivered = *u;
    }
    REQUIRE(undelivered);
    CHECK(undelivered->to == PeerId{3});
    CHECK(undelivered->ticket == 33);
    CHECK(clock_now() - before >= milliseconds(1000));
    CHECK(clock_now() - before < std::chrono::seconds(5));
    CHECK(served > 10);
    CHECK(spin({a.get()}, [&] { return alive.expired(); }));  // nothing of it is kept
}

TEST_CASE("half a parcel without progress is dropped, and its buffer is free") {
    auto options = options_of(1);
    options.half_parcel_patience = milliseconds(500);
    const Node a = open(options);
    a->know({PeerId{5}, "lazy", "", ""});
    Raw lazy(a->contact().bulk, PeerId{5});
    const auto begin = [&](Kind kind) { return Writer(Header{wire_version, kind, run, PeerId{5}, PeerId{1}}); };
    // Ever new connections under its name get it no second buffer.
    lazy.send({begin(Kind::open).u64(1).u64(1 << 20).u64(0).u32(1).take()});
    CHECK(spin({a.get()}, [&] { return a->counters().buffers_in_use == 1; }));
    Raw twin(a->contact().bulk, PeerId{5}, "another!");
    twin.send({begin(Kind::open).u64(1).u64(1 << 20).u64(0).u32(1).take()});
    CHECK(spin({a.get()}, [&] { return a->counters().bulk.frames_in >= 2; }));
    CHECK(a->counters().buffers_in_use <= 1);
    CHECK(spin({a.get()}, [&] { return a->counters().buffers_in_use == 0; }));
    CHECK(a->counters().of(Drop::stalled) >= 1);
    CHECK(a->counters().buffers_made == 1);
}
