#include <doctest/doctest.h>

#include <cstring>

#include "grapevine/random.hpp"
#include "grapevine/wire/wire.hpp"

using namespace grapevine;

namespace {

std::span<const std::byte> bytes_of(const std::string& s) { return {reinterpret_cast<const std::byte*>(s.data()), s.size()}; }

Snapshot snapshot(std::size_t count) {
    auto values = std::make_shared<std::vector<float>>(count, 0.5f);
    Snapshot s;
    s.layout = 0x1234567890abcdef;
    s.range = {3, count};
    s.bytes = {reinterpret_cast<const std::byte*>(values->data()), count * 4, values};
    s.weight = 2.5;
    s.samples = 1e6;
    s.steps = 77;
    return s;
}

// One of every kind.
std::vector<Peer::Message> messages(membership::Book& book) {
    using namespace membership;
    const Handle h = *book.intern({{PeerId{42}, "gpu-b", "tcp://192.168.1.7:7470", "tcp://[fe80::1]:7471"}, 3, 1'790'000'000'000, "a key of thirty-two bytes, 256 b", "eight thousand steps", 87, true, true});
    const Handle vouched = *book.intern({{PeerId{43}, "gpu-c", "tcp://192.168.1.8:7470", "tcp://192.168.1.8:7471"}, 4, 0, "its public key", "", 0, false, false,
                                         std::string(signature_bytes, 's')});
    std::vector<Peer::Message> all;
    Mask mask;
    mask.add(3);
    mask.add(200);
    const auto buckets = std::make_shared<const Buckets>(Buckets{2, {1, 2, 3, 0xffffffff}});
    Sample sample;
    for (std::uint8_t age = 0; age < 8; ++age) sample.push_back(h, age);
    using Body = decltype(membership::Message::body);
    for (const Body& body : {Body(Join{}), Body(Welcome{1, 3}), Body(NameTaken{}), Body(Sync{5}), Body(Known{buckets}), Body(Want{8, mask}),
                             Body(Records{}), Body(Ping{7, PeerId{6}, true}), Body(Ack{8}), Body(PingRequest{9, PeerId{5}, false}), Body(Nack{10}),
                             Body(Gossip{}), Body(MeasureRequest{11, PeerId{4}}), Body(MeasureReport{12, true, 345}), Body(ViewMessage(Enter{h})),
                             Body(ViewMessage(ForwardJoin{h, 6})), Body(ViewMessage(Neighbour{h, true})), Body(ViewMessage(NeighbourAnswer{true})),
                             Body(ViewMessage(Disconnect{{}})), Body(ViewMessage(Disconnect{h})), Body(ViewMessage(Shuffle{h, sample})),
                             Body(ViewMessage(ShuffleAnswer{sample})), Body(ViewMessage(ShuffleAnswer{}))}) {
        membership::Message m{body, {}};
        all.push_back(m);
        m.rumors.push_back({h, Standing::suspect, PeerId{17}});
        m.rumors.push_back({vouched, Standing::left, {}});
        all.push_back(m);
    }
    using namespace gossip;
    const auto ids = std::make_shared<const std::vector<PeerId>>(std::vector<PeerId>{{1}, {2}, {3}});
    for (const gossip::Message& m : {gossip::Message(Offer{5}), {Accept{6}}, {Decline{7, Why::busy}}, {Half{8, true, 9, snapshot(5)}},
                                     {RoundModel{1, 2, 3, snapshot(0)}}, {Part{4, 5, 6, 7, snapshot(2)}}, {Push{1, 2, snapshot(3)}}, {Serving{4}}, {Handout{5, 6, snapshot(1)}},
                                     {Handin{7, 8, snapshot(1)}}, {Ready{9, 10}}, {Chosen{11, 12, std::make_shared<const std::vector<std::uint32_t>>(std::vector<std::uint32_t>{0, 2})}}, {RollProposal{8, ids}},
                                     {RollYes{9, 10}}, {RollNo{11, 4}}, {RollInForce{12, 13}}, {gossip::Tally{14, true, 15, 0.5, 0.25, 0.125, 0.75}}, {gossip::Tally{16, false, 17, 1, 2, 0, {}}}})
        all.push_back(m);
    return all;
}

Bytes parameters_of(const Peer::Message& m) {
    const Snapshot* s = parameters(m);
    return s ? s->bytes : Bytes{};
}

}  // namespace

TEST_CASE("every message goes there and back, and its size is known beforehand") {
    membership::Book here, there;
    for (const Peer::Message& m : messages(here)) {
        const std::string bytes = wire::encode(m, here);
        CHECK(bytes.size() == wire::control_size(m, here));
        const auto back = wire::decode(bytes_of(bytes), there, parameters_of(m));
        REQUIRE(back);
        CHECK(wire::encode(*back, there) == bytes);
        CHECK(std::string(word(*back)) == word(m));
        if (const Snapshot* s = parameters(*back)) {
            CHECK(s->bytes.data == parameters(m)->bytes.data);  // not copied
            CHECK(s->range == parameters(m)->range);
            CHECK(s->weight == 2.5);
        }
    }
    CHECK(there.size() == 2);  // of how many members they told
}

TEST_CASE("no prefix of a message is a message, nor a message with a byte more") {
    membership::Book book;
    for (const Peer::Message& m : messages(book)) {
        const std::string bytes = wire::encode(m, book);
        for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(!wire::decode(bytes_of(bytes.substr(0, n)), book, parameters_of(m)));
        CHECK(!wire::decode(bytes_of(bytes + '\0'), book, parameters_of(m)));
    }
}

