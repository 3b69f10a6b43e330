#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/kernels/backend.hpp"

namespace grapevine::learn {

using Error = config::Error;  // what is wrong with a file or with the world, and what to do

// The words of a text, the most frequent one first, equal ones in the order of their letters.
struct Vocabulary {
    std::vector<std::string> words;
    std::vector<std::uint64_t> counts;  // how often each occurs in the text, at least once
};

// A text's words are cut into passages of so many, of which only the last may be shorter: what is held out is whole passages, and no
// word of one is the context of a word of another.
inline constexpr std::size_t passage = 500;

// What a model must know of a set to lay out its parameters.
struct DataShape {
    std::size_t features = 0;     // numbers of a row
    std::size_t classes = 0;      // 0: what is wanted of a row is a number
    kernels::Picture picture;     // what a row is, if it is one: of size `features`
    std::size_t users = 0, items = 0;  // of ratings: how many of each there are
    std::size_t length = 0;       // of a text: bytes of a row that go in; features is one more
    float mean = 0;                    // of ratings: of those to train on
    std::shared_ptr<const Vocabulary> vocabulary;  // of words; else null
};

// Rows of numbers, and of each its class or a number. Never changed once it is made: all learners of a process share it.
//
// What came as bytes stays bytes and is normalised on its way to a device: Fashion-MNIST takes 47 MB instead of
// 188 in memory, and a random batch (rows far apart, so each a cache miss) a quarter of the traffic.
//
//     pictures, tables   values (rows, features), labels
//     text               values: its bytes; a row is a window of features = length + 1 bytes, of which each begins `stride` after
//                        the one before; classes = 256; what is wanted are the bytes themselves, one later
//     ratings            values: indices (rows, 2), user and item, in the order of the users; targets
//     words              values: indices into the vocabulary, a text's words in their order, passage after passage; a row is a place of it
struct Dataset : DataShape {
    std::variant<std::vector<std::uint8_t>, std::vector<float>, std::vector<std::int32_t>> values;
    std::size_t stride = 0;            // from a row's first number to the next row's; 0: features
    std::size_t unlabelled = 0;        // rows, where there are no labels
    kernels::Normalisation normalisation;
    std::vector<std::int32_t> labels;  // (rows), each below `classes`
    std::vector<float> targets;        // (rows), where a number is wanted

    std::size_t rows() const { return labels.empty() ? unlabelled : labels.size(); }
    std::size_t step() const { return stride ? stride : features; }
};

// A set where a device can read it.
struct Kept {
    kernels::Table values, labels, targets;
};
Kept keep(const Dataset& set, kernels::Backend& backend);

// to (rows, features): these rows, normalised. staged: room for as many indices.
void gather(const Dataset& set, std::span<const std::uint32_t> rows, kernels::Backend& backend, kernels::IndexSpan staged,
            kernels::DeviceSpan to);

// How numbers as they stand in files become those that a model sees: number * scale + shift. One of each for all features, or one for
// each feature.
struct Figures {
    std::vector<float> scale, shift;
};

struct Sets {
    std::shared_ptr<const Dataset> train, test;
    std::vector<std::string> classes;  // their names, by number; empty: they have none but the number
    Figures figures;                   // of the training part; empty: as they stand
    // Hash of name, decoded content, classes and normalisation: peers with another train something else. Of private data without the
    // content: what a row and a class mean is the same, which rows there are is not.
    std::uint64_t fingerprint = 0;
};

// The training set without this share of its rows, and these in place of the test set, which nobody reads then.
std::variant<Sets, Error> hold_out(const Sets& all, double share);

// The seed is for sets that are generated, for what is held out of files without test_files, and for what is left of frequent words.
// A text's windows and the vocabulary are the model's. `figures`: by which private data are normalised, where that is settled already; none: by
// their own.
std::variant<Sets, Error> load(const config::Data& data, std::uint64_t seed, const config::Model& model = {}, const Figures& figures = {});
bool depends_on_seed(const config::Data& data);

}  // namespace grapevine::learn
