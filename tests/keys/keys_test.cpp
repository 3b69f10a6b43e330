// Key files and lists come from people, and from whoever can write where they lie.
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "grapevine/keys/keys.hpp"

using namespace grapevine::keys;

namespace {

// RFC 8032, section 7.1, test 2; its public key as Curve25519 is what libsodium and others make of it.
const std::string rfc_seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", rfc_public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

std::string bytes_of(const std::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

std::string key_text(unsigned seed) {
    std::string bytes(key_bytes, '\0');
    for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(seed >> (8 * i));
    return to_text(from_seed(bytes).public_key);
}

struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/grapevine-keys-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a key is that of RFC 8032") {
    const Pair pair = from_seed(bytes_of(rfc_seed));
    CHECK(to_text(pair.public_key) == rfc_public);
    CHECK(parse_key(rfc_public) == pair.public_key);
}

TEST_CASE("two that draw get different keys") {
    const Pair a = draw(), b = draw();
    CHECK(a.public_key != b.public_key);
    CHECK(from_seed(a.seed).public_key == a.public_key);
    CHECK(curve_public(a.public_key).size() == key_bytes);
    CHECK(curve_public(a.public_key) != curve_public(b.public_key));
    CHECK(curve_secret(a).size() == key_bytes);
}

TEST_CASE("a signature says who, what for, and what") {
    const Pair a = draw(), b = draw();
    const std::string s = sign(a, "purpose", "message");
    CHECK(s.size() == signature_bytes);
    CHECK(is_signed(a.public_key, "purpose", "message", s));
    CHECK_FALSE(is_signed(b.public_key, "purpose", "message", s));
    CHECK_FALSE(is_signed(a.public_key, "purpos", "emessage", s));
    CHECK_FALSE(is_signed(a.public_key, "purpose", "messagE", s));
    CHECK_FALSE(is_signed(a.public_key, "purpose", "message", ""));
    CHECK_FALSE(is_signed(a.public_key, "purpose", "message", s + "x"));
    CHECK_FALSE(is_signed("", "purpose", "message", s));
    for (std::size_t i = 0; i < s.size(); ++i) {
        std::string other = s;
        other[i] = static_cast<char>(other[i] ^ 1);
        CHECK_FALSE(is_signed(a.public_key, "purpose", "message", other));
    }
}

TEST_CASE("what is no public key is refused") {
    const std::string good = key_text(1);
    CHECK(parse_key(good));
    CHECK_FALSE(parse_key(""));
    CHECK_FALSE(parse_key(good.substr(1)));
    CHECK_FALSE(parse_key(good + "0"));
    CHECK_FALSE(parse_key("G" + good.substr(1)));
    CHECK_FALSE(parse_key(std::string(64, '0')));                      // a point of small order: everybody knows its secret
    CHECK_FALSE(parse_key("01" + std::string(62, '0')));               // the neutral element
    CHECK_FALSE(parse_key("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"));  // of order 8
    CHECK_FALSE(parse_key("02" + std::string(62, '0')));               // on no point of the curve
}

TEST_CASE("a key file is read, or it is said where it is wrong") {
    const std::string secret = "secret = " + rfc_seed, open = "public = " + rfc_public;
    const struct { std::string text, says; } table[] = {
        {secret + "\n" + open + "\n", ""},
        {secret, ""},
        {"# mine\n\n  secret=" + rfc_seed + "   # do not show\r\n", ""},
        {"", "holds no secret key"},
        {open, "holds no secret key"},
        {secret + "\n" + secret, "file:2: a second secret key"},
        {secret + "\npublic = " + key_text(3), "the public key is not that of the secret one"},
        {"\nsecret = 12", "file:2: the secret key is not 64 digits"},
        {"secret = " + rfc_seed + "0", "file:1: the secret key is not 64 digits"},
        {"secret", "file:1: the secret key is not 64 digits"},
        {"secret = " + std::string(64, 'F'), "file:1: the secret key is not 64 digits"},
        {"seed = 1", "file:1: 'seed' belongs into no key file"},
        {"secert = " + rfc_seed, "file:1: 'secert' belongs into no key file"},
        {rfc_seed, "file:1: what stands here belongs into no key file"},
        {rfc_public, "belongs into no key file"},
        {std::string("\x1b[2J\0", 5), "file:1: '?[2J?' belongs into no key file"},
    };
    for (const auto& [text, says] : table) {
        CAPTURE(text);
        const auto read = parse_key_file(text, "file");
        if (says.empty()) {
            REQUIRE(std::holds_alternative<Pair>(read));
            CHECK(to_text(std::get<Pair>(read).public_key) == rfc_public);
        } else {
            REQUIRE(std::holds_alternative<Error>(read));
            CHECK(std::get<Error>(read).what.find(says) != std::string::npos);
            CHECK(std::get<Error>(read).what.find(rfc_seed.substr(0, 16)) == std::string::npos);  // the secret is not told the terminal
            CHECK_FALSE(std::get<Error>(read).hint.empty());
        }
    }
    std::string long_one = secret + "\n#";
    long_one.resize(most_key_file_bytes, 'x');
    CHECK(std::holds_alternative<Pair>(parse_key_file(long_one, "file")));
    CHECK(std::holds_alternative<Error>(parse_key_file(long_one + "x", "file")));
}

TEST_CASE("a list of keys is read, or it is said where it is wrong") {
    const std::string a = key_text(1), b = key_text(2);
    const auto labels = [](const std::string& text) {
        const auto read = parse_allow_list(text, "list");
        REQUIRE(std::holds_alternative<std::vector<Allowed>>(read));
        std::string all;
        for (const Allowed& x : std::get<std::vector<Allowed>>(read)) all += x.label + ";";
        return all;
    };
    const auto fault = [](const std::string& text) {
        const auto read = parse_allow_list(text, "list");
        REQUIRE(std::holds_alternative<Error>(read));
        return std::get<Error>(read).what;
    };
    const auto says = [&](const std::string& text, const std::string& what) {
        CAPTURE(text.substr(0, 200));
        CHECK(fault(text).find(what) != std::string::npos);
    };
    CHECK(labels("# ours\n" + a + "  gpu a \n\n" + b + " # the laptop\r\n") == "gpu a;;");
    CHECK(labels(a) == ";");
    CHECK(labels(a + " " + std::string(longest_label, 'n')) == std::string(longest_label, 'n') + ";");
    says(a + " " + std::string(longest_label + 1, 'n'), "list:1: a name of more than 64");
    says("", "allows nobody");
    says("# nobody\n\n", "allows nobody");
    says("\n" + a + "x", "list:2: ");
    says(a + "\n" + b + "\n" + a, "list:3: this key is in line 1 already");
    says("secret = " + rfc_seed, "list:1: a secret key");
    CHECK(fault("secret = " + rfc_seed).find(rfc_seed.substr(0, 16)) == std::string::npos);
    says(std::string(64, '0'), "list:1: '0000000000000000000000000000000000000000...' is no public key");
    says(a + " \x1b[2J", "cannot be shown");
    says(std::string("\0\1\2\3", 4), "list:1: '" + std::string(4, '?') + "' is no public key");

    std::string full;
    for (unsigned i = 0; i < most_allowed; ++i) full += key_text(i + 10) + "\n";
    CHECK(labels(full).size() == most_allowed);
    says(full + key_text(5), "list:" + std::to_string(most_allowed + 1) + ": more than");
    std::string long_one = a + "\n#";
    long_one.resize(most_allow_list_bytes, 'x');
    CHECK(labels(long_one) == ";");
    says(long_one + "x", "has more than");
}

TEST_CASE("a key file is written once, for its owner's eyes") {
    const Folder folder;
    const std::string path = folder.path + "/a.key";
    const Pair pair = draw();
    umask(0);
    REQUIRE_FALSE(write_key_file(path, pair));
    struct stat s {};
    REQUIRE(stat(path.c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0600);
    CHECK_FALSE(read_by_others(path));
    const auto read = read_key_file(path);
    REQUIRE(std::holds_alternative<Pair>(read));
    CHECK(std::get<Pair>(read).seed == pair.seed);
    const auto again = write_key_file(path, draw());
    REQUIRE(again);
    CHECK(again->what.find("is there already") != std::string::npos);
    CHECK(std::get<Pair>(read_key_file(path)).seed == pair.seed);
    REQUIRE(symlink((folder.path + "/elsewhere").c_str(), (folder.path + "/link").c_str()) == 0);
    CHECK(write_key_file(folder.path + "/link", pair));
    CHECK(write_key_file(folder.path + "/none/a.key", pair));
    chmod(path.c_str(), 0640);
    CHECK(read_by_others(path));
}

TEST_CASE("what is no file is not read") {
    const Folder folder;
    CHECK(std::holds_alternative<Error>(read_key_file(folder.path)));
    CHECK(std::holds_alternative<Error>(read_key_file(folder.path + "/none")));
    REQUIRE(mkfifo((folder.path + "/pipe").c_str(), 0600) == 0);
    CHECK(std::holds_alternative<Error>(read_allow_list(folder.path + "/pipe")));  // and nobody waits for a writer
    std::ofstream(folder.path + "/long") << std::string(most_key_file_bytes + 1, '#');
    CHECK(std::get<Error>(read_key_file(folder.path + "/long")).what.find("has more than") != std::string::npos);
    std::ofstream(folder.path + "/fits") << std::string(most_key_file_bytes, '#');
    CHECK(std::get<Error>(read_key_file(folder.path + "/fits")).what.find("holds no secret") != std::string::npos);
}
