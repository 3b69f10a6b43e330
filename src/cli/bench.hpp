#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "arguments.hpp"

namespace grapevine::cli {

int bench_step(const Arguments& arguments);
int bench_mix(const Arguments& arguments);
int bench_sim(const Arguments& arguments);
int bench_net(const Arguments& arguments);

// Of the calling thread's CPU time: others may be at work on this machine.
double seconds_of(const std::function<void()>& work);

// The least of as many calls as fit into so many seconds, three at least.
double best_seconds_of(double within, const std::function<void()>& work);

// Bytes read and written a second by one thread that copies `size` bytes. The best of some.
double copy_bandwidth(std::size_t size);

// Where to compute: --device. What cannot be is an error.
std::optional<Error> unknown_device(const Arguments& arguments);

}  // namespace grapevine::cli
