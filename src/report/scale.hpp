#pragma once

#include <string>
#include <vector>

namespace grapevine::report {

enum class Unit { plain, seconds, bytes, count, share };

struct Tick {
    double at;  // in the data's unit
    std::string label;
};

// An axis: where it begins and ends, where it is marked and how. In the data's unit.
struct Scale {
    double low = 0, high = 1;
    bool log = false;
    std::string unit;  // "min", "GB", "%"; what the labels are in
    std::vector<Tick> ticks;

    double place(double value) const;  // 0..1
};

// Ends at round numbers. `about`: how many ticks would look well.
Scale linear_scale(double low, double high, Unit unit, int about, bool round_ends);
Scale log_scale(double low, double high, Unit unit, int about);  // 0 < low

}  // namespace grapevine::report
