#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "grapevine/sim/tap.hpp"

namespace grapevine::sim {

using NameOf = std::function<std::string(PeerId)>;
std::string short_name(PeerId id);  // "p3"; "nobody"

// "offer round=1", "ping round=3 [p4 suspect inc=1 says p2]"
std::string text_of(const Peer::Message& message, const membership::Book& book, const NameOf& name_of = short_name);
// "mixed with p1, weight 0.5, staleness 3"; nothing for what is not worth a line.
std::string text_of(const Peer::Event& event, const NameOf& name_of = short_name);

// What happens, as lines that a person can read:
//
//      16.000  p1 -> p2  offer round=1
//      16.020  p2        mixed with p1, weight 0.5
class Story final : public Tap {
public:
    explicit Story(std::ostream& out) : out_(out) {}
    void born(Instant, std::uint32_t, const Birth& birth) override { book_ = &birth.book; }
    void handed(Instant now, std::uint32_t peer, const Peer::Input& input, Instant shown) override;
    void told(Instant now, std::uint32_t peer, const Peer::Event& event) override;

private:
    std::ostream& out_;
    const membership::Book* book_ = nullptr;
};

}  // namespace grapevine::sim
