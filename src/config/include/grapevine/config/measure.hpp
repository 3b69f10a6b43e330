#pragma once

#include "grapevine/config/config.hpp"

namespace grapevine::config {

// As what the loss of a run's model is usually told, by the name that record::quality() knows: of texts bits per character, of ratings
// the RMSE. Empty: as it is, and so are losses of what stands in for a model.
inline const char* measure_of(const Config& config) {
    if (!config.model.needs_data() || config.train.compute != Compute::real) return "";
    if (config.data.is_text()) return "bits_per_character";
    return config.model.kind == ModelKind::factors ? "rmse" : "";
}

}  // namespace grapevine::config
