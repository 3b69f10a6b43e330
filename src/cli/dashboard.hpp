#pragma once

#include <optional>
#include <string>
#include <vector>

namespace grapevine::cli {

// What `top` and `replay` show of a run in a terminal: figures, curves, a table, and what happened last. A value; nothing in it knows where it is from.
struct Dashboard {
    enum class Tone { usual, good, warning, bad, soft };
    struct Text {
        std::string text;
        Tone tone = Tone::usual;
    };
    struct Curve {
        std::string name;
        std::vector<double> values;  // the oldest first
        std::string last;            // the last of them, to people
    };
    struct Row {
        std::vector<std::string> cells;
        Tone tone = Tone::usual;
    };

    Text title;
    std::vector<Text> figures;
    std::vector<Curve> curves;
    std::vector<std::string> head;  // of the table; empty: there is none
    std::vector<bool> right;        // which columns are numbers
    std::vector<Row> rows;
    std::vector<Text> events;       // the oldest first
};

// Lines of at most `columns` places, and at most `rows` of them, if that is said. What comes from other machines is made harmless on the way. Where there is
// no room for all, events give way to the first rows of the table, and the rest of the table is counted.
std::vector<std::string> lines_of(const Dashboard& dashboard, std::size_t columns, std::optional<std::size_t> rows, bool colour, bool unicode);

bool unicode();  // the terminal's character set has more than ASCII

}  // namespace grapevine::cli
