#include "grapevine/record/quality.hpp"

#include <cmath>
#include <numbers>

namespace grapevine::record {

std::optional<Quality> quality(const std::string& measure, std::optional<double> loss) {
    if (!loss) return std::nullopt;
    if (measure == "bits_per_character") return Quality{"bits per character", *loss / std::numbers::ln2};
    if (measure == "rmse") return Quality{"RMSE", std::sqrt(*loss)};
    return std::nullopt;
}

}  // namespace grapevine::record
