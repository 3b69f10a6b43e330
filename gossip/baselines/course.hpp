#pragma once

#include <cstdint>
#include <optional>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// The way of an allreduce among n places, as one of them goes it: which parts of the model it sends where, and what it
// makes of those that come. The model is cut into parts() of nearly equal size.
//
// Ring (Patarasuk, Yuan 2009), n parts. In hop h < n-1 place p sends part p-h, the weighted sum as far as it has come, to
// place p+1, which adds its own; then place p holds part p+1 complete and divides it. In the other n-1 hops the
// finished parts go round once more.
//
// Halving and doubling (Rabenseifner 2004; Thakur, Rabenseifner, Gropp 2005), m = 2^k <= n parts. Recursive halving:
// partners at distance m/2, m/4, ... 1 each keep one half of what they hold, send the other and add what they get; then
// place q holds part q complete and divides it. Recursive doubling: back the same way, at distance 1, 2, ... m/2 each
// sends all that it has finished. With r = n - m > 0 the places 0, 2, ... 2r-2 first give their whole model to their
// right neighbour, who is q for both, and get the result at the end. The neighbour says that it has begun by a run of no
// parts: the other may train no more, and takes part in a round only when somebody has begun it.
//
// In both one place finishes a part and hands its bits out, its own included: all end with the same bits.
struct Run {  // of parts
    std::uint32_t first = 0, count = 0;
    friend bool operator==(const Run&, const Run&) = default;
};
enum class Use : std::uint8_t { add, finish, copy };  // finish: add, and divide
struct Hop {
    std::uint32_t number = 0;  // the same at both ends
    struct Give {
        std::uint32_t to;  // a place
        Run run;
    };
    struct Get {
        std::uint32_t from;
        Run run;
        Use use;
    };
    std::optional<Give> give;  // before what it gets is looked at
    std::optional<Get> get;
};

class Course {
public:
    Course() = default;
    Course(Algorithm algorithm, std::uint32_t places, std::uint32_t place);  // two places at least, and not Algorithm::any

    std::uint32_t parts() const { return parts_; }
    std::uint32_t hops() const { return hops_; }
    Hop at(std::uint32_t i) const;                         // i < hops()
    std::optional<Hop> numbered(std::uint32_t number) const;  // nothing: this place has no such hop

private:
    Hop ring(std::uint32_t i) const;
    Hop halving_doubling(std::uint32_t number) const;

    Algorithm algorithm_ = Algorithm::ring;
    std::uint32_t places_ = 0, place_ = 0, parts_ = 0, hops_ = 0;
    std::uint32_t first_ = 0;           // number of hop 0
    std::uint32_t folded_ = 0;          // r
    std::uint32_t rounds_ = 0;          // k
    std::uint32_t q_ = 0;               // place among the 2^k
    bool away_ = false;                 // one that is folded into its neighbour
};

// Which one Algorithm::any is: what costs less, by the figures of docs/exchanges.md. With a power of two of peers
// halving and doubling sends as little as the ring in fewer messages. With others it sends a model more each way, which
// pays while a ring's message (a part of n) is small: it takes less time on the way than to be sent.
inline constexpr std::uint64_t small_part_bytes = 64 * 1024;  // half a millisecond at 1 Gbit/s
Algorithm chosen(Algorithm wanted, std::uint32_t places, std::uint64_t elements);

}  // namespace grapevine::gossip
