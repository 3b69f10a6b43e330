// Processes of one machine meet at a Unix socket: the same bytes as over TCP, and TCP wherever that cannot be.
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <numeric>

#include "frame.hpp"
#include "nearby.hpp"
#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

Options nearby_options(std::uint64_t id, bool nearby = true) {
    Options options = options_of(id);
    options.nearby = nearby;
    return options;
}

std::string nearby_of(Transport& node) {
    const Contact contact = node.contact();
    return nearby_at(static_cast<std::uint16_t>(std::stoi(contact.bulk.substr(contact.bulk.rfind(':') + 1))), contact.id);
}

// Parcels from a to b; whether they went over a Unix socket. Nothing if one did not come, or came torn.
std::optional<bool> ship(Transport& a, Transport& b, const std::vector<std::size_t>& sizes) {
    const PeerId to = b.contact().id;
    std::uint32_t ticket = 0;
    for (const std::size_t size : sizes) ++ticket, a.ship(to, ticket, "header", pattern(size, ticket));
    ticket = 0;
    for (const std::size_t size : sizes) {
        const auto parcel = await<Parcel>(b);
        ++ticket;
        if (!parcel || parcel->ticket != ticket || !equal(parcel->body, pattern(size, ticket))) return std::nullopt;
    }
    std::optional<bool> nearby;
    spin({&a}, [&] {
        for (const BulkPath& path : a.counters().paths)
            if (path.peer == to) nearby = path.nearby;
        return nearby.has_value();
    });
    return nearby;
}

// Holds a name in the abstract namespace as a process that is no grapevine would: it listens and says nothing.
class Squatter {
public:
    explicit Squatter(const std::string& nearby) : file_(socket(AF_UNIX, SOCK_STREAM, 0)) {
        const std::string name = nearby.substr(nearby.find('@') + 1);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data(), name.size());
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        REQUIRE(bind(file_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(listen(file_, 8) == 0);
    }
    ~Squatter() { ::close(file_); }

private:
    int file_;
};

const std::vector<std::size_t> sizes{0, 1, max_chunk_bytes, max_chunk_bytes + 1, 20 << 20, 0, 3};

}  // namespace

TEST_CASE("parcels between processes of one machine take a Unix socket, whole and in order, both ways") {
    const Node a = open(nearby_options(1)), b = open(nearby_options(2));
    introduce(*a, *b);
    CHECK(ship(*a, *b, sizes) == true);
    CHECK(ship(*b, *a, sizes) == true);
    CHECK(a->counters().undelivered == 0);
    CHECK(b->counters().undelivered == 0);
}

TEST_CASE("where one side offers no Unix socket, TCP is used at once") {
    const Node near = open(nearby_options(1)), far = open(nearby_options(2, false));
    introduce(*near, *far);
    CHECK(!listens(nearby_of(*far)));
    const Instant start = clock_now();
    CHECK(ship(*near, *far, sizes) == false);
    CHECK(ship(*far, *near, sizes) == false);
    CHECK(near->counters().undelivered == 0);
    CHECK(clock_now() - start < soon);
}

TEST_CASE("a name is gone with its node, and another's id or port is another name") {
    std::string name;
    {
        const Node a = open(nearby_options(1));
        name = nearby_of(*a);
        CHECK(listens(name));
        CHECK(name != nearby_at(1, PeerId{1}));
        CHECK(!listens(nearby_at(1, PeerId{1})));
        CHECK(nearby_at(65535, PeerId{~std::uint64_t{0}}).size() < 64);
    }
    CHECK(!listens(name));
}

TEST_CASE("somebody else at the address of a peer is not met nearby under its name") {
    const Node a = open(nearby_options(1)), b = open(nearby_options(2));
    b->know(a->contact());
    Contact other = b->contact();
    other.id = PeerId{3};  // that had this address before
    a->know(other);
    a->ship(PeerId{3}, 1, "", pattern(1000, 1));
    REQUIRE(spin({a.get()}, [&] { return b->counters().of(Drop::other_peer) > 0; }));  // it came over TCP, and was not for it
}

TEST_CASE("whoever holds the name and says nothing costs one parcel, and then it is TCP") {
    Options options = nearby_options(1);
    options.stall = std::chrono::milliseconds(300);
    const Node a = open(options), b = open(nearby_options(2, false));
    const Squatter squatter(nearby_of(*b));
    REQUIRE(listens(nearby_of(*b)));
    introduce(*a, *b);
    a->ship(PeerId{2}, 1, "", pattern(1 << 20, 1));
    const auto lost = await<Undelivered>(*a, {b.get()});
    REQUIRE(lost);
    CHECK(lost->ticket == 1);
    CHECK(ship(*a, *b, sizes) == false);
}

TEST_CASE("a peer that went away nearby and came back elsewhere is found again") {
    const Node a = open(nearby_options(1));
    for (std::uint64_t id = 2; id < 5; ++id) {  // each start has another id
        const Node b = open(nearby_options(id));
        introduce(*a, *b);
        CHECK(ship(*a, *b, {1 << 20}) == true);
        a->forget(PeerId{id});
    }
}

TEST_CASE("limits hold nearby too") {
    Options options = nearby_options(1);
    options.uplink = 4e6;
    const Node a = open(options), b = open(nearby_options(2));
    introduce(*a, *b);
    const Instant start = clock_now();
    CHECK(ship(*a, *b, {8'000'000}) == true);
    CHECK(seconds(clock_now() - start) > 1.9);
}

TEST_CASE("what comes through a Unix socket is checked as over TCP") {
    const Node victim = open(nearby_options(1)), good = open(nearby_options(2));
    introduce(*victim, *good);
    Raw liar(nearby_of(*victim), PeerId{5});
    victim->know({PeerId{5}, "", "", ""});
    const auto from = [](std::uint64_t id, Kind kind) { return Writer({wire_version, kind, run, PeerId{id}, PeerId{1}}); };
    liar.send({from(2, Kind::open).u64(1).u64(100).u64(0).u32(7).take()});  // in another's name
    liar.send({from(5, Kind::open).u64(1).u64(~std::uint64_t{0}).u64(0).u32(7).take()});
    liar.send({from(5, Kind::chunk).u64(9).u64(0).u64(0).take(), "bytes of no parcel"});
    liar.send({"noise"});
    const auto dropped = [&](Drop reason) { return victim->counters().of(reason); };
    REQUIRE(spin({victim.get()}, [&] { return dropped(Drop::impostor) == 1 && dropped(Drop::too_long) == 1 && dropped(Drop::stray) == 1 && dropped(Drop::not_ours) == 1; }));
    CHECK(ship(*good, *victim, sizes) == true);
    CHECK(victim->counters().parcels_in == sizes.size());
}
