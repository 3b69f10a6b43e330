// A message of every kind, for who tries how they are written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "grapevine/peer/peer.hpp"

namespace grapevine::test {

inline Snapshot snapshot(std::size_t count) {
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
inline std::vector<Peer::Message> messages(membership::Book& book) {
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
                             Body(Records{}), Body(Ping{7, PeerId{6}, true}), Body(Ack{8, 1'790'000'000'000'000'000}), Body(PingRequest{9, PeerId{5}, false}), Body(Nack{10}),
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
                                     {RollYes{9, 10}}, {RollNo{11, 4}}, {RollInForce{12, 13}}, {gossip::Tally{14, true, 15, 0.5, 0.25, 0.125, 0.75, 2.5, 1e6, true}}, {gossip::Tally{16, false, 17, 1, 2, 0, {}}},
                                     {PieceWanted{18, 19, {20, 21}}}, {Piece{22, 23, 24, snapshot(4)}}, {NoPiece{25, 26, Why::undelivered}}, {PieceCame{27, 28}}, {Moments{29, true, 0.5, 0.25, std::make_shared<const std::vector<float>>(std::vector<float>{1, -2, 0.5f})}}, {Moments{30, false, 0, 0, {}}}})
        all.push_back(m);
    return all;
}

}  // namespace grapevine::test
