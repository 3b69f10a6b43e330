#include <doctest/doctest.h>

#include "grapevine/record/plain.hpp"

using namespace grapevine::record;

TEST_CASE("what others said cannot move a cursor, turn writing around, or be no UTF-8") {
    CHECK(plain("grün \u4e2d") == "grün \u4e2d");
    CHECK(plain("\033[2Jx\n\r\x7f") == "?[2Jx???");
    CHECK(plain("a\u009b31mb\u202ec\u200bd\ufeff") == "a?31mb?c?d?");
    CHECK(plain("\xff\xc0\xaf\xe2\x82") == "?????");
    CHECK(plain("\xed\xa0\x80") == "???");  // half a surrogate
    CHECK(plain("\xf4\x90\x80\x80") == "????");
}
