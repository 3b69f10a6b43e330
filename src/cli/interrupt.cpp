#include "interrupt.hpp"

#include <csignal>
#include <unistd.h>

#include "exit_codes.hpp"

namespace grapevine::cli {

namespace {
std::atomic<bool> asked{false};
void on_signal(int) {
    if (asked.exchange(true)) _exit(aborted);
}
}  // namespace

const std::atomic<bool>& stop_on_interrupt() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return asked;
}

}  // namespace grapevine::cli
