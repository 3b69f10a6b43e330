#pragma once

#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/rows.hpp"

namespace grapevine::learn {

// Of the training rows alone. standard: to a mean of 0 and a deviation of 1; range: to 0 .. 1. Each feature by itself, and pictures by all
// their pixels together. A feature that is the same everywhere becomes 0.
Figures figures_of(const Rows& train, config::DataFiles::Normalize how);

// Rows as a set, normalised. Labels are left to the caller.
Dataset normalised(Rows&& rows, const Figures& figures);

}  // namespace grapevine::learn
