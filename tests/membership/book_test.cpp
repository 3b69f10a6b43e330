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

namespace {

// As a signature would: what it says can only be made of the record.
class Stamp final : public Notary {
public:
    std::string sign(const Record& r) override { return stamp(r); }
    bool genuine(const Record& r) const override { return r.signature == stamp(r); }

private:
    static std::string stamp(const Record& r) {
        std::string text = r.contact.name + "/" + std::to_string(r.incarnation) + "/" + r.metadata + (r.outbound ? "/outbound" : "");
        text.resize(signature_bytes, '.');
        return text;
    }
};

}  // namespace

TEST_CASE("with a notary, what a member did not sign is not in the book") {
    Stamp notary;
    Book book(most_handles, &notary);
    CHECK(!book.intern(record(2)));
    const Handle two = *book.intern(book.sealed(record(2)));
    Record raised = book.at(two);  // its signature with another's words
    ++raised.incarnation;
    CHECK(!book.intern(raised));
    raised = book.at(two);
    raised.outbound = true;
    CHECK(!book.intern(raised));
    CHECK(*book.intern(book.at(two)) == two);
    CHECK(book.size() == 1);
    std::vector<bool> marks(book.bound(), true);
    book.keep_only(marks);
    CHECK(*book.intern(book.at(two)) == two);
}

TEST_CASE("who refutes signs what it says") {
    Stamp notary;
    Alone a(0, {}, record(1, 0, "me"), &notary);
    const Handle two = *a.book.intern(a.book.sealed(record(2)));
    a.give(Met{two});
    a.hear({a.self, Standing::suspect, PeerId{2}});
    const Record self = a.book.at(a.members->self());
    CHECK(self.incarnation == 1);
    CHECK(notary.genuine(self));
}
