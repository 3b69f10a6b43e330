#include "terminal.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

#include "grapevine/record/plain.hpp"

namespace grapevine::cli {

bool live() { return isatty(STDERR_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }
bool colour() { return live(); }

std::string plain(std::string text) { return record::plain(text); }

int complain(const Error& error, int code) {
    const bool c = colour();
    std::fprintf(stderr, "%sgrapevine: %s%s\n", c ? "\033[1;31m" : "", error.what.c_str(), c ? "\033[0m" : "");
    if (!error.hint.empty()) std::fprintf(stderr, "           %s\n", error.hint.c_str());
    return code;
}

void ProgressLine::show(const std::string& text) {
    const double now = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    if (live()) {
        winsize size{};
        const std::size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10 ? size.ws_col - 1u : 79;
        std::fprintf(stderr, "\r\033[K%s", text.substr(0, width).c_str());
        std::fflush(stderr);
        drawn_ = true;
    } else if (now - printed_at_ >= 10) {
        std::fprintf(stderr, "%s\n", text.c_str());
        printed_at_ = now;
    }
}

void ProgressLine::clear() {
    if (drawn_) std::fprintf(stderr, "\r\033[K");
    drawn_ = false;
}

}  // namespace grapevine::cli
