#include "file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "grapevine/formats/gzip.hpp"

namespace grapevine::learn {
namespace {

struct Descriptor {
    int number;
    explicit Descriptor(int n) : number(n) {}
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

bool write_all(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

// An error of close() itself says nothing that fsync() did not.
bool write_pieces(const std::string& path, std::span<const std::span<const std::byte>> pieces) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.number < 0) return false;
    for (const auto& piece : pieces)
        if (!write_all(file.number, piece)) return false;
    return ::fsync(file.number) == 0;
}

}  // namespace

std::optional<Error> replace_file(const std::string& path, std::span<const std::span<const std::byte>> pieces) {
    const std::string beside = path + ".partial";
    errno = 0;
    if (write_pieces(beside, pieces) && ::rename(beside.c_str(), path.c_str()) == 0) {
        // The name itself is only safe once the directory is; the values are, so a failure here is none.
        const auto parent = std::filesystem::path(path).parent_path();
        const Descriptor directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory.number >= 0) ::fsync(directory.number);
        return std::nullopt;
    }
    const int reason = errno;
    ::unlink(beside.c_str());
    return Error{"cannot write " + path + ": " + std::strerror(reason),
                 reason == ENOSPC || reason == EFBIG || reason == EDQUOT
                     ? "make room on that disk, or write somewhere else"
                     : "check that its directory exists and may be written to"};
}

std::variant<std::vector<std::byte>, Error> read_whole(const std::string& path, const std::string& missing) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe without a writer would keep us waiting
    struct stat status {};
    if (file.number < 0 || ::fstat(file.number, &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return Error{path + ": there is no such file", missing};
        return Error{"cannot open " + path + ": " + std::strerror(errno), "may you read it?"};
    }
    if (S_ISDIR(status.st_mode)) return Error{path + " is a directory", "name the file in it"};
    if (!S_ISREG(status.st_mode)) return Error{path + " is no file", "write what comes there to a file first"};
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > most_file_bytes) return Error{path + " is larger than 8 GiB", "a part of it at a time"};
    std::vector<std::byte> bytes(size);
    for (std::size_t at = 0; at < size;) {
        const ssize_t got = ::read(file.number, bytes.data() + at, std::min<std::size_t>(size - at, std::size_t{1} << 30));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Error{"cannot read " + path + ": " + std::strerror(errno), "the disk or the network file system failed: try again"};
        if (got == 0) return Error{path + " became shorter while it was read", "is somebody writing it? Try again"};
        at += static_cast<std::size_t>(got);
    }
    return bytes;
}

std::variant<std::vector<std::byte>, Error> read_unpacked(const std::string& path, const std::string& missing) {
    auto read = read_whole(path, missing);
    const auto* bytes = std::get_if<std::vector<std::byte>>(&read);
    if (!bytes || !formats::is_gzip(*bytes)) return read;
    auto unpacked = formats::gunzip(*bytes, most_file_bytes);
    if (const auto* fault = std::get_if<formats::Fault>(&unpacked)) return Error{fault->in(path), fault->hint};
    return std::get<std::vector<std::byte>>(std::move(unpacked));
}

}  // namespace grapevine::learn
