#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/learn/dataset.hpp"

namespace grapevine::learn {

// How students of ETH Zurich rated their lecturers, from 1 to 5: InstEval of R's package lme4 (Bates et al. 2015), 73,421 ratings.
struct Evaluations {
    std::size_t students = 0, lecturers = 0;
    std::vector<std::int32_t> student, lecturer;  // of each rating, from 0
    std::vector<float> ratings;
};

// From Rdata.rdx and Rdata.rdb of the package's directory `data`.
std::variant<Evaluations, Error> read_insteval(const std::string& directory);

}  // namespace grapevine::learn
