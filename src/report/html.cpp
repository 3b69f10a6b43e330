#include "html.hpp"

#include <cmath>
#include <cstdio>

namespace grapevine::report {
namespace {

// The length of the UTF-8 sequence at `i`; 0 if it is none.
std::size_t sequence(const std::string& text, std::size_t i) {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char c = at(i);
    if (c < 0x80) return 1;
    const std::size_t n = c >= 0xf5 ? 0 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    if (n == 0 || i + n > text.size()) return 0;
    for (std::size_t k = 1; k < n; ++k)
        if ((at(i + k) & 0xc0) != 0x80) return 0;
    if ((c == 0xe0 && at(i + 1) < 0xa0) || (c == 0xed && at(i + 1) >= 0xa0) || (c == 0xf0 && at(i + 1) < 0x90) ||
        (c == 0xf4 && at(i + 1) >= 0x90))
        return 0;
    return n;
}

}  // namespace

std::string escape(const std::string& text, std::size_t most) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (i >= most) return out + "\xe2\x80\xa6";
        const std::size_t n = sequence(text, i);
        const char c = text[i];
        if (n == 0) out += "\xef\xbf\xbd", ++i;
        else if (n > 1) out.append(text, i, n), i += n;
        else {
            if (c == '&') out += "&amp;";
            else if (c == '<') out += "&lt;";
            else if (c == '>') out += "&gt;";
            else if (c == '"') out += "&quot;";
            else if (c == '\'') out += "&#39;";
            else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') out += "\xef\xbf\xbd";
            else if (c != 0x7f) out += c;
            ++i;
        }
    }
    return out;
}

std::string number(double value) {
    if (!std::isfinite(value)) return "0";
    char text[64];
    std::snprintf(text, sizeof text, "%.1f", std::fmax(-1e6, std::fmin(1e6, value)));
    std::string out = text;
    if (out.ends_with(".0")) out.resize(out.size() - 2);
    return out == "-0" ? "0" : out;
}

std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
    if (rows.empty()) return "";
    std::string out = "<div class=\"scroll\"><table><thead><tr>";
    for (const Column& column : columns) out += std::string("<th") + (column.is_number ? " class=\"n\"" : "") + ">" + column.name + "</th>";
    out += "</tr></thead><tbody>\n";
    for (const auto& row : rows) {
        out += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i)
            out += std::string("<td") + (i < columns.size() && columns[i].is_number ? " class=\"n\"" : "") + ">" + row[i] + "</td>";
        out += "</tr>\n";
    }
    return out + "</tbody></table></div>\n";
}

std::string tiles(const std::vector<Tile>& tiles) {
    std::string out = "<div class=\"tiles\">";
    for (const Tile& tile : tiles)
        out += "<div class=\"tile\"><span class=\"name\">" + escape(tile.name) + "</span><span class=\"value\">" + escape(tile.value) +
               "</span><span class=\"note\">" + escape(tile.note) + "</span></div>";
    return out + "</div>\n";
}

}  // namespace grapevine::report
