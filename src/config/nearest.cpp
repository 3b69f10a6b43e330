#include <algorithm>
#include <numeric>

#include "grapevine/config/config.hpp"

namespace grapevine::config {
namespace {

char plain(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

// Letters to insert, drop, change or swap with their neighbour, until one word is the other.
std::size_t edits(const std::string& x, const std::string& y) {
    std::vector<std::size_t> before(y.size() + 1), last(y.size() + 1), now(y.size() + 1);
    std::iota(last.begin(), last.end(), 0);
    for (std::size_t i = 1; i <= x.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= y.size(); ++j) {
            const char a = plain(x[i - 1]), b = plain(y[j - 1]);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a == b ? 0 : 1)});
            if (i > 1 && j > 1 && a == plain(y[j - 2]) && b == plain(x[i - 2])) now[j] = std::min(now[j], before[j - 2] + 1);
        }
        before.swap(last);
        last.swap(now);
    }
    return last[y.size()];
}

}  // namespace

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known) {
    constexpr std::size_t longest = 64;  // nobody mistypes more; and a stranger's word may be a megabyte
    if (word.empty() || word.size() > longest) return {};
    std::optional<std::string> best;
    std::size_t fewest = 0;
    for (const std::string& candidate : known) {
        if (candidate.size() > longest) continue;
        const std::size_t n = edits(word, candidate);
        const std::size_t tolerable = std::max(word.size(), candidate.size()) <= 3 ? 1 : std::max(word.size(), candidate.size()) * 2 / 5;
        if (n <= tolerable && (!best || n < fewest)) best = candidate, fewest = n;
    }
    if (best) return best;
    // "rate" for "learning_rate", "parallel" for what begins so: a part that belongs to one word alone.
    if (word.size() < 3) return {};
    for (const std::string& candidate : known) {
        if (candidate.find(word) == std::string::npos) continue;
        if (best) return {};
        best = candidate;
    }
    return best;
}

}  // namespace grapevine::config
