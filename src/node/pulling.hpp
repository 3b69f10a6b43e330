#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "desk.hpp"
#include "grapevine/peer_id.hpp"
#include "grapevine/snapshot.hpp"
#include "grapevine/time.hpp"

namespace grapevine::node {

// The mean of whole models that come one after the other, each in pieces. The sums are made on threads of their own: neither the
// loop nor the learner waits for them.
class Merging {
public:
    // `added` is called on that thread after each; what it touches outlives this.
    Merging(std::uint64_t size, std::function<void()> added) : size_(size), added_(std::move(added)) {}
    ~Merging();

    void add(std::shared_ptr<const std::vector<Snapshot>> pieces);  // not while busy()
    bool busy() const;
    std::size_t count() const { return count_; }
    Snapshot mean();  // in float32; of one at least, and not while busy()

private:
    void sum(const std::vector<Snapshot>& pieces);

    std::uint64_t size_;
    std::function<void()> added_;
    std::shared_ptr<std::vector<float>> mean_;
    std::size_t count_ = 0;
    std::uint64_t layout_ = 0, steps_ = 0;  // of the one that has taken most
    double samples_ = 0;
    std::future<void> adding_;
};

// A model that somebody wants of this node: its own, another member's, or the mean of several, itself included.
//
//   Freezing (its own) --> Adding --> Bringing (the next member's) --> Adding --> ... --> given
//                                        +--not to be had--> the next, if there is one
struct Pull {
    Reply reply;
    std::string of;               // what was asked for, for people
    bool merged = false;
    Instant until{};
    bool own = false;             // is still to be frozen
    std::vector<PeerId> others{}; // may still be asked, last first
    std::size_t wanted = 1;       // models
    std::future<std::optional<Snapshot>> freezing{};  // nothing: it was in the middle of a step
    std::optional<std::uint32_t> bringing{};          // serial of what the peer was told to collect
    std::unique_ptr<Merging> merging{};
};

}  // namespace grapevine::node
