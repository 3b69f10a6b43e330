#include "graph.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>

#include "permutation.hpp"

namespace grapevine::gossip {

namespace {

// An undirected edge: who hears somebody tells it as well. Once more to the same one is more weight; to oneself, one's own.
void join(Row& row, std::uint32_t self, std::uint32_t other, double weight) {
    if (other == self) return;
    row.own -= weight;
    const auto known = std::find_if(row.in.begin(), row.in.end(), [&](const Weighted& w) { return w.rank == other; });
    if (known != row.in.end()) {
        known->weight += weight;
        return;
    }
    row.in.push_back({other, weight});
    row.out.push_back(other);
}

// The longest side of the most square rows x columns.
std::uint32_t most_square(std::uint32_t n) {
    std::uint32_t rows = 1;
    for (std::uint32_t a = 1; std::uint64_t{a} * a <= n; ++a)
        if (n % a == 0) rows = a;
    return n / rows;
}

// The fewest factors <= most whose product n is; it has some. Of each n that comes up once: those are its divisors.
const std::vector<std::uint32_t>& fewest_factors(std::uint32_t n, std::uint32_t most, std::map<std::uint32_t, std::vector<std::uint32_t>>& known) {
    if (const auto found = known.find(n); found != known.end()) return found->second;
    std::vector<std::uint32_t> best;
    for (std::uint32_t f = std::min(n, most); f >= 2; --f) {
        if (n % f != 0) continue;
        const auto& rest = fewest_factors(n / f, most, known);
        if (n / f > 1 && rest.empty()) continue;  // the rest has a larger prime factor
        if (!best.empty() && rest.size() + 1 >= best.size()) continue;
        best = rest;
        best.push_back(f);
    }
    return known.emplace(n, std::move(best)).first->second;
}

// The largest divisor of n without prime factors above `most`.
std::uint32_t smooth_part(std::uint32_t n, std::uint32_t most) {
    std::uint32_t smooth = 1;
    for (std::uint32_t f = 2; f <= most; ++f)
        for (; n % f == 0; n /= f) smooth *= f;
    return smooth;
}

}  // namespace

BaseGraph::Hypercube::Hypercube(std::uint32_t n, std::uint32_t base) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> known;
    factors_ = fewest_factors(n, base, known);
}

void BaseGraph::Hypercube::add(Row& row, std::uint32_t place, std::uint32_t round, std::uint32_t first, std::uint32_t stride) const {
    if (factors_.empty()) return;
    round %= length();
    std::uint32_t unit = 1;
    for (std::uint32_t l = 0; l < round; ++l) unit *= factors_[l];
    const std::uint32_t factor = factors_[round], digit = place / unit % factor;
    for (std::uint32_t d = 0; d < factor; ++d)
        if (d != digit) join(row, first + stride * place, first + stride * (place - digit * unit + d * unit), 1.0 / factor);
}

BaseGraph::Simple::Simple(std::uint32_t n, std::uint32_t base) : n_(n), base_(base) {
    if (smooth_part(n, base) == n) {
        parts_.push_back({0, 1, n, Hypercube(n, base), {}});
        length_ = parts_.front().whole.length();
        return;
    }
    std::uint64_t block = 1;
    while (block * base <= n) block *= base;
    for (std::uint32_t first = 0; first < n; block /= base) {
        const auto size = static_cast<std::uint32_t>(block), blocks = (n - first) / size;
        if (blocks == 0) continue;
        parts_.push_back({first, blocks, size, Hypercube(blocks * size, base), Hypercube(size, base)});
        first += blocks * size;
    }
    length_ = parts_.front().whole.length() + 1 + parts_.front().one.length();
}

void BaseGraph::Simple::add(Row& row, std::uint32_t rank, std::uint32_t round, std::uint32_t first) const {
    std::size_t mine = parts_.size() - 1;
    while (parts_[mine].first > rank) --mine;
    const Part& part = parts_[mine];
    const std::uint32_t place = rank - part.first;
    const std::uint32_t averaged = parts_.front().whole.length();  // the first is the longest
    if (round < averaged || parts_.size() == 1) return part.whole.add(row, place, round, first + part.first, 1);
    const std::size_t taking = round - averaged;  // which part takes in those behind it
    const bool last = mine + 1 == parts_.size();
    if (taking < mine || (taking == mine && !last)) return take_in(row, parts_[taking], rank, first);
    const auto since = static_cast<std::uint32_t>(taking - mine - (last ? 0 : 1));
    if (part.block == 1) return part.whole.add(row, place, since, first + part.first, 1);
    part.one.add(row, place % part.block, since, first + part.first + place / part.block * part.block, 1);
}

