#include <random>

#include "support.hpp"

using namespace grapevine::record;

namespace {

Error refusal(const std::string& directory) {
    const auto read = load_run(directory);
    return std::holds_alternative<Error>(read) ? std::get<Error>(read) : Error{"accepted", ""};
}

}  // namespace

TEST_CASE("what is no run says so") {
    Scratch dir("none");
    dir.write("file", "");
    CHECK(contains(refusal(dir / "missing").what, "is no directory"));
    CHECK(contains(refusal(dir / "file").what, "is no directory"));
    CHECK(contains(refusal(dir.path.string()).what, "metrics.jsonl': there is no such file"));
    CHECK(what_is_in(dir.path.string()) == Holds::nothing);
}

TEST_CASE("an unfinished run is a run: the cut last line is left out") {
    Scratch dir("cut");
    dir.write("metrics.jsonl", "{\"t\": 0}\n{\"t\": 1}\n{\"t\": 2, \"lo");
    dir.write("events.jsonl", "{\"t\": 0, \"kind\": \"started\"}\n{\"t\"");
    const auto read = load_run(dir.path.string());
    REQUIRE(std::holds_alternative<Run>(read));
    CHECK(std::get<Run>(read).samples.size() == 2);
    CHECK(std::get<Run>(read).events.size() == 1);
    CHECK_FALSE(std::get<Run>(read).summary);
    CHECK(what_is_in(dir.path.string()) == Holds::run);
}

TEST_CASE("a wrong line in the middle is named") {
    Scratch dir("wrong");
    dir.write("metrics.jsonl", "{\"t\": 0}\n\nnonsense\n{\"t\": 2}\n");
    CHECK(contains(refusal(dir.path.string()).what, "metrics.jsonl:3: no JSON"));
    dir.write("metrics.jsonl", "{\"t\": 0}\n");
    dir.write("events.jsonl", "{\"t\": 0}\n{\"t\": 0, \"peer\": 3}\n");
    CHECK(contains(refusal(dir.path.string()).what, "events.jsonl:2: 'peer' is no text"));
    dir.write("events.jsonl", "");
    dir.write("summary.json", "{\"final\": {\"t\": \"x\"}}");
    CHECK(contains(refusal(dir.path.string()).what, "summary.json: 'final': 't' is no number"));
    dir.write("summary.json", "{\"seed\": -1}");
    CHECK(contains(refusal(dir.path.string()).what, "'seed' is no whole number"));
}

TEST_CASE("files without an end of line, and of zeros, end") {
    Scratch dir("endless");
    dir.write("metrics.jsonl", std::string(17 << 20, 'x'));
    CHECK(contains(refusal(dir.path.string()).what, "longer than 16 MiB"));
    dir.write("metrics.jsonl", std::string(1000, '\0'));
    CHECK(std::holds_alternative<Run>(load_run(dir.path.string())));  // one cut line: a run of no samples
}
