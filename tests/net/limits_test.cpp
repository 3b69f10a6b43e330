// What may go out and come in, in all and of one peer.
#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <map>

#include "bucket.hpp"
#include "rates.hpp"
#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;
using namespace std::chrono_literals;

TEST_CASE("a bucket keeps its rate whatever is taken at once, and lets a burst pass") {
    for (const double size : {1.0, 100.0, 5000.0}) {
        Bucket bucket(1000, 100ms);
        Instant now{};
        double taken = 0;
        for (; now < Instant(100s); now += 1ms)
            while (bucket.may(now)) bucket.take(now, size), taken += size;
        CHECK(std::abs(taken - 1000 * 100.1) <= size);
    }
    Bucket bucket(1000, 100ms);
    for (int i = 0; i < 50; ++i) CHECK(bucket.take_one(Instant(10s)));
    for (int i = 0; i < 51; ++i) CHECK(bucket.take_one(Instant(10s)));
    CHECK(!bucket.take_one(Instant(10s)));
    CHECK(bucket.due() > Instant(10s));
    CHECK(bucket.take_one(bucket.due()));
    Bucket none;
    none.take(Instant{}, 1e12);
    CHECK(none.may(Instant{}));
}

namespace {

// Sends parcels from each of `from` to each of `to` for `seconds`, and counts what comes; the first half second, with its burst and
// its first windows, does not count. Bytes a second by sender and receiver.
std::map<std::pair<std::uint64_t, std::uint64_t>, double> flow(const std::vector<Transport*>& from, const std::vector<Transport*>& to, std::size_t size, double seconds_long) {
    constexpr int ahead = 4;  // parcels a pair
    std::map<std::pair<std::uint64_t, std::uint64_t>, double> came;
    const Bytes body = pattern(size, 1);
    const auto ship = [&](Transport& a, Transport& b) { a.ship(b.contact().id, 1, "", body); };
    for (Transport* a : from)
        for (Transport* b : to) {
            introduce(*a, *b);
            for (int i = 0; i < ahead; ++i) ship(*a, *b);
        }
    const Instant start = clock_now() + 500ms, end = start + from_seconds(seconds_long);
    while (clock_now() < end) {
        for (Transport* b : to)
            while (auto inbound = b->receive(Duration::zero()))
                if (const auto* parcel = std::get_if<Parcel>(&*inbound)) {
                    if (clock_now() >= start) came[{parcel->from.value, b->contact().id.value}] += static_cast<double>(parcel->body.size) / seconds_long;
                    for (Transport* a : from)
                        if (a->contact().id == parcel->from) ship(*a, *b);
                }
        for (Transport* a : from) a->receive(1ms);
    }
    return came;
}

double sum(const std::map<std::pair<std::uint64_t, std::uint64_t>, double>& flows) {
    double all = 0;
    for (const auto& [pair, rate] : flows) all += rate;
    return all;
}

}  // namespace

