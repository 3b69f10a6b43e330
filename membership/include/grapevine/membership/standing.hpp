#pragma once

#include <cstdint>

namespace grapevine::membership {

// In the order in which news may replace news of the same incarnation.
enum class Standing : std::uint8_t { alive, suspect, dead, left };

constexpr bool present(Standing s) { return s <= Standing::suspect; }

}  // namespace grapevine::membership
