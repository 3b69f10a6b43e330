// What a [[group]] says of its machines, how they come and go, and what is wrong with it.
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;
using namespace std::chrono_literals;

namespace {

constexpr const char* machines = R"([exchange]
clock = "poisson"
period = "1s"
[[group]]
name = "cpu"
count = 5
slowness = { dist = "lognormal", median = 1, sigma = 0.3 }
clock = { offset = { dist = "uniform", min = "0s", max = "2s" }, drift = { dist = "normal", mean = -1e-5, stddev = 5e-5 } }
power = { busy = "300W", idle = "0.06kW", per_byte = "5nJ" }
[[group]]
name = "gpu"
count = 3
slowness = 1.5
power = { busy = "1.5kW" }
[[event]]
at = "1s"
kind = "restart"
nodes = "cpu"
checkpoint = true
down = "5s"
[[event]]
at = "2s"
kind = "clock"
nodes = "gpu:1"
drift = -0.25
for = "3s"
[[event]]
at = "2s"
kind = "clock"
nodes = "gpu:1"
offset = "3s"
[[churn]]
groups = ["cpu"]
session = { dist = "weibull", scale = "60s", shape = 0.6 }
downtime = { dist = "exponential", mean = "10s" }
leaves = 0.25
checkpoint = true
day = { period = "24h", amplitude = 0.5 }
[[churn]]
groups = "gpu"
session = "30s"
downtime = "0s"
)";

std::string churn(const std::string& lines) { return "[[group]]\nname = \"cpu\"\ncount = 4\n[churn]\n" + lines; }

// What is said about a file that names this trace.
Error refusal_of_trace(const std::string& csv, const std::string& more = "") {
    const Scratch scratch("trace");
    scratch.write("life.csv", csv);
    const auto read = read_file(scratch.write("run.toml", churn("trace = \"life.csv\"\n" + more)));
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    return {"accepted", ""};
}

}  // namespace

TEST_CASE("machines and churn are read, and written as they were read") {
    const Config config = accepted(machines);
    CHECK(accepted(to_toml(config)) == config);
    CHECK(to_toml(accepted(to_toml(config))) == to_toml(config));
    REQUIRE(config.groups.size() == 2);
    const Group& cpu = config.groups[0];
    CHECK(cpu.slowness.b == 0.3);
    CHECK(cpu.has_clock());
    CHECK(cpu.clock_drift.a == -1e-5);
    CHECK(cpu.power->busy == 300);
    CHECK(cpu.power->idle == 60);
    CHECK(cpu.power->per_byte == 5e-9);
    CHECK(cpu.count_at.text == "run.toml:6:9");
    CHECK(!config.groups[1].has_clock());
    CHECK(config.events[0].checkpoint);
    CHECK(config.events[0].down == 5s);
    CHECK(config.events[1].drift == -0.25);
    CHECK(config.events[2].offset == 3s);
    REQUIRE(config.churns.size() == 2);
    CHECK(config.churns[0].day == 24h);
    CHECK(config.churns[0].leaves == 0.25);
    CHECK(config.churns[1].groups == std::vector<std::string>{"gpu"});
    CHECK(accepted(churn("session = \"1s\"\ndowntime = \"1s\"")).churns[0].groups == std::vector<std::string>{"*"});
}

TEST_CASE("powers and energies have their units, and are written so that they read the same") {
    CHECK(parse_power("300W") == 300);
    CHECK(parse_power("0.3 kW") == 300);
    CHECK(parse_power("250mW") == 0.25);
    CHECK(parse_energy("5nJ") == 5e-9);
    CHECK(parse_energy("1.5uJ") == 1.5e-6);
    CHECK(parse_energy("2kJ") == 2000);
    for (const char* wrong : {"300", "W", "-3W", "3w", "3J", "1e3W", ""}) CHECK_FALSE(parse_power(wrong));
    for (const double x : {0.0, 1.0, 0.1, 1e-9, 5e-9, 123456.789, 1.0 / 3, 3.7e-11}) {
        CHECK(parse_power(format_power(x)) == x);
        CHECK(parse_energy(format_energy(x)) == x);
    }
}

