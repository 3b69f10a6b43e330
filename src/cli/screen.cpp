#include "screen.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace grapevine::cli {

namespace {

// xterm's control sequences (ctlseqs): another screen, no cursor; and back.
constexpr const char* enter = "\033[?1049h\033[?25l";
constexpr const char* leave = "\033[?25h\033[?1049l";

}  // namespace

bool Screen::possible() {
    const char* term = std::getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && term && *term && std::strcmp(term, "dumb") != 0;
}

Screen::Size Screen::size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

Screen::Screen() {
    termios now{};
    if (isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &now) == 0) {
        before_ = now;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);  // keys as they come; ^C stays a signal
        now.c_cc[VMIN] = 0;
        now.c_cc[VTIME] = 0;
        now.c_cc[VSUSP] = _POSIX_VDISABLE;  // ^Z would leave the shell on our screen
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    std::fputs(enter, stdout);
    std::fflush(stdout);
}

Screen::~Screen() {
    std::fputs(leave, stdout);
    for (const std::string& line : drawn_) std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    if (before_) tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
}

void Screen::draw(std::vector<std::string> lines) {
    drawn_ = std::move(lines);
    std::string all = "\033[H";
    const std::size_t rows = size().rows;
    for (std::size_t i = 0; i < std::min(drawn_.size(), rows); ++i) all += (i ? "\r\n" : "") + drawn_[i] + "\033[K";
    all += "\033[J";
    std::fputs(all.c_str(), stdout);
    std::fflush(stdout);
}

std::optional<char> Screen::key(int milliseconds) {
    const Size began = size();
    constexpr int slice = 50;  // how late a change of size is seen
    for (int waited = 0; waited < milliseconds && size() == began; waited += slice) {
        const int turn = std::min(slice, milliseconds - waited);
        if (!before_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(turn));
            continue;
        }
        pollfd in{STDIN_FILENO, POLLIN, 0};
        const int ready = poll(&in, 1, turn);
        if (ready < 0) return std::nullopt;
        char c = 0;
        if (ready == 0) continue;
        const ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got == 1) return c;
        if (got == 0 || errno == EIO) return quit;  // the terminal is gone, and with it who looked
        return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace grapevine::cli
