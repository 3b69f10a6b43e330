#include <cmath>
#include <random>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;

TEST_CASE("durations are a number and a unit, and nothing else") {
    struct { const char* text; std::int64_t ns; } good[] = {
        {"250ms", 250'000'000}, {"0s", 0},          {"1.5s", 1'500'000'000},        {"20 ms", 20'000'000}, {"0.1us", 100},
        {"2min", 120'000'000'000}, {"1h", 3'600'000'000'000}, {"1d", 86'400'000'000'000}, {"7ns", 7},            {"0.000000001s", 1}};
    for (const auto& row : good) {
        CAPTURE(row.text);
        REQUIRE(parse_duration(row.text));
        CHECK(parse_duration(row.text)->count() == row.ns);
    }
    for (const char* bad : {"", "250", "ms", "-1s", "+1s", "1 m", "5m", "1e3s", "1.s", ".5s", "1s ", " 1s", "1S", "1sec", "1,5s", "1m30s", "1000000000000d", "99999999999999999999s", "inf", "nan s"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

TEST_CASE("rates are bytes per second, k is 1000 and Ki 1024") {
    struct { const char* text; double bytes; } good[] = {{"10Gbit", 1.25e9}, {"10GB/s", 1e10}, {"1 kB", 1000}, {"1KiB", 1024}, {"8bit", 1}, {"2.5Mbit/s", 312500}, {"1GiB", 1073741824}, {"3MiB", 3145728}, {"5B/s", 5}, {"9kbit", 1125}, {"4MB", 4e6}};
    for (const auto& row : good) {
        CAPTURE(row.text);
        REQUIRE(parse_rate(row.text));
        CHECK(*parse_rate(row.text) == doctest::Approx(row.bytes).epsilon(1e-12));
    }
    for (const char* bad : {"", "10", "Gbit", "-1MB", "1Mb", "1mbit", "1 MB / s", "1MB/h", "1e3MB", "/s"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_rate(bad));
    }
}

TEST_CASE("what is formatted is short, and reads as the same") {
    struct { std::int64_t ns; const char* text; } rows[] = {{250'000'000, "250ms"}, {0, "0s"}, {1'500'000'000, "1.5s"}, {90'000'000'000, "90s"}, {1, "1ns"}, {86'400'000'000'000, "1d"}, {7'200'000'000'000, "2h"}, {100'000'000, "100ms"}};
    for (const auto& row : rows) CHECK(format_duration(Duration(row.ns)) == row.text);
    CHECK(format_rate(12.5e6) == "100Mbit");
    CHECK(format_rate(1.25e9) == "10Gbit");

    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
        const auto ns = static_cast<std::int64_t>(random() >> (2 + random() % 60));
        CAPTURE(ns);
        REQUIRE(parse_duration(format_duration(Duration(ns))));
        CHECK(parse_duration(format_duration(Duration(ns)))->count() == ns);
        const double rate = std::exp(std::uniform_real_distribution(-3.0, 30.0)(random));
        CAPTURE(rate);
        REQUIRE(parse_rate(format_rate(rate)));
        CHECK(*parse_rate(format_rate(rate)) == rate);
    }
}

TEST_CASE("selections: all, some, a share, one") {
    using What = Selection::What;
    struct { const char* text; const char* group; What what; double number; } rows[] = {
        {"gpu", "gpu", What::all, 0}, {"gpu:2", "gpu", What::count, 2}, {"cpu:10%", "cpu", What::share, 0.1}, {"cpu[3]", "cpu", What::index, 3}, {"*", "*", What::all, 0}, {"*:7%", "*", What::share, 0.07}, {"*:3", "*", What::count, 3}};
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto read = parse_selection(row.text);
        REQUIRE(read);
        CHECK(read->group == row.group);
        CHECK(read->what == row.what);
        CHECK(read->number == doctest::Approx(row.number));
        CHECK(format_selection(*read) == row.text);
    }
    for (const char* bad : {"", ":", "gpu:", "gpu:0", "gpu:-1", "gpu:x", "gpu[", "gpu[]", "gpu[1", "gpu[-1]", "gpu:0%", "gpu:101%", "gpu:1e1%", "g u", "gpu:2x", "gpu[1]x", "gpu:99999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_selection(bad));
    }
}

TEST_CASE("the nearest word is the one that was meant, or none") {
    const std::vector<std::string> keys{"learning_rate", "momentum", "weight_decay", "order", "pace"};
    CHECK(nearest("lerning_rate", keys) == "learning_rate");
    CHECK(nearest("learning-rate", keys) == "learning_rate");
    CHECK(nearest("LEARNING_RATE", keys) == "learning_rate");
    CHECK(nearest("rate", keys) == "learning_rate");
    CHECK(nearest("roder", keys) == "order");
    CHECK_FALSE(nearest("zebra", keys));
    CHECK_FALSE(nearest("", keys));
    CHECK_FALSE(nearest(std::string(1'000'000, 'x'), keys));
}
