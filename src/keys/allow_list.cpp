#include <algorithm>
#include <map>

#include "lines.hpp"

namespace grapevine::keys {

std::variant<std::vector<Allowed>, Error> parse_allow_list(const std::string& text, const std::string& name) {
    if (text.size() > most_allow_list_bytes) return Error{"'" + name + "' has more than " + std::to_string(most_allow_list_bytes) + " bytes", "a line a key: is this the list?"};
    std::vector<Allowed> allowed;
    std::map<std::string, std::size_t> lines_of;
    Lines lines(text);
    while (const auto line = lines.next()) {
        const std::string where = name + ":" + std::to_string(lines.number()) + ": ";
        if (line->starts_with("secret")) return Error{where + "a secret key in a list of public ones", "take it out of here, and take another key: 'grapevine keygen'; its public key goes here"};
        const std::size_t end = line->find_first_of(" \t");
        const std::string_view word = line->substr(0, end);
        const auto key = parse_key(word);
        if (!key) return Error{where + "'" + shown(word) + "' is no public key", "64 digits of 0-9 and a-f, as 'grapevine keygen' prints them, then perhaps a name; comments begin with #"};
        std::string_view label = end == std::string_view::npos ? "" : line->substr(line->find_first_not_of(" \t", end));
        if (label.size() > longest_label) return Error{where + "a name of more than " + std::to_string(longest_label) + " characters", "shorten it, or make it a comment"};
        if (std::any_of(label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) return Error{where + "a name with characters that cannot be shown", "plain letters, digits and signs"};
        if (const auto [earlier, is_new] = lines_of.try_emplace(*key, lines.number()); !is_new)
            return Error{where + "this key is in line " + std::to_string(earlier->second) + " already", "take one of the two out"};
        if (allowed.size() == most_allowed) return Error{where + "more than " + std::to_string(most_allowed) + " keys", "members beyond that want fewer keys: several nodes may share one"};
        allowed.push_back({*key, std::string(label)});
    }
    if (allowed.empty()) return Error{"'" + name + "' allows nobody", "a public key a line, as 'grapevine keygen' prints it"};
    return allowed;
}

std::variant<std::vector<Allowed>, Error> read_allow_list(const std::string& path) {
    auto text = whole_file(path, most_allow_list_bytes, "a file with a public key a line");
    if (const auto* error = std::get_if<Error>(&text)) return *error;
    return parse_allow_list(std::get<std::string>(text), path);
}

}  // namespace grapevine::keys
