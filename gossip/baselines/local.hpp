#pragma once

#include "../pace.hpp"

namespace grapevine::gossip {

// Never mixes: what everybody reaches alone. With one peer and all the data it is the single learner.
class Local final : public Exchange {
public:
    explicit Local(const Config& config) : config_(config) {}
    void step(Instant now, Input&& input, const Company& company, Out& out) override;

private:
    const Config& config_;
    Training training_;
    std::uint32_t tag_ = 0;
};

}  // namespace grapevine::gossip
