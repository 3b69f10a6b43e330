#include "ratings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "../bundle.hpp"
#include "../purposes.hpp"
#include "insteval.hpp"

namespace grapevine::learn {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 31;  // of a file
constexpr std::size_t most_rows = std::size_t{1} << 31;
constexpr std::size_t longest_name = 256;                     // of a user or an item, bytes

Dataset empty(std::size_t users, std::size_t items) {
    Dataset set;
    set.features = 2;
    set.users = users, set.items = items;
    set.values = std::vector<std::int32_t>();
    return set;
}

void add(Dataset& set, std::int32_t user, std::int32_t item, float rating) {
    auto& pairs = std::get<std::vector<std::int32_t>>(set.values);
    pairs.push_back(user);
    pairs.push_back(item);
    set.targets.push_back(rating);
    ++set.unlabelled;
}

void sort_by_user(Dataset& set) {
    const auto& pairs = std::get<std::vector<std::int32_t>>(set.values);
    std::vector<std::uint32_t> order(set.rows());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return pairs[2 * std::size_t{a}] < pairs[2 * std::size_t{b}]; });
    Dataset sorted = empty(set.users, set.items);
    for (const std::uint32_t row : order) add(sorted, pairs[2 * std::size_t{row}], pairs[2 * std::size_t{row} + 1], set.targets[row]);
    set = std::move(sorted);
}

Sets parts(const std::string& name, Dataset train, Dataset test) {
    sort_by_user(train);
    sort_by_user(test);
    train.mean = test.mean = mean_of(train.targets);
    return bundle(name, std::move(train), std::move(test));
}

// 3 + b_u + b_i + p_u . q_i + noise, all of them normal: biases of deviation 0.5, products of deviation 1.
Sets generated(const config::Data& data, std::uint64_t seed) {
    constexpr double mean = 3, bias = 0.5;
    const Random random = stream(seed, Purpose::set);
    const auto draw = [&](std::size_t count, double deviation, std::uint64_t purpose) {
        Random from = random.split(purpose);
        std::vector<double> drawn(count);
        for (double& x : drawn) x = deviation * from.normal();
        return drawn;
    };
    const std::size_t rank = data.rank;
    const double vector = std::pow(static_cast<double>(rank), -0.25);  // the product of two has then a variance of 1
    const auto user_biases = draw(data.users, bias, 0), item_biases = draw(data.items, bias, 1);
    const auto user_vectors = draw(data.users * rank, vector, 2), item_vectors = draw(data.items * rank, vector, 3);
    const auto rows = [&](std::size_t count, Random from) {
        Dataset set = empty(data.users, data.items);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t u = from.below(data.users), v = from.below(data.items);
            double rating = mean + user_biases[u] + item_biases[v] + data.noise * from.normal();
            for (std::size_t k = 0; k < rank; ++k) rating += user_vectors[u * rank + k] * item_vectors[v * rank + k];
            add(set, static_cast<std::int32_t>(u), static_cast<std::int32_t>(v), static_cast<float>(rating));
        }
        return set;
    };
    return parts(data.set, rows(data.train_samples, random.split(4)), rows(data.test_samples, random.split(5)));
}

// ---- files ----

struct Line {
    std::string user, item;
    float rating = 0;
};

std::string shown(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, 40)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out + (text.size() > 40 ? "...'" : "'");
}

// Fields may stand in quotes, in which "" is one.
std::optional<std::vector<std::string>> fields_of(std::string_view line, char separator) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
        else if (c == '"' && (quoted || fields.back().empty())) quoted = !quoted;
        else if (c == separator && !quoted) fields.emplace_back();
        else fields.back() += c;
    }
    if (quoted) return std::nullopt;
    return fields;
}

