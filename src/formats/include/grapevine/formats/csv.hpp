#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/formats/fault.hpp"
#include "grapevine/formats/labels.hpp"

namespace grapevine::formats {

// How a table in text is to be read.
struct CsvRules {
    char separator = 0;               // 0: of comma, semicolon and tab the one that is most often in the first line
    std::optional<bool> header;       // none: there is one if the first line has a field that is no number beside the label
    enum class Label { last, none, number, name };
    Label label = Label::last;        // the column with the label
    std::size_t number = 0;           // of it, from 0
    std::string name;
};

// Lines of numbers, and a label beside them.
struct Sheet {
    std::vector<std::string> names;   // of the columns of numbers; empty without a header
    std::size_t rows = 0, columns = 0;
    std::vector<float> values;        // (rows, columns), all finite
    Labels labels;                    // none with Label::none
};

// RFC 4180, of numbers: fields may stand in quotes ("" is a quote in them), lines end with LF or CRLF, the last one need not end.
// Empty lines are passed over.
inline constexpr std::size_t most_csv_columns = 1 << 16;
inline constexpr std::uint64_t most_csv_values = std::uint64_t{1} << 31;
inline constexpr std::size_t most_csv_field = 4096;  // bytes
std::variant<Sheet, Fault> decode_csv(std::span<const std::byte> bytes, const CsvRules& rules = {});

}  // namespace grapevine::formats
