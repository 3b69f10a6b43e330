#pragma once

#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/record/summary.hpp"

namespace grapevine::sim {

// Whether what a scenario expects of itself has come true.
record::ExpectResult judge(const config::Expect& expect, const std::vector<record::Sample>& samples, const record::Summary& summary);

// The samples at which the target holds three times in a row begin here (index), or nowhere: one sample alone may
// be luck, test accuracy jitters by a per cent.
std::optional<std::size_t> reached(const config::Target& target, const std::vector<record::Sample>& samples);

}  // namespace grapevine::sim
