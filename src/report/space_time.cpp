#include "grapevine/report/space_time.hpp"

#include <algorithm>
#include <cmath>

#include "html.hpp"
#include "scale.hpp"

namespace grapevine::report {

namespace {

constexpr double row = 58;            // between two lines
constexpr double above = 84;          // title, legend, axis
constexpr double below = 34;          // axis, note
constexpr double right = 24;
constexpr std::size_t most_labelled = 70;  // arrows with their word beside them

constexpr const char* style = R"css(
:root{--bg:#fbfbfa;--ink:#1d2129;--soft:#626a76;--line:#9aa1ab;--grid:#e6e8eb;--train:#a9cdb9;--mix:#d7a1cb;--pause:#c9ccd1;--member:#8b93a0;--exchange:#0b6bcb;--values:#d9730d;--bad:#c0262d;--good:#15803d;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--bg:#14171c;--ink:#e6e8eb;--soft:#9aa3af;--line:#5d6673;--grid:#272c35;--train:#24573f;--mix:#6d3a61;--pause:#444b57;--member:#7f8997;--exchange:#63b3ff;--values:#ffa657;--bad:#ff7b7b;--good:#4ade80}}
@media print{:root{--bg:#fff;--ink:#000;--soft:#444;--line:#888;--grid:#ddd;--train:#a9cdb9;--mix:#d7a1cb;--pause:#c9ccd1;--member:#8b93a0;--exchange:#0b6bcb;--values:#d9730d;--bad:#c0262d;--good:#15803d}}
text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--ink);font-variant-numeric:tabular-nums}
.bg{fill:var(--bg)}.title{font-size:15px;font-weight:600}.soft{fill:var(--soft)}.name{text-anchor:end;dominant-baseline:central;font-size:12px}
.grid{stroke:var(--grid)}.life{stroke:var(--line);stroke-width:1.5}.fault{stroke:var(--bad);stroke-dasharray:2 3}
.train{fill:var(--train)}.mix{fill:var(--mix)}.pause{fill:var(--pause)}
.a{fill:none;stroke-width:1}.member{stroke:var(--member);stroke-width:.8}.exchange{stroke:var(--exchange);stroke-width:1.1}.values{stroke:var(--values);stroke-width:1.8}
.lost{stroke-dasharray:4 3}.cross{stroke:var(--bad);stroke-width:1.6;fill:none}
.hm{fill:var(--member)}.he{fill:var(--exchange)}.hv{fill:var(--values)}
.word{font-size:9px;text-anchor:middle;paint-order:stroke;stroke:var(--bg);stroke-width:2.5px}
.bad{fill:var(--bad)}.good{fill:var(--good)}.gone{stroke:var(--bad);stroke-width:2.2;fill:none}.left{fill:var(--bg);stroke:var(--line);stroke-width:1.5}
.label{font-size:10px;paint-order:stroke;stroke:var(--bg);stroke-width:2.5px}
)css";

const char* class_of(SpaceTime::Arrow::Kind kind) {
    static constexpr const char* classes[] = {"member", "exchange", "values"};
    return classes[static_cast<int>(kind)];
}
const char* head_of(SpaceTime::Arrow::Kind kind) {
    static constexpr const char* heads[] = {"m", "e", "v"};
    return heads[static_cast<int>(kind)];
}

class Drawing {
public:
    explicit Drawing(const SpaceTime& d) : d_(d) {
        std::size_t longest = 4;
        for (const auto& line : d.lines) longest = std::max(longest, std::min<std::size_t>(line.name.size(), 24));
        left_ = 24 + 7 * static_cast<double>(longest);
        width_ = std::clamp(400 + 7 * static_cast<double>(d.arrows.size()) / std::max<double>(1, std::sqrt(static_cast<double>(d.lines.size()))), 1000.0, 6000.0);
        typical_ = typical_latency();
    }