std::optional<float> number_of(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    float value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

char separator_of(const std::string& rule, std::string_view line) {
    if (rule == "tab") return '\t';
    if (rule != "auto") return rule[0];
    char best = ',';
    for (const char c : {',', ';', '\t'})
        if (std::count(line.begin(), line.end(), c) > std::count(line.begin(), line.end(), best)) best = c;
    return best;
}

std::optional<Error> read_lines(const std::string& path, const config::DataFiles& how, std::vector<Line>& to) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);  // of a regular file: another may never end, or never begin
    std::ifstream file;
    if (!failed) file.open(path, std::ios::binary);
    if (failed || !file) return Error{path + " cannot be read", "check the name in [data] files, and its permissions"};
    if (size > most_bytes) return Error{path + " has more than 2 GiB", "some of the ratings"};
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (text.starts_with("\x1f\x8b")) return Error{path + " is compressed", "gunzip it first"};
    char separator = 0;
    std::size_t columns = 0, number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view line(text.data() + begin, end - begin);
        begin = end + 1;
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const auto wrong = [&](const std::string& what, const std::string& hint) { return Error{path + ":" + std::to_string(number) + ": " + what, hint}; };
        const bool first = separator == 0;
        if (first) separator = separator_of(how.separator, line);
        const auto fields = fields_of(line, separator);
        if (!fields) return wrong("a quote is not closed", "a field in quotes ends on its line");
        if (fields->size() < 3) return wrong("this line has " + std::to_string(fields->size()) + (fields->size() == 1 ? " field" : " fields"), "each line is user,item,rating; what follows is passed over. Another separator: [data] separator");
        if (first) columns = fields->size();
        if (fields->size() != columns) return wrong("this line has " + std::to_string(fields->size()) + " fields, the first one has " + std::to_string(columns), "each line is user,item,rating");
        const auto rating = number_of((*fields)[2]);
        if (first && (how.header ? *how.header : !rating)) continue;
        if (!rating || !std::isfinite(*rating)) return wrong("the rating " + shown((*fields)[2]) + (rating ? " is infinite or no number" : " is no number"), "leave out what is not rated");
        for (const std::size_t i : {0, 1}) {
            if ((*fields)[i].empty()) return wrong(i == 0 ? "the user is missing" : "the item is missing", "each line is user,item,rating");
            if ((*fields)[i].size() > longest_name) return wrong((i == 0 ? "the user " : "the item ") + shown((*fields)[i]) + " has a name of more than 256 bytes", "a shorter name");
        }
        if (to.size() == most_rows) return wrong("more than 2^31 ratings", "some of them");
        to.push_back({(*fields)[0], (*fields)[1], *rating});
    }
    return {};
}

// Numbers of names, in their order.
std::map<std::string, std::int32_t> numbered(const std::vector<Line>& lines, std::string Line::*name) {
    std::map<std::string, std::int32_t> numbers;
    for (const Line& line : lines) numbers.emplace(line.*name, 0);
    std::int32_t next = 0;
    for (auto& [text, number] : numbers) number = next++;
    return numbers;
}

std::variant<Sets, Error> of_files(const config::Data& data, std::uint64_t seed) {
    const config::DataFiles& own = *data.own;
    std::vector<Line> lines;
    std::size_t to_train = 0;
    for (const auto* names : {&own.files, &own.test_files}) {
        for (const std::string& name : *names)
            if (auto error = read_lines(data.directory.empty() ? name : data.directory + "/" + name, own, lines)) return std::move(*error);
        if (names == &own.files) to_train = lines.size();
    }
    const auto users = numbered(lines, &Line::user), items = numbered(lines, &Line::item);
    Dataset train = empty(users.size(), items.size()), test = train;
    Random random = stream(seed, Purpose::set);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const bool out = own.test_files.empty() ? random.chance(own.held_out) : i >= to_train;
        add(out ? test : train, users.at(lines[i].user), items.at(lines[i].item), lines[i].rating);
    }
    if (train.rows() == 0 || test.rows() == 0) return Error{own.files.front() + ": " + std::to_string(lines.size()) + " ratings leave none to train on, or none to hold out", "more ratings"};
    return parts("ratings of files", std::move(train), std::move(test));
}

std::variant<Sets, Error> insteval(const config::Data& data, std::uint64_t seed) {
    constexpr double held_out = 0.1;
    auto read = read_insteval(data.directory);
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    const auto& all = std::get<Evaluations>(read);
    Dataset train = empty(all.students, all.lecturers), test = train;
    Random random = stream(seed, Purpose::set);
    for (std::size_t i = 0; i < all.ratings.size(); ++i)
        add(random.chance(held_out) ? test : train, all.student[i], all.lecturer[i], all.ratings[i]);
    return parts(data.set, std::move(train), std::move(test));
}

}  // namespace

float mean_of(std::span<const float> ratings) {
    double sum = 0;
    for (const float r : ratings) sum += r;
    return ratings.empty() ? 0 : static_cast<float>(sum / static_cast<double>(ratings.size()));
}

std::variant<Sets, Error> load_ratings(const config::Data& data, std::uint64_t seed) {
    if (data.set == "ratings") return generated(data, seed);
    return data.own ? of_files(data, seed) : insteval(data, seed);
}

}  // namespace grapevine::learn
