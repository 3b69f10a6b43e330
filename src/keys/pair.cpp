#include <sodium.h>

#include <cassert>
#include <cstdlib>

#include "grapevine/keys/keys.hpp"

namespace grapevine::keys {

namespace {

static_assert(crypto_sign_PUBLICKEYBYTES == key_bytes && crypto_sign_SEEDBYTES == key_bytes && crypto_sign_BYTES == signature_bytes);

void ready() {
    static const bool initialised = sodium_init() >= 0;
    if (!initialised) std::abort();  // without randomness nothing below is worth anything
}

const unsigned char* in(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

std::string secret_of(const Pair& pair) { return pair.seed + pair.public_key; }  // libsodium's form

bool to_curve(std::string& curve, std::string_view key) {
    curve.assign(key_bytes, '\0');
    return crypto_sign_ed25519_pk_to_curve25519(out(curve), in(key)) == 0;
}

// The purpose's length first: no purpose and message read as another two.
std::string statement(std::string_view purpose, std::string_view message) {
    assert(purpose.size() < 256);
    std::string bytes(1, static_cast<char>(purpose.size()));
    return bytes.append(purpose).append(message);
}

}  // namespace

Pair draw() {
    ready();
    std::string seed(key_bytes, '\0');
    randombytes_buf(seed.data(), seed.size());
    return from_seed(seed);
}

Pair from_seed(const std::string& seed) {
    ready();
    assert(seed.size() == key_bytes);
    Pair pair{std::string(key_bytes, '\0'), seed};
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(out(pair.public_key), secret, in(seed));
    sodium_memzero(secret, sizeof secret);
    return pair;
}

std::string to_text(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) text += {digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]};
    return text;
}

std::optional<std::string> parse_key(std::string_view text) {
    if (text.size() != 2 * key_bytes || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string key, curve;
    for (std::size_t i = 0; i < text.size(); i += 2) key.push_back(static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1])));
    return to_curve(curve, key) ? std::optional(key) : std::nullopt;
}

std::string sign(const Pair& pair, std::string_view purpose, std::string_view message) {
    ready();
    const std::string all = statement(purpose, message);
    std::string signature(signature_bytes, '\0'), secret = secret_of(pair);
    crypto_sign_detached(out(signature), nullptr, in(all), all.size(), in(secret));
    sodium_memzero(secret.data(), secret.size());
    return signature;
}

bool is_signed(const std::string& public_key, std::string_view purpose, std::string_view message, const std::string& signature) {
    if (public_key.size() != key_bytes || signature.size() != signature_bytes) return false;
    ready();
    const std::string all = statement(purpose, message);
    return crypto_sign_verify_detached(in(signature), in(all), all.size(), in(public_key)) == 0;
}

std::string curve_public(const std::string& public_key) {
    std::string curve;
    const bool is_key = to_curve(curve, public_key);
    assert(is_key);
    (void)is_key;
    return curve;
}

std::string curve_secret(const Pair& pair) {
    std::string curve(key_bytes, '\0'), secret = secret_of(pair);
    crypto_sign_ed25519_sk_to_curve25519(out(curve), in(secret));
    sodium_memzero(secret.data(), secret.size());
    return curve;
}

}  // namespace grapevine::keys
