#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// What stands in files of one's own, before anything is made of it.
struct Rows {
    std::vector<std::uint64_t> shape;  // of one row: {features}, {height, width} or {height, width, channels}
    std::variant<std::vector<std::uint8_t>, std::vector<float>> values;  // (count, shape), all finite
    std::size_t count = 0;
    std::vector<std::string> names;    // of the features; empty: they have none
    std::vector<std::string> words;    // that stand for classes, in the order in which they came
    std::vector<std::uint32_t> labels; // (count) of `words`; empty where no labels were read

    std::size_t features() const;
    bool pictures() const { return shape.size() > 1; }
    void widen(std::size_t features);  // a sparse table's rows, by zeros
};

// Whether there must be labels; or may, as when rows are to be predicted: with so many features there are none.
struct Wanted {
    bool labels = true;
    std::size_t features = 0;
};
std::variant<Rows, Error> read_rows(const config::DataFiles& how, const std::vector<std::string>& files, const std::string& directory, const Wanted& wanted = {});

// What the name of a file says of its format; csv where it says nothing.
config::DataFiles::Format format_of(const std::string& file);

// The words in the order of their classes: by number where all are whole numbers, else by their bytes.
std::vector<std::string> in_order(std::vector<std::string> words);

}  // namespace grapevine::learn
