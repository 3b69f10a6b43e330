#include <cmath>

#include "grapevine/record/format.hpp"
#include "grapevine/record/quality.hpp"
#include "support.hpp"

using namespace grapevine::record;

TEST_CASE("numbers for people") {
    struct { double value; const char* text; } seconds[] = {{0, "0 s"}, {61e-3, "61.0 ms"}, {4.15, "4.15 s"}, {42, "42.0 s"}, {125, "2 min 5 s"}, {180, "3 min"}, {7200, "2.00 h"}, {200'000, "2.31 d"}, {2.5e-8, "25.0 ns"}, {0.99999, "1.00 s"}};
    for (const auto& row : seconds) CHECK(format_seconds(row.value) == row.text);
    struct { double value; const char* text; } counts[] = {{0, "0"}, {7, "7"}, {999, "999"}, {1024, "1024"}, {1234.5, "1.23 k"}, {12'400, "12.4 k"}, {9.81e6, "9.81 M"}, {999'600, "1.00 M"}, {0.5, "0.5"}};
    for (const auto& row : counts) CHECK(format_count(row.value) == row.text);
    CHECK(format_bytes(7.52e6) == "7.52 MB");
    CHECK(format_bytes(12) == "12 B");
    CHECK(format_percent(0.8861) == "88.61 %");
    CHECK(format_short(1.2e-9) == "1.2e-09");
    for (const std::string& text : {format_seconds({}), format_count(NAN), format_bytes({}), format_percent(INFINITY), format_short({})}) CHECK(text == "-");
}

TEST_CASE("a loss is told as those tell it who use such models") {
    const auto bits = quality("bits_per_character", 2 * std::log(2.0)), root = quality("rmse", 2.25);
    REQUIRE(bits);
    CHECK(std::string(bits->name) == "bits per character");
    CHECK(bits->value == doctest::Approx(2));
    REQUIRE(root);
    CHECK(std::string(root->name) == "RMSE");
    CHECK(root->value == 1.5);
    CHECK_FALSE(quality("", 1.0));
    CHECK_FALSE(quality("rmse", std::nullopt));
}