TEST_CASE("an uplink limit is kept over all peers, who share it evenly") {
    auto options = options_of(1);
    options.uplink = 2e6;  // so little that no window holds a peer back, however busy the machine is
    const Node a = open(options), b = open(2), c = open(3);
    const auto came = flow({a.get()}, {b.get(), c.get()}, 50'000, 5);
    MESSAGE((sum(came) / 1e6) << " MB/s of 2");
    CHECK(sum(came) > 0.95 * 2e6);
    CHECK(sum(came) < 1.05 * 2e6);
    CHECK(came.at({1, 2}) / came.at({1, 3}) > 0.9);
    CHECK(came.at({1, 2}) / came.at({1, 3}) < 1.1);
}

TEST_CASE("a downlink limit is kept over all peers, who share it evenly") {
    auto options = options_of(1);
    options.downlink = 2e6;
    const Node a = open(options), b = open(2), c = open(3);
    const auto came = flow({b.get(), c.get()}, {a.get()}, 50'000, 5);
    MESSAGE((sum(came) / 1e6) << " MB/s of 2");
    CHECK(sum(came) > 0.95 * 2e6);
    CHECK(sum(came) < 1.05 * 2e6);
    CHECK(came.at({2, 1}) / came.at({3, 1}) > 0.9);
    CHECK(came.at({2, 1}) / came.at({3, 1}) < 1.1);
}

TEST_CASE("a downlink is shared by senders, not by parcels") {
    auto options = options_of(1);
    options.downlink = 2e6;
    const Node a = open(options), b = open(2), c = open(3);
    introduce(*b, *a);
    introduce(*c, *a);
    // As much is always ahead of both, in many parcels or in few.
    struct Sender { Transport& node; Bytes body; int ahead; double came = 0; };
    Sender senders[] = {{*b, pattern(6'000, 1), 64}, {*c, pattern(96'000, 2), 4}};
    for (Sender& s : senders)
        for (int i = 0; i < s.ahead; ++i) s.node.ship(PeerId{1}, 1, "", s.body);
    const Instant start = clock_now() + 500ms;
    while (clock_now() < start + 5s) {
        while (auto inbound = a->receive(1ms))
            if (const auto* parcel = std::get_if<Parcel>(&*inbound)) {
                Sender& s = senders[parcel->from == PeerId{2} ? 0 : 1];
                if (clock_now() >= start) s.came += static_cast<double>(parcel->body.size);
                s.node.ship(PeerId{1}, 1, "", s.body);
            }
        for (Sender& s : senders) s.node.receive(Duration::zero());
    }
    const double ratio = senders[0].came / senders[1].came;
    MESSAGE("many small over few large: " << ratio);
    CHECK(ratio > 0.85);
    CHECK(ratio < 1.15);
}

TEST_CASE("what the control plane sends counts, and does not wait") {
    auto options = options_of(1);
    options.uplink = 1e6;
    const Node a = open(options), b = open(2);
    introduce(*a, *b);
    a->ship(PeerId{2}, 1, "", pattern(8'000'000, 1));
    // Half of the uplink as frames: the parcel gets the other half.
    const Instant start = clock_now();
    double carried = 0, frames = 0;
    Duration latest{};
    while (clock_now() - start < 3s) {
        const Instant sent = clock_now();
        a->send(PeerId{2}, std::string(10'000, 'x'));
        const auto frame = await<Frame>(*b, {a.get()});
        REQUIRE(frame);
        latest = std::max(latest, clock_now() - sent);
        frames += 10'000;
        while (clock_now() - sent < 20ms) a->receive(1ms), b->receive(1ms);
    }
    carried = static_cast<double>(a->counters().body_bytes_out);
    const double took = seconds(clock_now() - start);
    MESSAGE("frames " << (frames / took / 1e6) << ", parcel " << (carried / took / 1e6) << " MB/s of 1");
    CHECK((frames + carried) / took < 1.15e6);  // with the first burst, and a chunk
    CHECK((frames + carried) / took > 0.85e6);
    CHECK(latest < 1s);  // a chunk takes 20 ms of the line, the whole parcel eight seconds
}

TEST_CASE("frames beyond a peer's rate are dropped unread, and others' are not") {
    auto options = options_of(1);
    options.frames_per_peer = 100;
    const Node a = open(options), b = open(2), c = open(3);
    introduce(*a, *b);
    introduce(*a, *c);
    for (int i = 0; i < 400; ++i) b->send(PeerId{1}, "flood");
    c->send(PeerId{1}, "well");
    int flood = 0, well = 0;
    REQUIRE(spin({}, [&] {
        if (auto inbound = a->receive(1ms))
            if (const auto* frame = std::get_if<Frame>(&*inbound)) ++(frame->from == PeerId{2} ? flood : well);
        return a->counters().control.frames_in >= 401;
    }));
    CHECK(well == 1);
    CHECK(flood >= 100);
    CHECK(flood < 300);  // the burst of a second, and what comes in the time that it takes
    CHECK(a->counters().of(Drop::too_many) == static_cast<std::uint64_t>(400 - flood));
}

TEST_CASE("what is over the rate of all waits in its connection, and each has its turn") {
    auto options = options_of(1);
    options.frames_of_all = 200;
    const Node a = open(options), b = open(2), c = open(3);
    introduce(*a, *b);
    introduce(*a, *c);
    int sent = 0;
    for (; b->counters().of(Drop::queue_full) == 0 && sent < 100'000; ++sent) b->send(PeerId{1}, std::string(1000, 'f'));
    const Instant start = clock_now();
    c->send(PeerId{1}, "well");
    int flood = 0;
    bool well = false;
    while (!well && clock_now() - start < soon)
        if (auto inbound = a->receive(10ms))
            if (const auto* frame = std::get_if<Frame>(&*inbound)) (frame->from == PeerId{2} ? void(++flood) : void(well = true));
    CHECK(well);
    CHECK(flood < sent);
    const Instant later = clock_now();
    const std::uint64_t before = a->counters().control.frames_in;
    while (clock_now() - later < 2s) a->receive(10ms);
    const double rate = static_cast<double>(a->counters().control.frames_in - before) / seconds(clock_now() - later);
    CHECK(rate < 200 * 1.6);  // with what was left of the burst
}

TEST_CASE("greets beyond the rate are not answered") {
    auto options = options_of(1);
    options.greets_of_all = 10;
    const Node a = open(options);
    Raw raw(a->contact().control, PeerId{5});
    for (std::uint64_t i = 0; i < 60; ++i) raw.send({Writer({wire_version, Kind::greet, 0, PeerId{5}, {}}).u64(i).u16(spoken.lowest).u16(spoken.highest).take()});
    REQUIRE(spin({a.get()}, [&] { return a->counters().control.frames_in >= 60; }));
    CHECK(a->counters().of(Drop::too_many) >= 30);
    CHECK(a->counters().control.frames_out <= 30);
    CHECK(a->counters().control.frames_out >= 10);
}

TEST_CASE("one peer's parcels that nobody takes are refused beyond their number, and another's are not") {
    auto options = options_of(1);
    options.parcels_per_peer = 4;
    const Node a = open(options), b = open(2), c = open(3);
    introduce(*a, *b);
    introduce(*a, *c);
    for (std::uint32_t i = 0; i < 10; ++i) b->ship(PeerId{1}, i, "", pattern(1000, i));
    int refused = 0;
    REQUIRE(spin({c.get()}, [&] { return a->counters().parcels_in >= 4 && a->counters().of(Drop::too_many) >= 6; }));
    while (auto inbound = b->receive(200ms)) refused += std::holds_alternative<Undelivered>(*inbound);
    CHECK(refused == 6);
    CHECK(a->counters().of(Drop::too_many) == 6);
    c->ship(PeerId{1}, 1, "", pattern(1000, 1));
    REQUIRE(spin({c.get()}, [&] { return a->counters().parcels_in == 5; }));
    for (int i = 0; i < 5; ++i) REQUIRE(await<Parcel>(*a));
    b->ship(PeerId{1}, 11, "", pattern(1000, 1));
    CHECK(await<Parcel>(*a));  // there is room again
}

TEST_CASE("a parcel longer than what is let in by now is refused, and the limit can move") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    b->ship(PeerId{1}, 1, "", pattern(50'000, 1));
    REQUIRE(await<Parcel>(*a, {b.get()}));
    a->limit_parcels(40'000);
    b->ship(PeerId{1}, 2, "", pattern(40'001, 1));
    const auto refused = await<Undelivered>(*b, {a.get()});
    REQUIRE(refused);
    CHECK(refused->ticket == 2);
    CHECK(a->counters().of(Drop::too_long) == 1);
    b->ship(PeerId{1}, 3, "", pattern(40'000, 1));
    const auto came = await<Parcel>(*a, {b.get()});
    REQUIRE(came);
    CHECK(came->ticket == 3);
}

namespace {

// Connections that say nothing.
struct Silent {
    std::vector<int> files;
    ~Silent() {
        for (const int fd : files) ::close(fd);
    }
    void dial(const std::string& endpoint) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        files.push_back(socket(AF_INET, SOCK_STREAM, 0));
        REQUIRE(connect(files.back(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    // How many of them the other side has closed.
    long closed() const {
        return std::count_if(files.begin(), files.end(), [](int fd) {
            char bytes[256];
            ssize_t n;
            while ((n = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {}
            return n == 0 || errno == ECONNRESET;
        });
    }
};

}  // namespace

TEST_CASE("connections beyond their number are closed unheard, on both planes together, and later ones are taken again") {
    auto options = options_of(1);
    options.connections_of_all = 20;
    const Node a = open(options), b = open(2);
    Silent first;
    for (int i = 0; i < 10; ++i) first.dial(a->contact().control);
    for (int i = 0; i < 10; ++i) first.dial(a->contact().bulk);
    CHECK(!spin({a.get()}, [&] { return first.closed() > 0; }, 1s));  // their time to say hello is not over
    CHECK(a->counters().of(Drop::crowded) == 0);
    Silent more;
    for (int i = 0; i < 3; ++i) more.dial(a->contact().control);
    REQUIRE(spin({a.get()}, [&] { return more.closed() == 3; }));
    CHECK(a->counters().of(Drop::crowded) == 3);
    REQUIRE(spin({a.get()}, [&] { return first.closed() == 20; }));  // 5 s without a word
    introduce(*a, *b);
    b->send(PeerId{1}, "well");
    CHECK(await<Frame>(*a, {b.get()}));
}

TEST_CASE("of connections that say nothing the oldest are closed, and who has spoken stays") {
    const Node a = open(1), b = open(2);
    introduce(*a, *b);
    b->send(PeerId{1}, "hello");
    REQUIRE(await<Frame>(*a, {b.get()}));
    Silent silent;
    for (int i = 0; i < 4096 + 100; ++i) silent.dial(a->contact().control);
    REQUIRE(spin({a.get(), b.get()}, [&] { return a->counters().of(Drop::crowded) >= 100; }));
    const Node c = open(3);
    introduce(*a, *c);
    c->send(PeerId{1}, "me too");
    CHECK(await<Frame>(*a, {b.get(), c.get()}));
    const std::uint64_t dialled = b->counters().control.connections;
    b->send(PeerId{1}, "still there?");
    CHECK(await<Frame>(*a, {b.get(), c.get()}));
    CHECK(b->counters().control.connections == dialled);
}
