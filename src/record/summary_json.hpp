#pragma once

#include "grapevine/record/summary.hpp"
#include "json.hpp"

namespace grapevine::record {

Json json_of(const Summary& summary);
Json json_of(const ExpectResult& expect);
std::optional<double> number_at(const Json& whole, const std::string& path);  // "membership.false_positives"
Summary summary_of(Fields& fields);

}  // namespace grapevine::record
