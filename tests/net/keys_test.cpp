// With keys, who holds none that is allowed gets nowhere: neither what it sends nor what it says of itself is ever looked at.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <numeric>
#include <random>

#include "gatekeeper.hpp"
#include "nearby.hpp"
#include "raw.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

struct Pair {
    std::string public_key, secret_key;
};

Pair draw() {
    char public_text[41], secret_text[41];
    REQUIRE(zmq_curve_keypair(public_text, secret_text) == 0);
    return {from_key_text(public_text), from_key_text(secret_text)};
}

Options options_under(const Pair& pair, std::uint32_t id, const std::vector<std::string>& allowed) {
    Options options = options_of(1);
    options.self = id_under(pair.public_key, id);
    options.greeting = "I am " + std::to_string(id);
    options.keys = Keys{pair.public_key, pair.secret_key, allowed};
    options.greet_patience = std::chrono::seconds(10);
    return options;
}

Node open_under(const Pair& pair, std::uint32_t id, const std::vector<std::string>& allowed) { return open(options_under(pair, id, allowed)); }

void introduce(Transport& a, const Pair& a_pair, Transport& b, const Pair& b_pair) {
    a.know(b.contact(), b_pair.public_key);
    b.know(a.contact(), a_pair.public_key);
}

std::uint64_t all_drops(const Counters& c) { return std::accumulate(c.dropped.begin(), c.dropped.end(), std::uint64_t{0}); }

// What a stranger sends into a TCP connection. True if the node closed it in the end.
bool closed_after(const std::string& endpoint, const std::string& bytes, Transport& node) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool closed = false;
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
        timeval patience{0, 50'000};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        (void)!write(fd, bytes.data(), bytes.size());
        closed = spin({&node}, [&] {
            char answer[256];
            const ssize_t n = read(fd, answer, sizeof answer);
            return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
        });
    }
    close(fd);
    return closed;
}

// A dealer with keys of its own, that announces the name of a caller.
struct KeyedRaw {
    zmq::context_t context{1};
    zmq::socket_t socket{context, zmq::socket_type::dealer};
    KeyedRaw(const std::string& endpoint, PeerId as, const Pair& pair, const std::string& server) {
        std::string name = "V";
        for (int i = 0; i < 8; ++i) name.push_back(static_cast<char>((as.value >> (8 * i)) & 0xff));
        socket.set(zmq::sockopt::routing_id, name + "abcdefgh");
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::sndtimeo, 5000);
        socket.set(zmq::sockopt::curve_publickey, to_key_text(pair.public_key));
        socket.set(zmq::sockopt::curve_secretkey, to_key_text(pair.secret_key));
        socket.set(zmq::sockopt::curve_serverkey, to_key_text(server));
        socket.connect(endpoint);
    }
    bool send(const std::string& bytes) { return zmq_send(socket.handle(), bytes.data(), bytes.size(), 0) >= 0; }
};

std::string frame(PeerId from, PeerId to, const std::string& text) { return Writer(Header{wire_version, Kind::frame, run, from, to}).text(text).take(); }

}  // namespace

TEST_CASE("an id belongs to the key whose beginning it bears") {
    const Pair a = draw(), b = draw();
    const PeerId id = id_under(a.public_key, 7);
    CHECK((id.value & 0xffffffff) == 7);
    CHECK(may_bear(a.public_key, id));
    CHECK_FALSE(may_bear(b.public_key, id));
    CHECK_FALSE(may_bear(a.public_key, PeerId{7}));
    CHECK_FALSE(may_bear(a.public_key.substr(1), id));
    CHECK_FALSE(may_bear("", id));
    CHECK(from_key_text(to_key_text(a.public_key)) == a.public_key);
    CHECK(from_key_text("no key") == "");
    CHECK(from_key_text(std::string(40, '~')) == "");  // as long as a key, and none
}

