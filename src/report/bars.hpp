#pragma once

#include "chart.hpp"
#include "grapevine/record/comparison.hpp"

namespace grapevine::report {

struct Bar {
    std::string name;
    int colour = 0;
    std::optional<double> value;   // null: no bar, only the words
    std::optional<double> low, high;
    std::string words;             // behind the bar
};

std::string bars(const std::string& title, const std::string& note, const std::vector<Bar>& bars, double most);

}  // namespace grapevine::report
