#pragma once

#include <cstdint>
#include <string>

namespace grapevine::formats {

// What is wrong with bytes that were to be decoded, and where in them. Decoders see bytes and no files: whoever knows the name puts
// it in front.
struct Fault {
    std::string what, hint;
    std::uint64_t line = 0, column = 0;  // from 1; 0: of all of it

    std::string in(const std::string& file) const {  // "train.csv:12:7: 'abc' is no number"
        return file + (line > 0 ? ":" + std::to_string(line) : "") + (column > 0 ? ":" + std::to_string(column) : "") + ": " + what;
    }
};

// A field as a file has it, for a message: in quotes, short, and without what would move a terminal's cursor.
std::string shown(const char* text, std::size_t size);

}  // namespace grapevine::formats
