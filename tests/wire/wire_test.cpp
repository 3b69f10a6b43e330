#include <doctest/doctest.h>

#include <cstring>

#include "grapevine/random.hpp"
#include "grapevine/sketch.hpp"
#include "grapevine/wire/wire.hpp"
#include "messages.hpp"

using namespace grapevine;
using test::messages, test::snapshot;

namespace {

std::span<const std::byte> bytes_of(const std::string& s) { return {reinterpret_cast<const std::byte*>(s.data()), s.size()}; }

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

TEST_CASE("moments have as many numbers as a sketch can, and one more is refused") {
    membership::Book book;
    for (const std::size_t count : {std::size_t{Sketcher::longest}, std::size_t{Sketcher::longest} + 1}) {
        const gossip::Moments moments{1, false, 0.5, 0.25, std::make_shared<const std::vector<float>>(count, 1.5f)};
        const auto read = wire::decode(bytes_of(wire::encode(Peer::Message(gossip::Message(moments)), book)), book);
        CHECK(read.has_value() == (count <= Sketcher::longest));
    }
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