TEST_CASE("two that share a key file mix over both planes, whoever dialled") {
    const Pair shared = draw();
    auto a = open_under(shared, 1, {shared.public_key}), b = open_under(shared, 2, {shared.public_key});
    introduce(*a, shared, *b, shared);
    a->send(b->contact().id, "ping");
    auto at_b = await<Frame>(*b, {a.get()});
    REQUIRE(at_b);
    CHECK(at_b->from == a->contact().id);
    b->send(a->contact().id, "ack");
    REQUIRE(await<Frame>(*a, {b.get()}));
    const Bytes body = pattern(3'000'000, 5);
    a->ship(b->contact().id, 9, "half", body);
    const auto parcel = await<Parcel>(*b, {a.get()});
    REQUIRE(parcel);
    CHECK(equal(parcel->body, body));
    b->ship(a->contact().id, 10, "half", body);
    REQUIRE(await<Parcel>(*a, {b.get()}));
    CHECK(all_drops(a->counters()) + all_drops(b->counters()) == 0);
}

TEST_CASE("keys decide at a Unix socket as they do over TCP") {
    const Pair shared = draw(), strange = draw();
    const auto options = [&](const Pair& pair, std::uint32_t id) {
        Options options = options_under(pair, id, {pair.public_key});
        options.nearby = true;
        return options;
    };
    auto a = open(options(shared, 1)), b = open(options(shared, 2)), c = open(options(strange, 3));
    introduce(*a, shared, *b, shared);
    const Bytes body = pattern(3'000'000, 5);
    a->ship(b->contact().id, 9, "half", body);
    const auto parcel = await<Parcel>(*b, {a.get()});
    REQUIRE(parcel);
    CHECK(equal(parcel->body, body));
    REQUIRE(spin({a.get(), b.get()}, [&] { return !a->counters().paths.empty(); }));
    CHECK(a->counters().paths.front().nearby);
    const Contact at = b->contact();
    const std::string nearby = nearby_at(static_cast<std::uint16_t>(std::stoi(at.bulk.substr(at.bulk.rfind(':') + 1))), at.id);
    KeyedRaw stranger(nearby, c->contact().id, strange, shared.public_key), known(nearby, a->contact().id, shared, shared.public_key);
    const std::uint64_t before = b->counters().bulk.frames_in;
    CHECK(stranger.send("nothing that is heard"));
    CHECK(known.send("noise"));
    REQUIRE(spin({b.get()}, [&] { return b->counters().of(Drop::not_ours) == 1; }));
    CHECK(b->counters().bulk.frames_in == before + 1);
}

TEST_CASE("each has its own key and allows the other's") {
    const Pair ka = draw(), kb = draw();
    auto a = open_under(ka, 1, {ka.public_key, kb.public_key}), b = open_under(kb, 2, {ka.public_key, kb.public_key});
    introduce(*a, ka, *b, kb);
    b->greet(a->contact().control, {ka.public_key});
    const auto hello = await<Hello>(*b, {a.get()});
    REQUIRE(hello);
    CHECK(hello->key == ka.public_key);
    CHECK(hello->who == a->contact().id);
    CHECK(hello->greeting == "I am 1");
    b->send(a->contact().id, "ping");
    REQUIRE(await<Frame>(*a, {b.get()}));
    b->ship(a->contact().id, 1, "half", pattern(1000, 1));
    REQUIRE(await<Parcel>(*a, {b.get()}));
}

TEST_CASE("at an address of which nobody said whose it is all candidates are tried") {
    const Pair ka = draw(), kb = draw();
    std::vector<std::string> candidates;
    for (std::size_t i = 0; i + 1 < most_candidates; ++i) candidates.push_back(draw().public_key);
    candidates.push_back(ka.public_key);
    auto allowed = candidates;
    auto a = open_under(ka, 1, {kb.public_key}), b = open_under(kb, 2, allowed);
    b->greet(a->contact().control, candidates);
    const auto hello = await<Hello>(*b, {a.get()});
    REQUIRE(hello);
    CHECK(hello->key == ka.public_key);

    // One past the limit is not.
    candidates.back() = draw().public_key;
    candidates.push_back(ka.public_key);
    auto c = open_under(kb, 3, candidates);
    c->greet(a->contact().control, candidates);
    CHECK(await<TurnedAway>(*c, {a.get()}));
}

