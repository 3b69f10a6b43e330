// Files of keys: a key file, an allow-list, a key by itself, by the first byte. What is said of a wrong one can be shown anywhere, and no
// secret is said.
#include <algorithm>

#include "fuzz.hpp"
#include "grapevine/keys/keys.hpp"

using namespace grapevine;

namespace {

const keys::Pair ours = keys::from_seed(std::string(keys::key_bytes, 'k')), others = keys::from_seed(std::string(keys::key_bytes, 'o'));

void shows(const keys::Error& error) {
    for (const std::string& text : {error.what, error.hint}) {
        assert(!text.empty() && text.size() < 400);
        assert(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
    }
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
    const std::string a = keys::to_text(ours.public_key), b = keys::to_text(others.public_key), secret = keys::to_text(ours.seed);
    return {std::string(1, '\0') + "# mine\nsecret = " + secret + "\npublic = " + a + "\n", std::string(1, '\0') + "secret=" + secret, std::string(1, '\0') + "secert = " + secret, std::string(1, '\0') + secret, std::string(1, '\0') + "public = " + a,
            '\1' + a + " desk\r\n\n# and another\n" + b + "\tgpu-b  # in the cellar\n", '\1' + a + "\n" + a, "\1secret = " + secret, '\2' + a, '\2' + std::string(64, '0')};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 3) {
        case 0: {
            const auto read = keys::parse_key_file(text, "file");
            if (const auto* error = std::get_if<keys::Error>(&read)) {
                shows(*error);
                assert(error->what.find(keys::to_text(ours.seed).substr(0, 18)) == std::string::npos);
                break;
            }
            const auto& pair = std::get<keys::Pair>(read);
            assert(pair.seed.size() == keys::key_bytes && pair.public_key == keys::from_seed(pair.seed).public_key && text.size() <= keys::most_key_file_bytes);
            break;
        }
        case 1: {
            const auto read = keys::parse_allow_list(text, "list");
            if (const auto* error = std::get_if<keys::Error>(&read)) {
                shows(*error);
                break;
            }
            const auto& allowed = std::get<std::vector<keys::Allowed>>(read);
            assert(!allowed.empty() && allowed.size() <= keys::most_allowed && allowed.size() * 2 * keys::key_bytes <= text.size());
            for (const keys::Allowed& one : allowed) assert(keys::parse_key(keys::to_text(one.key)) == one.key && one.label.size() <= keys::longest_label);
            break;
        }
        default:
            if (const auto key = keys::parse_key(text)) assert(keys::to_text(*key) == text && keys::curve_public(*key).size() == keys::key_bytes);
    }
    return 0;
}
