// The mixing matrices of dpsgd's graphs, put together from the rows that each peer works out for itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "graph.hpp"

using namespace grapevine;
using namespace grapevine::gossip;

namespace {

using Matrix = std::vector<std::vector<double>>;

Config over(Graph graph, std::uint32_t base = 2) {
    Config config;
    config.graph = graph;
    config.base = base;
    config.seed = 7;
    return config;
}

// A path with weights of its own on every edge.
Config path(std::uint32_t n) {
    auto edges = std::make_shared<Adjacency>(n);
    for (std::uint32_t i = 0; i + 1 < n; ++i) {
        const double weight = 0.1 + 0.3 * i / n;
        (*edges)[i].push_back({i + 1, weight});
        (*edges)[i + 1].push_back({i, weight});
    }
    Config config = over(Graph::file);
    config.adjacency = edges;
    return config;
}

// W of a round, after a check that whoever hears somebody is told by it, and nobody else is told.
Matrix matrix(const MixingGraph& graph, std::uint64_t round) {
    const std::uint32_t n = graph.size();
    Matrix w(n, std::vector<double>(n, 0));
    std::vector<std::vector<bool>> told(n, std::vector<bool>(n, false));
    for (std::uint32_t i = 0; i < n; ++i) {
        const Row row = graph.row(i, round);
        w[i][i] = row.own;
        for (const Weighted& in : row.in) {
            REQUIRE(in.rank < n);
            CHECK(in.rank != i);
            CHECK(w[i][in.rank] == 0);  // each once
            CHECK(in.weight > 0);
            w[i][in.rank] = in.weight;
        }
        for (const std::uint32_t out : row.out) {
            REQUIRE(out < n);
            CHECK(!told[out][i]);
            told[out][i] = true;
        }
    }
    for (std::uint32_t i = 0; i < n; ++i)
        for (std::uint32_t j = 0; j < n; ++j)
            if (i != j) CHECK(told[i][j] == (w[i][j] > 0));
    return w;
}

bool doubly_stochastic(const Matrix& w) {
    for (std::size_t i = 0; i < w.size(); ++i) {
        double row = 0, column = 0;
        for (std::size_t j = 0; j < w.size(); ++j) {
            if (w[i][j] < 0) return false;
            row += w[i][j];
            column += w[j][i];
        }
        if (std::abs(row - 1) > 1e-12 || std::abs(column - 1) > 1e-12) return false;
    }
    return true;
}

bool symmetric(const Matrix& w) {
    for (std::size_t i = 0; i < w.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (w[i][j] != w[j][i]) return false;
    return true;
}

// The largest difference to the average that is left after all rounds, from each peer's 1 among noughts.
double left_after(const Config& config, std::uint32_t n, std::uint64_t rounds) {
    const MixingGraph graph(config, n);
    Matrix x(n, std::vector<double>(n, 0));
    for (std::uint32_t i = 0; i < n; ++i) x[i][i] = 1;
    for (std::uint64_t round = 1; round <= rounds; ++round) {
        Matrix next(n, std::vector<double>(n, 0));
        for (std::uint32_t i = 0; i < n; ++i) {
            const Row row = graph.row(i, round);
            for (std::uint32_t c = 0; c < n; ++c) next[i][c] = row.own * x[i][c];
            for (const Weighted& in : row.in)
                for (std::uint32_t c = 0; c < n; ++c) next[i][c] += in.weight * x[in.rank][c];
        }
        x.swap(next);
    }
    double most = 0;
    for (const auto& row : x)
        for (const double value : row) most = std::max(most, std::abs(value - 1.0 / n));
    return most;
}

std::uint32_t log2_up(std::uint32_t n) {
    std::uint32_t rounds = 0;
    while ((std::uint64_t{1} << rounds) < n) ++rounds;
    return rounds;
}

}  // namespace

TEST_CASE("every graph's matrix is doubly stochastic, those of undirected ones symmetric, and all agree on who tells whom") {
    for (std::uint32_t n = 1; n <= 40; ++n)
        for (const Config& config : {over(Graph::ring), over(Graph::torus), over(Graph::exponential), over(Graph::one_peer_exponential), over(Graph::matching),
                                     over(Graph::base, 2), over(Graph::base, 3), over(Graph::base, 4), over(Graph::base, 5), path(n)}) {
            CAPTURE(n);
            CAPTURE(static_cast<int>(config.graph));
            CAPTURE(config.base);
            const MixingGraph graph(config, n);
            CHECK(!graph.missing());
            const bool directed = config.graph == Graph::exponential || config.graph == Graph::one_peer_exponential;
            for (std::uint64_t round = 1; round <= 14; ++round) {
                const Matrix w = matrix(graph, round);
                CHECK(doubly_stochastic(w));
                if (!directed) CHECK(symmetric(w));
            }
        }
}

TEST_CASE("weights and neighbours are the named graph's") {
    const auto weights = [](Graph graph, std::uint32_t n, std::uint32_t rank, std::uint64_t round) {
        const Row row = MixingGraph(over(graph), n).row(rank, round);
        std::vector<double> of(n, 0);
        of[rank] = row.own;
        for (const Weighted& in : row.in) of[in.rank] = in.weight;
        return of;
    };
    const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return std::abs(x - y) < 1e-15; });
    };
    CHECK(same(weights(Graph::ring, 5, 0, 1), {1. / 3, 1. / 3, 0, 0, 1. / 3}));
    CHECK(same(weights(Graph::ring, 3, 1, 1), {1. / 3, 1. / 3, 1. / 3}));
    CHECK(same(weights(Graph::ring, 2, 1, 1), {0.5, 0.5}));
    CHECK(same(weights(Graph::torus, 12, 5, 1), {0, 0.2, 0, 0, 0.2, 0.2, 0.2, 0, 0, 0.2, 0, 0}));  // 3 rows of 4
    CHECK(same(weights(Graph::torus, 6, 0, 1), {0.2, 0.2, 0.2, 0.4, 0, 0}));                       // 2 rows of 3
    CHECK(same(weights(Graph::torus, 4, 0, 1), {0.2, 0.4, 0.4, 0}));
    CHECK(same(weights(Graph::torus, 5, 0, 1), weights(Graph::ring, 5, 0, 1)));
    CHECK(same(weights(Graph::exponential, 6, 0, 1), {0.25, 0, 0.25, 0, 0.25, 0.25}));  // it hears those 1, 2 and 4 before it
    for (std::uint64_t round = 1; round <= 6; ++round) {
        const Row row = MixingGraph(over(Graph::one_peer_exponential), 6).row(5, round);
        const std::uint32_t step = std::uint32_t{1} << (round - 1) % 3;
        REQUIRE(row.out.size() == 1);
        CHECK(row.out[0] == (5 + step) % 6);
        CHECK(row.in[0].rank == 5 - step);
        CHECK(row.own == 0.5);
    }
}

