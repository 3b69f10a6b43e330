#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "grapevine/gossip/exchange.hpp"

namespace grapevine::gossip {

// What one peer does in one round of x <- sum_j W_ij x_j: its row of W.
struct Row {
    std::vector<Weighted> in;        // whom it hears: every rank once, never itself
    std::vector<std::uint32_t> out;  // whom it tells; the same as `in` where the graph is undirected
    double own = 1;                  // the weight of its own model; with those of `in` it makes 1
};

// Exact averages in finitely many rounds with at most base - 1 neighbours in each: the base-(k+1) graph, base = k+1
// (Takezawa, Sato, Bao, Niwa, Yamada 2023, "Beyond Exponential Graph: Communication-Efficient Topologies for
// Decentralized Learning via Finite-time Convergence"). Any row costs O(base + log n); kept are O(log n) numbers.
class BaseGraph {
public:
    BaseGraph(std::uint32_t n, std::uint32_t base);  // base >= 2
    std::uint32_t length() const { return inner_.length() + outer_.length(); }  // rounds to the exact average
    Row row(std::uint32_t rank, std::uint32_t round) const;                     // round < length()

private:
    // n = f_0 f_1 ... f_(L-1), each f <= base, as few as there can be: ranks are numbers in that mixed base, and in round l
    // those that differ in digit l alone average. (The paper's k-peer hyper-hypercube.)
    class Hypercube {
    public:
        Hypercube() = default;
        Hypercube(std::uint32_t n, std::uint32_t base);
        std::uint32_t length() const { return static_cast<std::uint32_t>(factors_.size()); }
        // The ranks of the cube are first + stride * place.
        void add(Row& row, std::uint32_t place, std::uint32_t round, std::uint32_t first, std::uint32_t stride) const;

    private:
        std::vector<std::uint32_t> factors_;
    };

    // Any n. Written in the base, n = sum_l a_l base^(p_l): part l has a_l blocks of base^(p_l) ranks, longest first.
    //   rounds 0 ..           each part averages, as the cube that it is
    //   then, one round each  part 0, 1, ... takes in all behind it: each of those meets one of each of its blocks,
    //                         and leaves with the average of part l and itself, weighted by their ranks
    //   meanwhile             each block of a part that has taken all in averages: one behind it left in it what it needs
    class Simple {
    public:
        Simple(std::uint32_t n, std::uint32_t base);
        std::uint32_t length() const { return length_; }
        void add(Row& row, std::uint32_t rank, std::uint32_t round, std::uint32_t first) const;

    private:
        struct Part {
            std::uint32_t first, blocks, block;  // the first rank, how many blocks, ranks of each
            Hypercube whole, one;                // the part's, and a block's
            std::uint32_t size() const { return blocks * block; }
        };
        void take_in(Row& row, const Part& part, std::uint32_t rank, std::uint32_t first) const;

        std::uint32_t n_, base_, length_ = 0;
        std::vector<Part> parts_;
    };

    // n = p q, p the product of all prime factors <= base: p runs of q ranks average each by itself, then across. Where
    // that takes longer than the simple graph of all: p = 1.
    std::uint32_t run_;  // q
    Simple inner_;       // of a run
    Hypercube outer_;    // of those in the same place of their runs
};

// The mixing matrix W of every round, of the graph that a configuration names, over n ranks. All of them are doubly
// stochastic.
//   ring                   both neighbours, 1/3 each (two peers: 1/2)
//   torus                  rows by columns, the most square that n allows; four neighbours, 1/5 each. Neighbours that are the
//                          same, where a side is 2, are one with both weights. One row (n prime) is a ring, with a ring's weights
//   exponential            directed: rank + 1, + 2, + 4, ... below n, all with one weight (Assran et al. 2019; Ying et al. 2021)
//   one-peer exponential   directed: one of these in each round, in turn, 1/2
//   base                   above, in turn
//   matching               undirected: one partner, drawn anew each round by all alike (Boyd et al. 2006), 1/2 each
//   file                   Config::adjacency
// A row costs O(its neighbours), and for `base` O(base + log n); making one O(sqrt n) for the torus.
class MixingGraph {
public:
    MixingGraph(const Config& config, std::uint32_t n);

    std::uint32_t size() const { return n_; }
    // No graph of n peers: it is a file's, which has another number of them.
    bool missing() const { return graph_ == Graph::file && (!adjacency_ || adjacency_->size() != n_); }
    Row row(std::uint32_t rank, std::uint64_t round) const;  // rounds count from 1; not of one that is missing
    // How many rounds a peer may be ahead of one whom it tells, if nobody was given up: along undirected edges both
    // wait for each other.
    std::uint32_t ahead() const;

private:
    Graph graph_;
    std::uint32_t n_;
    std::uint64_t seed_;
    std::shared_ptr<const Adjacency> adjacency_;
    std::uint32_t columns_ = 0;  // of a torus
    std::uint32_t reach_ = 0;    // of an exponential graph: neighbours, ceil(log2 n)
    std::optional<BaseGraph> base_;
};

}  // namespace grapevine::gossip
