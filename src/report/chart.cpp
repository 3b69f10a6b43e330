#include "chart.hpp"

#include <algorithm>
#include <cmath>

#include "grapevine/record/format.hpp"
#include "html.hpp"

namespace grapevine::report {
namespace {

constexpr double width = 560, height = 258;
constexpr double left = 58, right = 14, top = 20, bottom = 40;

struct Frame {
    Scale x, y;
    double at_x(double value) const { return left + x.place(value) * (width - left - right); }
    double at_y(double value) const { return height - bottom - y.place(value) * (height - top - bottom); }
};

std::string colour(int index) { return "c" + std::to_string(index % 8); }

std::string value_text(double value, Unit unit) {
    switch (unit) {
        case Unit::share: return record::format_percent(value);
        case Unit::bytes: return record::format_bytes(value);
        case Unit::seconds: return record::format_seconds(value);
        case Unit::count: return record::format_count(value);
        case Unit::plain: break;
    }
    return record::format_short(value);
}

// What can be drawn: on a logarithmic axis nothing at or below 0.
std::vector<Series> drawable(const Chart& chart) {
    std::vector<Series> all;
    for (const Series& series : chart.series) {
        Series kept = series;
        std::erase_if(kept.points, [&](const Point& p) { return !std::isfinite(p.x) || !std::isfinite(p.y) || (chart.log && p.y <= 0); });
        std::erase_if(kept.band, [&](const Series::Range& r) {
            return !std::isfinite(r.x) || !std::isfinite(r.low) || !std::isfinite(r.high) || (chart.log && r.low <= 0);
        });
        if (!kept.points.empty()) all.push_back(std::move(kept));
    }
    return all;
}

Frame frame_of(const Chart& chart, const std::vector<Series>& all) {
    double x0 = HUGE_VAL, x1 = -HUGE_VAL, y0 = HUGE_VAL, y1 = -HUGE_VAL;
    const auto see = [&](double x, double low, double high) {
        x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, low), y1 = std::max(y1, high);
    };
    for (const Series& series : all) {
        for (const Point& p : series.points) see(p.x, p.y, p.y);
        for (const auto& r : series.band) see(r.x, r.low, r.high);
    }
    for (const Point& p : chart.also)
        if (!chart.log || p.y > 0) see(p.x, p.y, p.y);
    if (chart.target && (!chart.log || *chart.target > 0)) y0 = std::min(y0, *chart.target), y1 = std::max(y1, *chart.target);
    if (chart.from_zero && !chart.log) y0 = std::min(y0, 0.0), y1 = std::max(y1, 0.0);
    Frame frame;
    frame.x = linear_scale(std::min(x0, 0.0), x1, chart.x, 7, false);
    frame.y = chart.log ? log_scale(y0, y1, chart.y, 6) : linear_scale(y0, y1, chart.y, 5, true);
    if (chart.y == Unit::share && frame.y.high > 1 && y1 <= 1) frame.y.high = 1;
    return frame;
}

std::string axes(const Chart& chart, const Frame& frame) {
    std::string out = "<g class=\"grid\">";
    for (const Tick& tick : frame.y.ticks) {
        const std::string y = number(frame.at_y(tick.at));
        out += "<path d=\"M" + number(left) + " " + y + "H" + number(width - right) + "\"/>";
    }
    out += "</g><g class=\"axis\">";
    for (const Tick& tick : frame.y.ticks)
        out += "<text text-anchor=\"end\" x=\"" + number(left - 7) + "\" y=\"" + number(frame.at_y(tick.at) + 3.5) + "\">" + tick.label + "</text>";
    const std::string floor = number(height - bottom);
    out += "<path d=\"M" + number(left) + " " + floor + "H" + number(width - right) + "\"/>";
    for (const Tick& tick : frame.x.ticks) {
        const std::string x = number(frame.at_x(tick.at));
        out += "<path d=\"M" + x + " " + floor + "v4\"/><text text-anchor=\"middle\" x=\"" + x + "\" y=\"" + number(height - bottom + 17) +
               "\">" + tick.label + "</text>";
    }
    const std::string x_unit = frame.x.unit.empty() ? "" : " (" + frame.x.unit + ")";
    out += "<text class=\"name\" text-anchor=\"middle\" x=\"" + number((left + width - right) / 2) + "\" y=\"" + number(height - 5) +
           "\">" + escape(chart.x_name) + x_unit + "</text>";
    if (!frame.y.unit.empty()) out += "<text class=\"name\" text-anchor=\"end\" x=\"" + number(left - 7) + "\" y=\"8\">" + frame.y.unit + "</text>";
    return out + "</g>\n";
}

std::string marks(const Chart& chart, const Frame& frame) {
    std::string out;
    for (const Mark& mark : chart.marks) {
        if (mark.x < frame.x.low || mark.x > frame.x.high) continue;
        const char* tone = mark.tone == Mark::Tone::bad ? "bad" : mark.tone == Mark::Tone::good ? "good" : "neutral";
        const std::string x = number(frame.at_x(mark.x)), line = "M" + x + " " + number(top) + "V" + number(height - bottom);
        out += "<g class=\"mark " + std::string(tone) + "\"><path d=\"" + line + "\"/><path class=\"wide\" d=\"" + line + "\"/><title>" +
               escape(mark.title, 1500) + "</title></g>";
    }
    return out.empty() ? out : out + "\n";
}

std::string curve(const Series& series, const Frame& frame) {
    std::string out;
    if (series.band.size() > 1) {
        out += "<path class=\"band " + colour(series.colour) + "\" d=\"M";
        for (const auto& r : series.band) out += number(frame.at_x(r.x)) + " " + number(frame.at_y(r.high)) + " ";
        for (auto r = series.band.rbegin(); r != series.band.rend(); ++r) out += number(frame.at_x(r->x)) + " " + number(frame.at_y(r->low)) + " ";
        out += "Z\"/>";
    }
    const auto points = decimated(series.points);
    if (points.size() == 1) {
        out += "<circle class=\"dot " + colour(series.colour) + "\" r=\"3.5\" cx=\"" + number(frame.at_x(points[0].x)) + "\" cy=\"" +
               number(frame.at_y(points[0].y)) + "\"/>\n";
        return out;
    }
    out += "<polyline class=\"line " + colour(series.colour) + (series.dashed ? " dashed" : "") + "\" points=\"";
    for (std::size_t i = 0; i < points.size(); ++i) out += (i ? " " : "") + number(frame.at_x(points[i].x)) + "," + number(frame.at_y(points[i].y));
    return out + "\"/>\n";
}

}  // namespace

