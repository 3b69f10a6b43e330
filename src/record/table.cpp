#include <algorithm>

#include "grapevine/record/comparison.hpp"
#include "grapevine/record/format.hpp"

namespace grapevine::record {
namespace {

using Row = std::vector<std::string>;

// Columns a terminal needs for UTF-8 text: continuation bytes take none.
std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string printable(const std::string& text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return out;
}

// "88.61 +-0.35 %": the interval in the unit of the mean.
std::string percent_with_interval(const Interval& interval) {
    if (!interval.mean) return "-";
    char text[64];
    if (interval.low) std::snprintf(text, sizeof text, "%.2f +-%.2f", *interval.mean * 100, (*interval.high - *interval.mean) * 100);
    else std::snprintf(text, sizeof text, "%.2f", *interval.mean * 100);
    return text;
}

Row row_of(const MethodResult& method) {
    const MethodStatistics s = statistics_of(method);
    return {printable(method.method),
            std::to_string(s.reached) + " of " + std::to_string(s.seeds),
            format_seconds(s.seconds_to_target.median),
            format_count(s.samples_to_target.median),
            format_bytes(s.bytes_to_target.median),
            s.idle_share.mean ? format_percent(s.idle_share.mean) : "-",
            percent_with_interval(s.merged_accuracy),
            percent_with_interval(s.mean_accuracy),
            percent_with_interval(s.worst_accuracy)};
}

void print(std::string& out, const std::vector<Row>& rows) {
    std::vector<std::size_t> width(rows.front().size(), 0);
    for (const Row& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], columns(row[i]));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        std::string line = " ";
        for (std::size_t i = 0; i < rows[r].size(); ++i) {
            const std::string pad(width[i] - columns(rows[r][i]), ' ');
            line += " " + (i == 0 ? rows[r][i] + pad : pad + rows[r][i]) + " ";  // names to the left, numbers to the right
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
}

}  // namespace

std::string table_of(const Comparison& comparison) {
    std::string out;
    for (const Scene& scene : comparison.scenes) {
        out += printable(comparison.name) + ", " + printable(scene.name);
        if (comparison.target_value)
            out += ": to " + printable(comparison.target_metric) + " " + format_short(comparison.target_value) + ", medians over seeds";
        out += "\n";
        std::vector<Row> rows{{"method", "reached", "time", "samples", "bytes", "idle", "merged %", "mean %", "worst %"}};
        for (const MethodResult& method : scene.methods) rows.push_back(row_of(method));
        print(out, rows);
        out += "\n";
    }
    for (const std::string& note : comparison.notes) out += "note: " + printable(note) + "\n";
    return out;
}

}  // namespace grapevine::record
