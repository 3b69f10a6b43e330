#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "grapevine/peer_id.hpp"
#include "grapevine/time.hpp"

namespace grapevine::net {

// Whether we can be dialled is found out by asking somebody to do it. Both sides of that; no socket.
//
//   asker                                asked
//   ask ──────── try_me{theirs} ───────▶ begin: dials the asker's address, and greets it there
//   (greeted as by anybody: welcome) ──▶ welcomed by the asker ── tried{theirs, yes} ─▶ answered
//                                        expired ──────────────── tried{theirs, no} ──▶ answered
//   nothing within twice the time: nobody knows
//
// Whoever asks could join as well, and then its address would be dialled all the same; so it may ask, now and then.
class DialBack {
public:
    static constexpr Duration patience = std::chrono::seconds(2);
    static constexpr std::size_t at_once = 8;             // trials; who comes then is not answered
    static constexpr std::size_t longest_endpoint = 128;  // as in a member's record

    struct Trial {
        PeerId asker;
        std::uint64_t theirs, ours;  // tokens: of the asker's question, of our greeting
        std::string endpoint;
        Instant deadline;
    };

    void ask(PeerId who, std::uint64_t token, Instant now) { asked_ = Asked{who, token, now + 2 * patience}; }
    bool answered(PeerId by, std::uint64_t token, Instant now);  // to what was asked last, and in time

    // Nothing if it cannot be tried: no numeric address, too many already, or one of the same asker.
    std::optional<Trial> begin(PeerId asker, std::uint64_t theirs, std::uint64_t ours, const std::string& endpoint, Instant now);
    std::optional<Trial> welcomed(PeerId by, std::uint64_t ours, const std::string& endpoint);  // it is over, and went well
    void end(std::uint64_t ours);
    std::vector<Trial> expire(Instant now);
    Instant due() const;  // of the first to expire

private:
    struct Asked {
        PeerId who;
        std::uint64_t token;
        Instant deadline;
    };
    std::optional<Asked> asked_;
    std::vector<Trial> trials_;
};

}  // namespace grapevine::net
