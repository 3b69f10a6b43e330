#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

struct Text {
    Directory directory;
    config::Config config;
    explicit Text(const std::string& text) {
        config.model.kind = config::ModelKind::skipgram;
        config.model.subsample = 0;
        config.data.set = config::own_files;
        config.data.own.emplace();
        config.data.own->format = config::DataFiles::Format::words;
        config.data.own->files = {directory.file("text.txt")};
        config.data.own->held_out = 0.25;
        std::ofstream(directory.file("text.txt"), std::ios::binary) << text;
    }
    Sets read() const { return task_of(config)->sets; }
    Error refusal() const {
        const auto prepared = prepare(config);
        if (const auto* error = std::get_if<Error>(&prepared)) return *error;
        return {"accepted", ""};
    }
};

// 6,000 words: "a" is one of two, "b" one of three, "c" one of six.
std::string abc() {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "A b, a-B a! C\n";
    return text;
}

std::vector<std::int32_t> words_of(const Dataset& set) { return std::get<std::vector<std::int32_t>>(set.values); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("words are small letters, numbered from the most frequent one, and whole passages are held out") {
    const auto sets = Text(abc()).read();
    REQUIRE(sets.train->vocabulary);
    CHECK(sets.train->vocabulary->words == std::vector<std::string>{"a", "b", "c"});
    CHECK(sets.train->vocabulary->counts == std::vector<std::uint64_t>{3000, 2000, 1000});
    CHECK(sets.train->vocabulary == sets.test->vocabulary);
    CHECK(sets.train->rows() == 9 * passage);
    CHECK(sets.test->rows() == 3 * passage);
    const auto text = words_of(*sets.train);
    CHECK(std::vector<std::int32_t>(text.begin(), text.begin() + 6) == std::vector<std::int32_t>{0, 1, 0, 1, 0, 2});
    CHECK(sets.train->classes == 0);
}

TEST_CASE("what is not in the vocabulary is left out, and its neighbours close up") {
    Text text(abc());
    text.config.model.vocabulary = 2;
    const auto sets = text.read();
    CHECK(sets.train->vocabulary->words.size() == 2);
    CHECK(sets.train->rows() + sets.test->rows() == 5000);
    CHECK(sets.train->rows() == 4000);
    const auto words = words_of(*sets.train);
    CHECK(std::count(words.begin(), words.end(), 1) == doctest::Approx(1600).epsilon(0.01));
}

TEST_CASE("frequent words are thinned out by the seed") {
    Text text(abc());
    text.config.model.subsample = 0.1;
    const auto sets = text.read();
    std::vector<double> counts(3);
    for (const Dataset* set : {sets.train.get(), sets.test.get()})
        for (const std::int32_t word : words_of(*set)) ++counts[static_cast<std::size_t>(word)];
    for (std::size_t w = 0; w < 3; ++w) {  // of deviation 28 at most
        const auto n = static_cast<double>(sets.train->vocabulary->counts[w]);
        CHECK(counts[w] == doctest::Approx(n * std::sqrt(0.1 / (n / 6000))).epsilon(0.08));
    }
    CHECK(text.read().fingerprint == sets.fingerprint);
    text.config.seed = 2;
    CHECK(text.read().fingerprint != sets.fingerprint);
}

TEST_CASE("another vocabulary is another set") {
    Text a(abc()), b(abc() + "d"), c(abc());
    CHECK(a.read().fingerprint == c.read().fingerprint);
    CHECK(a.read().fingerprint != b.read().fingerprint);
    c.config.model.vocabulary = 2;
    CHECK(a.read().fingerprint != c.read().fingerprint);
    std::string renamed = abc();  // the same numbers, other words
    std::replace(renamed.begin(), renamed.end(), 'C', 'D');
    CHECK(a.read().fingerprint != Text(renamed).read().fingerprint);
}

TEST_CASE("validation holds out whole passages, too") {
    Text text(abc());
    text.config.data.validation = 0.34;
    const auto sets = text.read();
    CHECK(sets.train->rows() == 6 * passage);
    CHECK(sets.test->rows() == 3 * passage);
}

TEST_CASE("texts that nothing can be learnt from are refused") {
    CHECK(has(Text("").refusal().what, "less than two different words"));
    CHECK(has(Text("a a a a").refusal().what, "less than two different words"));
    CHECK(has(Text("a b a b").refusal().what, "too short"));
    CHECK(has(Text(std::string(100'000, 'x')).refusal().what, "less than two different words"));  // one word, and no word
    Text missing(abc());
    missing.config.data.own->files = {"/nonexistent/text.txt"};
    CHECK(has(missing.refusal().what, "/nonexistent/text.txt cannot be read"));
}

TEST_CASE("a directory without the King James Bible says what to install") {
    Directory directory;
    config::Data data;
    data.set = "kjv-words";
    data.directory = directory.path.string();
    const auto refusal = [&] { return std::get<Error>(load(data, 1)); };
    CHECK(has(refusal().what, "kjv.txt cannot be read: No such file"));
    CHECK(has(refusal().hint, "apt-get install bible-kjv"));
    std::ofstream(directory.file("kjv.txt")) << "\nGenesis 1\n\n  1 In the beginning God created the heaven and the earth. Amen.\n";
    CHECK(has(refusal().what, "kjv.txt is not the whole King James Bible"));
}

TEST_CASE("the King James Bible has the same words whether the program prints them or a file holds them, and no headings") {
    config::Data data;
    data.set = "kjv-words";
    const auto printed = load(data, 1);
    if (std::holds_alternative<Error>(printed)) {
        MESSAGE("skipped: bible-kjv is not installed");
        return;
    }
    const auto& sets = std::get<Sets>(printed);
    CHECK(sets.train->vocabulary->words.front() == "the");
    CHECK(sets.train->vocabulary->words.size() == 10'000);
    const auto times = [&](const char* word) {
        const auto& all = sets.train->vocabulary->words;
        const auto at = std::find(all.begin(), all.end(), word);
        return at == all.end() ? 0 : sets.train->vocabulary->counts[static_cast<std::size_t>(at - all.begin())];
    };
    CHECK(times("deuteronomy") == 0);  // a book's name, which no verse says
    CHECK(times("genesis") == 0);
    CHECK(times("firmament") == 17);
    Directory directory;
    data.directory = directory.path.string();
    REQUIRE(std::system(("/usr/bin/bible -l79 gen1:1-rev22:21 </dev/null >" + directory.file("kjv.txt")).c_str()) == 0);
    const auto kept = load(data, 1);
    REQUIRE(std::holds_alternative<Sets>(kept));
    CHECK(std::get<Sets>(kept).fingerprint == sets.fingerprint);
}
