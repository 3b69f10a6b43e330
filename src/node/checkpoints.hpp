#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "grapevine/learn/safetensors.hpp"

namespace grapevine::node {

// What a run may go on from: DIR/step-0012400.safetensors, the last three of them. Written in a thread of its own, so that neither
// training nor the exchange waits for a disk. Each is there whole or not at all, and one that cannot be written takes no other away.
class Checkpoints {
public:
    explicit Checkpoints(std::string directory);
    ~Checkpoints();  // when the one under way is written

    bool busy() const;
    void write(learn::Checkpoint checkpoint);   // not while busy
    std::optional<learn::Error> take_fault();   // of the last that could not be written
    std::optional<double> age() const;          // seconds since the last was written; none: we have written none
    std::uint64_t failed() const;               // that could not be written

    static constexpr std::size_t kept = 3;

private:
    void work();

    std::string directory_;
    mutable std::mutex mutex_;
    std::condition_variable wanted_;
    std::optional<learn::Checkpoint> next_;
    std::optional<learn::Error> fault_;
    bool writing_ = false, closing_ = false;
    std::optional<std::chrono::steady_clock::time_point> written_;
    std::uint64_t failed_ = 0;
    std::deque<std::string> files_;  // oldest first; the thread's
    std::thread thread_;
};

// The file to go on from: `path` itself, or the latest in that directory or in its checkpoints/.
std::variant<std::string, learn::Error> checkpoint_in(const std::string& path);

}  // namespace grapevine::node