TEST_CASE("keys that do not fit are said, with what to do") {
    const Pair ka = draw(), kb = draw();
    auto a = open_under(ka, 1, {ka.public_key});
    const auto why = [&](Transport& node, const std::string& endpoint, const std::vector<std::string>& keys, const std::vector<Transport*>& others) {
        node.greet(endpoint, keys);
        const auto answer = await<TurnedAway>(node, others);
        REQUIRE(answer);
        CHECK(answer->endpoint == endpoint);
        return answer->why;
    };
    SUBCASE("it expects another key there") {
        auto b = open_under(kb, 2, {kb.public_key});
        CHECK(why(*b, a->contact().control, {kb.public_key}, {a.get()}).find("another key than we expect") != std::string::npos);
    }
    SUBCASE("it is not on the other's list") {
        auto b = open_under(kb, 2, {ka.public_key});
        CHECK(why(*b, a->contact().control, {ka.public_key}, {a.get()}).find("does not know our key") != std::string::npos);
    }
    SUBCASE("it has a key and the other has none") {
        auto plain = open(7);
        CHECK(why(*a, plain->contact().control, {ka.public_key}, {plain.get()}).find("runs without keys") != std::string::npos);
    }
    SUBCASE("it has no key and the other has one") {
        Options options = options_of(8);
        options.greet_patience = milliseconds(500);
        auto plain = open(options);
        CHECK(why(*plain, a->contact().control, {}, {a.get()}).find("talks only to who has a key") != std::string::npos);
    }
    SUBCASE("nobody is there: no more than that is said") {
        Options options = options_under(kb, 2, {ka.public_key});
        options.greet_patience = milliseconds(500);
        auto b = open(options);
        std::string gone;
        {
            auto c = open(9);
            gone = c->contact().control;
        }
        b->greet(gone, {ka.public_key});
        const auto none = await<NoAnswer>(*b);
        REQUIRE(none);
        CHECK(none->why.find("nobody answered") != std::string::npos);
    }
}

