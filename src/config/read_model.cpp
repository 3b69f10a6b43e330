#include "section.hpp"

namespace grapevine::config {
namespace {

constexpr std::uint32_t widest_layer = 1 << 20;
constexpr std::size_t most_layers = 64;
constexpr std::uint32_t most_channels = 1 << 14;
constexpr double most_parameters = 1 << 30;

void read_hidden(Section& model, std::vector<std::uint32_t>& hidden, bool may_be_empty) {
    const Value* value = model.value("hidden");
    if (!value) return;
    const char* hint = "hidden = [128, 64]: how many units each hidden layer has, from the input on";
    const auto* list = std::get_if<Array>(&value->is);
    if (!list) return model.fault("hidden", "'hidden' in [model] wants a list of layer sizes, this is " + kind_of(*value), hint);
    if (list->empty() && !may_be_empty) return model.fault("hidden", "an mlp without hidden layers is a logistic regression", "kind = \"logistic\"");
    if (list->size() > most_layers) return model.fault("hidden", "more than 64 hidden layers", hint);
    std::vector<std::uint32_t> sizes;
    double parameters = 0;
    for (const Value& item : *list) {
        const auto* size = std::get_if<std::int64_t>(&item.is);
        if (!size || *size < 1 || *size > widest_layer)
            return model.reading().say(item.place,
                                       "a layer has from 1 to " + std::to_string(widest_layer) + " units, this is " + kind_of(item), hint);
        if (!sizes.empty()) parameters += static_cast<double>(sizes.back()) * static_cast<double>(*size);
        sizes.push_back(static_cast<std::uint32_t>(*size));
    }
    if (parameters > most_parameters) return model.fault("hidden", "this model has more than 2^30 parameters", "smaller layers");
    hidden = sizes;
}

void read_channels(Section& model, std::vector<std::uint32_t>& channels) {
    const Value* value = model.value("channels");
    if (!value) return;
    const char* hint = "channels = [32, 64]: how many channels each convolution makes, from the picture on";
    const auto* list = std::get_if<Array>(&value->is);
    if (!list) return model.fault("channels", "'channels' in [model] wants a list of numbers, this is " + kind_of(*value), hint);
    if (list->empty()) return model.fault("channels", "a cnn without convolutions is an mlp", "kind = \"mlp\"");
    if (list->size() > most_layers) return model.fault("channels", "more than 64 convolutions", hint);
    std::vector<std::uint32_t> numbers;
    double parameters = 0;
    for (const Value& item : *list) {
        const auto* number = std::get_if<std::int64_t>(&item.is);
        if (!number || *number < 1 || *number > most_channels)
            return model.reading().say(item.place, "a convolution makes from 1 to " + std::to_string(most_channels) + " channels, this is " + kind_of(item), hint);
        parameters += 9.0 * static_cast<double>(numbers.empty() ? 1 : numbers.back()) * static_cast<double>(*number);
        numbers.push_back(static_cast<std::uint32_t>(*number));
    }
    if (parameters > most_parameters) return model.fault("channels", "this model has more than 2^30 parameters", "fewer channels");
    channels = numbers;
}

void read_text_model(Section& section, Model& model, const std::string& here) {
    section.integer("width", model.width, 1, 16384);
    section.integer("layers", model.layers, 1, 256);
    section.integer("length", model.length, 1, 1 << 16);
    const bool transformer = model.kind == ModelKind::transformer;
    if (!transformer) section.belongs({"heads"}, "kind = \"transformer\"", here);
    else if (section.integer("heads", model.heads, 1, 1024); model.width % model.heads != 0)
        section.fault(section.has("heads") ? "heads" : "width", "a width of " + std::to_string(model.width) + " does not divide into " + std::to_string(model.heads) + " heads",
                      "a width that is a multiple of heads");
    const double width = model.width, each = (transformer ? 12 : 6) * width * width;
    if (each * model.layers + (512.0 + (transformer ? model.length : 0)) * width > most_parameters)
        section.fault(section.has("width") ? "width" : "layers", "this model has more than 2^30 parameters", "less width, or fewer layers");
}

void read_forest(Section& section, Model& model) {
    section.integer("trees", model.trees, 1, 65536);
    section.integer("depth", model.depth, 1, 16);
    section.integer("places", model.places, 1, 1 << 24);
    const double tree = 3.0 * static_cast<double>(1u << model.depth);  // more by one than its numbers
    if (tree * model.places > most_parameters) section.fault("places", "this forest has room for more than 2^30 numbers", "fewer places, or less depth");
    if (model.trees > model.places)
        section.fault("trees", "a peer's " + std::to_string(model.trees) + " trees do not fit into " + std::to_string(model.places) + " places",
                      "places: as many as all peers together have trees");
}

void read_skipgram(Section& section, Model& model) {
    section.integer("window", model.window, 1, 1000);
    section.integer("negatives", model.negatives, 1, 1000);
    section.integer("vocabulary", model.vocabulary, 2, 1 << 24);
    section.probability("subsample", model.subsample);
    if (2.0 * model.vocabulary * model.rank > most_parameters)
        section.fault("vocabulary", "two vectors for each of so many words have more than 2^30 parameters", "fewer words, or a smaller rank");
}

void read_initial(Section& model, std::optional<Initial>& initial) {
    if (!model.has("initial")) {
        model.value("initial");
        return;
    }
    Initial read;
    if (std::holds_alternative<std::string>(model.value("initial")->is)) {
        if (model.choice("initial", read.rule, initial_rules)) initial = read;
        return;
    }
    read.rule = Initial::Rule::number;
    if (model.number("initial", read.number, -HUGE_VAL, HUGE_VAL)) initial = read;
}

// A number for all, a list with one for each, or a rule.
void read_per_peer(Section& model, const char* key, PerPeer& out, bool may_be_negative) {
    const Value* value = model.value(key);
    if (!value) return;
    PerPeer read;
    if (std::holds_alternative<std::string>(value->is)) {
        if (!model.choice(key, read.rule, per_peer_rules)) return;
    } else if (std::holds_alternative<Array>(value->is)) {
        read.rule = PerPeer::Rule::list;
        if (!model.numbers(key, read.list)) return;
    } else if (!model.number(key, read.number, -HUGE_VAL, HUGE_VAL)) {
        return;
    }
    bool negative = read.number < 0 || read.rule == PerPeer::Rule::alternate;
    for (const double x : read.list) negative = negative || x < 0;
    if (negative && !may_be_negative)
        return model.fault(key, "a negative '" + std::string(key) + "' makes a valley a hill: x runs away from it",
                           std::string(key) + " = 1.0, or \"index\"");
    out = read;
}

}  // namespace

void read_model(Section& file, Config& config) {
    Section section = file.table("model", "[model]");
    Model& model = config.model;
    section.choice("kind", model.kind, model_kinds, words(later_model_kinds));
    const std::string here = "this model is \"" + std::string(to_string(model.kind)) + "\"";

    if (model.kind == ModelKind::cnn) {
        read_channels(section, model.channels);
        section.truth("residual", model.residual);
        model.hidden = model.residual ? std::vector<std::uint32_t>{} : std::vector<std::uint32_t>{128};
    } else {
        section.belongs({"channels", "residual"}, "kind = \"cnn\"", here);
    }
    if (model.kind == ModelKind::mlp || model.kind == ModelKind::cnn) read_hidden(section, model.hidden, model.kind == ModelKind::cnn);
    else section.belongs({"hidden"}, "kind = \"mlp\" and \"cnn\"", here);

    if (model.reads_text()) read_text_model(section, model, here);
    else section.belongs({"width", "layers", "heads", "length"}, "kind = \"gru\" and \"transformer\"", here);

    if (model.kind == ModelKind::kmeans) section.integer("k", model.k, 1, 65536);
    else section.belongs({"k"}, "kind = \"kmeans\"", here);

    if (model.kind == ModelKind::forest) read_forest(section, model);
    else section.belongs({"trees", "depth", "places"}, "kind = \"forest\"", here);

    if (rows_of(model.kind) != Rows::samples) section.integer("rank", model.rank, 1, 4096);
    else section.belongs({"rank"}, "kind = \"factors\" and \"skipgram\"", here);

    if (model.kind == ModelKind::skipgram) read_skipgram(section, model);
    else section.belongs({"window", "negatives", "vocabulary", "subsample"}, "kind = \"skipgram\"", here);

    if (!model.needs_data()) {
        section.integer("dimension", model.dimension, 1, 1 << 24);
        read_initial(section, model.initial);
    } else {
        section.belongs({"dimension", "initial"}, "kind = \"average\" and \"quadratic\"", here);
    }
    if (model.kind == ModelKind::quadratic) {
        read_per_peer(section, "a", model.a, false);
        read_per_peer(section, "b", model.b, true);
        section.number("noise", model.noise, 0, HUGE_VAL);
    } else {
        section.belongs({"a", "b", "noise"}, "kind = \"quadratic\"", here);
    }
    section.finish();
}

}  // namespace grapevine::config
