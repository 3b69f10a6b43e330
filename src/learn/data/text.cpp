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
#include <utility>

#include "kjv.hpp"

namespace grapevine::learn {
namespace {

using Text = std::vector<std::uint8_t>;

constexpr std::size_t most_bytes = std::size_t{1} << 31;  // of all files together: a window's number is an int32
constexpr double held_out_of_kjv = 0.05;

// Appends what `file` gives; false when all together is too much.
bool read_on(std::FILE* file, Text& text) {
    constexpr std::size_t piece = 1 << 20;
    for (;;) {
        const std::size_t had = text.size();
        text.resize(had + piece);
        const std::size_t got = std::fread(text.data() + had, 1, piece, file);
        text.resize(had + got);
        if (text.size() > most_bytes) return false;
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
    if (!read_on(file.get(), text)) return Error{"the texts up to " + path + " are longer than 2 GiB", "fewer or shorter files"};
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

std::variant<Text, Error> king_james() {
    auto read = read_kjv("");
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    const auto& text = std::get<std::string>(read);
    return Text(text.begin(), text.end());
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
