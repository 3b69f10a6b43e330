#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;
using Kind = config::Split::Kind;

namespace {

Dataset labelled(std::size_t rows, std::size_t classes) {
    Dataset set;
    set.features = 1;
    set.classes = classes;
    set.values = std::vector<float>(rows);
    for (std::size_t i = 0; i < rows; ++i) set.labels.push_back(static_cast<std::int32_t>(i % classes));
    return set;
}

std::vector<std::uint32_t> together(const std::vector<std::vector<std::uint32_t>>& shards) {
    std::vector<std::uint32_t> all;
    for (const auto& s : shards) all.insert(all.end(), s.begin(), s.end());
    std::sort(all.begin(), all.end());
    return all;
}

// Mean over peers of the share of a peer's rows that its commonest class has.
double skew(const Dataset& set, const std::vector<std::vector<std::uint32_t>>& shards) {
    double sum = 0;
    for (const auto& shard : shards) {
        std::map<std::int32_t, double> counts;
        double most = 0;
        for (const auto row : shard) most = std::max(most, ++counts[set.labels[row]]);
        sum += most / static_cast<double>(shard.size());
    }
    return sum / static_cast<double>(shards.size());
}

const Kind kinds[] = {Kind::iid, Kind::contiguous, Kind::dirichlet_per_class, Kind::dirichlet_per_peer, Kind::shards};

}  // namespace

TEST_CASE("every peer has a row while there are rows enough, and each row is at one peer") {
    for (const Kind kind : kinds)
        for (const double alpha : {0.01, 0.3, 100.0})
            for (const std::size_t n : {std::size_t{1}, std::size_t{3}, std::size_t{16}, std::size_t{997}, std::size_t{1000}}) {
                const Dataset set = labelled(1000, 10);
                const auto shards = split(set, {kind, alpha}, n, 5);
                CAPTURE(static_cast<int>(kind));
                CAPTURE(alpha);
                CAPTURE(n);
                REQUIRE(shards.size() == n);
                for (const auto& s : shards) CHECK(!s.empty());
                const auto all = together(shards);
                CHECK(all.size() == 1000);
                CHECK(all.back() < 1000);
                if (kind == Kind::dirichlet_per_peer) continue;
                CHECK(std::set(all.begin(), all.end()).size() == 1000);
            }
}

TEST_CASE("with more peers than rows, rows are used again and nobody is without") {
    for (const Kind kind : kinds) {
        CAPTURE(static_cast<int>(kind));
        const auto shards = split(labelled(7, 3), {kind, 0.5}, 20, 5);
        REQUIRE(shards.size() == 20);
        for (const auto& s : shards) {
            CHECK(!s.empty());
            for (const auto row : s) CHECK(row < 7);
        }
        if (kind == Kind::iid || kind == Kind::contiguous) {
            const auto all = together(shards);
            CHECK(std::set(all.begin(), all.end()).size() == 7);
        }
    }
}

TEST_CASE("even splits are even: contiguous in file order, iid not") {
    const Dataset set = labelled(1003, 10);
    for (const Kind kind : {Kind::iid, Kind::contiguous}) {
        const auto shards = split(set, {kind, 0.5}, 10, 5);
        for (const auto& s : shards) CHECK((s.size() == 100 || s.size() == 101));
        std::vector<std::uint32_t> file_order(1003), dealt;
        std::iota(file_order.begin(), file_order.end(), 0u);
        for (const auto& s : shards) dealt.insert(dealt.end(), s.begin(), s.end());
        CHECK((dealt == file_order) == (kind == Kind::contiguous));
    }
}

TEST_CASE("Dirichlet's alpha: small gives each peer few classes, large all of them") {
    const Dataset set = labelled(10'000, 10);
    for (const Kind kind : {Kind::dirichlet_per_class, Kind::dirichlet_per_peer}) {
        CAPTURE(static_cast<int>(kind));
        CHECK(skew(set, split(set, {kind, 0.01}, 20, 5)) > 0.8);
        CHECK(skew(set, split(set, {kind, 1000}, 20, 5)) < 0.16);
    }
}

TEST_CASE("Dirichlet's moments: the variance of a class's share is (1/k)(1 - 1/k) / (k alpha + 1)") {
    const double alpha = 0.5;
    const std::size_t n = 200, classes = 5;
    const Dataset set = labelled(100'000, classes);
    double sum = 0, squares = 0, count = 0;
    for (const auto& shard : split(set, {Kind::dirichlet_per_peer, alpha}, n, 5)) {
        std::vector<double> shares(classes);
        for (const auto row : shard) shares[static_cast<std::size_t>(set.labels[row])] += 1.0 / static_cast<double>(shard.size());
        for (const double s : shares) {
            sum += s;
            squares += s * s;
            ++count;
        }
    }
    const double k = classes, mean = sum / count;
    CHECK(mean == doctest::Approx(1 / k));
    CHECK(squares / count - mean * mean == doctest::Approx((1 / k) * (1 - 1 / k) / (k * alpha + 1)).epsilon(0.12));
}

TEST_CASE("the same seed splits the same, another otherwise") {
    const Dataset set = labelled(500, 10);
    for (const Kind kind : {Kind::iid, Kind::dirichlet_per_class, Kind::dirichlet_per_peer}) {
        CHECK(split(set, {kind, 0.5}, 7, 5) == split(set, {kind, 0.5}, 7, 5));
        CHECK(split(set, {kind, 0.5}, 7, 5) != split(set, {kind, 0.5}, 7, 6));
    }
}

TEST_CASE("two runs of the sorted set each: a peer has two classes, or four where both reach over an end") {
    const Dataset set = labelled(1600, 10);
    const auto classes_of = [&](const std::vector<std::uint32_t>& rows) {
        std::set<std::int32_t> classes;
        for (const auto row : rows) classes.insert(set.labels[row]);
        return classes.size();
    };
    // 160 of each class, 20 runs of 80: each run lies in one class.
    for (const auto& shard : split(set, {Kind::shards, 0, 2}, 10, 3)) {
        CHECK(shard.size() == 160);
        CHECK(classes_of(shard) <= 2);
    }
    // 32 runs of 50: a run begins in one class and may end in the next.
    std::size_t two = 0;
    for (const auto& shard : split(set, {Kind::shards, 0, 2}, 16, 3)) {
        CHECK(shard.size() == 100);
        CHECK(classes_of(shard) <= 4);
        two += classes_of(shard) <= 2;
    }
    CHECK(two >= 1);
    const auto one = split(set, {Kind::shards, 0, 1}, 10, 3);
    for (const auto& shard : one) CHECK(classes_of(shard) == 1);
    CHECK(one != split(set, {Kind::shards, 0, 1}, 10, 4));
    CHECK(one == split(set, {Kind::shards, 0, 1}, 10, 3));
}
