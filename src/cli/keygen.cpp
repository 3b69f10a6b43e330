// grapevine keygen: a key pair for a node.
#include <cstdio>

#include "grapevine/keys/keys.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

int run(const Arguments& a) {
    const std::string path = a.get("out").value_or("grapevine.key");
    if (a.has("show")) {
        const auto read = keys::read_key_file(path);
        if (const auto* error = std::get_if<keys::Error>(&read)) return complain({error->what, error->hint}, usage);
        std::printf("%s\n", keys::to_text(std::get<keys::Pair>(read).public_key).c_str());
        return finished;
    }
    const keys::Pair pair = keys::draw();
    if (const auto error = keys::write_key_file(path, pair)) return complain({error->what, error->hint}, usage);
    std::printf("%s\n", keys::to_text(pair.public_key).c_str());
    std::fprintf(stderr, "wrote %s. Either copy it to every node (--key-file %s), or make one for each and list the public keys (--allow LIST)\n", path.c_str(), path.c_str());
    return finished;
}

}  // namespace

Verb keygen_verb() {
    return {"keygen", "[-o FILE]", "a key for a node, or one for all of them",
            "Draws a key pair, writes it to FILE, which only its owner can read, and prints the public key. It never writes over a file.\n"
            "With --show it prints the public key of a FILE that is there.",
            {{"out", "FILE", "default grapevine.key", false, true, 'o'}, {"show", "", "the public key of FILE", false, true}}, 0, run};
}

}  // namespace grapevine::cli
