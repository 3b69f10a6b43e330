#pragma once

#include <algorithm>
#include <cstdint>

#include "grapevine/time.hpp"

namespace grapevine::membership {

// How much this peer has reason to doubt itself, 0 (well) to 8: its time-outs and its period are (score + 1) times
// as long. (Lifeguard's local health multiplier.)
class LocalHealth {
public:
    explicit LocalHealth(bool on) : on_(on) {}
    void doubt(std::uint32_t by) { if (on_) score_ = static_cast<std::uint8_t>(std::min(score_ + std::min(by, most), most)); }
    void trust() { if (score_ > 0) --score_; }
    std::uint32_t score() const { return score_; }
    Duration stretched(Duration d) const { return d * (score_ + 1u); }
    bool on() const { return on_; }

    static constexpr std::uint32_t most = 8;

private:
    bool on_;
    std::uint8_t score_ = 0;
};

}  // namespace grapevine::membership
