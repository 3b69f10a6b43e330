#pragma once

#include "grapevine/record/summary.hpp"

namespace grapevine::record {

// The files of a run, read back. A run that is not over has no summary; one that was killed may have ended
// in the middle of a line, which is left out.
struct Run {
    std::string directory;
    std::string config;  // text
    std::vector<Sample> samples;
    std::vector<RunEvent> events;         // the first 100,000
    std::uint64_t events_in_file = 0;
    std::optional<Summary> summary;
    std::string scene, method;            // in a comparison
};

// Bytes in the files may be anything: what is wrong is told with file and line.
std::variant<Run, Error> load_run(const std::string& directory);
std::variant<Summary, Error> parse_summary(const std::string& text, const std::string& file);
std::variant<Sample, Error> parse_sample(const std::string& line, const std::string& file, std::size_t number);
std::variant<RunEvent, Error> parse_event(const std::string& line, const std::string& file, std::size_t number);

}  // namespace grapevine::record