TEST_CASE("parameters must be as many as the header says") {
    membership::Book book;
    const Peer::Message m = gossip::Message(gossip::Half{8, true, 9, snapshot(5)});
    const std::string bytes = wire::encode(m, book);
    Bytes parameters = parameters_of(m);
    CHECK(wire::decode(bytes_of(bytes), book, parameters));
    parameters.size = 16;
    CHECK(!wire::decode(bytes_of(bytes), book, parameters));
    parameters.size = 19;
    CHECK(!wire::decode(bytes_of(bytes), book, parameters));
    parameters.size = 0;
    CHECK(!wire::decode(bytes_of(bytes), book, parameters));
    const Peer::Message offer = gossip::Message(gossip::Offer{1});
    CHECK(!wire::decode(bytes_of(wire::encode(offer, book)), book, parameters_of(m)));  // where there should be none
}

TEST_CASE("lengths and counts are not believed") {
    membership::Book book;
    // A proposal that claims four billion members in a few bytes.
    std::string bytes = wire::encode(Peer::Message(gossip::Message(gossip::RollProposal{1, std::make_shared<const std::vector<PeerId>>()})), book);
    const std::uint32_t many = 0xffffffff;
    std::memcpy(bytes.data() + 10, &many, 4);
    CHECK(!wire::decode(bytes_of(bytes), book));
    // Seventeen rumors; a name that is longer than what is left.
    std::string gossip = wire::encode(Peer::Message(membership::Message{membership::Gossip{}, {}}), book);
    gossip.back() = 17;
    CHECK(!wire::decode(bytes_of(gossip + std::string(17 * 24, '\0')), book));
}

TEST_CASE("what is not a number is not accepted for one") {
    membership::Book book;
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0}) {
        Snapshot s = snapshot(1);
        s.weight = bad;
        const Peer::Message m = gossip::Message(gossip::Half{8, true, 9, s});
        CHECK(!wire::decode(bytes_of(wire::encode(m, book)), book, s.bytes));
    }
}

TEST_CASE("the book learns nothing from a message that is not whole") {
    membership::Book here;
    membership::Message m{membership::Gossip{}, {}};
    for (std::uint64_t i = 1; i <= 3; ++i) m.rumors.push_back({*here.intern({{PeerId{i}, "n", "tcp://a:1", "tcp://a:2"}, 0}), membership::Standing::alive, {}});
    std::string bytes = wire::encode(Peer::Message(m), here);
    membership::Book there;
    bytes[bytes.size() - 60] = 9;  // the standing of the last, or what lies there
    bytes.pop_back();
    CHECK(!wire::decode(bytes_of(bytes), there));
    CHECK(there.size() == 0);
}

TEST_CASE("forty thousand messages with bytes changed, and as much noise, do no harm") {
    membership::Book book;
    const auto all = messages(book);
    Random random(11);
    int accepted = 0;
    for (int i = 0; i < 40'000; ++i) {
        const Peer::Message& m = all[random.below(all.size())];
        std::string bytes = wire::encode(m, book);
        const std::uint64_t changes = 1 + random.below(3);
        for (std::uint64_t c = 0; c < changes; ++c) bytes[random.below(bytes.size())] = static_cast<char>(random.bits());
        accepted += wire::decode(bytes_of(bytes), book, parameters_of(m)).has_value();
        std::string noise(random.below(64), '\0');
        for (char& c : noise) c = static_cast<char>(random.bits());
        if (!noise.empty()) noise[0] = static_cast<char>(random.below(3));
        (void)wire::decode(bytes_of(noise), book);
    }
    CHECK(accepted > 0);  // a changed number is still a message; nothing crashed, nothing threw
    CHECK(book.size() < 60'000);
}

TEST_CASE("parameters travel in every encoding, as many bytes as that takes, and in no other") {
    membership::Book book;
    const auto memory = std::make_shared<std::vector<std::byte>>(8 * 300);
    for (std::uint8_t e = 0; e <= static_cast<std::uint8_t>(Encoding::top_k); ++e) {
        CAPTURE(static_cast<int>(e));
        Snapshot s;
        s.encoding = static_cast<Encoding>(e);
        s.range = {0, 300};
        const std::size_t size = s.encoding == Encoding::top_k ? 24 : encoded_size(s.encoding, 300);
        std::string bytes = wire::encode(Peer::Message(gossip::Message(gossip::Push{1, 2, s})), book);
        for (const std::size_t given : {size, size - 1, size + 1, size + 8, std::size_t{8 * 301}}) {
            s.bytes = {memory->data(), given, memory};
            const bool any_number = s.encoding == Encoding::top_k && given % 8 == 0 && given <= 8 * 300;  // of pairs
            CHECK(wire::decode(bytes_of(bytes), book, s.bytes).has_value() == (given == size || any_number));
        }
        const std::size_t place = 2 + 4 + 4 + 8;  // behind the case, round, ticket and layout
        REQUIRE(bytes[place] == static_cast<char>(e));
        bytes[place] = static_cast<char>(Encoding::top_k) + 1;
        s.bytes = {memory->data(), size, memory};
        CHECK(!wire::decode(bytes_of(bytes), book, s.bytes));
    }
}
