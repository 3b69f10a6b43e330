#include "views.hpp"

#include <algorithm>
#include <numeric>

namespace grapevine::sim {

namespace {

constexpr std::size_t most_joined = 2000;  // peers with full views, which are one component or near it anyhow

// Which are joined with which, as far as was said.
class Components {
public:
    explicit Components(std::size_t n) : parent_(n), size_(n, 1), left_(n) { std::iota(parent_.begin(), parent_.end(), 0); }
    void join(std::uint32_t a, std::uint32_t b) {
        a = root(a), b = root(b);
        if (a == b) return;
        if (size_[a] < size_[b]) std::swap(a, b);
        parent_[b] = a;
        size_[a] += size_[b];
        --left_;
    }
    std::size_t left() const { return left_; }
    std::uint32_t largest() const { return *std::max_element(size_.begin(), size_.end()); }

private:
    std::uint32_t root(std::uint32_t x) {
        while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
        return x;
    }
    std::vector<std::uint32_t> parent_, size_;
    std::size_t left_;
};

}  // namespace

Views look_at_views(const World& world, const Watch& watch, bool partial) {
    Views views;
    const std::size_t up = world.up_count();
    if (up == 0) return views;
    std::vector<std::uint8_t> is_up(world.size());
    std::vector<std::uint32_t> held(world.size());  // by how many healthy peers each is held as present
    for (std::uint32_t i = 0; i < world.size(); ++i) is_up[i] = world.up(i);

    const bool joins = partial || up <= most_joined;
    Components components(joins ? world.size() : 0);
    const std::size_t others_down = world.size() - up;  // each a component of its own, until all that are up are one
    std::size_t full = 0, suspects = 0, healthy = 0;
    for (std::uint32_t i = 0; i < world.size(); ++i) {
        if (!is_up[i]) continue;
        const bool counts = watch.healthy(i);
        healthy += counts;
        std::size_t right = 0, wrong = 0;
        for (const auto& entry : world.peer(i).members().roster().entries()) {
            if (entry.standing > membership::Standing::suspect) continue;
            suspects += entry.standing == membership::Standing::suspect;
            const std::uint32_t j = index_of(world.book().id(entry.record));
            if (j >= is_up.size()) {  // nobody of this world
                ++wrong;
                continue;
            }
            held[j] += counts;
            ++(is_up[j] ? right : wrong);
            if (joins && is_up[j] && components.left() > others_down + 1) components.join(i, j);
        }
        full += wrong == 0 && right + 1 == up;
    }
    if (joins) views.largest_component = components.largest() / static_cast<double>(up);
    if (partial) return views;

    std::size_t disagreements = 0;
    for (std::uint32_t j = 0; j < world.size(); ++j) {
        const std::size_t observers = healthy - (is_up[j] && watch.healthy(j));  // it does not hold itself
        disagreements += held[j] > 0 && held[j] < observers;
    }
    views.full = static_cast<double>(full) / static_cast<double>(up);
    views.disagreements = static_cast<double>(disagreements);
    views.suspects = static_cast<double>(suspects);
    return views;
}

}  // namespace grapevine::sim
