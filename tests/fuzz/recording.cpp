// The three kinds of block in a recording, for `grapevine replay`: the first byte says which.
#include "fuzz.hpp"
#include "grapevine/wire/recording.hpp"
#include "messages.hpp"

using namespace grapevine;

std::vector<std::string> fuzz::seeds() {
    membership::Book book;
    std::vector<std::string> all;
    const auto messages = test::messages(book);
    const auto self = *book.intern({{PeerId{1}, "me", "tcp://10.0.0.1:7470", "tcp://10.0.0.1:7471"}, 3, 5});
    PeerConfig config;
    config.exchange.fixed_roll = std::make_shared<const std::vector<PeerId>>(std::vector<PeerId>{{1}, {2}});
    all.push_back('\0' + wire::encode_birth(book, self, config, 7, {1, 2}, {self}));
    for (const Peer::Message& m : messages) all.push_back('\1' + wire::encode_input(Instant(std::chrono::seconds(3)), Received<Peer::Message>{PeerId{4}, m}, book));
    for (const Peer::Input& input : {Peer::Input(Start{}), Peer::Input(membership::Met{self}), Peer::Input(gossip::Finish{true}), Peer::Input(membership::Leave{}),
                                     Peer::Input(membership::Describe{"steps"}), Peer::Input(Completion{5, 6, 7, Trained{8, 0.5, 9}}), Peer::Input(gossip::Observed{0.5, 0.25})})
        all.push_back('\1' + wire::encode_input(Instant(std::chrono::seconds(3)), input, book));
    all.push_back('\2' + wire::encode_digests({1, 2, 3}));
    return all;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto bytes = fuzz::bytes_of(data + 1, size - 1);
    membership::Book book(64);
    switch (data[0] % 3) {
        case 0:
            if (const auto birth = wire::decode_birth(bytes)) {
                const auto self = book.intern(birth->self);
                assert(self && birth->known.size() * 16 <= size);
            }
            break;
        case 1:
            if (const auto given = wire::decode_input(bytes, book)) (void)word(given->input);
            break;
        default:
            if (const auto digests = wire::decode_digests(bytes)) assert(wire::encode_digests(*digests) == fuzz::text_of(bytes));
    }
    return 0;
}
