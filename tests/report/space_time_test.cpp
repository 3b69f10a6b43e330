#include <doctest/doctest.h>

#include <cstdio>

#include "grapevine/report/space_time.hpp"

using namespace grapevine::report;

namespace {

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

SpaceTime two_lines() {
    SpaceTime d;
    d.title = "two";
    d.to = 2;
    d.lines = {{"a", 0, {}}, {"b", 0, {}}};
    return d;
}

SpaceTime::Arrow arrow(double sent, std::optional<double> arrives) {
    return {SpaceTime::Arrow::Kind::exchange, 0, 1, sent, arrives, true, false, "offer", "offer, a to b"};
}

// Of the first arrow in the picture.
struct Ends {
    double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};
Ends ends_of_arrow(const std::string& svg) {
    Ends e;
    const auto at = svg.find("d=\"M", svg.find("</defs>") == std::string::npos ? 0 : svg.find("<path class=\"a exchange"));
    REQUIRE(std::sscanf(svg.c_str() + at, "d=\"M%lf %lfL%lf %lf", &e.x0, &e.y0, &e.x1, &e.y1) == 4);
    return e;
}

}  // namespace

TEST_CASE("a diagram of nothing is a picture all the same") {
    const std::string svg = svg_of(SpaceTime{});
    CHECK(svg.starts_with("<svg "));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(times(svg, "\"nan") + times(svg, " nan") + times(svg, "inf") + times(svg, "<script") + times(svg, "href") == 0);
}

TEST_CASE("an arrow leans by how long its message took, and is cut at the edges along its way") {
    SpaceTime d = two_lines();
    d.arrows = {arrow(0.5, 1.5)};
    const Ends whole = ends_of_arrow(svg_of(d));
    d.arrows = {arrow(0.5, 0.75)};
    const Ends quick = ends_of_arrow(svg_of(d));
    CHECK(whole.x0 == quick.x0);
    CHECK((whole.x1 - whole.x0) / (quick.x1 - quick.x0) == doctest::Approx(4).epsilon(0.01));
    CHECK(whole.y1 == quick.y1);
    d.arrows = {arrow(0.5, 1.5)};
    d.from = 1;
    d.to = 2;
    const Ends cut = ends_of_arrow(svg_of(d));
    CHECK(cut.y0 == doctest::Approx((whole.y0 + whole.y1) / 2).epsilon(0.01));  // half of its way lies before
    CHECK(cut.y1 == whole.y1);
}

TEST_CASE("what is lost ends in a cross on its way, what finds nobody in a cross where nobody is") {
    SpaceTime d = two_lines();
    const std::size_t crosses = times(svg_of(d), "class=\"cross\"");  // the legend's
    d.arrows = {arrow(0.5, 1.0)};
    CHECK(times(svg_of(d), "class=\"cross\"") == crosses);
    d.arrows = {arrow(0.5, {})};
    CHECK(times(svg_of(d), "class=\"cross\"") == crosses + 1);
    const Ends lost = ends_of_arrow(svg_of(d));
    d.arrows = {arrow(0.5, 1.0)};
    CHECK(lost.y1 < ends_of_arrow(svg_of(d)).y1);
    d.arrows[0].taken = false;
    CHECK(times(svg_of(d), "class=\"cross\"") == crosses + 1);
    d.arrows = {arrow(0.5, {})};
    d.arrows[0].under_way = true;
    CHECK(times(svg_of(d), "class=\"cross\"") == crosses);
}

TEST_CASE("names in a diagram are text") {
    SpaceTime d = two_lines();
    const std::string evil = "<script>\"&'\x01\xff";
    d.title = d.note = d.lines[0].name = evil;
    d.arrows = {arrow(0.5, 1.0)};
    d.arrows[0].word = d.arrows[0].title = evil;
    d.marks = {{SpaceTime::Mark::Kind::suspects, 0, 1, evil}};
    d.bars = {{SpaceTime::Bar::Kind::training, 1, 0, 1, evil}};
    d.faults = {{1, evil}};
    const std::string svg = svg_of(d);
    CHECK(times(svg, "<script") == 0);
    CHECK(times(svg, "&lt;script&gt;") == 9);
    CHECK(times(svg, "\x01") + times(svg, "\xff") == 0);
}
