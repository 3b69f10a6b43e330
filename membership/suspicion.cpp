#include "grapevine/membership/suspicion.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "grapevine/portable_math.hpp"

namespace grapevine::membership {

Duration remaining_suspicion(std::uint32_t confirmations, std::uint32_t k, Duration elapsed, Duration min, Duration max) {
    if (k == 0) return min - elapsed;
    const double share = portable::log(confirmations + 1.0) / portable::log(k + 1.0);
    const Duration whole = max - scaled(max - min, share);
    return std::max(whole, min) - elapsed;
}

Duration shortest_suspicion(std::size_t n, double alpha, Duration period) {
    const double decades = portable::log(static_cast<double>(std::max<std::size_t>(n, 1))) / portable::log(10.0);
    return scaled(period, alpha * std::max(1.0, decades));
}

bool Suspicion::accused_by(PeerId peer) const { return std::find(accusers.begin(), accusers.begin() + count, peer) != accusers.begin() + count; }

const Suspicion* Suspicions::find(PeerId about) const {
    const auto at = std::find_if(list_.begin(), list_.end(), [&](const Suspicion& s) { return s.about == about; });
    return at != list_.end() ? &*at : nullptr;
}
Suspicion* Suspicions::find(PeerId about) { return const_cast<Suspicion*>(std::as_const(*this).find(about)); }

Suspicion& Suspicions::begin(PeerId about, Instant now, std::uint8_t k, PeerId accuser) {
    assert(!find(about) && k < std::tuple_size_v<decltype(Suspicion::accusers)>);
    Suspicion s;
    s.about = about;
    s.since = s.ends = now;
    s.k = k;
    s.count = 1;
    s.accusers[0] = accuser;
    return list_.emplace_back(s);
}

void Suspicions::end(PeerId about) {
    std::erase_if(list_, [&](const Suspicion& s) { return s.about == about; });
}

void Suspicions::postpone(Duration by) {
    for (Suspicion& s : list_) s.ends += by;
}

}  // namespace grapevine::membership
