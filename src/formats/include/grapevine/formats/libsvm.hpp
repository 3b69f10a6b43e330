#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "grapevine/formats/fault.hpp"
#include "grapevine/formats/labels.hpp"

namespace grapevine::formats {

// Rows of which most numbers are zero.
struct Sparse {
    std::size_t columns = 0;             // the largest index
    std::vector<std::uint64_t> ends;     // (rows): where each row's entries end
    std::vector<std::uint32_t> indices;  // from 0, ascending within a row
    std::vector<float> values;           // one for each index, all finite
    Labels labels;

    std::size_t rows() const { return ends.size(); }
    std::vector<float> dense(std::size_t width) const;  // (rows, width); width >= columns
};

// The format of LIBSVM (https://www.csie.ntu.edu.tw/~cjlin/libsvm/): a line a row, "label index:value index:value ...", indices from 1
// and ascending, what follows # is a comment. Labels are whole numbers.
inline constexpr std::size_t most_libsvm_index = 1 << 20;
std::variant<Sparse, Fault> decode_libsvm(std::span<const std::byte> bytes);

}  // namespace grapevine::formats
