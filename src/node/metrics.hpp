#pragma once

#include <string>

#include "status_pages.hpp"

namespace grapevine::node {

// Text exposition format 0.0.4; base units, _total for what only grows.
std::string prometheus_text(const StatusFacts& facts, const record::Sample& sample, const net::Counters& traffic,
                            const membership::Membership& members, const membership::Book& book);

}  // namespace grapevine::node
