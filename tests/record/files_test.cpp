#include <csignal>

#include <sys/resource.h>

#include "output.hpp"
#include "support.hpp"

using namespace grapevine::record;

TEST_CASE("a run leaves its files, and they read back") {
    Scratch dir("run");
    auto made = RunFiles::create(dir / "a/b", "seed = 1\n");
    REQUIRE(std::holds_alternative<RunFiles>(made));
    {
        RunFiles files = std::move(std::get<RunFiles>(made));
        files.event({0.5, "p1", "started", "", {}});
        files.sample(full_sample());
        CHECK(contains(dir.read("a/b/metrics.jsonl"), "\"t\": 1.5"));  // flushed with the sample
        CHECK(contains(dir.read("a/b/events.jsonl"), "\"started\""));
        files.event({2, "p2", "joined", "p1", {}});
        files.summary(full_summary());
        files.report("<p>");
        CHECK_FALSE(files.fault());
    }
    const auto read = load_run(dir / "a/b");
    REQUIRE(std::holds_alternative<Run>(read));
    const Run& run = std::get<Run>(read);
    CHECK(run.config == "seed = 1\n");
    REQUIRE(run.samples.size() == 1);
    CHECK(run.samples[0] == full_sample());
    CHECK(run.events.size() == 2);
    CHECK(run.events_in_file == 2);
    CHECK(run.summary == full_summary());
    CHECK(dir.read("a/b/report.html") == "<p>");
    for (const auto& entry : std::filesystem::directory_iterator(dir.path / "a/b")) CHECK_FALSE(contains(entry.path().string(), ".new"));
}

TEST_CASE("another run's files are replaced only when told so, and files of others never") {
    Scratch dir("again");
    dir.write("notes.txt", "mine");
    REQUIRE(std::holds_alternative<RunFiles>(RunFiles::create(dir.path.string(), "first")));
    dir.write("summary.json", "{}");
    const auto refused = RunFiles::create(dir.path.string(), "second");
    REQUIRE(std::holds_alternative<Error>(refused));
    CHECK(contains(std::get<Error>(refused).what, "holds a run already"));
    CHECK(contains(std::get<Error>(refused).hint, "--overwrite"));
    CHECK(dir.read("config.toml") == "first");
    REQUIRE(std::holds_alternative<RunFiles>(RunFiles::create(dir.path.string(), "second", true)));
    CHECK(dir.read("config.toml") == "second");
    CHECK(dir.read("notes.txt") == "mine");
    CHECK_FALSE(std::filesystem::exists(dir.path / "summary.json"));
}

TEST_CASE("a file in place of a directory is said, with what to do") {
    Scratch dir("file");
    dir.write("file", "");
    for (const char* name : {"file", "file/below"}) {
        const auto made = RunFiles::create(dir / name, "");
        REQUIRE(std::holds_alternative<Error>(made));
        CHECK(contains(std::get<Error>(made).what, name));
        CHECK(contains(std::get<Error>(made).hint, "--out"));
    }
    CHECK(contains(replace_file(dir / "file/x", "")->what, "Not a directory"));
    std::filesystem::create_directories(dir.path / "stands/in/the/way");
    CHECK(replace_file(dir / "stands", ""));
    CHECK_FALSE(std::filesystem::exists(dir.path / "stands.new"));
}

TEST_CASE("a full disk is one fault, and the run goes on") {
    Output output("/dev/full");
    for (int i = 0; i < 100'000; ++i) output.append("a line of some length, again and again");
    output.flush();
    REQUIRE(output.fault());
    CHECK(contains(output.fault()->what, "/dev/full"));
    CHECK(contains(output.fault()->what, "No space left"));
    CHECK(contains(output.fault()->hint, "free some space"));
}

TEST_CASE("a run whose files may not grow tells it once") {
    Scratch dir("limit");
    auto made = RunFiles::create(dir / "run", "");
    REQUIRE(std::holds_alternative<RunFiles>(made));
    auto& files = std::get<RunFiles>(made);

    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 16384;
    const auto old = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 400; ++i) files.sample(full_sample());
    files.summary(full_summary());
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old);

    const auto fault = files.fault();
    REQUIRE(fault);
    CHECK(contains(fault->what, "metrics.jsonl"));
    CHECK_FALSE(files.fault());
    files.sample(full_sample());
    files.event({});
    const auto read = load_run(dir / "run");  // what was written is whole lines and a cut one
    REQUIRE(std::holds_alternative<Run>(read));
    CHECK(std::get<Run>(read).samples.size() >= 16384 / (to_json(full_sample()).size() + 1));
    CHECK(std::get<Run>(read).summary == full_summary());
}