TEST_CASE("no byte of who holds no allowed key reaches a decoder") {
    const Pair ka = draw(), kb = draw(), stranger = draw();
    auto a = open_under(ka, 1, {ka.public_key, kb.public_key}), b = open_under(kb, 2, {ka.public_key, kb.public_key});
    introduce(*a, ka, *b, kb);
    const Contact contact = a->contact();
    std::mt19937 random(20260101);
    std::string noise(5000, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    // ZMTP 3.0 greetings: signature, version, mechanism, as-server; then the first command each would go on with.
    const auto zmtp = [](const std::string& mechanism, const std::string& rest) {
        std::string greeting = std::string("\xff\0\0\0\0\0\0\0\1\x7f\3\0", 12) + mechanism;
        greeting.resize(64);
        return greeting + rest;
    };
    const std::string ready("\4\x26\5READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\0", 40);
    std::string hello("\4\xc8\5HELLO\1\0", 10);
    hello += std::string(190, '\x5a');
    for (const std::string& endpoint : {contact.control, contact.bulk}) {
        CHECK(closed_after(endpoint, noise, *a));
        CHECK(closed_after(endpoint, zmtp("NULL", ready), *a));
        CHECK(closed_after(endpoint, zmtp("PLAIN", ready), *a));
        CHECK(closed_after(endpoint, zmtp("CURVE", hello), *a));
        CHECK(closed_after(endpoint, zmtp("CURVE", ready), *a));
        CHECK(closed_after(endpoint, zmtp("CURVE", std::string("\6\x7f\xff\xff\xff\xff\xff\xff\xff", 9) + noise), *a));  // a command of 2^63 bytes
    }
    Raw plain(contact.control, b->contact().id), plain_bulk(contact.bulk, b->contact().id);
    KeyedRaw unknown(contact.control, b->contact().id, stranger, ka.public_key), unknown_bulk(contact.bulk, b->contact().id, stranger, ka.public_key);
    KeyedRaw mistaken(contact.control, b->contact().id, kb, stranger.public_key);
    const std::string forged = frame(b->contact().id, contact.id, "I am b");
    plain.send({forged});
    plain_bulk.send({forged});
    for (KeyedRaw* raw : {&unknown, &unknown_bulk, &mistaken}) raw->send(forged);
    // A good one is served meanwhile; what the others sent had all the time that this takes, several times over.
    for (int i = 0; i < 20; ++i) {
        b->send(contact.id, "good");
        const auto got = await<Frame>(*a, {b.get()});
        REQUIRE(got);
        CHECK(got->bytes == "good");
    }
    CHECK(a->counters().control.frames_in == 20);
    CHECK(a->counters().bulk.frames_in == 0);
    CHECK(all_drops(a->counters()) == 0);
}

TEST_CASE("who holds a key does not speak for who holds another") {
    const Pair ka = draw(), kb = draw(), liar = draw();
    const std::vector<std::string> all{ka.public_key, kb.public_key, liar.public_key};
    auto a = open_under(ka, 1, all), b = open_under(kb, 2, all);
    const PeerId b_id = b->contact().id, own = id_under(liar.public_key, 3);
    const Contact contact = a->contact();
    const auto impostors = [&] { return a->counters().of(Drop::impostor); };
    KeyedRaw as_b(contact.control, b_id, liar, ka.public_key), as_itself(contact.control, own, liar, ka.public_key), on_bulk(contact.bulk, b_id, liar, ka.public_key);
    SUBCASE("before b was ever heard of") {
        as_b.send(frame(b_id, contact.id, "I am b"));
        REQUIRE(spin({a.get()}, [&] { return impostors() == 1; }));
    }
    SUBCASE("when b is known, on both planes, though its name is announced") {
        introduce(*a, ka, *b, kb);
        as_b.send(frame(b_id, contact.id, "I am b"));
        on_bulk.send(Writer(Header{wire_version, Kind::open, run, b_id, contact.id}).u64(1).u64(0).u64(0).u32(1).text("half").take());
        REQUIRE(spin({a.get(), b.get()}, [&] { return impostors() == 2; }));
        CHECK(a->counters().parcels_in == 0);
    }
    SUBCASE("under its own name it may speak") {
        as_itself.send(frame(own, contact.id, "I am myself"));
        const auto got = await<Frame>(*a);
        REQUIRE(got);
        CHECK(got->from == own);
    }
    introduce(*a, ka, *b, kb);
    b->send(contact.id, "the true one");
    const auto got = await<Frame>(*a, {b.get()});
    REQUIRE(got);
    CHECK(got->bytes == "the true one");
}

TEST_CASE("who is taken off the list is cut off, and comes back with it") {
    const Pair ka = draw(), kb = draw();
    auto a = open_under(ka, 1, {ka.public_key, kb.public_key}), b = open_under(kb, 2, {ka.public_key, kb.public_key});
    introduce(*a, ka, *b, kb);
    b->send(a->contact().id, "before");  // b dialled
    REQUIRE(await<Frame>(*a, {b.get()}));
    b->ship(a->contact().id, 1, "half", pattern(1000, 1));
    REQUIRE(await<Parcel>(*a, {b.get()}));

    a->allow({ka.public_key});
    b->send(a->contact().id, "afterwards");
    b->ship(a->contact().id, 2, "half", pattern(1000, 2));
    bool heard = false;
    REQUIRE(spin({b.get()}, [&] {
        if (const auto inbound = a->receive(milliseconds(1))) heard = heard || std::holds_alternative<Frame>(*inbound) || std::holds_alternative<Parcel>(*inbound);
        return a->counters().of(Drop::banned) >= 2;
    }));
    b->greet(a->contact().control, {ka.public_key});
    const auto away = await<TurnedAway>(*b, {a.get()});
    REQUIRE(away);
    CHECK(away->why.find("does not know our key") != std::string::npos);
    CHECK_FALSE(heard);
    a->send(b->contact().id, "we do not dial them either");
    CHECK(a->counters().of(Drop::unreachable) == 1);

    a->allow({ka.public_key, kb.public_key});
    introduce(*a, ka, *b, kb);
    bool back = false;
    REQUIRE(spin({b.get()}, [&] {
        b->send(a->contact().id, "again");
        if (const auto inbound = a->receive(milliseconds(20))) back = std::holds_alternative<Frame>(*inbound);
        return back;
    }));
}
