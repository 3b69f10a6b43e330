#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scale.hpp"

namespace grapevine::report {

struct Point {
    double x, y;
};

struct Series {
    std::string name;
    int colour = 0;             // 0..7, the same on the whole page
    std::vector<Point> points;  // finite, x ascending
    struct Range {
        double x, low, high;
    };
    std::vector<Range> band;    // around it: lowest and highest of several runs
    bool dashed = false;
};

// Something that happened: a vertical line with its words as a tooltip.
struct Mark {
    double x;
    std::string title;
    enum class Tone { bad, good, neutral } tone = Tone::neutral;
};

struct Chart {
    std::string title, note;
    std::string x_name = "time";
    Unit x = Unit::seconds, y = Unit::plain;
    bool log = false, from_zero = false;
    std::vector<Series> series;
    std::vector<Mark> marks;
    std::optional<double> target;  // a horizontal line
    std::vector<Point> also;       // not drawn, but the axes reach them: so that charts can be compared
};

// A <figure> with its legend. No series with points: nothing, the empty text.
std::string figure(const Chart& chart);

// At most `most` points: the lowest and highest of each stretch, so that no peak is lost.
std::vector<Point> decimated(const std::vector<Point>& points, std::size_t most = 500);

}  // namespace grapevine::report
