#pragma once

#include "grapevine/record/summary.hpp"
#include "json.hpp"

namespace grapevine::record {

Json json_of(const Summary& summary);
Summary summary_of(Fields& fields);

}  // namespace grapevine::record
