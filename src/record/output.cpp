#include "output.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace grapevine::record {
namespace {

constexpr std::size_t buffer_bytes = 64 << 10;

// 0, or errno.
int write_all(int file, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const auto n = ::write(file, bytes.data() + done, bytes.size() - done);
        if (n > 0) done += static_cast<std::size_t>(n);
        else if (n == 0) return EIO;
        else if (errno != EINTR) return errno;
    }
    return 0;
}

std::string in_quotes(const std::string& path) { return "'" + path + "'"; }

}  // namespace

Error write_error(const std::string& path, int error) {
    std::string hint = "name another directory with --out";
    if (error == ENOSPC || error == EDQUOT) hint = "the disk is full: free some space, or name a directory on another disk with --out";
    else if (error == EACCES || error == EPERM) hint = "you may not write there: name a directory of yours with --out";
    else if (error == EROFS) hint = "that file system is read-only: name another directory with --out";
    else if (error == ENOTDIR || error == EEXIST) hint = "a part of that path is a file: name another directory with --out";
    else if (error == EISDIR) hint = "a directory stands where the file should be: move it away, or name another with --out";
    else if (error == EMFILE || error == ENFILE) hint = "too many files are open: raise the limit (ulimit -n)";
    return {"cannot write " + in_quotes(path) + ": " + std::strerror(error), hint};
}

Output::Output(std::string path) : path_(std::move(path)) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ < 0) give_up(errno);
}

Output::~Output() {
    flush();
    if (file_ >= 0) ::close(file_);
}

void Output::append(const std::string& line) { put(line + '\n'); }

void Output::put(const std::string& bytes) {
    if (fault_) return;
    buffer_ += bytes;
    if (buffer_.size() >= buffer_bytes) flush();
}

void Output::flush() {
    if (fault_ || buffer_.empty()) return;
    if (const int error = write_all(file_, buffer_)) give_up(error);
    buffer_.clear();
}

void Output::give_up(int error) {
    fault_ = write_error(path_, error);
    buffer_.clear();
    buffer_.shrink_to_fit();
}

std::optional<Error> replace_file(const std::string& path, const std::string& bytes) {
    const std::string temporary = path + ".new";
    const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) return write_error(path, errno);
    int error = write_all(file, bytes);
    if (!error && ::fsync(file) != 0 && errno != EINVAL) error = errno;  // EINVAL: a file system that has no fsync
    if (::close(file) != 0 && !error) error = errno;
    if (!error && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
    if (error) {
        ::unlink(temporary.c_str());
        return write_error(path, error);
    }
    // The new name is on the disk when its directory is.
    const auto parent = std::filesystem::path(path).parent_path().string();
    const int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        static_cast<void>(::fsync(directory));
        ::close(directory);
    }
    return {};
}

std::optional<Error> make_directory(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (!failed && !std::filesystem::is_directory(path, failed)) return write_error(path, ENOTDIR);
    if (failed) {
        Error error = write_error(path, failed.value());
        error.what = "cannot make the directory " + in_quotes(path) + ": " + std::strerror(failed.value());
        return error;
    }
    return {};
}

}  // namespace grapevine::record
