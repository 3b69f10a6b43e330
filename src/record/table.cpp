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

// "88.61 +-0.35": the interval in the unit of the mean, per cent.
std::string percent_with_interval(const Interval& interval, const char* format = "%.2f") {
    if (!interval.mean) return "-";
    char text[64];
    int n = std::snprintf(text, sizeof text, format, *interval.mean * 100);
    if (interval.low) std::snprintf(text + n, sizeof text - static_cast<std::size_t>(n), " +-%.2f", (*interval.high - *interval.mean) * 100);
    return text;
}

// Of the last five evaluations; with a star of the last one, where there were fewer.
std::string of_last_five(const Interval& five, const Interval& last) {
    return five.mean || !last.mean ? percent_with_interval(five) : percent_with_interval(last) + "*";
}

// Columns that say nothing in any row are left out.
struct Columns {
    bool target = false, rates = false, difference = false, average = false, star = false;
};

Columns columns_of(const Scene& scene) {
    Columns c;
    for (const MethodResult& method : scene.methods) {
        const MethodStatistics s = statistics_of(method);
        for (const Summary& run : method.runs) c.target |= run.target.has_value();
        c.rates |= !method.grid.empty() || method.learning_rate != scene.methods.front().learning_rate;
        c.difference |= &method != reference_of(scene) && paired_difference(method, *reference_of(scene)).low.has_value();
        c.average |= s.ema_accuracy.mean.has_value();
        c.star |= (s.merged_accuracy.mean && !s.last5_merged_accuracy.mean) || (s.mean_accuracy.mean && !s.last5_mean_accuracy.mean);
    }
    return c;
}

Row row_of(const MethodResult& method, const Scene& scene, const Columns& columns) {
    const MethodStatistics s = statistics_of(method);
    Row row{printable(method.method)};
    if (columns.target)
        row.insert(row.end(), {std::to_string(s.reached) + " of " + std::to_string(s.seeds), format_seconds(s.seconds_to_target.median),
                               format_count(s.samples_to_target.median), format_bytes(s.bytes_to_target.median)});
    else row.push_back(format_bytes(s.bytes.mean));
    row.insert(row.end(), {s.idle_share.mean ? format_percent(s.idle_share.mean) : "-", of_last_five(s.last5_merged_accuracy, s.merged_accuracy),
                           of_last_five(s.last5_mean_accuracy, s.mean_accuracy), of_last_five(s.last5_worst_accuracy, s.worst_accuracy)});
    if (columns.difference) row.push_back(&method == reference_of(scene) ? "" : percent_with_interval(paired_difference(method, *reference_of(scene)), "%+.2f"));
    if (columns.average) row.push_back(percent_with_interval(s.ema_accuracy));
    if (columns.rates) row.push_back(format_short(method.learning_rate));
    return row;
}

// The rates that were tried, the chosen one in brackets; at an end of the grid the best may lie beyond it.
std::string grid_of(const MethodResult& method) {
    if (method.grid.empty()) return "";
    std::string line = "  " + printable(method.method) + ":";
    for (const TriedRate& t : method.grid) {
        const bool chosen = t.learning_rate == method.learning_rate;
        line += chosen ? " [" : " ";
        line += format_short(t.learning_rate);
        if (t.reached > 0) line += " " + std::to_string(t.reached) + " of " + std::to_string(t.seeds) + " in " + format_seconds(t.seconds_to_target);
        line += " " + format_percent(t.accuracy) + (chosen ? "]" : "") + (&t == &method.grid.back() ? "" : ",");
    }
    const auto [low, high] = std::minmax_element(method.grid.begin(), method.grid.end(), [](const auto& a, const auto& b) { return a.learning_rate < b.learning_rate; });
    if (method.grid.size() > 1 && (low->learning_rate == method.learning_rate || high->learning_rate == method.learning_rate)) line += "  (at the end of the grid)";
    return line + "\n";
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
    bool five = false, star = false, difference = false, average = false;
    for (const Scene& scene : comparison.scenes) {
        out += printable(comparison.name) + ", " + printable(scene.name);
        if (comparison.target_value)
            out += ": to " + printable(comparison.target_metric) + " " + format_short(comparison.target_value) + ", medians over seeds";
        out += "\n";
        const Columns columns = columns_of(scene);
        std::vector<Row> rows{{"method", "reached", "time", "samples", "bytes", "idle", "merged %", "mean %", "worst %"}};
        if (!columns.target) rows.front() = {"method", "sent", "idle", "merged %", "mean %", "worst %"};
        if (columns.difference) rows.front().push_back("- " + printable(reference_of(scene)->method));
        if (columns.average) rows.front().push_back("EMA %");
        if (columns.rates) rows.front().push_back("rate");
        for (const MethodResult& method : scene.methods) rows.push_back(row_of(method, scene, columns));
        print(out, rows);
        out += "\n";
        std::string grids;
        for (const MethodResult& method : scene.methods) grids += grid_of(method);
        if (!grids.empty()) out += "rates tried on validation data, [chosen]:\n" + grids + "\n";
        five |= !columns.star;
        star |= columns.star;
        difference |= columns.difference;
        average |= columns.average;
    }
    if (five) out += "note: Accuracies are means of a run's last five evaluations, +- half a 95 % interval over seeds.\n";
    if (star) out += "note: * of the last evaluation, where there were fewer than five.\n";
    if (difference) out += "note: The column behind worst is the mean difference of merged, seed by seed, with its 95 % interval (Student's t).\n";
    if (average) out += "note: EMA is the exponential moving average (half-life 100 steps) of the model that all agree on, at the end.\n";
    for (const std::string& note : comparison.notes) out += "note: " + printable(note) + "\n";
    return out;
}

}  // namespace grapevine::record
