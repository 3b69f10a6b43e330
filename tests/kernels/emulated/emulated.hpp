#pragma once

#include <cstdint>
#include <memory>

#include "grapevine/kernels/backend.hpp"

// What a test may ask of CUDA emulated on the host.
namespace emulated {

// When queued work is done. A missing wait shows in one of them.
enum class Order {
    last,   // only when somebody waits for it, and of other streams only what that needs
    first,  // at once, each stream as far ahead as it can be
    mixed,  // at random, by a seed that is the same in every run
};
void set_order(Order order);
void refuse_epilogues(bool refuse);       // cuBLASLt then knows no product with one
void fail_after(std::int64_t calls);      // so many calls of the runtime go well, and then none does: a device is lost. -1: never
void limit_memory(std::uint64_t bytes);   // of the device
std::uint64_t allocations();              // of any kind, so far
std::uint64_t graph_launches();           // so far
std::uint64_t waits();                    // of the host for a stream or an event, so far

std::unique_ptr<grapevine::kernels::Backend> make_backend(grapevine::kernels::Element element = grapevine::kernels::Element::float32);

}  // namespace emulated
