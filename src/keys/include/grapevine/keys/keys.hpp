#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Who a node is: an Ed25519 key pair (RFC 8032). It signs what the node says of itself, and the Curve25519 pair that encrypts its
// connections is derived from it, so that one public key of 32 bytes tells others both. All keys and signatures here are bytes in
// a string; as text they are hexadecimal, which is safe in a shell and in a file.
namespace grapevine::keys {

inline constexpr std::size_t key_bytes = 32, signature_bytes = 64;
inline constexpr std::size_t most_key_file_bytes = 4 * 1024;
inline constexpr std::size_t most_allow_list_bytes = 4 * 1024 * 1024, most_allowed = 16'384, longest_label = 64;

// What is wrong with a file, with its name and line, and what to do about it.
struct Error {
    std::string what;
    std::string hint;
};

struct Pair {
    std::string public_key;  // key_bytes
    std::string seed;        // key_bytes: the secret
};
Pair draw();
Pair from_seed(const std::string& seed);

std::string to_text(std::string_view bytes);                  // hexadecimal
std::optional<std::string> parse_key(std::string_view text);  // a public key, if it is one: a point of the curve that means something

// Signatures are made and checked for one purpose: a signature for another says nothing here.
std::string sign(const Pair& pair, std::string_view purpose, std::string_view message);
bool is_signed(const std::string& public_key, std::string_view purpose, std::string_view message, const std::string& signature);

std::string curve_public(const std::string& public_key);      // that of a checked public key
std::string curve_secret(const Pair& pair);

// A key file: lines `secret = HEX` and `public = HEX`, and comments. It is written once, readable by its owner only.
std::variant<Pair, Error> parse_key_file(const std::string& text, const std::string& name);
std::variant<Pair, Error> read_key_file(const std::string& path);
std::optional<Error> write_key_file(const std::string& path, const Pair& pair);  // never over another file
bool read_by_others(const std::string& path);

// An allow-list: a public key a line, then perhaps whose it is, and comments.
struct Allowed {
    std::string key;
    std::string label;  // for people
    friend bool operator==(const Allowed&, const Allowed&) = default;
};
std::variant<std::vector<Allowed>, Error> parse_allow_list(const std::string& text, const std::string& name);
std::variant<std::vector<Allowed>, Error> read_allow_list(const std::string& path);

// A token: a word that who knows it may see the status port. As a file, a line with nothing else but comments.
inline constexpr std::size_t shortest_token = 16, longest_token = 256;
std::string draw_token();                                     // of 128 bits
std::variant<std::string, Error> read_token(const std::string& path);
bool same(const std::string& a, const std::string& b);        // in a time that says nothing of where they differ

}  // namespace grapevine::keys
