#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;
using namespace std::chrono_literals;

namespace {

constexpr const char* rig = R"(
[[group]]
name = "lan"
count = 9
[[event]]
at = "1s"
kind = "pause"
nodes = "lan:1"
for = "1s"
[sweep]
"event.0.nodes" = ["lan:4", "lan:8"]
event.0.for = ["500ms", "2s", "2s"]
[[sweep.variant]]
name = "plain"
set = { "membership.lifeguard" = false, membership.suspicion.beta = 1, "membership.suspicion.alpha" = 5.5 }
[[sweep.variant]]
name = "lifeguard"
)";

Config with(const std::string& text, const std::string& path, const std::string& value) {
    const auto read = read_text(text, "run.toml", {{path, value, "--set"}});
    if (const auto* error = std::get_if<Error>(&read)) {
        FAIL_CHECK(error->what << "\n" << error->hint);
        return {};
    }
    return std::get<Config>(read);
}

Error wrong(const std::string& text, const std::string& path, const std::string& value) {
    const auto read = read_text(text, "run.toml", {{path, value, "--set"}});
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    return {"accepted", ""};
}

}  // namespace

TEST_CASE("a setting is another value of one key, wherever it stands") {
    CHECK(with("", "membership.period", "\"2s\"").membership.period == Duration(2s));
    CHECK_FALSE(with("[membership]\nlifeguard = true", "membership.lifeguard", "false").membership.nacks);
    const Config half = with("[membership]\nsuspicion = { alpha = 3, beta = 5 }", "membership.suspicion.beta", "1");
    CHECK(half.membership.suspicion_alpha == 3);
    CHECK(half.membership.suspicion_beta == 1);
    CHECK(with(rig, "event.0.nodes", "\"lan[2]\"").events[0].nodes.what == Selection::What::index);
    CHECK(with(rig, "seed", "7").seed == 7);
    CHECK(with(rig, "group.0.step_time", "{ dist = \"exponential\", mean = \"1ms\" }").groups[0].step_time.kind == Distribution::Kind::exponential);
}

TEST_CASE("a setting of a key that is not there says so, as a file would") {
    const auto check = [](const char* path, const char* value, const char* what, const char* hint) {
        CAPTURE(path);
        const Error error = wrong(rig, path, value);
        CAPTURE(error.what);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("--set: "));
        CHECK(contains(error.what, what));
        CHECK(contains(error.hint, hint));
    };
    check("membership.lifegard", "false", "unknown key 'lifegard' in [membership]", "'lifeguard'");
    check("membreship.lifeguard", "false", "unknown key 'membreship'", "'membership'");
    check("event.1.nodes", "\"*\"", "there is no [[event]] '1'", "there are 1");
    check("event.nodes", "\"*\"", "there is no [[event]] 'nodes'", "numbered from 0");
    check("event.0", "3", "whole table", "name the key");
    check("event.0.kind.x", "3", "has no keys", "event.0.nodes");
    check("membership..period", "3", "no path", "event.0.nodes");
    check("", "3", "no path", "membership.period");
    check("membership.period", "nonsense", "no value", "in quotes");
    check("membership.period", "1\nseed = 3", "no value", "in quotes");
    check("membership.period", "3", "wants a duration", "\"3s\"");
}

TEST_CASE("what is typed need not be TOML") {
    const auto setting = [](const char* typed) { return std::get<Setting>(parse_setting(typed, "--set")); };
    CHECK(setting("a.b=false").value == "false");
    CHECK(setting("a.b=500ms").value == "\"500ms\"");
    CHECK(setting("a.b=lan:4").value == "\"lan:4\"");
    CHECK(setting("a.b=\"x\"").value == "\"x\"");
    CHECK(setting("a.b=x=y").value == "\"x=y\"");
    CHECK(setting("a.b={ x = 1 }").where == "--set a.b={ x = 1 }");
    for (const char* bad : {"", "a.b", "=3", "a.b="}) CHECK(std::holds_alternative<Error>(parse_setting(bad, "--set")));
    const auto axis = std::get<std::vector<Setting>>(parse_axis("a=1,[2, 3],{ x = 4, y = 5 },lan:4,\"p,q\"", "--sweep"));
    REQUIRE(axis.size() == 5);
    CHECK(axis[1].value == "[2, 3]");
    CHECK(axis[2].value == "{ x = 4, y = 5 }");
    CHECK(axis[4].value == "\"p,q\"");
    CHECK(std::holds_alternative<Error>(parse_axis("a=1,,2", "--sweep")));
}

