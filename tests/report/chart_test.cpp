#include <doctest/doctest.h>

#include <cmath>

#include "chart.hpp"
#include "curves.hpp"
#include "html.hpp"

using namespace grapevine::report;

TEST_CASE("ticks stand at round numbers, in the unit that reads best") {
    struct {
        double low, high;
        Unit unit;
        const char* name;
        const char* first;
        const char* last;
    } rows[] = {
        {0, 90, Unit::seconds, "s", "0", "80"},        {0, 600, Unit::seconds, "min", "0", "10"}, {0, 7200, Unit::seconds, "min", "0", "120"},
        {0, 86'400, Unit::seconds, "h", "0", "20"},    {0, 0.05, Unit::seconds, "ms", "0", "50"}, {0.1, 0.9, Unit::share, "%", "20", "80"},
        {0, 17.3e9, Unit::bytes, "GB", "0", "15"},     {0, 64, Unit::count, "", "0", "60"},       {0, 7.4e6, Unit::count, "million", "0", "6"},
        {0.35, 2.5, Unit::plain, "", "0.5", "2.5"},    {-1, 1, Unit::plain, "", "-1.0", "1.0"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.high);
        const Scale scale = linear_scale(row.low, row.high, row.unit, 7, false);
        CHECK(scale.unit == row.name);
        REQUIRE(!scale.ticks.empty());
        CHECK(scale.ticks.front().label == row.first);
        CHECK(scale.ticks.back().label == row.last);
        CHECK(scale.ticks.size() >= 3);
        CHECK(scale.ticks.size() <= 12);
    }
}

TEST_CASE("a logarithmic axis goes by decades") {
    const Scale scale = log_scale(2e-5, 0.5, Unit::plain, 6);
    CHECK(scale.low == doctest::Approx(1e-5));
    CHECK(scale.high == doctest::Approx(1));
    CHECK(scale.ticks.size() == 6);
    CHECK(scale.ticks.front().label == "10\u207b\u2075");
    CHECK(scale.place(1e-5) == doctest::Approx(0));
    CHECK(scale.place(1) == doctest::Approx(1));
    CHECK(log_scale(1e-32, 1, Unit::plain, 6).ticks.size() <= 7);
    CHECK(log_scale(5e-324, 1e300, Unit::plain, 6).ticks.size() <= 7);
    CHECK(log_scale(3, 3, Unit::plain, 6).high > 3);
    CHECK(log_scale(1e3, 1e10, Unit::bytes, 6).ticks[1].label == "100 kB");
}

TEST_CASE("one value, no width, no finite end: an axis all the same") {
    for (const auto& ends : {std::pair(0.0, 0.0), std::pair(5.0, 5.0), std::pair(-3.0, -3.0), std::pair(1e-300, 1e-300), std::pair(0.0, HUGE_VAL), std::pair(std::nan(""), 1.0), std::pair(1e15, 1e15 + 1)}) {
        CAPTURE(ends.first);
        for (const Unit unit : {Unit::plain, Unit::seconds, Unit::bytes, Unit::count, Unit::share}) {
            const Scale scale = linear_scale(ends.first, ends.second, unit, 5, true);
            CHECK(scale.high > scale.low);
            CHECK(scale.ticks.size() <= 50);
        }
    }
}

TEST_CASE("decimation keeps the ends and every peak") {
    std::vector<Point> points;
    for (int i = 0; i < 100'000; ++i) points.push_back({static_cast<double>(i), i == 54'321 ? 100.0 : i == 7'777 ? -100.0 : std::sin(i * 0.001)});
    const auto few = decimated(points);
    CHECK(few.size() <= 500);
    CHECK(few.size() > 300);
    CHECK(few.front().x == 0);
    CHECK(few.back().x == 99'999);
    double low = 0, high = 0;
    for (std::size_t i = 0; i < few.size(); ++i) {
        low = std::min(low, few[i].y), high = std::max(high, few[i].y);
        if (i) CHECK(few[i].x > few[i - 1].x);
    }
    CHECK(low == -100);
    CHECK(high == 100);
    CHECK(decimated({}).empty());
    CHECK(decimated({{1, 2}}).size() == 1);
}

TEST_CASE("the mean over runs ends where the first of them ends") {
    grapevine::record::Run a, b;
    for (int t = 0; t <= 10; ++t) {
        grapevine::record::Sample s;
        s.t = t, s.accuracy = 0.1 * t;
        a.samples.push_back(s);
        s.accuracy = 0.2 * t;
        if (t <= 5) b.samples.push_back(s);
    }
    const Series mean = mean_of({&a, &b}, "accuracy", Against::time);
    CHECK(mean.points.front().x == 0);
    CHECK(mean.points.back().x == 5);
    CHECK(mean.points.back().y == doctest::Approx(0.75));
    CHECK(mean.band.back().low == doctest::Approx(0.5));
    CHECK(mean.band.back().high == doctest::Approx(1.0));
    CHECK(mean_of({}, "accuracy", Against::time).points.empty());
    CHECK(mean_of({&a}, "accuracy", Against::samples).points.empty());
}

TEST_CASE("text of strangers is text") {
    CHECK(escape("<script>\"&'") == "&lt;script&gt;&quot;&amp;&#39;");
    CHECK(escape("a\xff\x01z") == "a\xef\xbf\xbd\xef\xbf\xbdz");
    CHECK(escape("\xc3\xa9") == "\xc3\xa9");
    CHECK(escape(std::string(1000, 'x'), 10) == "xxxxxxxxxx\xe2\x80\xa6");
    CHECK(number(1e300) == "1000000");
    CHECK(number(std::nan("")) == "0");
    CHECK(number(-0.01) == "0");
}
