#include <doctest/doctest.h>

#include "hostlist.hpp"

using namespace grapevine;
using namespace grapevine::node;

namespace {

std::string hosts(const std::string& list) {
    const auto expanded = expand_hostlist(list);
    if (const auto* error = std::get_if<config::Error>(&expanded)) return "! " + error->what;
    std::string all;
    for (const std::string& host : std::get<0>(expanded)) all += (all.empty() ? "" : " ") + host;
    return all;
}

std::size_t count(const std::string& list) {
    const auto expanded = expand_hostlist(list);
    const auto* all = std::get_if<0>(&expanded);
    return all ? all->size() : 0;
}

}  // namespace

TEST_CASE("a list of hosts is read as Slurm writes it") {
    CHECK(hosts("localhost") == "localhost");
    CHECK(hosts("node[001-004,7],gpu-a") == "node001 node002 node003 node004 node7 gpu-a");
    CHECK(hosts("n[8-11]") == "n8 n9 n10 n11");
    CHECK(hosts("n[08-11]") == "n08 n09 n10 n11");
    CHECK(hosts("r[1-2]n[01-02]") == "r1n01 r1n02 r2n01 r2n02");
    CHECK(hosts("n[1-2].example.org,h_1") == "n1.example.org n2.example.org h_1");
    CHECK(hosts("[1-2]") == "1 2");
    CHECK(hosts("a,b,a") == "a b a");
}

TEST_CASE("a list of hosts that cannot be read is refused, with the item that is wrong") {
    for (const std::string list : {"", ",", "a,", ",a", "a,,b", "n[", "n[]", "n]", "n[1", "n[1-]", "n[-2]", "n[2-1]", "n[1,]", "n[,1]", "n[1-2-3]", "n[a-b]", "n[[1]]", "n[+1-2]",
                                   "n[0x1-2]", "n[1 -2]", "a b", "a;b", "tcp://a", "a:1", "[::1]", "n[1-2", "n[1]]", "n[9999999999]", "n[0-4294967295]", "\xff"})
        CHECK_MESSAGE(hosts(list)[0] == '!', list);
    CHECK(hosts("good,n[2-1],fine") == "! 'n[2-1]' in a list of hosts cannot be read");
    CHECK(hosts(std::string("a\0b", 3))[0] == '!');
}

TEST_CASE("of a list of hosts no more is made than is of use") {
    CHECK(count("n[1-10000]") == 10'000);
    CHECK(count("n[1-10001]") == 0);
    CHECK(count("n[1-9999],m") == 10'000);
    CHECK(count("n[1-10000],m") == 0);
    CHECK(count("n[1-100]m[1-100]") == 10'000);
    CHECK(count("n[1-100]m[1-101]") == 0);
    CHECK(count("n[1-5000,1-5000]") == 10'000);
    CHECK(count("n[1-5000,1-5001]") == 0);
    CHECK(count("n[1-100][1-100][1-100][1-100][1-100]") == 0);
    CHECK(count(std::string(253, 'a')) == 1);
    CHECK(count(std::string(254, 'a')) == 0);
    std::string many = "a";
    for (int i = 1; i < 10'000; ++i) many += ",a";
    CHECK(count(many) == 10'000);
    CHECK(count(many + ",a") == 0);
    CHECK(hosts(std::string(longest_hostlist + 1, 'a')) == "! the list of hosts has 65537 bytes");
}

TEST_CASE("the most tasks of a node are read from what Slurm counts") {
    CHECK(most_tasks("3") == 3);
    CHECK(most_tasks("2(x3),1") == 2);
    CHECK(most_tasks("1,4(x12),2") == 4);
    CHECK(most_tasks("1024") == 1024);
    for (const std::string counts : {"", "0", "1025", "a", "1,", ",1", "2(x", "2(x)", "2()", "2(3)", "2(xa)", "2(x3)1", "-1", "99999999999"}) CHECK_MESSAGE(!most_tasks(counts), counts);
}
