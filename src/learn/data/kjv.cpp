#include "kjv.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace grapevine::learn {
namespace {

constexpr const char* install = "apt-get install bible-kjv";

// What `file` gives; false when it is more than the Bible can be.
bool read_all(std::FILE* file, std::string& text) {
    constexpr std::size_t piece = 1 << 20;
    for (;;) {
        const std::size_t had = text.size();
        text.resize(had + piece);
        const std::size_t got = std::fread(text.data() + had, 1, piece, file);
        text.resize(had + got);
        if (text.size() > 2 * kjv_bytes) return false;
        if (got < piece) return true;
    }
}

bool is_whole(const std::string& text) {
    return text.size() >= kjv_bytes / 2 && text.starts_with("\nGenesis 1\n\n  1 In the beginning") && text.ends_with("Amen.\n");
}

// The program's file is in a format of its own, which nobody but this program reads.
std::variant<std::string, Error> print_kjv() {
    constexpr const char* program = "/usr/bin/bible";
    constexpr const char* command = "/usr/bin/bible -l79 -p /usr/lib gen1:1-rev22:21 </dev/null 2>/dev/null";
    std::error_code failed;
    if (!std::filesystem::exists(program, failed)) return Error{std::string("the King James Bible is missing: there is no ") + program, install};
    std::FILE* const pipe = popen(command, "r");
    if (!pipe) return Error{std::string("cannot run ") + program + ": " + std::strerror(errno), "check the limits on processes"};
    std::string text;
    const bool fits = read_all(pipe, text);
    const int status = pclose(pipe);  // of one that was stopped in mid-sentence it says so
    if (!fits || status != 0 || !is_whole(text))
        return Error{std::string(program) + " does not print the whole King James Bible", std::string(install) + ", again if it is installed: then it is damaged"};
    return text;
}

}  // namespace

std::variant<std::string, Error> read_kjv(const std::string& directory) {
    if (directory.empty()) return print_kjv();
    const std::string path = (std::filesystem::path(directory) / "kjv.txt").string(), how = std::string(install) + "; bible -l79 gen1:1-rev22:21 > kjv.txt";
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (!file) return Error{path + " cannot be read: " + std::strerror(errno), how};
    std::string text;
    const bool fits = read_all(file, text) && !std::ferror(file);
    std::fclose(file);
    if (!fits || !is_whole(text)) return Error{path + " is not the whole King James Bible as the program 'bible' prints it", how};
    return text;
}

std::string without_headings(const std::string& printed) {
    std::string text;
    bool after_nothing = false;  // the line before is empty
    for (std::size_t begin = 0; begin < printed.size();) {
        const std::size_t end = std::min(printed.find('\n', begin), printed.size());
        const bool before_nothing = end + 1 < printed.size() && printed[end + 1] == '\n';
        if (!(after_nothing && before_nothing)) text.append(printed, begin, end - begin) += '\n';
        after_nothing = end == begin;
        begin = end + 1;
    }
    return text;
}

}  // namespace grapevine::learn
