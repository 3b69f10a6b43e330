#include "idx.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace grapevine::learn {
namespace {

struct Close {
    void operator()(gzFile_s* file) const { gzclose_r(file); }
};
using File = std::unique_ptr<gzFile_s, Close>;

Error damaged(const std::string& path, const std::string& what) {
    return {path + " is damaged: " + what, "install the package again, or fetch the file again"};
}

// What zlib has to say of a file that ended early or does not match its checksum.
std::string complaint(gzFile_s* file) {
    int code = 0;
    const char* text = gzerror(file, &code);
    if (code == Z_ERRNO) return std::strerror(errno);
    const char* reason = std::strchr(text, ':');  // zlib puts the path in front
    return code == Z_OK ? "it ends too early" : reason ? reason + 2 : text;
}

}  // namespace

std::variant<Idx, Error> read_idx(const std::string& path, const std::string& missing) {
    std::error_code ignored;
    std::string found = path;
    if (!std::filesystem::exists(found, ignored) && path.ends_with(".gz")) found.resize(path.size() - 3);
    if (!std::filesystem::exists(found, ignored)) return Error{path + " is missing", missing};
    errno = 0;
    const File file(gzopen(found.c_str(), "rb"));  // reads what is not gzipped as it is
    if (!file) return Error{"cannot open " + found + ": " + std::strerror(errno), "check its permissions"};
    gzbuffer(file.get(), 1 << 17);

    const auto read = [&file](std::uint8_t* to, std::size_t count) {  // count < 2^31
        return gzread(file.get(), to, static_cast<unsigned>(count)) == static_cast<int>(count);
    };
    std::uint8_t start[4];
    if (!read(start, 4)) return damaged(found, complaint(file.get()));
    if (start[0] != 0 || start[1] != 0 || start[2] != 8 || start[3] == 0 || start[3] > 4)
        return damaged(found, "it does not begin as an idx file of bytes does");

    constexpr std::uint64_t limit = std::uint64_t{1} << 31;  // bytes; the largest of the family has 2^29
    Idx idx;
    std::uint64_t claimed = 1;
    for (int d = 0; d < start[3]; ++d) {
        std::uint8_t n[4];
        if (!read(n, 4)) return damaged(found, complaint(file.get()));
        idx.dimensions.push_back(std::uint32_t{n[0]} << 24 | std::uint32_t{n[1]} << 16 | std::uint32_t{n[2]} << 8 |
                                 std::uint32_t{n[3]});
        if (idx.dimensions.back() == 0) return damaged(found, "a dimension is 0");
        claimed *= idx.dimensions.back();  // at most 2^31 * 2^32: does not wrap
        if (claimed > limit) return damaged(found, "it claims to hold more than 2 GiB");
    }
    const auto compressed = std::filesystem::file_size(found, ignored);
    if (ignored || claimed / 1032 > compressed)  // deflate's best
        return damaged(found, "it claims " + std::to_string(claimed) + " values, which so small a file cannot hold");

    while (idx.values.size() < claimed) {
        constexpr std::size_t piece = 1 << 22;
        const std::size_t had = idx.values.size(), more = std::min<std::size_t>(piece, claimed - had);
        if (idx.values.capacity() < had + more)
            idx.values.reserve(std::min<std::size_t>(claimed, std::max(2 * had, had + more)));
        idx.values.resize(had + more);
        if (!read(idx.values.data() + had, more)) return damaged(found, complaint(file.get()));
    }
    std::uint8_t beyond = 0;
    const int rest = gzread(file.get(), &beyond, 1);  // at the end zlib compares the checksum
    int state = Z_OK;
    gzerror(file.get(), &state);  // a checksum that is cut off is no error to gzread()
    if (rest < 0 || state != Z_OK) return damaged(found, complaint(file.get()));
    if (rest > 0) return damaged(found, "there is more in it than its header says");
    return idx;
}

}  // namespace grapevine::learn
