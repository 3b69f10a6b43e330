#include "identity.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "grapevine/record/run_files.hpp"
#include "log.hpp"

namespace grapevine::node {

namespace {
// Of a file that anybody may have written: what is further ahead is no time.
constexpr std::uint64_t latest = 1ull << 52;

std::string file_in(const std::string& directory) { return directory + "/identity"; }
}  // namespace

std::uint64_t next_generation(const std::string& directory, const std::string& name) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    std::uint64_t generation = static_cast<std::uint64_t>(std::max<std::int64_t>(now, 1));
    std::string stored_name;
    std::uint64_t stored = 0;
    if (!directory.empty())
        if (std::ifstream in(file_in(directory)); in >> stored_name >> stored && stored_name == name && stored < latest) generation = std::max(generation, stored + 1);
    return generation;
}

void keep_generation(const std::string& directory, const std::string& name, std::uint64_t generation) {
    if (directory.empty()) return;
    if (const auto error = record::replace_file(file_in(directory), name + " " + std::to_string(generation) + "\n"))
        log(Level::warn, "files", error->what + ": " + error->hint + " (a restart relies on the clock)");
}

}  // namespace grapevine::node
