#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;

namespace {

Error file_refusal(const std::string& path) {
    const auto read = read_file(path);
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    return {"accepted", ""};
}

}  // namespace

TEST_CASE("an including file is laid over what it includes; lists of tables are joined, the included first") {
    Scratch dir("include");
    dir.write("base/base.toml", "seed = 7\nname = \"base\"\n[train]\nlearning_rate = 0.5\norder = \"5ms\"\n[[group]]\nname = \"gpu\"\n[data]\nsplit = { kind = \"dirichlet-per-class\", alpha = 0.1 }\n");
    const auto top = dir.write("run.toml", "include = [\"base/base.toml\"]\nname = \"top\"\n[train]\nlearning_rate = 0.25\n[[group]]\nname = \"cpu\"\n[data]\nsplit = { kind = \"iid\" }\n");
    const auto read = read_file(top);
    REQUIRE(std::holds_alternative<Config>(read));
    const Config& config = std::get<Config>(read);
    CHECK(config.seed == 7);
    CHECK(config.name == "top");
    CHECK(config.train.learning_rate == 0.25);
    CHECK(config.train.order == std::chrono::milliseconds(5));
    REQUIRE(config.groups.size() == 2);
    CHECK(config.groups[0].name == "gpu");
    CHECK(config.groups[1].name == "cpu");
    CHECK(config.data.split.kind == Split::Kind::iid);
}

TEST_CASE("another kind drops what was said for the kind it replaces") {
    Scratch dir("kind");
    dir.write("base.toml", "[exchange]\nkind = \"gossip\"\nperiod = \"1s\"\n");
    const auto read = read_file(dir.write("run.toml", "include = [\"base.toml\"]\n[exchange]\nkind = \"dpsgd\"\n"));
    REQUIRE(std::holds_alternative<Config>(read));
    CHECK(std::get<Config>(read).exchange.every_steps == 1u);
    CHECK_FALSE(std::get<Config>(read).exchange.period);
}

TEST_CASE("a fault in an included file is told with that file's name") {
    Scratch dir("fault");
    const auto base = dir.write("base.toml", "\n[train]\nlerning_rate = 1\n");
    const Error error = file_refusal(dir.write("run.toml", "include = [\"base.toml\"]\n"));
    CHECK(error.what.starts_with(base + ":3:1: unknown key"));
}

TEST_CASE("circles, missing files and nonsense in include") {
    Scratch dir("circle");
    dir.write("a.toml", "include = [\"b.toml\"]");
    dir.write("b.toml", "include = [\"./a.toml\"]");
    const auto a = (dir.path / "a.toml").string();
    CHECK(contains(file_refusal(a).what, "includes itself"));
    CHECK(contains(file_refusal(a).what, "b.toml:1:12"));
    CHECK(contains(file_refusal(dir.write("c.toml", "include = [\"nowhere.toml\"]")).what, "c.toml:1:12: included file: "));
    CHECK(contains(file_refusal(dir.write("d.toml", "include = \"a.toml\"")).what, "d.toml:1:11: 'include' wants a list"));
    CHECK(contains(file_refusal(dir.write("e.toml", "include = [3]")).what, "e.toml:1:12: 'include' wants names"));
    CHECK(contains(file_refusal(dir.write("g.toml", "include = [\"../" + dir.path.filename().string() + "\"]")).what, "is a directory"));
}

TEST_CASE("what cannot be read says so, and why") {
    Scratch dir("unreadable");
    CHECK(contains(file_refusal(dir.path.string()).what, "is a directory"));
    CHECK(contains(file_refusal(dir.path.string()).hint, "run.toml"));
    CHECK(contains(file_refusal((dir.path / "missing.toml").string()).what, "no such file"));
    CHECK(contains(file_refusal("/dev/zero").what, "longer than 4 MiB"));
    CHECK(contains(file_refusal(dir.write("x", "") + "/run.toml").what, "/run.toml"));
}

