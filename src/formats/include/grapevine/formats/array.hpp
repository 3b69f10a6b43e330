#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/formats/fault.hpp"

namespace grapevine::formats {

// Numbers of one type in row-major order, as idx and npy have them.
struct Array {
    std::vector<std::uint64_t> shape;
    std::variant<std::vector<std::uint8_t>, std::vector<float>, std::vector<std::int64_t>> values;

    std::uint64_t size() const;  // the shape's product; 1 without dimensions
    std::uint64_t rows() const { return shape.empty() ? 1 : shape.front(); }
    std::uint64_t row_size() const { return rows() == 0 ? 0 : size() / rows(); }
};

// The product of a shape that is not believed yet; nothing where it passes `most`.
std::optional<std::uint64_t> product(const std::vector<std::uint64_t>& shape, std::uint64_t most);
std::string shape_text(const std::vector<std::uint64_t>& shape);  // "60000 x 28 x 28"

// The first value that is infinite or no number.
std::optional<Fault> not_finite(const Array& array);

}  // namespace grapevine::formats
