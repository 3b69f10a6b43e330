#include "kjv.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

namespace grapevine::learn {
namespace {

constexpr std::size_t verses = 31'102;
constexpr std::size_t most_bytes = 16 << 20;  // the text has 4.4 million

struct Close {
    void operator()(FILE* pipe) const { pclose(pipe); }
};

}  // namespace

std::variant<std::string, Error> read_kjv(const std::string& directory) {
    const std::string missing = "apt-get install bible-kjv (or say in [data] directory where its text lies as kjv.txt)";
    std::string printed;
    if (directory.empty()) {
        const std::unique_ptr<FILE, Close> pipe(popen("bible -f gen1:1-rev22:21 2>/dev/null", "r"));
        std::array<char, 1 << 16> piece;
        while (pipe && printed.size() < most_bytes) {
            const std::size_t read = std::fread(piece.data(), 1, piece.size(), pipe.get());
            if (read == 0) break;
            printed.append(piece.data(), read);
        }
        if (printed.empty()) return Error{"the King James Bible is missing: there is no program 'bible' that prints it", missing};
    } else {
        const std::string path = directory + "/kjv.txt";
        std::ifstream file(path, std::ios::binary | std::ios::ate);
        if (!file) return Error{path + " is missing", missing};
        const auto size = static_cast<std::uint64_t>(file.tellg());
        if (size > most_bytes) return Error{path + " has " + std::to_string(size) + " bytes: more than the King James Bible", missing};
        file.seekg(0);
        printed.assign(std::istreambuf_iterator<char>(file), {});
    }
    // "Ge1:1 In the beginning ...": the reference goes.
    std::string text;
    std::size_t lines = 0;
    for (std::size_t begin = 0; begin < printed.size();) {
        const std::size_t end = std::min(printed.find('\n', begin), printed.size()), blank = printed.find(' ', begin);
        if (blank < end) text.append(printed, blank + 1, end - blank - 1) += '\n';
        ++lines;
        begin = end + 1;
    }
    if (lines != verses) return Error{"the text of the King James Bible has " + std::to_string(lines) + " lines, and not " + std::to_string(verses) + ", one for each verse", missing};
    return text;
}

}  // namespace grapevine::learn
