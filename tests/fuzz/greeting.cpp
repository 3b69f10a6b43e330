// What a stranger says when it is greeted, and the header of every frame: by the first byte.
#include "fuzz.hpp"
#include "frame.hpp"
#include "greeting.hpp"
#include "journal.hpp"
#include "metadata.hpp"

using namespace grapevine;

std::vector<std::string> fuzz::seeds() {
    node::Greeting g;
    g.software = "grapevine 0.1.0";
    g.run = 5;
    g.layout_text = "w 3x2";
    g.data_text = "blobs";
    g.exchange = "gossip";
    g.record.contact = {PeerId{3}, "desk", "tcp://10.0.0.1:7470", "tcp://10.0.0.1:7471"};
    g.record.key = "a key of thirty-two bytes, 256 b";
    g.record.signature = std::string(membership::signature_bytes, 's');
    g.config = "[model]\nkind = \"mlp\"\n";
    return {'\0' + node::to_text(g), '\1' + net::Writer(net::Header{net::wire_version, net::Kind::greet, 1, PeerId{2}, PeerId{3}}).u64(7).u16(4).u16(4).take(),
            '\1' + net::Writer(net::Header{9, net::Kind::chunk, 1, PeerId{2}, PeerId{3}}).u64(7).u64(9).u64(4).take(),
            '\2' + node::pack({node::Metadata::Device::cuda, 7, 8, 9.5f, 10}), '\3' + std::string("12-34")};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 4) {
        case 0:
            if (const auto greeting = node::parse_greeting(text)) {
                assert(membership::within_limits(greeting->record));
                assert(node::parse_greeting(node::to_text(*greeting)));
            }
            break;
        case 1: {
            net::Reader reader(text);
            if (const auto header = net::read_header(reader)) {
                (void)net::read_versions(reader, *header);
                assert(text.size() >= 8);
            }
            break;
        }
        case 2:
            if (const auto metadata = node::unpack(text)) assert(node::unpack(node::pack(*metadata)));
            break;
        default:
            if (const auto cursor = node::Journal::parse(text)) assert(node::Journal::parse(node::Journal::to_text(*cursor)));
    }
    return 0;
}
