#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// Ratings: "ratings" (generated), "insteval", or files of lines user,item,rating. Users and items are numbered in the order of their
// names, and rows go by users: even runs of them ([data] split = "contiguous") are the ratings of some users each.
//
// Of "ratings" the least RMSE that anybody can reach is known: [data] noise.
std::variant<Sets, Error> load_ratings(const config::Data& data, std::uint64_t seed);

float mean_of(std::span<const float> ratings);

}  // namespace grapevine::learn
