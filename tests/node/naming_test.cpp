#include <doctest/doctest.h>

#include "naming.hpp"

using namespace grapevine;
using namespace grapevine::node;
using membership::Standing;

namespace {

const std::vector<Candidate> members{
    {PeerId{0x1111'0000'0000'0001}, "desk", Standing::alive, true},
    {PeerId{0x2222'0000'0000'0001}, "gpu", Standing::dead},
    {PeerId{0x2222'0000'0000'0002}, "gpu", Standing::alive},
    {PeerId{0x2222'0000'0000'0003}, "gpu", Standing::left},
    {PeerId{0x3333'0000'0000'0001}, "host", Standing::alive},
    {PeerId{0x3344'0000'0000'0001}, "host", Standing::suspect},
    {PeerId{0x4444'0000'0000'0001}, "1111", Standing::alive},
    {PeerId{0x5555'0000'0000'0001}, "gone", Standing::left},
};

std::string found(const std::string& who, bool absent_first = false) {
    const auto result = find_member(members, who, absent_first);
    if (const auto* id = std::get_if<PeerId>(&result)) {
        char text[17];
        std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(id->value));
        return text;
    }
    return std::get<NotFound>(result).what + "; " + std::get<NotFound>(result).hint;
}

}  // namespace

TEST_CASE("a member is found by its name, or by the beginning of its id") {
    CHECK(found("desk") == "1111000000000001");
    CHECK(found("gone") == "5555000000000001");
    CHECK(found("334400") == "3344000000000001");
    CHECK(found("3344") == "3344000000000001");
    CHECK(found("2222000000000002") == "2222000000000002");
    CHECK(found("1111") == "4444000000000001");  // a name goes before an id
}

TEST_CASE("of several of one name the one that is there is meant, or the dead one where it is about the dead") {
    CHECK(found("gpu") == "2222000000000002");
    CHECK(found("gpu", true) == "2222000000000001");
    CHECK(found("host", true) == "3344000000000001");
}

TEST_CASE("who is not found is told what there is") {
    CHECK(found("dsek").find("did you mean 'desk'?") != std::string::npos);
    CHECK(found("333") == "no member '333' is known here; 'grapevine members' lists them; an id may be cut to its first four digits");
    const std::string both = found("host");
    CHECK(both.find("2 members are meant by 'host'") != std::string::npos);
    CHECK(both.find("3333000000000001 (alive)") != std::string::npos);
    CHECK(both.find("3344000000000001 (suspect)") != std::string::npos);
    CHECK(found("2222").find("2222000000000002") != std::string::npos);  // the one that is there
    CHECK(found("").find("no member is named") != std::string::npos);
}
