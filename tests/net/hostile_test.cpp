// Everything that comes in is hostile until checked. Whatever a stranger sends: nothing is delivered that it was
// not allowed to say, no memory is taken for it, and a good peer is served as before.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <numeric>
#include <random>

#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

std::uint64_t all_drops(const Counters& c) { return std::accumulate(c.dropped.begin(), c.dropped.end(), std::uint64_t{0}); }

constexpr PeerId victim{1}, good_peer{2}, liar{5}, stranger{6};

// Things that look more or less like ours.
struct Forger {
    std::mt19937_64 random{20240607};

    std::uint64_t below(std::uint64_t n) { return random() % n; }
    std::string noise(std::size_t size) {
        std::string bytes(size, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        return bytes;
    }
    std::uint64_t number() {
        switch (below(5)) {
            case 0: return below(4);
            case 1: return below(1 << 20);
            case 2: return ~std::uint64_t{0} - below(3);
            case 3: return std::uint64_t{1} << below(64);
            default: return random();
        }
    }
    Kind kind() {
        constexpr Kind kinds[] = {Kind::open, Kind::open, Kind::chunk, Kind::chunk, Kind::ack, Kind::refuse, Kind::abandon,
                                  Kind::greet, Kind::welcome, Kind::other_version, Kind::frame, static_cast<Kind>(99)};
        return kinds[below(std::size(kinds))];
    }
    Header header(PeerId as) {
        Header h{wire_version, kind(), run, as, victim};
        switch (below(12)) {
            case 0: h.version = static_cast<std::uint16_t>(random()); break;
            case 1: h.run = random(); break;
            case 2: h.from = PeerId{random()}; break;
            case 3: h.to = PeerId{random()}; break;
            default: break;
        }
        return h;
    }
    std::vector<std::string> message(PeerId as, std::size_t longest) {
        if (below(8) == 0) return {noise(below(200))};
        const Header h = header(as);
        Writer writer(h);
        for (std::uint64_t n = below(5); n > 0; --n) writer.u64(number());
        if (below(2) == 0) writer.u32(static_cast<std::uint32_t>(random()));
        if (below(3) == 0) writer.text(noise(below(6000)));
        std::string bytes = writer.take();
        if (below(6) == 0) bytes.resize(below(bytes.size() + 1));              // cut short
        if (below(6) == 0 && !bytes.empty()) bytes[below(bytes.size())] ^= 1;  // one bit
        std::vector<std::string> parts{bytes};
        const std::uint64_t kind_of_rest = below(6);
        if (kind_of_rest < 2 || h.kind == Kind::chunk) parts.push_back(noise(below(kind_of_rest == 0 ? longest : 100)));
        if (below(20) == 0)
            for (std::uint64_t n = below(50); n > 0; --n) parts.push_back(noise(below(10)));
        return parts;
    }
};

int dial_plain(const std::string& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

void check_served(Transport& node, Transport& good) {
    good.send(victim, "still there?");
    const auto frame = await<Frame>(node);
    REQUIRE(frame);
    CHECK(frame->from == good_peer);
    good.ship(victim, 4, "h", pattern(700'000, 9));
    const auto parcel = await<Parcel>(node);
    REQUIRE(parcel);
    CHECK(parcel->from == good_peer);
    CHECK(equal(parcel->body, pattern(700'000, 9)));
}

// Everything the node is told meanwhile must be what its sender may say.
void look_at(std::optional<Inbound> inbound) {
    if (!inbound) return;
    if (const auto* frame = std::get_if<Frame>(&*inbound)) CHECK((frame->from == liar || frame->from == stranger));
    else if (const auto* parcel = std::get_if<Parcel>(&*inbound)) {
        CHECK(parcel->from == liar);
        CHECK(parcel->body.size <= (std::uint64_t{1} << 20));
    } else FAIL("something else was believed");
}

}  // namespace

TEST_CASE("ten thousand forged messages on each plane cost nothing but their own time") {
    auto options = options_of(victim.value);
    options.max_parcel_bytes = 1 << 20;
    options.max_waiting_bytes = 8 << 20;
    options.half_parcel_patience = milliseconds(200);
    const Node node = open(options), good = open(good_peer.value);
    introduce(*node, *good);
    node->know({liar, "liar", "", ""});
    check_served(*node, *good);

    Forger forger;
    std::vector<std::unique_ptr<Raw>> planes;
    for (const std::string& endpoint : {node->contact().control, node->contact().bulk}) {
        planes.push_back(std::make_unique<Raw>(endpoint, liar));
        planes.push_back(std::make_unique<Raw>(endpoint, stranger));
        planes.push_back(std::make_unique<Raw>(endpoint, Raw::Named{""}));
        planes.push_back(std::make_unique<Raw>(endpoint, Raw::Named{"Dlooks like yours"}));
    }
    const Counters before = node->counters();
    std::uint64_t sent = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t way = forger.below(planes.size());
        // No part is so long that libzmq would close the connection: then nothing more came through it.
        const std::size_t longest = way < planes.size() / 2 ? max_frame_bytes : max_chunk_bytes;
        REQUIRE(planes[way]->send(forger.message(forger.below(3) == 0 ? stranger : liar, longest)));
        ++sent;
        look_at(node->receive(Duration::zero()));
        if (i % 256 == 0) {
            const Counters now = node->counters();
            CHECK(now.buffers_in_use <= 8);
            CHECK(now.buffer_bytes <= (16 << 20));
        }
    }
    const auto heard = [&] {
        const Counters now = node->counters();
        return now.control.frames_in + now.bulk.frames_in - before.control.frames_in - before.bulk.frames_in;
    };
    const Instant deadline = clock_now() + soon;
    while (heard() < sent && clock_now() < deadline) look_at(node->receive(milliseconds(1)));
    const Counters after = node->counters();
    CHECK(heard() >= sent);
    CHECK(all_drops(after) - all_drops(before) > sent / 2);
    for (const Drop reason : {Drop::not_ours, Drop::other_version, Drop::other_run, Drop::other_peer, Drop::impostor,
                              Drop::malformed, Drop::unknown_peer, Drop::too_long, Drop::stray}) {
        CAPTURE(to_string(reason));
        CHECK(after.of(reason) > before.of(reason));
    }
    CHECK(spin({node.get()}, [&] { return node->counters().buffers_in_use == 0; }));
    check_served(*node, *good);
}

TEST_CASE("a parcel that contradicts itself is dropped, and its sender told") {
    auto options = options_of(victim.value);
    options.max_parcel_bytes = 1 << 20;
    const Node node = open(options);
    node->know({liar, "liar", "", ""});
    Raw raw(node->contact().bulk, liar);
    const auto begin = [](Kind kind) { return Writer(Header{wire_version, kind, run, liar, victim}); };
    const auto open_with = [&](std::uint64_t total) {
        raw.send({begin(Kind::open).u64(1).u64(total).u64(0).u32(1).text("header").take()});
    };
    const auto chunk = [&](std::uint64_t offset, std::size_t size) {
        raw.send({begin(Kind::chunk).u64(1).u64(offset).u64(0).take(), std::string(size, 'x')});
    };
    Drop reason = Drop::malformed;
    SUBCASE("more than the limit") {
        reason = Drop::too_long;
        open_with((1 << 20) + 1);
    }
    SUBCASE("an absurd total") {
        reason = Drop::too_long;
        open_with(~std::uint64_t{0});
    }
    SUBCASE("the second chunk before the first") {
        open_with(1000);
        chunk(500, 500);
    }
    SUBCASE("the same chunk twice") {
        open_with(1000);
        chunk(0, 500);
        chunk(0, 500);
    }
    SUBCASE("beyond the end") {
        open_with(1000);
        chunk(0, 1001);
    }
    SUBCASE("an empty chunk") {
        open_with(1000);
        chunk(0, 0);
    }
    SUBCASE("an offset that wraps around") {
        open_with(1000);
        chunk(~std::uint64_t{0} - 10, 500);
    }
    const std::string answer = [&] {
        std::string last;
        for (int i = 0; i < 5; ++i) {  // acknowledgements come before it
            last = raw.receive(5000);
            Reader reader(last);
            if (const auto header = read_header(reader); header && header->kind == Kind::refuse) break;
        }
        return last;
    }();
    Reader reader(answer);
    const auto header = read_header(reader);
    REQUIRE(header);
    CHECK(header->kind == Kind::refuse);
    CHECK(node->counters().of(reason) == 1);
    CHECK(spin({node.get()}, [&] { return node->counters().buffers_in_use == 0; }));
    CHECK(node->counters().parcels_in == 0);
}

TEST_CASE("nobody speaks in another's name, on its own connection or in the answer to ours") {
    const Node node = open(victim.value), good = open(good_peer.value);
    introduce(*node, *good);
    Raw raw(node->contact().control, liar);
    raw.send({Writer(Header{wire_version, Kind::frame, run, good_peer, victim}).text("I am your friend").take()});
    raw.send({Writer(Header{wire_version, Kind::frame, run, liar, victim}).text("I am myself").take()});
    const auto frame = await<Frame>(*node);
    REQUIRE(frame);
    CHECK(frame->from == liar);
    CHECK(node->counters().of(Drop::impostor) == 1);
    // A welcome that nobody asked for is not believed.
    raw.send({Writer(Header{wire_version, Kind::welcome, run, liar, {}}).u64(1).text("hello").take()});
    raw.send({Writer(Header{wire_version, Kind::frame, run, liar, victim}).text("end").take()});
    const auto next = node->receive(soon);
    REQUIRE(next);
    CHECK(std::holds_alternative<Frame>(*next));
}

TEST_CASE("plain TCP garbage and messages above the limit close a connection and nothing else") {
    const Node node = open(victim.value), good = open(good_peer.value);
    introduce(*node, *good);
    Forger forger;
    for (const std::string& endpoint : {node->contact().control, node->contact().bulk}) {
        std::vector<int> open_ones;
        for (int i = 0; i < 50; ++i) {
            const int fd = dial_plain(endpoint);
            std::string bytes = forger.noise(forger.below(5000));
            if (i % 3 == 0) bytes = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            // A greeting of ZeroMQ's, and then a frame of 8 GiB.
            if (i % 5 == 0) bytes = std::string("\xff\0\0\0\0\0\0\0\x01\x7f\3\0NULL", 16) + std::string(48, '\0') + "\x02\0\0\0\2\0\0\0\0";
            if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 || i % 2 == 0) ::close(fd);
            else open_ones.push_back(fd);
        }
        Raw raw(endpoint, liar);
        raw.send({std::string(2 << 20, 'x')});  // libzmq drops the connection before it takes memory for it
        check_served(*node, *good);
        for (const int fd : open_ones) ::close(fd);
    }
    CHECK(node->counters().buffers_in_use == 0);
}

TEST_CASE("a message without an end costs its sender the connection, and us no more than may wait there") {
    const Node a = open(1), good = open(2);
    introduce(*a, *good);
    for (const std::string& endpoint : {a->contact().bulk, a->contact().control}) {
        const std::uint64_t before = a->counters().of(Drop::endless);
        // By hand: ZeroMQ itself sends nothing of a message before it is whole.
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        using namespace std::string_literals;
        const std::string ready = "\x05READY\x0bSocket-Type\0\0\0\x06" "DEALER\x08Identity\0\0\0\0"s;
        std::string bytes = "\xff"s + std::string(8, '\0') + "\x7f\x03\0NULL"s + std::string(48, '\0') + "\x04" + static_cast<char>(ready.size()) + ready;
        REQUIRE(bytes.size() == 64 + 2 + ready.size());
        REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
        char theirs[64 + 2 + 5];  // and more: their READY
        REQUIRE(::recv(fd, theirs, sizeof theirs, MSG_WAITALL) == static_cast<ssize_t>(sizeof theirs));
        // Parts of a length that is allowed, each of which says that more follow.
        const std::string part = "\x03\0\0\0\0\0\0\xea\x60"s + std::string(60'000, 'x');
        bytes = part;
        std::uint64_t taken = 0;
        CHECK(spin({a.get(), good.get()}, [&] {
            for (int i = 0; i < 20; ++i) {
                const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n > 0) taken += static_cast<std::uint64_t>(n), bytes.erase(0, static_cast<std::size_t>(n));
                if (bytes.empty()) bytes = part;
            }
            return a->counters().of(Drop::endless) > before;
        }));
        CHECK(taken > 10 << 20);
        ::close(fd);
    }
    good->send(PeerId{1}, "still there?");
    CHECK(await<Frame>(*a, {good.get()}));
}

TEST_CASE("who sends whole messages for long is not held for one that does not end") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    for (std::uint32_t i = 0; i < 6; ++i) {
        a->ship(PeerId{2}, i, "", pattern(32 << 20, i));
        REQUIRE(await<Parcel>(*b, {a.get()}));
    }
    CHECK(b->counters().of(Drop::endless) == 0);
    CHECK(a->counters().of(Drop::endless) == 0);
}
