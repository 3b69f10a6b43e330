#include "text.hpp"

#include <cassert>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace grapevine::learn {
namespace {

using Text = std::vector<std::uint8_t>;

constexpr std::size_t most_bytes = std::size_t{1} << 31;  // of all files together: a window's number is an int32
constexpr double held_out_of_kjv = 0.05;
constexpr std::size_t kjv_bytes = 4'298'239;

// Appends what `file` gives; false when it gives more than `most` in all.
bool read_on(std::FILE* file, std::size_t most, Text& text) {
    constexpr std::size_t piece = 1 << 20;
    for (;;) {
        const std::size_t had = text.size();
        text.resize(had + piece);
        const std::size_t got = std::fread(text.data() + had, 1, piece, file);
        text.resize(had + got);
        if (text.size() > most) return false;
        if (got < piece) return true;
    }
}

// As the file names it, or in the directory that is said.
std::string path_of(const std::string& name, const std::string& directory) {
    return directory.empty() ? name : (std::filesystem::path(directory) / std::filesystem::path(name).filename()).string();
}

std::optional<Error> append_file(const std::string& path, Text& text) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) return Error{path + " is missing", "files = [\"book.txt\"] in [data] are looked for beside the file that names them"};
    if (std::filesystem::is_directory(status)) return Error{path + " is a directory", "name the files in it one by one"};
    if (!std::filesystem::is_regular_file(status)) return Error{path + " is not a regular file", "name a file"};
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    if (!file) return Error{"cannot open " + path + ": " + std::strerror(errno), "check its permissions"};
    const std::size_t had = text.size();
    if (!read_on(file.get(), most_bytes, text)) return Error{"the texts up to " + path + " are longer than 2 GiB", "fewer or shorter files"};
    if (std::ferror(file.get())) return Error{"cannot read " + path + ": " + std::strerror(errno), "check the disk"};
    if (text.size() == had) return Error{path + " is empty", "take it out of [data]"};
    return {};
}

std::variant<Text, Error> read_files(const std::vector<std::string>& names, const std::string& directory) {
    Text text;
    for (const std::string& name : names)
        if (auto error = append_file(path_of(name, directory), text)) return *error;
    return text;
}

// As Debian's `bible` prints it. Its file is in a format of its own, which nobody but this program reads.
std::variant<Text, Error> king_james() {
    constexpr const char *program = "/usr/bin/bible", *install = "apt-get install bible-kjv";
    constexpr const char* command = "/usr/bin/bible -l79 -p /usr/lib gen1:1-rev22:21 </dev/null 2>/dev/null";
    std::error_code failed;
    if (!std::filesystem::exists(program, failed)) return Error{std::string("the King James Bible is missing: there is no ") + program, install};
    std::FILE* const pipe = popen(command, "r");
    if (!pipe) return Error{std::string("cannot run ") + program + ": " + std::strerror(errno), "check the limits on processes"};
    Text text;
    const bool fits = read_on(pipe, 2 * kjv_bytes, text);
    const int status = pclose(pipe);  // of one that was stopped in mid-sentence it says so
    const std::string_view all(reinterpret_cast<const char*>(text.data()), text.size());
    if (!fits || status != 0 || all.size() < kjv_bytes / 2 || !all.starts_with("\nGenesis 1\n\n  1 In the beginning") || !all.ends_with("Amen.\n"))
        return Error{std::string(program) + " does not print the whole King James Bible", std::string(install) + ", again if it is installed: then it is damaged"};
    return text;
}

std::optional<Error> too_short(const Text& text, std::size_t length, const std::string& part) {
    if (text.size() > length) return {};
    return Error{"the text to " + part + " has " + std::to_string(text.size()) + " bytes, and a window of length " + std::to_string(length) + " takes " + std::to_string(length + 1),
                 "a smaller length in [model], or a longer text"};
}

}  // namespace

Dataset windows(Text text, std::size_t length) {
    assert(length > 0 && text.size() > length);
    Dataset set;
    set.features = length + 1;
    set.classes = 256;
    set.length = length;
    set.stride = length;
    set.unlabelled = (text.size() - 1) / length;
    set.values = std::move(text);
    return set;
}

std::variant<Sets, Error> load_text(const config::Data& data, std::size_t length) {
    auto read = data.own ? read_files(data.own->files, data.directory) : king_james();
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    Text train = std::get<Text>(std::move(read)), test;
    if (data.own && !data.own->test_files.empty()) {
        auto held_out = read_files(data.own->test_files, data.directory);
        if (auto* error = std::get_if<Error>(&held_out)) return std::move(*error);
        test = std::get<Text>(std::move(held_out));
    } else {
        const double share = data.own ? data.own->held_out : held_out_of_kjv;
        const auto begin = train.end() - static_cast<std::ptrdiff_t>(std::llround(share * static_cast<double>(train.size())));
        test.assign(begin, train.end());
        train.erase(begin, train.end());
    }
    if (auto error = too_short(train, length, "train on")) return *error;
    if (auto error = too_short(test, length, "hold out")) return *error;
    Sets sets;
    sets.train = std::make_shared<const Dataset>(windows(std::move(train), length));
    sets.test = std::make_shared<const Dataset>(windows(std::move(test), length));
    return sets;
}

double bytes_of_text(const config::Data& data) {
    if (!data.own) return kjv_bytes;
    double sum = 0;
    for (const auto* names : {&data.own->files, &data.own->test_files})
        for (const std::string& name : *names) {
            std::error_code failed;
            const auto bytes = std::filesystem::file_size(path_of(name, data.directory), failed);
            if (!failed) sum += static_cast<double>(bytes);
        }
    return sum;
}

}  // namespace grapevine::learn
