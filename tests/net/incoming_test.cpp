#include <doctest/doctest.h>

#include "receiving.hpp"

using namespace grapevine;
using namespace grapevine::net;
using test::Receiving;

namespace {

constexpr PeerId from{2};
constexpr Instant at_five{std::chrono::seconds(5)};

Options limits() {
    Options o;
    o.max_parcel_bytes = 1'000'000;
    return o;
}

}  // namespace

TEST_CASE("a parcel may be as long as it may be, and not a byte longer") {
    Receiving r(limits());
    r.open(from, Receiving::opening(1, 1'000'001, "header"), at_five);
    CHECK(r.dropped(Drop::too_long) == 1);
    CHECK(r.incoming.count().made == 0);  // what it says of its length was not allocated
    r.open(from, Receiving::opening(2, 1'000'000, "header"), at_five);
    for (std::uint64_t at = 0; at < 1'000'000; at += 250'000) r.chunk(from, Receiving::place(2, at), std::string(250'000, 'x'), at_five);
    const auto parcel = r.take();
    REQUIRE(parcel);
    CHECK(parcel->body.size == 1'000'000);
    CHECK(parcel->header == "header");
    CHECK(parcel->ticket == 9);
    CHECK(r.waiting == 0);
}

TEST_CASE("the header of a parcel may be as long as it may be, and not a byte longer") {
    Receiving r(limits());
    r.open(from, Receiving::opening(1, 0, std::string(max_parcel_header_bytes + 1, 'h')), at_five);
    CHECK(r.dropped(Drop::malformed) == 1);
    CHECK_FALSE(r.take());
    r.open(from, Receiving::opening(2, 0, std::string(max_parcel_header_bytes, 'h')), at_five);
    REQUIRE(r.take());
    CHECK(r.dropped(Drop::malformed) == 1);
}

TEST_CASE("an opening with a byte too few is none") {
    Receiving r(limits());
    const std::string whole = Receiving::opening(1, 0, "");
    for (std::size_t size = 0; size < whole.size(); ++size) r.open(from, whole.substr(0, size), at_five);
    CHECK(r.dropped(Drop::malformed) == whole.size());
    CHECK(r.incoming.empty());
    r.open(from, whole, at_five);
    CHECK(r.take());
}

TEST_CASE("a chunk may be as long as it may be, and not a byte longer, nor may the last byte of a parcel be passed") {
    Receiving r(limits());
    r.open(from, Receiving::opening(1, max_chunk_bytes + 1, ""), at_five);
    r.chunk(from, Receiving::place(1, 0), std::string(max_chunk_bytes + 1, 'x'), at_five);
    CHECK(r.dropped(Drop::malformed) == 1);
    CHECK(r.incoming.empty());
    r.open(from, Receiving::opening(2, max_chunk_bytes + 1, ""), at_five);
    r.chunk(from, Receiving::place(2, 0), std::string(max_chunk_bytes, 'x'), at_five);
    CHECK_FALSE(r.incoming.empty());
    r.chunk(from, Receiving::place(2, max_chunk_bytes), "xy", at_five);
    CHECK(r.dropped(Drop::malformed) == 2);
    CHECK(r.incoming.empty());
    r.open(from, Receiving::opening(3, max_chunk_bytes + 1, ""), at_five);
    r.chunk(from, Receiving::place(3, 0), std::string(max_chunk_bytes, 'x'), at_five);
    r.chunk(from, Receiving::place(3, max_chunk_bytes), "y", at_five);
    REQUIRE(r.take());
    CHECK(r.waiting == 0);
}

TEST_CASE("so many parcels of one peer wait, and not one more; of all together so many bytes, and not one more") {
    Options o = limits();
    o.parcels_per_peer = 3;
    o.max_waiting_bytes = 5 * Incoming::weight(100);
    Receiving r(o);
    const auto send = [&](PeerId who, std::uint64_t serial, std::size_t size) {
        r.open(who, Receiving::opening(serial, size, ""), at_five);
        r.chunk(who, Receiving::place(serial, 0), std::string(size, 'x'), at_five);
    };
    for (std::uint64_t serial = 1; serial <= 3; ++serial) send(from, serial, 100);
    CHECK(r.dropped(Drop::too_many) == 0);
    send(from, 4, 100);
    CHECK(r.dropped(Drop::too_many) == 1);
    send(PeerId{3}, 1, 100);
    send(PeerId{4}, 1, 101);
    CHECK(r.dropped(Drop::queue_full) == 1);
    send(PeerId{4}, 2, 100);
    CHECK(r.waiting == o.max_waiting_bytes);
    int taken = 0;
    while (r.take()) ++taken;
    CHECK(taken == 5);
    CHECK(r.waiting == 0);
    CHECK(r.incoming.count().in_use == 0);
    send(from, 5, 100);
    CHECK(r.take());
}
