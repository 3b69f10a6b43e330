#pragma once

#include <cstdint>
#include <memory>

#include "grapevine/kernels/backend.hpp"

namespace grapevine::kernels {

// Who multiplies matrices: the library this was built with, or the small kernel of our own that needs none.
enum class Products { library, own };

const char* products_library();  // "oneDNN", "OpenBLAS", or "own" where neither was there

// `threads`: for products, all else runs on the caller's. One unless the machine is this learner's alone: with
// cores oversubscribed, products on two threads were ten times slower than on one. OpenBLAS knows a single
// number for the whole process, the last one wins; our own kernel always takes one.
std::unique_ptr<Backend> make_cpu_backend(int threads = 1, Products products = Products::library);

// Multiplies and adds in registers, on the caller's thread, as fast as this processor can: the floor of products. Returns how many
// operations that were, a multiplication and an addition counted as two.
std::uint64_t fill_registers(std::uint64_t turns);

}  // namespace grapevine::kernels
