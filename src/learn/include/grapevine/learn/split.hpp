#pragma once

#include <cstdint>
#include <vector>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// Which rows each of n peers has. The same arguments give the same on every machine.
//
// iid:                 all rows shuffled, dealt evenly.
// contiguous:          all rows in file order, cut into even runs.
// dirichlet_per_class: for each class the peers' shares are drawn by Dirichlet(alpha, ..., alpha), n numbers; its
//                      rows are shuffled and cut so (Hsu et al. 2019). Peers differ in size.
// dirichlet_per_peer:  each peer draws its mixture of classes by Dirichlet(alpha, ..., alpha), one number for a
//                      class, and as many rows as in an even split by it. A class that runs out starts again:
//                      some rows are then at several peers and others at none.
// shards:              all rows sorted by class and cut into n * classes runs, of which each peer draws `classes`
//                      (McMahan et al. 2017, 2 each). A run may reach over the end of a class into the next.
//
// While n <= rows every peer has at least one row, and but for dirichlet_per_peer each row is at exactly one
// peer. With n > rows they are used again: iid and contiguous give each peer one row, and who would be left
// without by dirichlet_per_class or shards gets one that another has too. n > 0, and the set has rows.
std::vector<std::vector<std::uint32_t>> split(const Dataset& set, const config::Split& how, std::size_t n,
                                              std::uint64_t seed);

}  // namespace grapevine::learn
