// Whose word counts, and what becomes of a list that changes.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "admission.hpp"
#include "grapevine/wire/wire.hpp"

using namespace grapevine;
using namespace grapevine::node;

namespace {

keys::Pair pair_of(char seed) { return keys::from_seed(std::string(keys::key_bytes, seed)); }

membership::Record record_of(Admission& holder) {
    membership::Record r;
    r.contact = {holder.draw_id(), "a", "tcp://10.0.0.1:7470", "tcp://10.0.0.1:7471"};
    r.incarnation = 3;
    r.generation = 1'700'000'000;
    r.key = holder.key();
    r.metadata = "steps";
    r.signature = holder.sign(r);
    return r;
}

struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/grapevine-admission-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string put(const std::string& text) const {
        std::ofstream(path + "/new") << text;
        std::filesystem::rename(path + "/new", path + "/list");
        return path + "/list";
    }
};

std::string line(char seed) { return keys::to_text(pair_of(seed).public_key) + "\n"; }

std::vector<keys::Allowed> read(const std::string& path) { return std::get<std::vector<keys::Allowed>>(keys::read_allow_list(path)); }

}  // namespace

TEST_CASE("a record is genuine if its subject has signed all of it") {
    Admission ours(pair_of(1), {}, ""), theirs(pair_of(2), {}, "");
    const membership::Record good = record_of(ours);
    CHECK(ours.genuine(good));
    CHECK_FALSE(theirs.genuine(good));  // another key than those it knows
    const auto changed = [&](auto change) {
        membership::Record r = good;
        change(r);
        CHECK_FALSE(ours.genuine(r));
    };
    changed([](auto& r) { r.contact.id.value ^= 1; });
    changed([](auto& r) { r.contact.name = "b"; });
    changed([](auto& r) { r.contact.control = "tcp://10.0.0.2:7470"; });
    changed([](auto& r) { r.contact.bulk = ""; });
    changed([](auto& r) { ++r.incarnation; });
    changed([](auto& r) { ++r.generation; });
    changed([](auto& r) { r.metadata += "1"; });
    changed([](auto& r) { r.failing = 1; });
    changed([](auto& r) { r.degraded = true; });
    changed([](auto& r) { r.outbound = true; });
    changed([](auto& r) { r.signature.clear(); });
    changed([](auto& r) { r.signature[5] = static_cast<char>(r.signature[5] ^ 1); });
    changed([&](auto& r) { r.key = theirs.key(); });
    changed([](auto& r) { r.key.clear(); });
}

TEST_CASE("an id that begins with another's key is not borne, though the record is signed") {
    const std::vector<keys::Allowed> both{{pair_of(1).public_key, ""}, {pair_of(2).public_key, ""}};
    const Folder folder;
    const std::string list = folder.put(line(1) + line(2));
    Admission one(pair_of(1), both, list), two(pair_of(2), both, list);
    membership::Record stolen = record_of(one);
    CHECK(two.genuine(stolen));
    stolen.key = two.key();
    stolen.signature = two.sign(stolen);
    CHECK_FALSE(one.genuine(stolen));
}

TEST_CASE("what is signed is what a message says, all but the signature") {
    Admission ours(pair_of(1), {}, "");
    membership::Record r = record_of(ours);
    const std::string before = wire::signed_part(r);
    r.signature.clear();
    CHECK(wire::signed_part(r) == before);
}

TEST_CASE("a message with a forged record keeps the true ones") {
    Admission ours(pair_of(1), {}, "");
    membership::Book liar, honest(1000, &ours);
    membership::Record good = record_of(ours), bad = record_of(ours);
    bad.incarnation += 1;
    membership::Message message{membership::Ping{7, PeerId{3}, false}, {}};
    message.rumors.push_back({*liar.intern(bad), membership::Standing::left, {}});
    message.rumors.push_back({*liar.intern(good), membership::Standing::alive, {}});
    const std::string bytes = wire::encode(message, liar);
    const auto read = wire::decode(std::as_bytes(std::span(bytes)), honest);
    REQUIRE(read);
    const auto& m = std::get<membership::Message>(*read);
    CHECK(std::get<membership::Ping>(m.body).round == 7);
    REQUIRE(m.rumors.size() == 1);
    CHECK(honest.at(m.rumors.begin()->about) == good);
    CHECK(honest.size() == 1);
}

TEST_CASE("at a seed those are expected whose keys are allowed, our own last") {
    const Folder folder;
    const std::string list = folder.put(line(1) + line(2) + line(3));
    const Admission a(pair_of(1), read(list), list);
    const auto curve = [](char seed) { return keys::curve_public(pair_of(seed).public_key); };
    CHECK(a.expected("") == std::vector{curve(2), curve(3), curve(1)});
    CHECK(a.expected(pair_of(3).public_key) == std::vector{curve(3)});
    CHECK(a.expected(pair_of(4).public_key).empty());
    CHECK(Admission(pair_of(5), {}, "").expected("") == std::vector{curve(5)});
    std::vector<keys::Allowed> many;
    for (int i = 0; i < 200; ++i) many.push_back({pair_of(static_cast<char>(i)).public_key, ""});
    CHECK(Admission(pair_of(1), many, list).expected("").size() == net::most_candidates);
}

TEST_CASE("a list is read anew once it has kept still, and stays as it was if it is wrong") {
    const Folder folder;
    const std::string list = folder.put(line(1) + line(2));
    Admission a(pair_of(1), read(list), list);
    CHECK_FALSE(a.look());
    folder.put(line(1) + line(3));
    CHECK_FALSE(a.look());  // it may still be written
    auto change = a.look();
    REQUIRE(change);
    CHECK_FALSE(change->fault);
    CHECK(change->in == std::vector{pair_of(3).public_key});
    CHECK(change->out == std::vector{pair_of(2).public_key});
    CHECK(a.allows(pair_of(3).public_key));
    CHECK_FALSE(a.allows(pair_of(2).public_key));
    CHECK_FALSE(a.look());
    for (const std::string& wrong : {std::string(), line(1) + "half a li", std::string("secret = 1\n")}) {
        folder.put(wrong);
        CHECK_FALSE(a.look());
        change = a.look();
        REQUIRE(change);
        CHECK(change->fault);
        CHECK(a.allows(pair_of(3).public_key));
        CHECK_FALSE(a.look());  // said once
    }
    std::filesystem::remove(list);
    CHECK_FALSE(a.look());
    change = a.look();
    REQUIRE(change);
    CHECK(change->fault);
    folder.put(line(1));
    CHECK_FALSE(a.look());
    change = a.look();
    REQUIRE(change);
    CHECK(change->out == std::vector{pair_of(3).public_key});
}

TEST_CASE("a seed may say whose key it has") {
    const std::string key = keys::to_text(pair_of(1).public_key);
    CHECK(seed_of("tcp://10.0.0.1:7470").address == "tcp://10.0.0.1:7470");
    CHECK(seed_of("tcp://10.0.0.1:7470").key.empty());
    CHECK(seed_of("tcp://" + key + "@10.0.0.1:7470").address == "tcp://10.0.0.1:7470");
    CHECK(seed_of("tcp://" + key + "@10.0.0.1:7470").key == pair_of(1).public_key);
    CHECK(seed_of("tcp://12@10.0.0.1:7470").address == "tcp://12@10.0.0.1:7470");
    CHECK(seed_of("@://").key.empty());
    CHECK(seed_of("").address.empty());
}
