#pragma once

// What the program says by its exit status. Fixed: people script against it (README, `grapevine help`).
namespace grapevine::cli {

inline constexpr int finished = 0;       // or the target was reached, or left gracefully
inline constexpr int failed = 1;         // at run time
inline constexpr int usage = 2;          // usage or configuration
inline constexpr int missed_target = 3;  // ended without reaching --target
inline constexpr int not_joined = 4;     // --require-peers
inline constexpr int incompatible = 5;   // with the cluster: layout, protocol version, data
inline constexpr int device_failed = 6;
inline constexpr int unexpected = 7;     // an [[expect]] did not hold
inline constexpr int aborted = 130;      // second ^C

}  // namespace grapevine::cli
