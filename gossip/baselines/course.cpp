#include "course.hpp"

#include <bit>
#include <cassert>

namespace grapevine::gossip {

Algorithm chosen(Algorithm wanted, std::uint32_t places, std::uint64_t elements) {
    if (wanted != Algorithm::any) return wanted;
    const std::uint64_t part = elements * bytes_per_element(Encoding::float32) / places;
    return std::has_single_bit(places) || part < small_part_bytes ? Algorithm::halving_doubling : Algorithm::ring;
}

Course::Course(Algorithm algorithm, std::uint32_t places, std::uint32_t place) : algorithm_(algorithm), places_(places), place_(place) {
    assert(places >= 2);
    assert(place < places);
    assert(algorithm != Algorithm::any);
    if (algorithm == Algorithm::ring) {
        parts_ = places;
        hops_ = 2 * (places - 1);
        return;
    }
    parts_ = std::bit_floor(places);
    rounds_ = static_cast<std::uint32_t>(std::countr_zero(parts_));
    folded_ = places - parts_;
    away_ = place < 2 * folded_ && place % 2 == 0;
    q_ = place < 2 * folded_ ? place / 2 : place - folded_;
    if (away_) hops_ = 2;
    else hops_ = 2 * rounds_ + (place < 2 * folded_ ? 2 : 0);
    first_ = place < 2 * folded_ ? 0 : 1;
}

Hop Course::at(std::uint32_t i) const {
    assert(i < hops_);
    if (algorithm_ == Algorithm::ring) return ring(i);
    return halving_doubling(away_ && i == 1 ? 2 * rounds_ + 1 : first_ + i);
}

std::optional<Hop> Course::numbered(std::uint32_t number) const {
    if (algorithm_ == Algorithm::ring) return number < hops_ ? std::optional(ring(number)) : std::nullopt;
    if (away_ ? number != 0 && number != 2 * rounds_ + 1 : number < first_ || number - first_ >= hops_) return std::nullopt;
    return halving_doubling(number);
}

Hop Course::ring(std::uint32_t i) const {
    const std::uint32_t n = places_;
    // Parts count down as hops count up; the second time round they start one higher.
    const std::uint32_t given = i < n - 1 ? (place_ + n - i) % n : (place_ + 1 + n - (i - (n - 1))) % n;
    const std::uint32_t got = (given + n - 1) % n;
    const Use use = i < n - 2 ? Use::add : i == n - 2 ? Use::finish : Use::copy;
    return {i, Hop::Give{(place_ + 1) % n, {given, 1}}, Hop::Get{(place_ + n - 1) % n, {got, 1}, use}};
}

// Hop 0 folds (and its answer, nothing, tells the neighbour that there is a round), 1 to k halve, k+1 to 2k double, 2k+1
// gives back.
Hop Course::halving_doubling(std::uint32_t number) const {
    const std::uint32_t m = parts_, last = 2 * rounds_ + 1;
    const Run all{0, m}, none{};
    Hop hop{number, {}, {}};
    const std::uint32_t neighbour = away_ ? place_ + 1 : place_ - 1;  // in hops 0 and `last`
    if (number == 0) {
        hop.give = Hop::Give{neighbour, away_ ? all : none};
        hop.get = Hop::Get{neighbour, away_ ? none : all, away_ ? Use::copy : Use::add};
        return hop;
    }
    if (number == last) {
        if (away_) hop.get = Hop::Get{neighbour, all, Use::copy};
        else hop.give = Hop::Give{neighbour, all};
        return hop;
    }
    const auto place_of = [&](std::uint32_t q) { return q < folded_ ? 2 * q + 1 : q + folded_; };
    const auto run_of = [](std::uint32_t q, std::uint32_t length) { return Run{q & ~(length - 1), length}; };
    if (number <= rounds_) {
        const std::uint32_t length = m >> number;  // of what is kept, and the distance
        const std::uint32_t partner = q_ ^ length;
        hop.give = Hop::Give{place_of(partner), run_of(partner, length)};
        hop.get = Hop::Get{place_of(partner), run_of(q_, length), length == 1 ? Use::finish : Use::add};
    } else {
        const std::uint32_t length = 1u << (number - rounds_ - 1);
        const std::uint32_t partner = q_ ^ length;
        hop.give = Hop::Give{place_of(partner), run_of(q_, length)};
        hop.get = Hop::Get{place_of(partner), run_of(partner, length), Use::copy};
    }
    return hop;
}

}  // namespace grapevine::gossip