TEST_CASE("an empty file is a run with every default") {
    Scratch dir("empty");
    const auto read = read_file(dir.write("run.toml", ""));
    REQUIRE(std::holds_alternative<Config>(read));
    Config expected;
    expected.exchange.period = std::chrono::milliseconds(250);
    CHECK(std::get<Config>(read) == expected);
}

TEST_CASE("a trace lies beside the file that names it, a duration a line") {
    Scratch dir("trace");
    dir.write("sub/steps.txt", "# measured\n10ms\n\n12.5ms # slow\n");
    dir.write("sub/bad.txt", "10ms\n11\n");
    const auto read = read_file(dir.write("sub/run.toml", "[[group]]\nstep_time = { dist = \"trace\", file = \"steps.txt\" }\n"));
    REQUIRE(std::holds_alternative<Config>(read));
    const Config& config = std::get<Config>(read);
    REQUIRE(config.groups.at(0).step_time.values.size() == 2);
    CHECK(config.groups[0].step_time.values[1] == doctest::Approx(0.0125));
    CHECK_FALSE(check(config));

    const auto again = read_file(dir.write("elsewhere.toml", to_toml(config)));
    REQUIRE(std::holds_alternative<Config>(again));
    CHECK(std::get<Config>(again) == config);

    CHECK(contains(file_refusal(dir.write("sub/b.toml", "[[group]]\nstep_time = { dist = \"trace\", file = \"bad.txt\" }\n")).what, "bad.txt:2: '11' is no duration"));
    CHECK(contains(file_refusal(dir.write("sub/c.toml", "[[group]]\nstep_time = { dist = \"trace\", file = \"no.txt\" }\n")).what, "no such file"));
}

TEST_CASE("a graph lies beside the file that names it, an edge a line; a newcomer is told its name and its hash") {
    Scratch dir("graph");
    dir.write("sub/star.txt", "# a star\n0 1\n2, 0\n\n0 3  # the last\n");
    dir.write("sub/weights.txt", "1 0 0.25\n1 2 0.5\n");
    const std::string head = "[exchange]\nkind = \"dpsgd\"\ngraph = \"file:";
    const auto read = read_file(dir.write("sub/run.toml", head + "star.txt\"\n"));
    REQUIRE(std::holds_alternative<Config>(read));
    const Config& config = std::get<Config>(read);
    CHECK(config.exchange.edges == std::vector<Edge>{{0, 1, 0.25, 2}, {0, 2, 0.25, 3}, {0, 3, 0.25, 5}});  // Metropolis-Hastings: 1 / (1 + 3)
    CHECK_FALSE(check(config));
    const auto again = read_file(dir.write("elsewhere.toml", to_toml(config)));
    REQUIRE(std::holds_alternative<Config>(again));
    CHECK(std::get<Config>(again) == config);

    const Config newcomer = accepted(to_toml(config, false));
    CHECK(newcomer.exchange.graph_file == "star.txt");
    CHECK(newcomer.exchange.edges.empty());
    CHECK(newcomer.exchange.graph_hash == config.exchange.graph_hash);
    CHECK(to_toml(newcomer, false) == to_toml(config, false));  // what two nodes compare

    const auto weighted = read_file(dir.write("sub/w.toml", head + "weights.txt\"\n"));
    REQUIRE(std::holds_alternative<Config>(weighted));
    CHECK(std::get<Config>(weighted).exchange.edges == std::vector<Edge>{{0, 1, 0.25, 1}, {1, 2, 0.5, 2}});
    CHECK(std::get<Config>(weighted).exchange.graph_hash != config.exchange.graph_hash);
    CHECK(contains(file_refusal(dir.write("sub/h.toml", head + "weights.txt\"\ngraph_hash = \"0123456789abcdef\"\n")).what, "is not the graph that this run had"));
    CHECK(contains(file_refusal(dir.write("sub/no.toml", head + "no.txt\"\n")).what, "no such file"));
}
