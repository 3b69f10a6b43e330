#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "grapevine/learn/pieces.hpp"

using namespace grapevine::learn;

namespace {

// Four places for pieces of two numbers, behind another tensor. In place i lies (i + 1, -i) or nothing.
constexpr std::uint64_t places = 4;

struct Four {
    TensorTable table;
    Four() {
        table.add("x", {3});
        table.add("pieces", {places, 3}, Tensor::Role::set);
    }
    const Tensor& set() const { return *table.find("pieces"); }

    std::vector<float> holding(unsigned which) const {
        std::vector<float> block(table.size());
        for (std::uint64_t i = 0; i < places; ++i)
            if (which >> i & 1) put(block, i, 1, static_cast<float>(i + 1), -static_cast<float>(i));
        return block;
    }
    void put(std::vector<float>& block, std::uint64_t place, float flag, float a, float b) const {
        float* const at = block.data() + set().offset + 3 * place;
        at[0] = flag, at[1] = a, at[2] = b;
    }
    static bool is_piece(std::span<const float> piece) { return piece.size() == 2 && piece[0] >= 1 && piece[0] <= 4; }

    std::vector<float> united(std::vector<float> ours, const std::vector<float>& theirs) const {
        CHECK(unite(set(), ours, 0, theirs, is_piece));
        return ours;
    }
};

}  // namespace

TEST_CASE("a union is idempotent, commutative and associative, for all states there are") {
    const Four four;
    for (unsigned a = 0; a < 16; ++a) {
        const auto x = four.holding(a);
        CHECK(four.united(x, x) == x);
        for (unsigned b = 0; b < 16; ++b) {
            const auto y = four.holding(b), both = four.united(x, y);
            CHECK(both == four.holding(a | b));
            CHECK(both == four.united(y, x));
            CHECK(four.united(both, y) == both);  // it came twice
            for (unsigned c = 0; c < 16; ++c) {
                const auto z = four.holding(c);
                CHECK(four.united(both, z) == four.united(x, four.united(y, z)));
            }
        }
    }
}

// What is sent later holds all that was in the lost one.
TEST_CASE("a message that is lost is made up for by the next") {
    const Four four;
    auto ours = four.holding(0b0001), theirs = four.holding(0b0010);
    const auto lost = theirs;
    theirs = four.united(theirs, four.holding(0b0100));
    ours = four.united(ours, theirs);
    CHECK(ours == four.holding(0b0111));
    CHECK(four.united(ours, lost) == ours);  // and comes after all, late
}

TEST_CASE("pieces that we have are not changed, and what is no set is left alone") {
    const Four four;
    auto other = four.holding(0b0011);
    four.put(other, 0, 1, 4, 4);  // against the rules: another one in the place of ours
    other[0] = 7;                 // of the other tensor
    const auto ours = four.united(four.holding(0b0001), other);
    CHECK(ours == four.holding(0b0011));
}

TEST_CASE("of a range only places that lie in it as a whole are taken") {
    const Four four;
    const auto all = four.holding(0b1111);
    for (std::uint64_t begin = 0; begin <= all.size(); ++begin) {
        for (std::uint64_t end = begin; end <= all.size(); ++end) {
            unsigned whole = 0;
            for (std::uint64_t i = 0; i < places; ++i)
                if (begin <= four.set().offset + 3 * i && end >= four.set().offset + 3 * (i + 1)) whole |= 1u << i;
            auto ours = four.holding(0);
            CHECK(unite(four.set(), ours, begin, std::span(all).subspan(begin, end - begin), Four::is_piece));
            CHECK(ours == four.holding(whole));
        }
    }
}

TEST_CASE("where one is no piece, or a flag is none, nothing is taken") {
    const Four four;
    const auto ours = four.holding(0b0001);
    const auto refuses = [&](float flag, float number) {
        auto theirs = four.holding(0b1111);
        four.put(theirs, 2, flag, number, 0);
        auto block = ours;
        CHECK(!unite(four.set(), block, 0, theirs, Four::is_piece));
        CHECK(block == ours);
    };
    const float none = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
    for (const float flag : {-1.f, 0.5f, 2.f, none, infinite}) refuses(flag, 3);
    for (const float number : {0.f, 5.f, -3.f, none, infinite}) refuses(1, number);
}
