#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/learn/rows.hpp"
#include "grapevine/learn/safetensors.hpp"

namespace grapevine::learn {

// A classifier out of a file, with all that its use needs: neither its data nor its run.
struct Classifier {
    config::Config config;               // of its run
    DataShape shape;                     // of the rows it takes
    std::vector<std::string> classes;    // their names; empty: numbers
    Figures figures;                     // with which its rows were normalised
    std::shared_ptr<const Model> model;  // null: a forest
    TensorTable table;
    Snapshot whole;

    std::string name_of(std::size_t label) const { return label < classes.size() ? classes[label] : std::to_string(label); }
};

// From what describe() noted. `config`: the file's own, read.
std::variant<Classifier, Error> classifier_of(const Checkpoint& from, const config::Config& config);

// The rows of files as the classifier takes them, normalised as its own were; with labels where the files have labels that it knows.
std::variant<Dataset, Error> rows_for(const Classifier& classifier, const config::DataFiles& how, const std::vector<std::string>& files);

struct Prediction {
    std::uint32_t label = 0;             // of the largest output, of equal ones the first
    std::optional<float> probability;    // the softmax's; of a forest its share of the votes; a support vector machine gives none
};
std::vector<Prediction> predict(const Classifier& classifier, const Dataset& set, kernels::Backend& backend);

}  // namespace grapevine::learn
