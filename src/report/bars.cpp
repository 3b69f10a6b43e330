#include "bars.hpp"

#include <algorithm>
#include <cmath>

#include "html.hpp"

namespace grapevine::report {

std::string bars(const std::string& title, const std::string& note, const std::vector<Bar>& all, double most) {
    if (all.empty()) return "";
    constexpr double width = 560, row = 28, names = 130, words = 120, thickness = 15;
    const double room = width - names - words;
    const double full = most > 0 && std::isfinite(most) ? most : 1;
    const auto length = [&](double value) { return std::clamp(value / full, 0.0, 1.0) * room; };

    std::string out = "<figure><figcaption><b>" + escape(title) + "</b> <span class=\"note\">" + escape(note) +
                      "</span></figcaption>\n<svg class=\"bars\" viewBox=\"0 0 " + number(width) + " " +
                      number(row * static_cast<double>(all.size()) + 4) + "\" role=\"img\" aria-label=\"" + escape(title) + "\">\n";
    double y = 2;
    for (const Bar& bar : all) {
        const std::string middle = number(y + row / 2 + 4);
        out += "<text class=\"label\" text-anchor=\"end\" x=\"" + number(names - 8) + "\" y=\"" + middle + "\">" + escape(bar.name, 20) + "</text>";
        double end = names;
        if (bar.value && std::isfinite(*bar.value)) {
            end = names + length(*bar.value);
            out += "<rect class=\"bar c" + std::to_string(bar.colour % 8) + "\" rx=\"2\" x=\"" + number(names) + "\" y=\"" +
                   number(y + (row - thickness) / 2) + "\" width=\"" + number(std::max(1.0, end - names)) + "\" height=\"" +
                   number(thickness) + "\"/>";
            if (bar.low && bar.high && *bar.high > *bar.low) {
                const double from = names + length(*bar.low), to = names + length(*bar.high);
                out += "<path class=\"whisker\" d=\"M" + number(from) + " " + number(y + row / 2) + "H" + number(to) + "M" + number(from) +
                       " " + number(y + row / 2 - 4) + "v8M" + number(to) + " " + number(y + row / 2 - 4) + "v8\"/>";
                end = std::max(end, to);
            }
        }
        out += "<text x=\"" + number(end + 7) + "\" y=\"" + middle + "\">" + escape(bar.words, 60) + "</text>\n";
        y += row;
    }
    return out + "</svg></figure>\n";
}

}  // namespace grapevine::report
