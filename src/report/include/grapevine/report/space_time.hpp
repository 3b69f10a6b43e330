#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace grapevine::report {

// Who did what when, and what went between them: a space-time diagram (Lamport 1978), time from left to right, a line a peer.
// Times in seconds; what reaches out of [from, to] is cut there.
struct SpaceTime {
    struct Line {
        std::string name;
        double begins = 0;
        std::optional<double> ends;  // crashed or left
    };
    struct Bar {
        enum class Kind { training, mixing, paused } kind;
        std::size_t line;
        double begins, ends;
        std::string title;
    };
    struct Arrow {
        enum class Kind { membership, exchange, parameters } kind;
        std::size_t from, to;            // lines
        double sent;
        std::optional<double> arrives;   // nothing: lost
        bool taken;                      // not: nobody was there any more
        bool under_way;                  // it has not arrived in what is shown: it goes on
        std::string word, title;
    };
    struct Mark {
        enum class Kind { starts, crashes, leaves, suspects, buries, trusts } kind;
        std::size_t line;
        double t;
        std::string text;                // "suspects gpu-2"
    };
    struct Fault {                       // of the whole world: a cut, a partition
        double t;
        std::string text;
    };
    std::string title, note;
    double from = 0, to = 1;
    std::vector<Line> lines;
    std::vector<Bar> bars;
    std::vector<Arrow> arrows;
    std::vector<Mark> marks;
    std::vector<Fault> faults;
};

// A picture that stands alone: no script, nothing fetched, fonts of the system, light or dark as the reader's screen is.
std::string svg_of(const SpaceTime& diagram);

}  // namespace grapevine::report
