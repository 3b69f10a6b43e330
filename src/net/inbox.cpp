#include "inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <cstdint>

namespace grapevine::net {

Bell::Bell() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { assert(fd_ >= 0); }

Bell::~Bell() { ::close(fd_); }

void Bell::ring() {
    const std::uint64_t one = 1;
    // It fails only when it has rung 2^64 - 1 times unheard, and then it rings already.
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

void Bell::silence() {
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto got = ::read(fd_, &rings, sizeof rings);
}

}  // namespace grapevine::net
