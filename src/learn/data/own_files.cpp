#include "own_files.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>

#include "../purposes.hpp"
#include "figures.hpp"
#include "grapevine/formats/array.hpp"
#include "grapevine/learn/rows.hpp"

namespace grapevine::learn {
namespace {

std::string shown(const std::string& word) { return "'" + (word.size() > 40 ? word.substr(0, 40) + "..." : word) + "'"; }

Rows some_of(const Rows& all, const std::vector<bool>& out, bool which) {
    Rows some{all.shape, {}, 0, all.names, all.words, {}};
    std::visit([&](const auto& from) {
        std::decay_t<decltype(from)> to;
        const std::size_t width = all.features();
        for (std::size_t row = 0; row < all.count; ++row) {
            if (out[row] != which) continue;
            const auto first = from.begin() + static_cast<std::ptrdiff_t>(row * width);
            to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(width));
            some.labels.push_back(all.labels[row]);
            ++some.count;
        }
        some.values = std::move(to);
    }, all.values);
    return some;
}

// The same share of each class, drawn by the seed; of a class with two rows or more at least one stays.
std::vector<bool> drawn(const Rows& all, double share, std::uint64_t seed) {
    std::vector<std::vector<std::uint32_t>> by_word(all.words.size());
    for (std::uint32_t row = 0; row < all.count; ++row) by_word[all.labels[row]].push_back(row);
    const Random random = stream(seed, Purpose::held_out);
    std::vector<bool> out(all.count);
    double owed = 0.5;  // so that small classes together give their share too
    for (std::size_t w = 0; w < by_word.size(); ++w) {
        auto& rows = by_word[w];
        Random draw = random.split(w);
        for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[draw.below(i)]);
        owed += share * static_cast<double>(rows.size());
        const auto count = std::min(static_cast<std::size_t>(std::floor(owed)), rows.size() - 1);
        owed -= static_cast<double>(count);
        for (std::size_t i = 0; i < count; ++i) out[rows[i]] = true;
    }
    return out;
}

// Labels as numbers of classes.
std::optional<Error> classify(const Rows& rows, const std::vector<std::string>& classes, const std::string& file, Dataset& set) {
    std::map<std::string, std::int32_t> number;
    for (const std::string& name : classes) number.emplace(name, static_cast<std::int32_t>(number.size()));
    std::vector<std::int32_t> of_word;
    for (const std::string& word : rows.words) {
        const auto found = number.find(word);
        of_word.push_back(found == number.end() ? -1 : found->second);
    }
    set.classes = classes.size();
    set.labels.reserve(rows.count);
    for (std::size_t row = 0; row < rows.count; ++row) {
        const std::uint32_t word = rows.labels[row];
        if (of_word[word] < 0)
            return Error{file + ": the label " + shown(rows.words[word]) + " of sample " + std::to_string(row + 1) + " is none of the " + std::to_string(classes.size()) + " of the training files",
                         "a class can only be learnt from samples of it"};
        set.labels.push_back(of_word[word]);
    }
    return std::nullopt;
}

}  // namespace

std::variant<Sets, Error> load_own_files(const config::Data& data, std::uint64_t seed, const Figures& figures) {
    assert(data.own);
    const config::DataFiles& own = *data.own;
    auto read = read_rows(own, own.files, data.directory);
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    Rows train = std::get<Rows>(std::move(read)), test;
    const std::string& first = own.files.front();
    const std::string& tested = own.test_files.empty() ? first : own.test_files.front();
    Sets sets;
    sets.classes = in_order(train.words);
    if (sets.classes.size() < 2) return Error{first + ": all samples have the label " + shown(train.words.front()), "two classes or more: is the label's column right?"};
    if (own.test_files.empty()) {
        const std::vector<bool> out = drawn(train, own.held_out, seed);
        test = some_of(train, out, true);
        train = some_of(train, out, false);
        if (test.count == 0) return Error{first + ": a share of " + std::to_string(own.held_out) + " of " + std::to_string(train.count) + " samples is none to hold out", "more samples, a larger held_out, or test_files"};
    } else {
        auto more = read_rows(own, own.test_files, data.directory);
        if (auto* error = std::get_if<Error>(&more)) return std::move(*error);
        test = std::get<Rows>(std::move(more));
        if (own.format == config::DataFiles::Format::libsvm) {
            const std::size_t width = std::max(train.features(), test.features());
            train.widen(width);
            test.widen(width);
        }
        if (test.shape != train.shape)
            return Error{tested + " has samples of " + formats::shape_text(test.shape) + " numbers, " + first + " of " + formats::shape_text(train.shape), "the same columns in both"};
        if (test.names != train.names) return Error{tested + " has other columns than " + first, "the same names in the same order"};
    }
    sets.figures = figures_of(train, own.normalize);
    if (!figures.scale.empty()) {
        if (figures.scale.size() != sets.figures.scale.size() || figures.shift.size() != sets.figures.shift.size())
            return Error{first + " has " + std::to_string(train.features()) + " columns besides the label, and the run normalises " + std::to_string(figures.scale.size()), "the same columns, in the same order, as the run's other nodes"};
        sets.figures = figures;
    }
    const auto finish = [&](Rows&& rows, const std::string& file, std::shared_ptr<const Dataset>& to) -> std::optional<Error> {
        Dataset labelled;
        if (auto error = classify(rows, sets.classes, file, labelled)) return error;
        Dataset set = normalised(std::move(rows), sets.figures);
        set.classes = labelled.classes;
        set.labels = std::move(labelled.labels);
        to = std::make_shared<const Dataset>(std::move(set));
        return std::nullopt;
    };
    if (auto error = finish(std::move(train), first, sets.train)) return std::move(*error);
    if (auto error = finish(std::move(test), tested, sets.test)) return std::move(*error);
    return sets;
}

}  // namespace grapevine::learn
