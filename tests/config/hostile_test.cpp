#include <chrono>
#include <random>

#include "support.hpp"

using namespace grapevine::config;

// A seed sends its run's configuration: any bytes may come, and what comes back is a Config or an Error.

namespace {

void survives(const std::string& text) {
    const auto read = read_text(text, "run.toml");
    if (const auto* error = std::get_if<Error>(&read)) {
        CHECK_FALSE(error->what.empty());
        CHECK(error->what.size() < 2000);
        for (const char c : error->what) CHECK(static_cast<unsigned char>(c) >= 0x20);
    } else {
        const Config& config = std::get<Config>(read);
        const std::string written = to_toml(config);
        if (written.size() > 1'000'000) return;
        const auto again = read_text(written, "again.toml");
        if (const auto* wrong = std::get_if<Error>(&again)) FAIL_CHECK(text << "\n" << wrong->what);
        else CHECK(std::get<Config>(again) == config);
    }
}

std::string repeated(const std::string& piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += piece;
    return text;
}

}  // namespace

TEST_CASE("thousands of mutations of a good file: an answer each time, and what is accepted is written true") {
    std::mt19937_64 random(2024);
    const std::string good = everything;
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < good.size();) {
        const auto to = good.find('\n', from);
        lines.push_back(good.substr(from, to - from + 1));
        from = to + 1;
    }
    const std::string letters = "\"'=[]{}.,#-+0159eEnxX_ \n\t\\\x01\x80\xff";
    for (int i = 0; i < 4000; ++i) {
        std::string text = good;
        const auto at = [&](std::size_t n) { return random() % n; };
        for (std::size_t edits = 1 + at(3); edits > 0; --edits) {
            switch (at(6)) {
                case 0: text[at(text.size())] = letters[at(letters.size())]; break;
                case 1: text.insert(at(text.size()), 1, letters[at(letters.size())]); break;
                case 2: text.erase(at(text.size()), 1 + at(4)); break;
                case 3: text.insert(at(text.size()), lines[at(lines.size())]); break;
                case 4: text.resize(1 + at(text.size())); break;
                case 5: text.replace(at(text.size()), 1 + at(8), lines[at(lines.size())].substr(0, 6)); break;
            }
        }
        CAPTURE(i);
        survives(text);
    }
}

TEST_CASE("every prefix of a good file") {
    const std::string good = everything;
    for (std::size_t n = 0; n < good.size(); n += 3) survives(good.substr(0, n));
}

TEST_CASE("depth, length and number are bounded, and so is the time they take") {
    const auto start = std::chrono::steady_clock::now();
    survives("x = " + repeated("[", 100'000));
    survives("x = " + repeated("{a=", 100'000));
    survives(repeated("a.", 400'000) + "a = 1");
    survives("[" + repeated("a . ", 200'000) + "a]");
    survives("x = {" + repeated("1.1.", 200'000) + "1 = 1}");
    survives("[" + repeated("\"a\".1.", 100'000) + "a]");
    survives(repeated("[[group]]\n", 100'000));
    survives(repeated("[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"*\"\n", 20'000));
    survives("x = \"" + std::string(900'000, 'y') + "\"");
    survives(std::string(900'000, 'k') + " = 1");
    survives(std::string(2'000'000, 'k') + " = 1");
    survives("seed = " + std::string(100'000, '9'));
    survives("until = \"" + std::string(100'000, '9') + "s\"");
    survives(std::string(10, '\0'));
    std::string many;
    for (int i = 0; i < 60'000; ++i) many += "k" + std::to_string(i) + " = 1\n";
    survives(many);
    std::string groups;
    for (int i = 0; i < 30'000; ++i) groups += "[[group]]\nname = \"g" + std::to_string(i) + "\"\n";
    survives(groups);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // hours, if something were without bound
}
