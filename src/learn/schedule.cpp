#include "grapevine/learn/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace grapevine::learn {

double rate_factor(const config::Schedule& s, std::uint64_t step) {
    using Kind = config::Schedule::Kind;
    if (step < s.warmup) return static_cast<double>(step + 1) / static_cast<double>(s.warmup);
    switch (s.kind) {
        case Kind::constant: break;
        case Kind::cosine: {
            if (s.steps <= s.warmup) return s.floor;
            const double gone = std::min(1.0, static_cast<double>(step - s.warmup) / static_cast<double>(s.steps - s.warmup));
            return s.floor + (1 - s.floor) * 0.5 * (1 + std::cos(3.14159265358979323846 * gone));
        }
        case Kind::step: return std::pow(s.factor, static_cast<double>(step / std::max<std::uint64_t>(s.every, 1)));
    }
    return 1;
}

}  // namespace grapevine::learn
