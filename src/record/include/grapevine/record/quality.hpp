#pragma once

#include <optional>
#include <string>

namespace grapevine::record {

// What a loss is usually told as.
struct Quality {
    const char* name;   // "bits per character", "RMSE"
    double value;
};

// measure: "bits_per_character" (loss / ln 2) or "rmse" (sqrt(loss)). Anything else, or no loss: nothing, it is told as it is.
std::optional<Quality> quality(const std::string& measure, std::optional<double> loss);

}  // namespace grapevine::record