TEST_CASE("a sweep is all combinations, the last key fastest, each with a name of its own") {
    const Config config = accepted(rig);
    CHECK(config.sweep.variants[0].set.size() == 3);
    CHECK(config.sweep.variants[1].set.empty());
    const auto all = points(config.sweep);
    REQUIRE(all.size() == 12);
    CHECK(all[0].name == "plain-lan_4-500ms");
    CHECK(all[1].name == "plain-lan_4-2s");
    CHECK(all[2].name == "plain-lan_4-2s-2");
    CHECK(all[3].name == "plain-lan_8-500ms");
    CHECK(all[6].variant == "lifeguard");
    auto settings = all[3].set;
    settings.insert(settings.end(), all[3].values.begin(), all[3].values.end());
    const auto read = read_text(rig, "run.toml", settings);
    REQUIRE(std::holds_alternative<Config>(read));
    const Config point = std::get<Config>(read);
    CHECK_FALSE(point.membership.buddy);
    CHECK(point.membership.suspicion_beta == 1);
    CHECK(point.membership.suspicion_alpha == 5.5);
    CHECK(point.events[0].nodes.number == 8);
    CHECK(point.events[0].lasts == Duration(500ms));
    CHECK(points({}).size() == 1);
    CHECK(points({}).front().name.empty());
}

TEST_CASE("a sweep is written as it was read, and a newcomer is not sent it") {
    const Config config = accepted(rig);
    CHECK(accepted(to_toml(config)) == config);
    CHECK(to_toml(accepted(to_toml(config))) == to_toml(config));
    CHECK_FALSE(contains(to_toml(config, false), "sweep"));
    const Config odd = accepted("[sweep]\n\"a b\" = [\"x\\ny\", { p = [1, 2.5, true] }]\n");
    CHECK(accepted(to_toml(odd)) == odd);
}

TEST_CASE("a sweep that cannot be is refused, with its place") {
    const auto check = [](const std::string& text, const char* place, const char* what, const char* hint) {
        CAPTURE(text);
        const Error error = refusal(text);
        CAPTURE(error.what);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("run.toml:" + std::string(place) + ": "));
        CHECK(contains(error.what, what));
        CHECK(contains(error.hint, hint));
    };
    check("sweep = 3", "1:9", "wants one table", "[sweep]");
    check("[sweep]\nseed = 3", "2:8", "wants a list of values", "values to try");
    check("[sweep]\nseed = []", "2:8", "empty", "values to try");
    check("[sweep]\n\"train.pace\" = [1]\ntrain.pace = [2]", "3:14", "stands twice", "one of the two");
    check("[[sweep.variant]]\nset = {}", "1:1", "has no name", "name =");
    check("[[sweep.variant]]\nname = \"a/b\"", "2:8", "cannot name a variant", "directory");
    check("[[sweep.variant]]\nname = \"a\"\n[[sweep.variant]]\nname = \"a\"", "4:8", "two variants", "its own");
    check("[[sweep.variant]]\nname = \"a\"\nset = 3", "3:7", "wants a table", "set = {");
    check("[[sweep.variant]]\nname = \"a\"\nsets = {}", "3:1", "unknown key 'sets'", "'set'");
    check("[sweep]\nvariant = 3", "2:11", "wants a list of tables", "[[variant]]");
    std::string many = "[sweep]\n";
    for (int i = 0; i < 14; ++i) many += "k" + std::to_string(i) + " = [1, 2]\n";
    check(many, "1:1", "more than ten thousand", "fewer");
    check("[[expect]]\nmetric = \"loss\"\nat_most = 1\nvariant = \"plain\"", "4:11", "no variant 'plain'", "[[sweep.variant]]");
    check("[[sweep.variant]]\nname = \"plain\"\n[[expect]]\nmetric = \"loss\"\nat_most = 1\nvariant = \"plan\"", "6:11", "no variant 'plan'", "did you mean \"plain\"?");
    check("[[sweep.variant]]\nname = \"plain\"\n[[expect]]\nmetric = \"loss\"\nat_most = 1\nrelative_to = \"plain\"", "6:15", "divides the figure", "variant =");
    check("[[expect]]\nmetric = \"loss\"\nat_most = 1\nover = \"medium\"", "4:8", "no over", "\"median\"");
}
