#include "node_keys.hpp"

#include <algorithm>
#include <cstdio>

namespace grapevine::cli {

std::optional<Error> take_keys(const Arguments& a, node::Options& o) {
    const auto file = a.get("key-file"), list = a.get("allow");
    if (!file) {
        if (list) return Error{"--allow without --key-file: a node without a key of its own can prove to nobody who it is", "'grapevine keygen -o FILE' makes one: --key-file FILE"};
        return std::nullopt;
    }
    auto pair = keys::read_key_file(*file);
    if (const auto* error = std::get_if<keys::Error>(&pair)) return Error{error->what, error->hint};
    if (keys::read_by_others(*file)) std::fprintf(stderr, "WARNING: %s can be read by others, and who reads it is this node: chmod 600 %s\n", file->c_str(), file->c_str());
    o.key = std::get<keys::Pair>(std::move(pair));
    if (list) {
        auto allowed = keys::read_allow_list(*list);
        if (const auto* error = std::get_if<keys::Error>(&allowed)) return Error{error->what, error->hint};
        o.allow_file = *list;
        o.allowed = std::get<std::vector<keys::Allowed>>(std::move(allowed));
    }
    return std::nullopt;
}

std::optional<Error> check_joins(const Arguments& a, const node::Options& o) {
    const auto file = a.get("key-file"), list = a.get("allow");
    for (const node::Source& source : o.joins) {
        const auto* address = std::get_if<node::Address>(&source);
        const auto* name = std::get_if<node::DnsName>(&source);
        const std::string key = address ? address->key : name ? name->at.key : "";
        if (key.empty()) continue;
        if (!o.key) return Error{"--join names a key, and there is no --key-file", "add --key-file FILE, or leave the key out"};
        const bool allowed = list ? std::any_of(o.allowed.begin(), o.allowed.end(), [&](const auto& x) { return keys::to_text(x.key) == key; })
                                  : key == keys::to_text(o.key->public_key);
        if (!allowed) return Error{"--join names the key " + key + ", which is not let in here", list ? "add it to " + *list : "it is not that of " + *file + ": with keys of their own all nodes want --allow"};
    }
    return std::nullopt;
}

std::vector<Option> key_options() {
    return {{"key-file", "FILE", "encrypt, and let in only who has this key too, or one of --allow; 'grapevine keygen' writes one"},
            {"allow", "FILE", "whose keys are let in: a public key a line; read anew when it changes"}};
}

}  // namespace grapevine::cli
