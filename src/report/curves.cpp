#include "curves.hpp"

#include <algorithm>
#include <cmath>

namespace grapevine::report {
namespace {

// Between two points on the straight line. `points` ascending in x, `x` within them.
double at(const std::vector<Point>& points, double x) {
    const auto after = std::lower_bound(points.begin(), points.end(), x, [](const Point& p, double v) { return p.x < v; });
    if (after == points.end()) return points.back().y;
    if (after == points.begin() || after->x == x) return after->y;
    const Point& p = *std::prev(after);
    return p.y + (after->y - p.y) * (x - p.x) / (after->x - p.x);
}

}  // namespace

double bytes_of(const record::Sample& sample) { return sample.bytes_payload.value_or(0) + sample.bytes_control.value_or(0); }

std::vector<Point> points_of(const record::Run& run, const std::string& metric, Against against) {
    std::vector<Point> points;
    for (const record::Sample& sample : run.samples) {
        const auto y = record::value_of(sample, metric);
        std::optional<double> x = sample.t;
        if (against == Against::samples) x = sample.samples;
        if (against == Against::bytes) x = sample.bytes_payload || sample.bytes_control ? std::optional(bytes_of(sample)) : std::nullopt;
        if (!y || !x || !std::isfinite(*x) || !std::isfinite(*y)) continue;
        if (!points.empty() && *x < points.back().x) continue;  // a file may say anything
        points.push_back({*x, *y});
    }
    return points;
}

Series mean_of(const std::vector<const record::Run*>& runs, const std::string& metric, Against against) {
    Series series;
    std::vector<std::vector<Point>> all;
    for (const record::Run* run : runs)
        if (auto points = points_of(*run, metric, against); !points.empty()) all.push_back(std::move(points));
    if (all.empty()) return series;
    if (all.size() == 1) {
        series.points = std::move(all.front());
        return series;
    }
    double from = -HUGE_VAL, to = HUGE_VAL;
    for (const auto& points : all) from = std::max(from, points.front().x), to = std::min(to, points.back().x);
    constexpr int places = 240;
    for (int i = 0; i <= places && from <= to; ++i) {
        const double x = from + (to - from) * i / places;
        double sum = 0, low = HUGE_VAL, high = -HUGE_VAL;
        for (const auto& points : all) {
            const double y = at(points, x);
            sum += y, low = std::min(low, y), high = std::max(high, y);
        }
        series.points.push_back({x, sum / static_cast<double>(all.size())});
        series.band.push_back({x, low, high});
        if (from == to) break;
    }
    return series;
}

}  // namespace grapevine::report