TEST_CASE("machines that cannot be are refused, with their place") {
    const struct {
        const char* text;
        const char* where;
        const char* what;
    } rows[] = {
        {"[[group]]\nslowness = 0", "2:12", "out of range"},
        {"[[group]]\nslowness = -2", "2:12", "out of range"},
        {"[[group]]\nslowness = \"2s\"", "2:12", "wants a number"},
        {"[[group]]\nslowness = { dist = \"normal\", mean = 1, stddev = 1 }", "2:21", "'normal' is no dist"},
        {"[[group]]\nslowness = { dist = \"uniform\", min = 2, max = 1 }", "2:47", "'max' is less than 'min'"},
        {"[[group]]\nslowness = { dist = \"uniform\", min = 1 }", "2:12", "does not say its 'max'"},
        {"[[group]]\nclock = { drift = 0.6 }", "2:19", "out of range"},
        {"[[group]]\nclock = { drift = -2 }", "2:19", "out of range"},
        {"[[group]]\nclock = { offset = \"-3s\" }", "2:20", "is no duration"},
        {"[[group]]\nclock = { ofset = \"3s\" }", "2:11", "unknown key 'ofset'"},
        {"[exchange]\nkind = \"gossip\"\nperiod = \"1s\"\nclock = \"shuffled\"\n[[group]]\nclock = { drift = 1e-4 }", "6:9", "needs one clock common to all"},
        {"[[group]]\npower = { busy = 300 }", "2:18", "wants its unit"},
        {"[[group]]\npower = { busy = \"300J\" }", "2:18", "no amount of that"},
        {"[[group]]\npower = { idle = \"-60W\" }", "2:18", "no amount of that"},
        {"[[group]]\npower = { }", "2:9", "does not say what a machine draws"},
        {"[[group]]\nstep_time = \"0s\"", "2:13", "would take no time at all"},
        {"[[group]]\nstep_time = \"-1s\"", "2:13", "is no duration"},
        {"[[event]]\nat = \"1s\"\nkind = \"clock\"\nnodes = \"*\"", "1:1", "does not say what becomes of the clock"},
        {"[[event]]\nat = \"1s\"\nkind = \"clock\"\nnodes = \"*\"\noffset = \"2s\"\nfor = \"3s\"", "6:7", "not set back"},
        {"[[event]]\nat = \"1s\"\nkind = \"clock\"\nnodes = \"*\"\ndrift = 7", "5:9", "out of range"},
        {"[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"*\"\ndown = \"2s\"", "5:1", "'down' belongs to kind = \"restart\""},
        {"[[event]]\nat = \"1s\"\nkind = \"restart\"\nnodes = \"*\"\ndown = \"0s\"", "5:8", "longer than nothing"},
        {"[exchange]\nkind = \"dpsgd\"\nperiod = \"1s\"\nclock = \"rounds\"\n[[event]]\nat = \"1s\"\nkind = \"clock\"\nnodes = \"*\"\ndrift = 0.1", "7:8", "needs one clock common to all"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const Error error = refusal(row.text);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("run.toml:" + std::string(row.where) + ": "));
        CHECK(contains(error.what, row.what));
    }
}

TEST_CASE("churn that cannot be is refused, with its place") {
    const struct {
        const char* lines;
        const char* where;
        const char* what;
    } rows[] = {
        {"downtime = \"1s\"", "4:1", "does not say how long a machine stays"},
        {"session = \"1s\"", "4:1", "does not say how long a machine is away"},
        {"session = \"0s\"\ndowntime = \"1s\"", "5:11", "would take no time at all"},
        {"session = { dist = \"exponential\", mean = \"0s\" }\ndowntime = \"1s\"", "5:11", "would take no time at all"},
        {"session = \"-1s\"\ndowntime = \"1s\"", "5:11", "is no duration"},
        {"session = \"1s\"\ndowntime = 5", "6:12", "wants a duration with its unit"},
        {"groups = [\"cup\"]\nsession = \"1s\"\ndowntime = \"1s\"", "5:11", "there is no group 'cup'"},
        {"groups = []\nsession = \"1s\"\ndowntime = \"1s\"", "5:10", "names nobody"},
        {"groups = [3]\nsession = \"1s\"\ndowntime = \"1s\"", "5:11", "wants names of groups"},
        {"session = \"1s\"\ndowntime = \"1s\"\nleaves = 1.5", "7:10", "out of range"},
        {"session = \"1s\"\ndowntime = \"1s\"\nday = { period = \"1h\", amplitude = 2 }", "7:36", "out of range"},
        {"session = \"1s\"\ndowntime = \"1s\"\nday = { amplitude = 1 }", "7:7", "does not say how long it is"},
        {"session = \"1s\"\ndowntime = \"1s\"\nsesion = \"1s\"", "7:1", "unknown key 'sesion'"},
        {"trace = \"x.csv\"", "5:9", "no file cannot name other files"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.lines);
        const Error error = refusal(churn(row.lines));
        CAPTURE(error.what);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("run.toml:" + std::string(row.where) + ": "));
        CHECK(contains(error.what, row.what));
    }
    CHECK(contains(refusal(churn("session = \"1s\"\ndowntime = \"1s\"\n[churn.x]")).what, "unknown key 'x'"));
    CHECK(contains(refusal("[[churn]]\nsession = \"1s\"\ndowntime = \"1s\"\n[[churn]]\nsession = \"1s\"\ndowntime = \"1s\"").what, "by one law"));
    CHECK(contains(refusal("churn = 3").what, "wants one table"));
    for (const std::string late : {"[churn]\nsession = \"1s\"\ndowntime = \"1s\"", "[[event]]\nat = \"1s\"\nkind = \"restart\"\nnodes = \"*\"", "[[event]]\nat = \"1s\"\nkind = \"join\""})
        CHECK(contains(refusal("[membership]\nkind = \"static\"\n" + late).what, "nobody would hear of who comes later"));
}

