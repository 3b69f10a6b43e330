#include <doctest/doctest.h>

#include "alone.hpp"

using namespace grapevine;
using namespace grapevine::membership;
using namespace grapevine::membership::test;

TEST_CASE("a book keeps equal records once and tells others apart") {
    Book book;
    const Handle a = *book.intern(record(1));
    CHECK(*book.intern(record(1)) == a);
    const Handle raised = *book.intern(record(1, 1));
    const Handle renamed = *book.intern(record(1, 0, "other"));
    CHECK(raised != a);
    CHECK(renamed != a);
    CHECK(*book.intern(record(1, 0, "other")) == renamed);
    CHECK(*book.intern(record(1)) == a);
    CHECK(book.size() == 3);
}

TEST_CASE("a book lets go of what is not marked, keeps the handles of the rest and fills the gaps") {
    Book book;
    std::vector<Handle> handles;
    for (std::uint64_t i = 1; i <= 10; ++i) handles.push_back(*book.intern(named(i, i % 2 ? "odd" : "even", i)));
    std::vector<bool> marks(book.bound(), false);
    for (const std::size_t kept : {0u, 2u, 3u}) marks[handles[kept]] = true;
    book.keep_only(marks);
    CHECK(book.size() == 3);
    CHECK(book.at(handles[2]).contact.id == PeerId{3});
    CHECK(*book.intern(named(3, "odd", 3)) == handles[2]);
    CHECK(book.namesake(handles[0]) == handles[2]);
    CHECK(book.namesake(handles[2]) == handles[0]);
    CHECK(book.namesake(handles[3]) == handles[3]);
    const Handle fresh = *book.intern(named(20, "odd", 20));
    CHECK(book.bound() == 10);
    CHECK(book.size() == 4);
    int names = 0;
    for (Handle h = book.namesake(fresh); h != fresh; h = book.namesake(h)) ++names;
    CHECK(names == 2);
}
