#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/model.hpp"
#include "grapevine/learn/safetensors.hpp"

namespace grapevine::learn {

// A model of texts out of a file, with all that its use needs.
struct TextModel {
    std::size_t length = 0;              // bytes that it sees at once
    std::shared_ptr<const Model> model;
    Snapshot whole;
};

// `config`: the file's own, read.
std::variant<TextModel, Error> text_model_of(const Checkpoint& from, const config::Config& config);

struct Sampling {
    double temperature = 0.8;            // logits are divided by it; 0: the likeliest byte, of equal ones the first
    std::uint64_t seed = 1;
};

// The bytes that follow the prompt, drawn one after the other, each from what the model says after the last `length` bytes before it. An
// empty prompt is taken for the end of a line. Bytes are what they are: in a text of UTF-8 a letter may be cut at the end.
std::string continued(const TextModel& text, const std::string& prompt, std::size_t bytes, const Sampling& how, kernels::Backend& backend);

}  // namespace grapevine::learn
