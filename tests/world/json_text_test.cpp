#include <doctest/doctest.h>

#include <limits>

#include "json_text.hpp"

using namespace grapevine;
using namespace grapevine::sim;

TEST_CASE("text in JSON is text, whatever bytes it has") {
    CHECK(quoted("gpu-0") == "\"gpu-0\"");
    CHECK(quoted("a \"b\" \\ c") == "\"a \\\"b\\\" \\\\ c\"");
    CHECK(quoted(std::string("\n\t\0\x7f", 4)) == "\"\\u000a\\u0009\\u0000\\u007f\"");
    CHECK(quoted("\xc3\xbc \xe2\x82\xac \xf0\x9f\x8d\x87") == "\"\xc3\xbc \xe2\x82\xac \xf0\x9f\x8d\x87\"");
    const std::string replaced = "\xef\xbf\xbd";
    CHECK(quoted("\xff") == "\"" + replaced + "\"");
    CHECK(quoted("\xc3") == "\"" + replaced + "\"");                      // cut
    CHECK(quoted("\xc0\xaf") == "\"" + replaced + replaced + "\"");      // longer than it need be
    CHECK(quoted("\xed\xa0\x80") == "\"" + replaced + replaced + replaced + "\"");  // half a surrogate
}

TEST_CASE("numbers in JSON read back as they were") {
    CHECK(json_number(0.1) == "0.1");
    CHECK(json_number(1.0 / 3) == "0.3333333333333333");
    CHECK(json_number(std::numeric_limits<double>::infinity()) == "null");
    CHECK(json_seconds(Instant(std::chrono::nanoseconds(12'000'000'345))) == "12.000000345");
}
