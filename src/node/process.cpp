#include "process.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace grapevine::node {

namespace {

// proc(5), /proc/self/stat: fields are counted from 1, and the second, the name in brackets, may hold anything.
constexpr int first_behind_name = 3, threads_field = 20, started_field = 22, virtual_field = 23, resident_field = 24;

std::optional<double> boot_time() {
    std::ifstream in("/proc/stat");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("btime ")) return std::stod(line.substr(6));
    return std::nullopt;
}

}  // namespace

Process this_process() {
    Process p;
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
        p.cpu_seconds = of(usage.ru_utime) + of(usage.ru_stime);
    }
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) p.most_files = static_cast<double>(files.rlim_cur);
    std::error_code failed;
    const std::filesystem::directory_iterator descriptors("/proc/self/fd", failed);
    if (!failed) p.open_files = static_cast<double>(std::distance(begin(descriptors), end(descriptors))) - 1;  // without the one we look through
    std::ifstream in("/proc/self/stat");
    std::string line;
    if (!std::getline(in, line) || line.rfind(')') == std::string::npos) return p;
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string field;
    static const std::optional<double> booted = boot_time();
    for (int i = first_behind_name; i <= resident_field && fields >> field; ++i) {
        if (i == threads_field) p.threads = std::stod(field);
        if (i == started_field && booted) p.started = *booted + std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK));
        if (i == virtual_field) p.virtual_bytes = std::stod(field);
        if (i == resident_field) p.resident_bytes = std::stod(field) * static_cast<double>(sysconf(_SC_PAGESIZE));
    }
    return p;
}

}  // namespace grapevine::node