    std::string draw() {
        const double w = left_ + width_ + right, h = above + row * static_cast<double>(d_.lines.size()) + below;
        put("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(w) + "\" height=\"" + number(h) + "\" viewBox=\"0 0 " + number(w) + " " + number(h) +
            "\" role=\"img\" aria-label=\"space-time diagram\">\n<style>" + style + "</style>\n<defs>");
        for (const char* kind : {"m", "e", "v"})
            put(std::string("<marker id=\"") + kind + "\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"" + (*kind == 'v' ? "5" : "7") + "\" markerHeight=\"" +
                (*kind == 'v' ? "5" : "7") + "\" orient=\"auto\"><path class=\"h" + kind + "\" d=\"M0 .8 8 4 0 7.2z\"/></marker>");
        put("<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"pause\" width=\"3\" height=\"6\"/></pattern>"
            "</defs>\n<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
        put("<text class=\"title\" x=\"16\" y=\"24\">" + escape(d_.title, 160) + "</text>\n");
        legend();
        axis(h);
        for (const auto& fault : d_.faults) {
            if (!inside(fault.t)) continue;
            put("<line class=\"fault\" x1=\"" + x(fault.t) + "\" x2=\"" + x(fault.t) + "\" y1=\"" + number(above - 10) + "\" y2=\"" + number(h - below) + "\"/><text class=\"label bad\" x=\"" +
                number(place(fault.t) + 4) + "\" y=\"" + number(above - 2) + "\">" + escape(fault.text, 80) + "</text>\n");
        }
        lives();
        bars();
        for (const auto kind : {SpaceTime::Arrow::Kind::membership, SpaceTime::Arrow::Kind::exchange, SpaceTime::Arrow::Kind::parameters})
            for (const auto& arrow : d_.arrows)
                if (arrow.kind == kind) draw(arrow);
        marks();
        if (!d_.note.empty()) put("<text class=\"soft\" x=\"16\" y=\"" + number(h - 8) + "\">" + escape(d_.note, 300) + "</text>\n");
        return out_ + "</svg>\n";
    }

private:
    void put(const std::string& text) { out_ += text; }
    bool inside(double t) const { return t >= d_.from && t <= d_.to; }
    double place(double t) const { return left_ + width_ * (std::clamp(t, d_.from, d_.to) - d_.from) / std::max(d_.to - d_.from, 1e-12); }
    std::string x(double t) const { return number(place(t)); }
    static double height(std::size_t line) { return above + row * (static_cast<double>(line) + 0.5); }

    double typical_latency() const {
        std::vector<double> all;
        for (const auto& arrow : d_.arrows)
            if (arrow.arrives) all.push_back(*arrow.arrives - arrow.sent);
        if (all.empty()) return 0;
        std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
        return all[all.size() / 2];
    }

    void legend() {
        double at = 16;
        const auto item = [&](const std::string& sample, const std::string& text) {
            put("<g transform=\"translate(" + number(at) + " 42)\">" + sample + "<text class=\"soft\" x=\"30\" y=\"4\">" + text + "</text></g>");
            at += 46 + 6.2 * static_cast<double>(text.size());
        };
        const auto arrow = [](const char* kind, const char* head) {
            return std::string("<line class=\"a ") + kind + "\" x1=\"0\" x2=\"24\" y1=\"0\" y2=\"0\" marker-end=\"url(#" + head + ")\"/>";
        };
        item("<rect class=\"train\" y=\"-5\" width=\"24\" height=\"10\"/>", "training");
        item("<rect class=\"mix\" y=\"-5\" width=\"24\" height=\"10\"/>", "mixing");
        item("<rect fill=\"url(#hatch)\" y=\"-5\" width=\"24\" height=\"10\"/>", "paused");
        item(arrow("member", "m"), "membership");
        item(arrow("exchange", "e"), "exchange");
        item(arrow("values", "v"), "parameters");
        item("<line class=\"a member lost\" x1=\"0\" x2=\"18\" y1=\"0\" y2=\"0\"/><path class=\"cross\" d=\"M15-4l8 8m0-8l-8 8\"/>", "lost");
        item("<circle class=\"good\" cx=\"12\" r=\"4\"/>", "starts");
        item("<path class=\"gone\" d=\"M7-5l10 10m0-10l-10 10\"/>", "crashes");
        item("<path class=\"bad\" d=\"M12-5l6 10h-12z\"/>", "suspects, buries");
        put("\n");
    }

    void axis(double h) {
        const Scale scale = linear_scale(d_.from, d_.to, Unit::seconds, static_cast<int>(width_ / 110), false);
        for (const Tick& tick : scale.ticks) {
            if (!inside(tick.at)) continue;
            put("<line class=\"grid\" x1=\"" + x(tick.at) + "\" x2=\"" + x(tick.at) + "\" y1=\"" + number(above - 10) + "\" y2=\"" + number(h - below) + "\"/><text class=\"soft\" text-anchor=\"middle\" x=\"" +
                x(tick.at) + "\" y=\"" + number(above - 16) + "\">" + escape(tick.label) + " " + escape(scale.unit) + "</text>\n");
        }
    }

    void lives() {
        for (std::size_t i = 0; i < d_.lines.size(); ++i) {
            const auto& line = d_.lines[i];
            const std::string y = number(height(i));
            put("<text class=\"name\" x=\"" + number(left_ - 12) + "\" y=\"" + y + "\">" + escape(line.name, 24) + "</text>");
            if (line.begins > d_.to || (line.ends && *line.ends < d_.from)) continue;
            put("<line class=\"life\" x1=\"" + x(line.begins) + "\" x2=\"" + x(line.ends.value_or(d_.to)) + "\" y1=\"" + y + "\" y2=\"" + y + "\"/>\n");
        }
    }

    void bars() {
        static constexpr const char* classes[] = {"train", "mix", "pause"};
        for (const auto& bar : d_.bars) {
            if (bar.ends < d_.from || bar.begins > d_.to) continue;
            const double begins = place(bar.begins), wide = std::max(place(bar.ends) - begins - 0.6, 1.2);
            const bool paused = bar.kind == SpaceTime::Bar::Kind::paused;
            put("<rect " + (paused ? std::string("fill=\"url(#hatch)\"") : std::string("class=\"") + classes[static_cast<int>(bar.kind)] + "\"") + " x=\"" + number(begins) + "\" y=\"" +
                number(height(bar.line) - (paused ? 9 : 6)) + "\" width=\"" + number(wide) + "\" height=\"" + (paused ? "18" : "12") + "\"><title>" + escape(bar.title) + "</title></rect>\n");
        }
    }

    void draw(const SpaceTime::Arrow& arrow) {
        if (arrow.sent > d_.to || (arrow.arrives && *arrow.arrives < d_.from)) return;
        const double y0 = height(arrow.from), y1 = height(arrow.to);
        double x0 = place(arrow.sent), x1 = 0, y = y1;
        const bool lost = !arrow.arrives && !arrow.under_way;
        if (arrow.arrives) {
            // Cut at the edges along its way, so that its slope is true.
            const double scale = width_ / std::max(d_.to - d_.from, 1e-12);
            const double a = left_ + scale * (arrow.sent - d_.from), b = left_ + scale * (*arrow.arrives - d_.from);
            x0 = a, x1 = b;
            double from_y = y0;
            const auto at = [&](double px) { return b > a ? y0 + (y1 - y0) * (px - a) / (b - a) : y1; };
            if (x0 < left_) from_y = at(left_), x0 = left_;
            if (x1 > left_ + width_) y = at(left_ + width_), x1 = left_ + width_;
            stroke(arrow, x0, from_y, x1, y, !lost, false);
        } else if (arrow.under_way) {
            stroke(arrow, x0, y0, left_ + width_, y0 + (y1 - y0) * 0.5, false, false);
            return;
        } else {
            x1 = std::min(place(arrow.sent + typical_ * 0.55), left_ + width_);
            y = y0 + (y1 - y0) * (std::abs(y1 - y0) > row ? row / std::abs(y1 - y0) : 1) * 0.55;
            stroke(arrow, x0, y0, x1, y, false, true);
        }
        if (lost || !arrow.taken)
            put("<path class=\"cross\" d=\"M" + number(x1 - 4) + " " + number(y - 4) + "l8 8m0-8l-8 8\"><title>" + escape(arrow.title) + "</title></path>\n");
        if (d_.arrows.size() > most_labelled) return;
        const double along = 0.28 + 0.11 * static_cast<double>(labelled_++ % 4);  // of two that go side by side both can be read
        put("<text class=\"word soft\" x=\"" + number(x0 + (x1 - x0) * along) + "\" y=\"" + number(y0 + (y - y0) * along - 2) + "\">" + escape(arrow.word, 24) + "</text>\n");
    }

    void stroke(const SpaceTime::Arrow& arrow, double x0, double y0, double x1, double y1, bool head, bool lost) {
        put("<path class=\"a " + std::string(class_of(arrow.kind)) + (lost ? " lost" : "") + "\" d=\"M" + number(x0) + " " + number(y0) + "L" + number(x1) + " " + number(y1) + "\"" +
            (head ? std::string(" marker-end=\"url(#") + head_of(arrow.kind) + ")\"" : "") + "><title>" + escape(arrow.title) + "</title></path>\n");
    }

    void marks() {
        std::vector<double> free(d_.lines.size() * 2, -1e9);  // where the next label has room: beside crosses and circles, below the line
        for (const auto& mark : d_.marks) {
            if (!inside(mark.t)) continue;
            const double px = place(mark.t), y = height(mark.line);
            using Kind = SpaceTime::Mark::Kind;
            const std::string title = "<title>" + escape(mark.text) + "</title>";
            const char* tone = "soft";
            switch (mark.kind) {
                case Kind::starts: put("<circle class=\"good\" cx=\"" + number(px) + "\" cy=\"" + number(y) + "\" r=\"4.5\">" + title + "</circle>"); tone = "good"; break;
                case Kind::crashes:
                    put("<path class=\"gone\" d=\"M" + number(px - 7) + " " + number(y - 7) + "l14 14m0-14l-14 14\">" + title + "</path>");
                    tone = "bad";
                    break;
                case Kind::leaves: put("<circle class=\"left\" cx=\"" + number(px) + "\" cy=\"" + number(y) + "\" r=\"5\">" + title + "</circle>"); break;
                case Kind::suspects:
                case Kind::buries:
                    put("<path class=\"bad\" d=\"M" + number(px) + " " + number(y + 8) + "l5 9h-10z\">" + title + "</path>");
                    tone = "bad";
                    break;
                case Kind::trusts:
                    put("<path class=\"good\" d=\"M" + number(px) + " " + number(y + 17) + "l5-9h-10z\">" + title + "</path>");
                    tone = "good";
                    break;
            }
            const bool news = mark.kind == Kind::suspects || mark.kind == Kind::buries || mark.kind == Kind::trusts;
            double& from = free[mark.line * 2 + news];
            const double wide = 6 * static_cast<double>(std::min<std::size_t>(mark.text.size(), 40));
            if (px < from || mark.text.empty()) continue;  // its title tells it
            const bool flipped = px + 12 + wide > left_ + width_ + right;
            put(std::string("<text class=\"label ") + tone + "\" x=\"" + number(flipped ? px - 9 : px + 9) + "\" y=\"" + number(news ? y + 17 : y - 10) + "\"" +
                (flipped ? " text-anchor=\"end\"" : "") + ">" + escape(mark.text, 40) + "</text>\n");
            from = px + 14 + (flipped ? 0 : wide);
        }
    }

    const SpaceTime& d_;
    double left_, width_, typical_;
    std::size_t labelled_ = 0;
    std::string out_;
};

}  // namespace

std::string svg_of(const SpaceTime& diagram) { return Drawing(diagram).draw(); }

}  // namespace grapevine::report
