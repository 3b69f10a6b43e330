#include "grapevine/learn/rows.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "file.hpp"
#include "grapevine/formats/csv.hpp"
#include "grapevine/formats/idx.hpp"
#include "grapevine/formats/libsvm.hpp"
#include "grapevine/formats/npy.hpp"

namespace grapevine::learn {
namespace {

using Format = config::DataFiles::Format;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t most_dense_values = std::uint64_t{1} << 29;  // of a sparse table: 2 GiB
constexpr std::size_t most_features = 1 << 20;
constexpr std::size_t most_rows = std::size_t{1} << 31;

Error error_of(const formats::Fault& fault, const std::string& path) { return {fault.in(path), fault.hint}; }

std::string path_of(const std::string& file, const std::string& directory) {
    return directory.empty() ? file : (std::filesystem::path(directory) / std::filesystem::path(file).filename()).string();
}

// Rows of one file after those of others.
std::optional<Error> append(Rows& to, Rows&& more, const std::string& path, const std::string& first) {
    if (to.count == 0) {
        to = std::move(more);
        return std::nullopt;
    }
    if (more.features() != to.features())
        return Error{path + " has " + std::to_string(more.features()) + " numbers a row, " + first + " has " + std::to_string(to.features()), "files of one set have the same columns"};
    if (more.names != to.names) return Error{path + " has other columns than " + first, "the same names in the same order"};
    auto& values = std::get<std::vector<float>>(to.values);
    const auto& added = std::get<std::vector<float>>(more.values);
    values.insert(values.end(), added.begin(), added.end());
    std::vector<std::uint32_t> number;  // of each of their words, among ours
    for (std::string& word : more.words) {
        const auto known = std::find(to.words.begin(), to.words.end(), word);
        number.push_back(static_cast<std::uint32_t>(known - to.words.begin()));
        if (known == to.words.end()) to.words.push_back(std::move(word));
    }
    for (const std::uint32_t l : more.labels) to.labels.push_back(number[l]);
    to.count += more.count;
    return std::nullopt;
}

formats::CsvRules rules_of(const config::DataFiles& how) {
    formats::CsvRules rules;
    using Label = formats::CsvRules::Label;
    rules.separator = how.separator == "auto" ? '\0' : how.separator == "tab" ? '\t' : how.separator[0];
    rules.header = how.header;
    rules.label = !how.label.empty() ? Label::name : how.label_column > 0 ? Label::number : Label::last;
    rules.name = how.label;
    rules.number = how.label_column > 0 ? how.label_column - 1 : 0;
    return rules;
}

Rows rows_of(formats::Sheet&& sheet) {
    Rows rows{{sheet.columns}, std::move(sheet.values), sheet.rows, std::move(sheet.names), {}, {}};
    rows.words = sheet.labels.words();
    rows.labels = sheet.labels.of_row();
    return rows;
}

std::variant<Rows, Error> csv_rows(const Bytes& bytes, const config::DataFiles& how, const std::string& path, const Wanted& wanted) {
    auto read = formats::decode_csv(bytes, rules_of(how));
    const auto* labelled = std::get_if<formats::Sheet>(&read);
    if (!wanted.labels && !(labelled && labelled->columns == wanted.features)) {  // perhaps there are none
        formats::CsvRules none = rules_of(how);
        none.label = formats::CsvRules::Label::none;
        auto plain = formats::decode_csv(bytes, none);
        const auto *sheet = std::get_if<formats::Sheet>(&plain);
        const auto *first = std::get_if<formats::Fault>(&read), *second = std::get_if<formats::Fault>(&plain);
        // Of two faults what is meant is that of the reading that came further.
        if (sheet ? !labelled || sheet->columns == wanted.features : first && second->line > first->line) read = std::move(plain);
    }
    if (const auto* fault = std::get_if<formats::Fault>(&read)) return error_of(*fault, path);
    return rows_of(std::get<formats::Sheet>(std::move(read)));
}

std::variant<Rows, Error> libsvm_rows(const Bytes& bytes, const std::string& path) {
    auto read = formats::decode_libsvm(bytes);
    if (const auto* fault = std::get_if<formats::Fault>(&read)) return error_of(*fault, path);
    const auto& sparse = std::get<formats::Sparse>(read);
    if (sparse.rows() > most_dense_values / sparse.columns)
        return Error{path + " has " + std::to_string(sparse.rows()) + " rows of " + std::to_string(sparse.columns) + " numbers: more than 2^29 with all its zeros", "fewer rows, or fewer features"};
    return Rows{{sparse.columns}, sparse.dense(sparse.columns), sparse.rows(), {}, sparse.labels.words(), sparse.labels.of_row()};
}

std::variant<formats::Array, Error> array_of(Format format, const std::string& path) {
    const auto bytes = read_unpacked(path, "is the path right?");
    if (const auto* error = std::get_if<Error>(&bytes)) return *error;
    auto read = format == Format::idx ? formats::decode_idx(std::get<Bytes>(bytes)) : formats::decode_npy(std::get<Bytes>(bytes));
    if (const auto* fault = std::get_if<formats::Fault>(&read)) return error_of(*fault, path);
    auto& array = std::get<formats::Array>(read);
    if (array.shape.empty() || array.size() == 0) return Error{path + " is empty", "a row for each sample"};
    if (const auto fault = formats::not_finite(array)) return error_of(*fault, path);
    return std::move(array);
}

std::optional<Error> take_labels(const formats::Array& array, const std::string& path, const std::string& samples, Rows& rows) {
    if (array.size() != array.rows()) return Error{path + " holds arrays of " + formats::shape_text(array.shape) + ", and no labels", "one number for each sample: the second of two files"};
    if (array.rows() != rows.count) return Error{path + " has " + std::to_string(array.rows()) + " labels, " + samples + " has " + std::to_string(rows.count) + " samples", "one label for each"};
    formats::Labels labels;
    std::optional<Error> wrong;
    std::visit([&](const auto& values) {
        for (std::size_t i = 0; i < values.size() && !wrong; ++i) {
            const auto value = static_cast<double>(values[i]);
            if (value != std::floor(value) || std::abs(value) > 9e15) wrong = Error{path + ": label " + std::to_string(i + 1) + " is " + std::to_string(value) + ", no whole number", "labels are classes"};
            else if (!labels.add(std::to_string(static_cast<std::int64_t>(value)))) wrong = Error{path + ": there are more than 65536 different labels", "labels are classes"};
        }
    }, array.values);
    rows.words = labels.words();
    rows.labels = labels.of_row();
    return wrong;
}

std::variant<Rows, Error> array_rows(Format format, const std::vector<std::string>& paths) {
    auto samples = array_of(format, paths[0]);
    if (auto* error = std::get_if<Error>(&samples)) return std::move(*error);
    auto& array = std::get<formats::Array>(samples);
    Rows rows;
    rows.shape.assign(array.shape.begin() + 1, array.shape.end());
    if (rows.shape.empty()) rows.shape = {1};
    rows.count = array.rows();
    if (rows.shape.size() > 3) return Error{paths[0] + " holds an array of " + formats::shape_text(array.shape), "a row is a line of numbers, a picture (height, width), or one with (height, width, channels)"};
    if (rows.features() > most_features) return Error{paths[0] + " has rows of more than 2^20 numbers", "smaller ones"};
    if (rows.count > most_rows) return Error{paths[0] + " has more than 2^31 rows", "a part of it at a time"};
    if (auto* bytes = std::get_if<std::vector<std::uint8_t>>(&array.values)) rows.values = std::move(*bytes);
    else if (auto* floats = std::get_if<std::vector<float>>(&array.values)) rows.values = std::move(*floats);
    else {
        const auto& wide = std::get<std::vector<std::int64_t>>(array.values);
        rows.values = std::vector<float>(wide.begin(), wide.end());
    }
    if (paths.size() < 2) return rows;
    const auto labels = array_of(format, paths[1]);
    if (const auto* error = std::get_if<Error>(&labels)) return *error;
    if (auto wrong = take_labels(std::get<formats::Array>(labels), paths[1], paths[0], rows)) return std::move(*wrong);
    return rows;
}

}  // namespace

std::size_t Rows::features() const {
    std::size_t all = 1;
    for (const std::uint64_t d : shape) all *= d;
    return all;
}

void Rows::widen(std::size_t wide) {
    const std::size_t narrow = features();
    assert(!pictures() && wide >= narrow);
    const auto& old = std::get<std::vector<float>>(values);
    std::vector<float> all(count * wide);
    for (std::size_t row = 0; row < count; ++row) std::copy_n(old.begin() + static_cast<std::ptrdiff_t>(row * narrow), narrow, all.begin() + static_cast<std::ptrdiff_t>(row * wide));
    values = std::move(all);
    shape = {wide};
}

std::variant<Rows, Error> read_rows(const config::DataFiles& how, const std::vector<std::string>& files, const std::string& directory, const Wanted& wanted) {
    std::vector<std::string> paths;
    for (const std::string& file : files) paths.push_back(path_of(file, directory));
    if (how.format == Format::idx || how.format == Format::npy) return array_rows(how.format, paths);
    Rows all;
    for (const std::string& path : paths) {
        const auto bytes = read_unpacked(path, "paths in [data] files start at the configuration's directory, or say --data-dir");
        if (const auto* error = std::get_if<Error>(&bytes)) return *error;
        auto read = how.format == Format::csv ? csv_rows(std::get<Bytes>(bytes), how, path, wanted) : libsvm_rows(std::get<Bytes>(bytes), path);
        if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
        auto& rows = std::get<Rows>(read);
        if (how.format == Format::libsvm && all.count > 0) {  // as wide as the widest of them
            const std::size_t width = std::max(all.features(), rows.features());
            if (all.count + rows.count > most_dense_values / width) return Error{path + ": with the files before it there are more than 2^29 numbers, with all zeros", "fewer rows, or fewer features"};
            all.widen(width);
            rows.widen(width);
        }
        if (auto error = append(all, std::move(rows), path, paths.front())) return std::move(*error);
    }
    return all;
}

config::DataFiles::Format format_of(const std::string& file) {
    std::string name = std::filesystem::path(file).filename().string();
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    if (name.ends_with(".npy")) return Format::npy;
    if (name.ends_with(".libsvm") || name.ends_with(".svm")) return Format::libsvm;
    return name.find("idx") != std::string::npos && !name.ends_with(".csv") ? Format::idx : Format::csv;
}

std::vector<std::string> in_order(std::vector<std::string> words) {
    const auto number = [](const std::string& word, std::int64_t& value) {
        const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), value);
        return wrong == std::errc{} && end == word.data() + word.size();
    };
    std::int64_t x = 0, y = 0;
    const bool numbers = std::all_of(words.begin(), words.end(), [&](const std::string& w) { return number(w, x); });
    std::sort(words.begin(), words.end(), [&](const std::string& a, const std::string& b) { return numbers ? (number(a, x), number(b, y), x < y) : a < b; });
    return words;
}

}  // namespace grapevine::learn
