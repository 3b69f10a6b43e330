#pragma once

#include <string>
#include <vector>

namespace grapevine::report {

// Text as it may stand between tags and in attributes: markup escaped, control characters and what is no
// UTF-8 replaced, at most `most` bytes.
std::string escape(const std::string& text, std::size_t most = 400);

std::string number(double value);  // for coordinates: at most two decimals, never an exponent

struct Column {
    std::string name;
    bool is_number = false;
};

// Cells are HTML already.
std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

// The frame of a page: style, title, and nothing that is fetched.
std::string page(const std::string& title, const std::string& body);

struct Tile {
    std::string value, name, note;  // plain text
};
std::string tiles(const std::vector<Tile>& tiles);

}  // namespace grapevine::report
