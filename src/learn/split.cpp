#include "grapevine/learn/split.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <queue>
#include <utility>

#include "grapevine/portable_math.hpp"
#include "grapevine/snapshot.hpp"
#include "purposes.hpp"

namespace grapevine::learn {
namespace {

using Rows = std::vector<std::uint32_t>;
using Shards = std::vector<Rows>;

void shuffle(Rows& rows, Random& random) {
    for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
}

// The logarithm of a draw from Gamma(alpha, 1), for alpha too small for the draw itself to be a double (Marsaglia
// and Tsang 2000; below 1 by Gamma(alpha) = Gamma(alpha + 1) U^(1/alpha)).
double log_gamma(double alpha, Random& random) {
    double log_boost = 0;
    if (alpha < 1) {
        log_boost = portable::log(1 - random.uniform()) / alpha;
        alpha += 1;
    }
    const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
        const double x = random.normal(), root = 1 + c * x;
        if (root <= 0) continue;
        const double v = root * root * root, u = 1 - random.uniform();
        if (portable::log(u) < x * x / 2 + d - d * v + d * portable::log(v)) return log_boost + portable::log(d * v);
    }
}

// Shares of a whole: n numbers that are not negative and whose sum is 1.
std::vector<double> dirichlet(double alpha, std::size_t n, Random& random) {
    std::vector<double> shares(n);
    for (double& s : shares) s = log_gamma(alpha, random);
    const double top = *std::max_element(shares.begin(), shares.end());
    double sum = 0;
    for (double& s : shares) sum += s = portable::exp(s - top);
    for (double& s : shares) s /= sum;
    return shares;
}

std::vector<Rows> rows_by_class(const Dataset& set) {
    std::vector<Rows> by_class(set.classes);
    for (std::uint32_t row = 0; row < set.rows(); ++row)
        by_class[static_cast<std::size_t>(set.labels[row])].push_back(row);
    return by_class;
}

Shards deal_evenly(const Rows& rows, std::size_t n) {
    Shards shards(n);
    for (std::size_t i = 0; i < n; ++i) {
        if (n > rows.size()) {
            shards[i] = {rows[i * rows.size() / n]};
            continue;
        }
        const Range run = part({0, rows.size()}, i, n);
        shards[i].assign(rows.begin() + static_cast<std::ptrdiff_t>(run.offset),
                         rows.begin() + static_cast<std::ptrdiff_t>(run.offset + run.count));
    }
    return shards;
}

// Who has nothing takes one row from whoever has most; when nobody has two, a copy of one.
void feed_the_empty(Shards& shards, std::size_t rows, Random& random) {
    std::priority_queue<std::pair<std::size_t, std::size_t>> by_size;  // rows and whose
    for (std::size_t i = 0; i < shards.size(); ++i)
        if (shards[i].size() > 1) by_size.push({shards[i].size(), i});
    for (Rows& shard : shards) {
        if (!shard.empty()) continue;
        if (by_size.empty()) {
            shard.push_back(static_cast<std::uint32_t>(random.below(rows)));
            continue;
        }
        const auto [size, richest] = by_size.top();
        by_size.pop();
        shard.push_back(shards[richest].back());
        shards[richest].pop_back();
        if (size > 2) by_size.push({size - 1, richest});
    }
}

Shards dirichlet_per_class(const Dataset& set, double alpha, std::size_t n, Random& random) {
    Shards shards(n);
    for (Rows& rows : rows_by_class(set)) {
        shuffle(rows, random);
        const auto shares = dirichlet(alpha, n, random);
        double reached = 0;
        std::size_t dealt = 0;
        for (std::size_t i = 0; i < n; ++i) {
            reached += shares[i];
            const auto end = i + 1 == n ? rows.size()
                                        : std::min(rows.size(), static_cast<std::size_t>(std::floor(
                                                                    reached * static_cast<double>(rows.size()) + 0.5)));
            for (; dealt < end; ++dealt) shards[i].push_back(rows[dealt]);
        }
    }
    feed_the_empty(shards, set.rows(), random);
    return shards;
}

Shards dirichlet_per_peer(const Dataset& set, double alpha, std::size_t n, Random& random) {
    auto by_class = rows_by_class(set);
    by_class.erase(std::remove_if(by_class.begin(), by_class.end(), [](const Rows& r) { return r.empty(); }),
                   by_class.end());
    for (Rows& rows : by_class) shuffle(rows, random);
    std::vector<std::size_t> taken(by_class.size());  // of each class, by everybody
    Shards shards(n);
    for (std::size_t i = 0; i < n; ++i) {
        const auto mixture = dirichlet(alpha, by_class.size(), random);
        const std::size_t size = n > set.rows() ? 1 : part({0, set.rows()}, i, n).count;
        for (std::size_t s = 0; s < size; ++s) {
            double left = random.uniform();
            std::size_t c = 0;
            while (c + 1 < mixture.size() && left >= mixture[c]) left -= mixture[c++];
            shards[i].push_back(by_class[c][taken[c]++ % by_class[c].size()]);
        }
    }
    return shards;
}

// All rows by class, cut into n * runs runs of nearly equal length, `runs` of them for each peer.
Shards sorted_runs(const Dataset& set, std::size_t runs, std::size_t n, Random& random) {
    Rows sorted;
    for (Rows& rows : rows_by_class(set)) {
        shuffle(rows, random);
        sorted.insert(sorted.end(), rows.begin(), rows.end());
    }
    Rows order(n * runs);
    std::iota(order.begin(), order.end(), 0u);
    shuffle(order, random);
    Shards shards(n);
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Range run = part({0, sorted.size()}, order[i], order.size());
        const auto first = sorted.begin() + static_cast<std::ptrdiff_t>(run.offset);
        shards[i / runs].insert(shards[i / runs].end(), first, first + static_cast<std::ptrdiff_t>(run.count));
    }
    feed_the_empty(shards, set.rows(), random);
    return shards;
}

}  // namespace

Shards split(const Dataset& set, const config::Split& how, std::size_t n, std::uint64_t seed) {
    assert(n > 0);
    assert(set.rows() > 0);
    Random random = stream(seed, Purpose::shards);
    using Kind = config::Split::Kind;
    switch (how.kind) {
        case Kind::dirichlet_per_class: return dirichlet_per_class(set, how.alpha, n, random);
        case Kind::dirichlet_per_peer: return dirichlet_per_peer(set, how.alpha, n, random);
        case Kind::shards: return sorted_runs(set, how.classes, n, random);
        case Kind::iid:
        case Kind::contiguous: break;
    }
    Rows rows(set.rows());
    std::iota(rows.begin(), rows.end(), 0u);
    if (how.kind == Kind::iid) shuffle(rows, random);
    return deal_evenly(rows, n);
}

}  // namespace grapevine::learn