TEST_CASE("a trace is read by names, places and numbers") {
    const Scratch scratch("trace");
    scratch.write("life.csv", "# of a lab\ntime,node,state\r\n0.5, cpu-2 ,down\n\n1,cpu[0],left\n1,3,down\n2.25,cpu-2,up");
    const auto read = read_file(scratch.write("run.toml", churn("trace = \"life.csv\"\ncheckpoint = true")));
    REQUIRE(std::holds_alternative<Config>(read));
    const Config& config = std::get<Config>(read);
    REQUIRE(config.churns.size() == 1);
    using Turn = Churn::Turn;
    CHECK(config.churns[0].trace == std::vector<Turn>{{Instant{500ms}, 0, 2, Turn::To::down},
                                                      {Instant{1s}, 0, 0, Turn::To::left},
                                                      {Instant{1s}, 0, 3, Turn::To::down},
                                                      {Instant{2250ms}, 0, 2, Turn::To::up}});
    CHECK(config.churns[0].checkpoint);
    CHECK_FALSE(check(config));
    const auto again = read_file(scratch.write("again.toml", to_toml(config)));
    REQUIRE(std::holds_alternative<Config>(again));
    CHECK(std::get<Config>(again) == config);
}

TEST_CASE("a broken trace is refused, with its own line") {
    const struct {
        const char* csv;
        const char* what;
    } rows[] = {
        {"", "' is empty"},
        {"time,node,state\n", "a header and no lines"},
        {"node,time,state\n", "life.csv:1: the first line is 'node,time,state'"},
        {"1,cpu-1,down\n", "life.csv:1: the first line is"},
        {"time,node,state\n2,cpu-1,down\n1,cpu-2,down\n", "life.csv:3: 1 comes before the line above"},
        {"time,node,state\n2,cpu-7,down\n", "life.csv:2: there is no node 'cpu-7'"},
        {"time,node,state\n2,gpu-0,down\n", "life.csv:2: there is no node 'gpu-0'"},
        {"time,node,state\n2,4,down\n", "life.csv:2: there is no node '4'"},
        {"time,node,state\n2,,down\n", "life.csv:2: there is no node ''"},
        {"time,node,state\nnan,cpu-1,down\n", "life.csv:2: 'nan' is no time"},
        {"time,node,state\n-1,cpu-1,down\n", "life.csv:2: '-1' is no time"},
        {"time,node,state\n1e99,cpu-1,down\n", "life.csv:2: '1e99' is no time"},
        {"time,node,state\n1s,cpu-1,down\n", "life.csv:2: '1s' is no time"},
        {"time,node,state\n1,cpu-1,off\n", "life.csv:2: 'off' is no state"},
        {"time,node,state\n1,cpu-1,dow", "life.csv:2: 'dow' is no state; the line has no end: was the file cut?"},
        {"time,node,state\n1,cpu-1,down\n2,cpu", "life.csv:3: 2 of 3 columns in the last line, which has no end: was the file cut?"},
        {"time,node,state\n1,cpu-1,down,3\n", "life.csv:2: 4 of 3 columns"},
        {"time,node,state\n1,cpu-1,down\n2,cpu-1,left\n", "life.csv:3: 'cpu-1' is down already, since line 2"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.csv);
        const Error error = refusal_of_trace(row.csv);
        CAPTURE(error.what);
        CHECK(contains(error.what, "run.toml:5:9: "));
        CHECK(contains(error.what, row.what));
        CHECK(!error.hint.empty());
    }
    CHECK(contains(refusal_of_trace("time,node,state\n1,cpu-1,down\n", "session = \"1s\"").what, "'session' has no meaning"));
    CHECK(contains(refusal_of_trace("time,node,state\n1,cpu-1,down\n", "trce = 1").what, "unknown key 'trce'"));
    CHECK(refusal_of_trace("time,node,state\n1,cpu-1,down\n").what == "accepted");
}