TEST_CASE("a base-(k+1) graph averages exactly, for any number of peers, with k neighbours a round at most") {
    for (std::uint32_t k = 1; k <= 4; ++k)
        for (std::uint32_t n = 2; n <= 129; ++n) {
            CAPTURE(k);
            CAPTURE(n);
            const BaseGraph graph(n, k + 1);
            CHECK(left_after(over(Graph::base, k + 1), n, graph.length()) < 1e-12);
            std::size_t most = 0;
            for (std::uint32_t round = 0; round < graph.length(); ++round)
                for (std::uint32_t i = 0; i < n; ++i) most = std::max(most, graph.row(i, round).in.size());
            CHECK(most <= k);
        }
}

TEST_CASE("the lengths of base-(k+1) graphs are those of the paper") {
    const std::uint32_t peers[] = {25, 100, 1000, 1024};
    const std::uint32_t base_2[] = {9, 11, 16, 10}, base_3[] = {6, 8, 12, 10};
    for (int i = 0; i < 4; ++i) {
        CHECK(BaseGraph(peers[i], 2).length() == base_2[i]);
        CHECK(BaseGraph(peers[i], 3).length() == base_3[i]);
    }
    CHECK(BaseGraph(216, 8).length() == 3);   // 6 6 6; the largest factor first would be 8 3 3 3
    CHECK(BaseGraph(900, 12).length() == 3);  // 10 10 9; 12 5 5 3
    CHECK(BaseGraph(7, 999).length() == 1);
}

TEST_CASE("one-peer exponential averages exactly in log2 n rounds where n is a power of two, and else never") {
    for (std::uint32_t n = 2; n <= 64; ++n) {
        CAPTURE(n);
        const double left = left_after(over(Graph::one_peer_exponential), n, log2_up(n));
        CHECK((left < 1e-15) == ((n & (n - 1)) == 0));
    }
}

TEST_CASE("a file's graph serves as many peers as it has, and no others") {
    CHECK(!MixingGraph(path(5), 5).missing());
    CHECK(MixingGraph(path(5), 4).missing());
    CHECK(MixingGraph(path(5), 6).missing());
    CHECK(!MixingGraph(over(Graph::torus), 6).missing());
}
