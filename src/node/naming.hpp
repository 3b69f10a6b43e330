#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/membership/standing.hpp"
#include "grapevine/peer_id.hpp"

namespace grapevine::node {

// A member as people may mean it.
struct Candidate {
    PeerId id;
    std::string name;
    membership::Standing standing;
    bool self = false;
};

struct NotFound {
    std::string what, hint;
};

// Who is meant by a name, or by the first digits of an id (four at least). A name goes before an id. Several may bear a
// name: those that are there go before those that are not (the other way round where it is about the dead), and
// those that left come last. Whoever remains ambiguous is listed by id.
std::variant<PeerId, NotFound> find_member(const std::vector<Candidate>& members, const std::string& who, bool absent_first = false);

}  // namespace grapevine::node
