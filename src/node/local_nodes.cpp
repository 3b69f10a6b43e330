#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "local_nodes.hpp"

namespace grapevine::node {

namespace fs = std::filesystem;

namespace {

fs::path directory() {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    const fs::path base = runtime && *runtime ? runtime : "/tmp";
    return base / ("grapevine-" + std::to_string(getuid()));
}

// Only ours, and nobody else may write there: in /tmp anybody could have made it first.
bool trusted(const fs::path& dir) {
    struct stat s {};
    return lstat(dir.c_str(), &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == getuid() && (s.st_mode & 022) == 0;
}

}  // namespace

Announcement::Announcement(const Local& local) {
    std::error_code ignored;
    const fs::path dir = directory();
    if (fs::create_directory(dir, ignored)) chmod(dir.c_str(), 0700);
    if (!trusted(dir)) return;
    path_ = (dir / (std::to_string(local.pid) + ".node")).string();
    std::ostringstream line;
    line << local.pid << ' ' << local.status_port << ' ' << local.name << ' ' << local.status_host << ' ' << local.status_token << '\n';
    fs::remove(path_, ignored);  // of a process that had our number, and perhaps readable by others
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);  // it may hold a token
    if (file < 0) return;
    (void)!write(file, line.str().data(), line.str().size());
    close(file);
}

Announcement::~Announcement() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
}

std::vector<Local> local_nodes() {
    std::vector<Local> found;
    const fs::path dir = directory();
    if (!trusted(dir)) return found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(dir, ignored)) {
        std::ifstream in(entry.path());
        Local local;
        if (!(in >> local.pid >> local.status_port >> local.name) || local.pid <= 0) continue;
        if (std::string host; in >> host) local.status_host = host;
        if (std::string token; in >> token) local.status_token = token;
        if (kill(local.pid, 0) == 0) {
            found.push_back(local);
        } else {
            fs::remove(entry.path(), ignored);  // it was killed and could not do it itself
        }
    }
    std::sort(found.begin(), found.end(), [](const Local& a, const Local& b) { return a.name < b.name; });
    return found;
}

}  // namespace grapevine::node
