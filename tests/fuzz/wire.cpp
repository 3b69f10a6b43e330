// A frame of another node: two bytes for how many bytes of parameters came beside it, then the message. What is taken can be
// written and read again as the same, and says nothing that a peer could not be handed.
#include "fuzz.hpp"
#include "grapevine/wire/wire.hpp"
#include "messages.hpp"

using namespace grapevine;

namespace {

constexpr std::size_t most_parameters = 0xffff;

Bytes parameters_of(std::size_t size) {
    static const std::vector<std::byte> zeros(most_parameters);
    return {zeros.data(), size, std::shared_ptr<const void>(&zeros, [](const void*) {})};
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
    membership::Book book;
    std::vector<std::string> all;
    for (const Peer::Message& m : test::messages(book)) {
        const Snapshot* s = parameters(m);
        const std::uint16_t size = static_cast<std::uint16_t>(s ? s->bytes.size : 0);
        all.push_back(std::string(reinterpret_cast<const char*>(&size), sizeof size) + wire::encode(m, book));
    }
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    std::uint16_t beside = 0;
    std::memcpy(&beside, data, sizeof beside);
    const auto bytes = fuzz::bytes_of(data + 2, size - 2);
    membership::Book book(64);
    const auto message = wire::decode(bytes, book, parameters_of(beside));
    if (!message) {
        assert(book.size() <= 25);  // sixteen rumors and nine records of a view, whatever it said
        return 0;
    }
    const std::string written = wire::encode(*message, book);
    assert(wire::control_size(*message, book) == written.size());
    const auto again = wire::decode(fuzz::bytes_of(reinterpret_cast<const std::uint8_t*>(written.data()), written.size()), book, parameters_of(beside));
    assert(again && wire::encode(*again, book) == written);
    if (const Snapshot* s = parameters(*message)) assert(fits(s->encoding, s->range.count, s->bytes.size));
    for (membership::Handle h = 0; h < book.bound(); ++h) assert(membership::within_limits(book.at(h)));
    std::vector<std::uint64_t> integers_of;
    integers(Received<Peer::Message>{PeerId{1}, *message}, book, integers_of);
    return 0;
}
