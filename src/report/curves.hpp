#pragma once

#include <vector>

#include "chart.hpp"
#include "grapevine/record/run.hpp"

namespace grapevine::report {

enum class Against { time, samples, bytes };

// One metric of one run. Samples where it is not known are left out, the line goes on between the others.
std::vector<Point> points_of(const record::Run& run, const std::string& metric, Against against = Against::time);

// The mean of several runs, and their lowest and highest around it, at places that all of them have reached.
Series mean_of(const std::vector<const record::Run*>& runs, const std::string& metric, Against against);

double bytes_of(const record::Sample& sample);  // payload and control

}  // namespace grapevine::report
