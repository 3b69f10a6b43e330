#pragma once

#include <optional>
#include <string>
#include <termios.h>
#include <vector>

namespace grapevine::cli {

// A terminal on stdout whose lines are drawn in place, on a screen of its own. What was there before is back when it ends, with the last that was drawn
// below it.
class Screen {
public:
    struct Size {
        std::size_t columns = 80, rows = 24;
        bool operator==(const Size&) const = default;
    };
    static bool possible();  // stdout is a terminal that moves its cursor
    static Size size();      // as it is now; 80 by 24 where nobody says

    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    void draw(std::vector<std::string> lines);  // no longer than it is wide
    // A key, or nothing after so many milliseconds, a signal or a change of size. Where the terminal is gone: `quit`.
    static constexpr char quit = 'q';
    std::optional<char> key(int milliseconds);

private:
    std::optional<termios> before_;  // of stdin, where that is a terminal
    std::vector<std::string> drawn_;
};

}  // namespace grapevine::cli