std::vector<Point> decimated(const std::vector<Point>& points, std::size_t most) {
    if (points.size() <= most) return points;
    std::vector<Point> kept{points.front()};
    const std::size_t stretches = (most - 2) / 2, inner = points.size() - 2;
    for (std::size_t s = 0; s < stretches; ++s) {
        const auto from = points.begin() + 1 + static_cast<std::ptrdiff_t>(inner * s / stretches);
        const auto to = points.begin() + 1 + static_cast<std::ptrdiff_t>(inner * (s + 1) / stretches);
        if (from == to) continue;
        const auto [low, high] = std::minmax_element(from, to, [](const Point& a, const Point& b) { return a.y < b.y; });
        kept.push_back(*std::min(low, high));
        if (low != high) kept.push_back(*std::max(low, high));
    }
    kept.push_back(points.back());
    return kept;
}

std::string figure(const Chart& chart) {
    const auto all = drawable(chart);
    if (all.empty()) return "";
    const Frame frame = frame_of(chart, all);

    std::string out = "<figure><figcaption><b>" + escape(chart.title) + "</b>";
    if (!chart.note.empty()) out += " <span class=\"note\">" + escape(chart.note) + "</span>";
    out += "<span class=\"legend\">";
    for (const Series& series : all)
        out += "<span><i class=\"" + colour(series.colour) + (series.dashed ? " dashed" : "") + "\"></i>" + escape(series.name) + " <em>" +
               value_text(series.points.back().y, chart.y) + "</em></span>";
    if (chart.target) out += "<span><i class=\"target\"></i>target <em>" + value_text(*chart.target, chart.y) + "</em></span>";
    out += "</span></figcaption>\n<svg viewBox=\"0 0 " + number(width) + " " + number(height) + "\" role=\"img\" aria-label=\"" +
           escape(chart.title) + "\">\n";
    out += axes(chart, frame) + marks(chart, frame);
    if (chart.target && (!chart.log || *chart.target > 0))
        out += "<path class=\"target\" d=\"M" + number(left) + " " + number(frame.at_y(*chart.target)) + "H" + number(width - right) +
               "\"/>\n";
    for (const Series& series : all) out += curve(series, frame);
    return out + "</svg></figure>\n";
}

}  // namespace grapevine::report
