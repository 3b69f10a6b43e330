#include "dashboard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "terminal.hpp"

namespace grapevine::cli {

namespace {

constexpr std::size_t least_events = 4;  // where there are so many
constexpr std::size_t least_below = 10;  // lines for table and events; curves make room
constexpr std::size_t curve_columns = 48, name_columns = 12;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }
std::size_t places(const std::string& text) { return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character)); }

std::string cut(const std::string& text, std::size_t columns) {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (begins_character(text[i]) && ++seen > columns) return text.substr(0, i);
    return text;
}

std::string painted(std::string text, Dashboard::Tone tone, bool colour) {
    static constexpr std::array codes{"", "32", "33", "31", "2"};
    const char* code = codes[static_cast<std::size_t>(tone)];
    return colour && *code ? std::string("\033[") + code + "m" + std::move(text) + "\033[0m" : text;
}

// A place for each stretch of values: its mean, between the lowest and highest of all stretches.
std::string sparkline(const std::vector<double>& values, std::size_t columns, bool unicode) {
    static constexpr std::array blocks{"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    static constexpr std::array ascii{"_", ".", "-", "~", "=", "+", "*", "#"};
    const std::size_t n = std::min(columns, values.size());
    std::vector<double> means;
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t from = values.size() * i / n, to = values.size() * (i + 1) / n;
        double sum = 0;
        for (std::size_t k = from; k < to; ++k) sum += values[k];
        means.push_back(sum / static_cast<double>(to - from));
    }
    std::string out;
    if (means.empty()) return out;
    const auto [low, high] = std::minmax_element(means.begin(), means.end());
    for (const double mean : means) {
        const double share = *high > *low ? (mean - *low) / (*high - *low) : 0.5;
        const auto step = static_cast<std::size_t>(std::clamp(std::lround(share * 7), 0L, 7L));
        out += unicode ? blocks[step] : ascii[step];
    }
    return out;
}

std::vector<std::string> table_of(const Dashboard& d, std::size_t most) {
    std::vector<std::vector<std::string>> rows{d.head};
    for (std::size_t i = 0; i < std::min(most, d.rows.size()); ++i) {
        auto& row = rows.emplace_back(d.rows[i].cells);
        for (std::string& cell : row) cell = plain(cell);
    }
    std::vector<std::size_t> widths(d.head.size(), 0);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], places(row[i]));
    std::vector<std::string> lines;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string space(widths[i] - places(row[i]), ' ');
            line += (i ? "  " : "") + (d.right[i] ? space + row[i] : row[i] + space);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace

bool unicode() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const char* value = std::getenv(name); value && *value) {
            std::string text = value;
            std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            return text.find("utf-8") != std::string::npos || text.find("utf8") != std::string::npos;
        }
    return false;
}

std::vector<std::string> lines_of(const Dashboard& d, std::size_t columns, std::optional<std::size_t> rows, bool colour, bool unicode) {
    std::vector<std::string> out;
    const auto put = [&](const std::string& text, Dashboard::Tone tone = Dashboard::Tone::usual) {
        if (!rows || out.size() < *rows) out.push_back(painted(cut(plain(text), columns), tone, colour));
    };
    put(d.title.text, d.title.tone);
    for (const auto& figure : d.figures) put(figure.text, figure.tone);
    const bool low = rows && *rows < 1 + d.figures.size() + d.curves.size() + least_below;
    for (const auto& curve : d.curves) {
        if (low || curve.values.empty()) continue;
        const std::string line = sparkline(curve.values, std::min(curve_columns, columns > name_columns + 12 ? columns - name_columns - 12 : 0), unicode);
        put(cut(curve.name, name_columns) + std::string(name_columns + 1 - std::min(name_columns, places(curve.name)), ' ') + line + "  " + curve.last);
    }
    const std::size_t used = out.size();
    std::size_t table = d.rows.size(), events = d.events.size();
    if (rows) {
        // Two blank lines, the head, perhaps the line that counts the rest.
        const std::size_t left = *rows > used ? *rows - used : 0, frame = (d.head.empty() ? 0 : 2) + (d.events.empty() ? 0 : 1);
        const std::size_t room = left > frame ? left - frame : 0;
        if (table + events > room) {
            events = std::min(events, std::max(room - std::min(room, table), std::min(least_events, room / 3)));
            table = std::min(table, room - events);
            if (table < d.rows.size() && table > 0) --table;  // for the line that counts the rest
        }
    }
    if (!d.head.empty()) {
        put("");
        const auto lines = table_of(d, table);
        put(lines.front(), Dashboard::Tone::soft);
        for (std::size_t i = 1; i < lines.size(); ++i) put(lines[i], d.rows[i - 1].tone);
        if (table < d.rows.size()) put("... and " + std::to_string(d.rows.size() - table) + " more", Dashboard::Tone::soft);
    }
    if (events > 0) put("");
    for (std::size_t i = d.events.size() - events; i < d.events.size(); ++i) put(d.events[i].text, d.events[i].tone);
    return out;
}

}  // namespace grapevine::cli
