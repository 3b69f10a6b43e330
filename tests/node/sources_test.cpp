#include <doctest/doctest.h>

#include <fstream>
#include <map>

#include "grapevine/node/sources.hpp"

using namespace grapevine;
using namespace grapevine::node;

namespace {

using Variables = std::map<std::string, std::string>;

Environment in(const Variables& variables) {
    return [variables](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

std::string read(const std::string& words, const Variables& variables = {}, std::uint16_t port = 7470) {
    const auto sources = read_sources(words, in(variables), port);
    if (const auto* error = std::get_if<config::Error>(&sources)) return "! " + error->what + "; " + error->hint;
    std::string all;
    for (const Source& s : std::get<0>(sources)) all += (all.empty() ? "" : " ") + to_string(s);
    return all;
}

std::string found(const std::string& words, const Variables& variables = {}, std::uint16_t port = 7470) {
    const Found f = find(std::get<0>(read_sources(words, in(variables), port)), "127.0.0.1");
    std::string all;
    for (const std::string& endpoint : f.endpoints) all += (all.empty() ? "" : " ") + endpoint.substr(6);
    for (const std::string& what : f.missing) all += (all.empty() ? "! " : " ! ") + what;
    return all;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string file(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary) << text;
    return "file:" + name;
}

}  // namespace

TEST_CASE("each way to say where others are is read") {
    CHECK(read("desk") == "desk");
    CHECK(read("desk:8000,10.0.0.7,,desk:8000") == "desk:8000 10.0.0.7");
    CHECK(read("[fe80::1%eth0]:8000,::1") == "[fe80::1%eth0]:8000 [::1]");
    CHECK(read("dns:grapevine.default.svc") == "dns:grapevine.default.svc");
    CHECK(read("dns:grapevine:8000,file:peers.txt") == "dns:grapevine:8000 file:peers.txt");
    CHECK(read("env", {{"MASTER_ADDR", "head"}}) == "env (head)");
    CHECK(read("env", {{"MASTER_ADDR", "::1"}, {"MASTER_PORT", "29500"}}) == "env ([::1]:29500)");
    CHECK(read("slurm", {{"SLURM_JOB_NODELIST", "n[1-3]"}}) == "slurm (3 nodes, up to 1 task each)");
    CHECK(read("slurm", {{"SLURM_JOB_NODELIST", "n1"}, {"SLURM_TASKS_PER_NODE", "2"}, {"SLURM_STEP_TASKS_PER_NODE", "4(x2)"}}) == "slurm (1 node, up to 4 tasks each)");
    CHECK(read("") == "");
}

TEST_CASE("what cannot be read is refused, with what was likely meant") {
    for (const std::string words : {"host:port", "a:0", "a:65536", "a:", ":1", "[::1", "[::1]7", "[]", "[a]:1", "a b", "tcp://a:1", "a;b", "a/b", "dns:", "dns", "dns:a b", "dns:a:x", "file", "file:",
                                    "\x1b[2J", "desk,:"})
        CHECK_MESSAGE(read(words)[0] == '!', words);
    CHECK(read(std::string(253, 'a'))[0] == 'a');
    CHECK(read(std::string(254, 'a'))[0] == '!');
    CHECK(has(read("dsn:grapevine"), "did you mean dns:grapevine?"));
    CHECK(has(read("flie:peers.txt"), "did you mean file:peers.txt?"));
    CHECK(has(read("\x1b[2J"), "'?[2J' is not an address"));
    CHECK(has(read("slurm"), "no Slurm job"));
    CHECK(has(read("env"), "no MASTER_ADDR"));
    CHECK(has(read("env", {{"MASTER_ADDR", "a b"}}), "MASTER_ADDR: 'a b' is not an address"));
    CHECK(has(read("env", {{"MASTER_ADDR", "a"}, {"MASTER_PORT", "0"}}), "MASTER_PORT: '0' is not a port"));
    CHECK(has(read("slurm", {{"SLURM_JOB_NODELIST", "n[3-1]"}}), "SLURM_JOB_NODELIST: 'n[3-1]'"));
    CHECK(has(read("slurm", {{"SLURM_JOB_NODELIST", "n1"}, {"SLURM_TASKS_PER_NODE", "many"}}), "SLURM_TASKS_PER_NODE: 'many' cannot be read"));
    const std::string thousand = "n[1-1000]";
    CHECK(read("slurm", {{"SLURM_JOB_NODELIST", thousand}, {"SLURM_TASKS_PER_NODE", "100"}})[0] == 's');
    CHECK(read("slurm", {{"SLURM_JOB_NODELIST", thousand}, {"SLURM_TASKS_PER_NODE", "101"}})[0] == '!');
    CHECK(read("slurm", {{"SLURM_JOB_NODELIST", "n"}, {"SLURM_TASKS_PER_NODE", "2"}}, 65530)[0] == 's');
    CHECK(read("slurm", {{"SLURM_JOB_NODELIST", "n"}, {"SLURM_TASKS_PER_NODE", "2"}}, 65531)[0] == '!');
}

TEST_CASE("a place among others is read where it belongs to the source") {
    const Variables both{{"SLURM_JOB_NODELIST", "n1"}, {"SLURM_LOCALID", "2"}, {"SLURM_PROCID", "7"}, {"MASTER_ADDR", "n1"}, {"LOCAL_RANK", "1"}, {"RANK", "3"}};
    const auto place = [&](const std::string& words, const Variables& variables) { return place_among(std::get<0>(read_sources(words, in(variables), 7470)), in(variables)); };
    CHECK(std::get<Place>(place("slurm", both)).on_machine == 2);
    CHECK(std::get<Place>(place("slurm", both)).in_all == 7);
    CHECK(std::get<Place>(place("env", both)).on_machine == 1);
    CHECK(std::get<Place>(place("env", both)).in_all == 3);
    CHECK(std::get<Place>(place("n1", both)).on_machine == 0);
    CHECK(!std::get<Place>(place("n1", both)).in_all);
    CHECK(!std::get<Place>(place("slurm", {{"SLURM_JOB_NODELIST", "n1"}})).in_all);
    for (const std::string wrong : {"x", "-1", "100000", "1 "}) CHECK(std::holds_alternative<config::Error>(place("slurm", {{"SLURM_JOB_NODELIST", "n1"}, {"SLURM_LOCALID", wrong}})));
}

TEST_CASE("a file has an address a line") {
    const Lines lines = read_lines("# who is there\n desk:8000 # under it\r\n\n\t[::1]\nno address\nten two\n10.0.0.7");
    CHECK(lines.addresses == std::vector<Address>{{"desk", 8000}, {"::1", 7470}, {"10.0.0.7", 7470}});
    CHECK(lines.wrong == "line 5: 'no address' is no address");
    CHECK(read_lines("").addresses.empty());
    CHECK(read_lines(std::string("a\0b\n", 4)).wrong == "line 1: 'a?b' is no address");
    CHECK(read_lines("dns:a").wrong != "");
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += "a\n";
    CHECK(read_lines(many).addresses.size() == most_lines);
    CHECK(read_lines(many).wrong.empty());
    CHECK(read_lines(many + "b").addresses.size() == most_lines);
    CHECK(read_lines(many + "b").wrong == "line 10001: more than 10000 addresses; the rest is not read");
    CHECK(read_lines("x" + std::string(1000, '\xff')).wrong.size() < 200);
}

TEST_CASE("sources are asked anew each time") {
    CHECK(found("desk,desk:7470,10.0.0.7:8000") == "desk:7470 10.0.0.7:8000");
    CHECK(found("dns:localhost:8000").rfind("127.0.0.1:8000", 0) == 0);
    CHECK(has(found("dns:nobody.invalid"), "! dns:nobody.invalid: "));
    CHECK(found("slurm", {{"SLURM_JOB_NODELIST", "n[1-2]"}, {"SLURMD_NODENAME", "n2"}, {"SLURM_TASKS_PER_NODE", "2(x2)"}}, 8000) == "n1:8000 n1:8003 127.0.0.1:8000 127.0.0.1:8003");
    CHECK(found("file:sources-test-nowhere") == "! file:sources-test-nowhere: not there (yet)");
    CHECK(found("file:/dev/zero") == "! file:/dev/zero: no file");
    CHECK(found("file:.") == "! file:.: no file");
    const std::string peers = file("sources-test-peers", "# none yet\n");
    CHECK(found(peers) == "! " + peers + ": no address in it");
    file("sources-test-peers", "[::1]:8000\ndesk\nnot one\n");
    CHECK(found(peers) == "[::1]:8000 desk:7470 ! " + peers + ": line 3: 'not one' is no address");
    file("sources-test-peers", std::string(longest_address_file, '\n'));
    CHECK(found(peers) == "! " + peers + ": no address in it");
    file("sources-test-peers", std::string(longest_address_file + 1, '\n'));
    CHECK(found(peers) == "! " + peers + ": more than 1 MiB");
    std::remove("sources-test-peers");
}
