#include <sodium.h>

#include "lines.hpp"

namespace grapevine::keys {

std::string draw_token() { return to_text(draw().seed).substr(0, 32); }

// What a header, a cookie and an address carry as it is.
std::variant<std::string, Error> read_token(const std::string& path) {
    const char* hint = "a line of 16 to 256 letters, digits and -._~, for example of: openssl rand -hex 16";
    auto text = whole_file(path, most_key_file_bytes, "a file with a token");
    if (const auto* error = std::get_if<Error>(&text)) return *error;
    Lines lines(std::get<std::string>(text));
    const auto line = lines.next();
    if (!line) return Error{"'" + path + "' holds no token", hint};
    const std::string token(*line), where = path + ":" + std::to_string(lines.number()) + ": ";
    if (token.size() < shortest_token || token.size() > longest_token) return Error{where + "a token of " + std::to_string(token.size()) + " characters", hint};
    if (token.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~") != std::string::npos) return Error{where + "a token with other characters", hint};
    if (lines.next()) return Error{path + ":" + std::to_string(lines.number()) + ": a second line", hint};
    return token;
}

bool same(const std::string& a, const std::string& b) { return !a.empty() && a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace grapevine::keys