void BaseGraph::Simple::take_in(Row& row, const Part& part, std::uint32_t rank, std::uint32_t first) const {
    const std::uint32_t behind = part.first + part.size();  // the first rank of those behind
    const std::uint32_t guests = n_ - behind;
    const double weight = static_cast<double>(part.size()) / (n_ - part.first) / part.blocks;
    if (rank >= behind) {
        for (std::uint32_t b = 0; b < part.blocks; ++b) join(row, first + rank, first + part.first + b * part.block + (rank - behind), weight);
        return;
    }
    const std::uint32_t place = (rank - part.first) % part.block, block = (rank - part.first) / part.block;
    if (place < guests) return join(row, first + rank, first + behind + place, weight);
    // Who has no guest: in the average nothing changes, but steps that were taken meanwhile are shared.
    const std::uint32_t idle = part.block - guests, all = part.blocks * idle, here = block * idle + place - guests;
    const std::uint32_t begin = here / base_ * base_, end = std::min(all, begin + base_);
    for (std::uint32_t i = begin; i < end; ++i)
        join(row, first + rank, first + part.first + i / idle * part.block + guests + i % idle, 1.0 / (end - begin));
}

BaseGraph::BaseGraph(std::uint32_t n, std::uint32_t base) : run_(n), inner_(n, base) {
    const std::uint32_t across = smooth_part(n, base), run = n / across;
    const Simple of_run(run, base);
    const Hypercube outer(across, base);
    if (of_run.length() + outer.length() > inner_.length()) return;
    run_ = run;
    inner_ = of_run;
    outer_ = outer;
}

Row BaseGraph::row(std::uint32_t rank, std::uint32_t round) const {
    Row row;
    if (round < inner_.length()) inner_.add(row, rank % run_, round, rank / run_ * run_);
    else outer_.add(row, rank / run_, round - inner_.length(), rank % run_, run_);
    return row;
}

std::optional<std::uint64_t> matched(std::uint64_t i, std::uint64_t n, std::uint64_t seed, std::uint64_t round) {
    if (n < 2) return std::nullopt;
    const Permutation p(n, Random::mix(seed ^ Random::mix(round + 1)));
    const std::uint64_t place = p.forward(i) ^ 1;
    if (place >= n) return std::nullopt;
    return p.backward(place);
}

MixingGraph::MixingGraph(const Config& config, std::uint32_t n) : graph_(config.graph), n_(n), seed_(config.seed), adjacency_(config.adjacency) {
    assert(n > 0);
    if (graph_ == Graph::torus) {
        columns_ = most_square(n);
        if (columns_ == n) graph_ = Graph::ring;
    }
    if (graph_ == Graph::exponential || graph_ == Graph::one_peer_exponential) reach_ = static_cast<std::uint32_t>(std::bit_width(n - 1));
    if (graph_ == Graph::base) base_.emplace(n, config.base);
}

Row MixingGraph::row(std::uint32_t rank, std::uint64_t round) const {
    Row row;
    if (n_ < 2) return row;
    const auto after = [&](std::uint32_t step) { return static_cast<std::uint32_t>((std::uint64_t{rank} + step) % n_); };
    const auto arc = [&](std::uint32_t step, double weight) {  // step < n
        row.in.push_back({after(n_ - step), weight});
        row.out.push_back(after(step));
        row.own -= weight;
    };
    switch (graph_) {
        case Graph::ring: {
            const double weight = n_ > 2 ? 1.0 / 3 : 1.0 / 4;  // of two peers each is the other's both neighbours
            join(row, rank, after(1), weight);
            join(row, rank, after(n_ - 1), weight);
            break;
        }
        case Graph::torus: {
            const std::uint32_t rows = n_ / columns_, r = rank / columns_, c = rank % columns_;
            const auto at = [&](std::uint32_t down, std::uint32_t right) { return (r + down) % rows * columns_ + (c + right) % columns_; };
            for (const std::uint32_t other : {at(0, 1), at(0, columns_ - 1), at(1, 0), at(rows - 1, 0)}) join(row, rank, other, 1.0 / 5);
            break;
        }
        case Graph::exponential:
            for (std::uint32_t j = 0; j < reach_; ++j) arc(std::uint32_t{1} << j, 1.0 / (1 + reach_));
            break;
        case Graph::one_peer_exponential: arc(std::uint32_t{1} << (round + reach_ - 1) % reach_, 0.5); break;
        case Graph::base: {
            const std::uint64_t length = base_->length();
            return base_->row(rank, static_cast<std::uint32_t>((round + length - 1) % length));
        }
        case Graph::matching:
            if (const auto partner = matched(rank, n_, seed_, round)) join(row, rank, static_cast<std::uint32_t>(*partner), 0.5);
            break;
        case Graph::file:
            assert(!missing());
            for (const Weighted& w : (*adjacency_)[rank]) join(row, rank, w.rank, w.weight);
            row.own = std::max(row.own, 0.0);  // of weights that make 1 rounding may leave less than nothing
            break;
    }
    return row;
}

// Who tells us waits for somebody who waits for somebody ... who waits for us: as many rounds ahead as there are steps
// on the way from us to it.
std::uint32_t MixingGraph::ahead() const { return graph_ == Graph::exponential ? std::max(reach_, 1u) : 1; }

}  // namespace grapevine::gossip
