#pragma once

#include <optional>

namespace grapevine::node {

// What the kernel says of this process. Nothing where it does not say.
struct Process {
    std::optional<double> resident_bytes, virtual_bytes, threads, open_files, most_files;
    std::optional<double> cpu_seconds, started;  // started: seconds since 1970
};
Process this_process();

}  // namespace grapevine::node
