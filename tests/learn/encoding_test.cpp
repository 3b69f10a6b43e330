#include <bit>
#include <cmath>
#include <limits>

#include "grapevine/learn/encoding.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

constexpr float infinite = std::numeric_limits<float>::infinity(), no_number = std::numeric_limits<float>::quiet_NaN();
constexpr float smallest = std::numeric_limits<float>::min(), denormal = std::numeric_limits<float>::denorm_min();
constexpr float largest = std::numeric_limits<float>::max();

Snapshot encoded(const std::vector<float>& values, Encoding encoding, double kept = 0.01) {
    const auto bytes = std::make_shared<std::vector<std::byte>>(encoded_bytes(encoding, values.size(), kept));
    encode(values, encoding, kept, bytes->data());
    Snapshot s;
    s.encoding = encoding;
    s.range = {0, values.size()};
    s.bytes = {bytes->data(), bytes->size(), bytes};
    return s;
}

std::vector<float> decoded(const Snapshot& snapshot) {
    std::vector<float> values(snapshot.range.count, 12345);
    decode(snapshot, values);
    return values;
}

std::vector<float> there_and_back(const std::vector<float>& values, Encoding encoding, double kept = 0.01) {
    return decoded(encoded(values, encoding, kept));
}

std::vector<float> drawn(std::size_t count, std::uint64_t seed, double deviation = 1) {
    Random random(seed);
    std::vector<float> values(count);
    for (float& v : values) v = static_cast<float>(deviation * random.normal());
    return values;
}

Snapshot pairs(std::uint64_t count, const std::vector<std::pair<std::uint32_t, float>>& all) {
    const auto bytes = std::make_shared<std::vector<std::byte>>(8 * all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::memcpy(bytes->data() + 8 * i, &all[i].first, 4);
        std::memcpy(bytes->data() + 8 * i + 4, &all[i].second, 4);
    }
    Snapshot s;
    s.encoding = Encoding::top_k;
    s.range = {0, count};
    s.bytes = {bytes->data(), bytes->size(), bytes};
    return s;
}

}  // namespace

TEST_CASE("bf16 rounds to the nearest, ties to even, and keeps what is no number") {
    const auto bits = [](std::uint32_t b) { return std::bit_cast<float>(b); };
    struct Row {
        float from;
        std::uint32_t to;
    };
    for (const auto& [from, to] : {Row{0.f, 0}, Row{-0.f, 0x80000000}, Row{1.f, 0x3f800000}, Row{-2.5f, 0xc0200000}, Row{bits(0x3f808000), 0x3f800000},
                                   Row{bits(0x3f808001), 0x3f810000}, Row{bits(0x3f818000), 0x3f820000}, Row{bits(0xbf818000), 0xbf820000},
                                   Row{bits(0x3fffffff), 0x40000000}, Row{infinite, 0x7f800000}, Row{-infinite, 0xff800000}, Row{largest, 0x7f800000}, Row{denormal, 0},
                                   Row{bits(0x00008001), 0x00010000}, Row{smallest, 0x00800000}}) {
        CAPTURE(from);
        CHECK(std::bit_cast<std::uint32_t>(there_and_back({from}, Encoding::bf16)[0]) == to);
    }
    for (const std::uint32_t b : {0x7fc00000u, 0x7f800001u, 0xffffffffu, 0xff800001u}) {
        CAPTURE(b);
        CHECK(std::isnan(there_and_back({bits(b)}, Encoding::bf16)[0]));
    }
}

TEST_CASE("errors stay within what is promised, at all sizes") {
    for (const std::size_t n : {0, 1, 2, 255, 256, 257, 1000, 4095, 4096, 4097, 5000}) {
        for (const double deviation : {1.0, 1e-30, 1e30}) {
            CAPTURE(n);
            CAPTURE(deviation);
            const auto x = drawn(n, n + 1, deviation);
            const auto half = there_and_back(x, Encoding::bf16), byte = there_and_back(x, Encoding::int8);
            for (std::size_t i = 0; i < n; ++i) {
                CHECK(std::fabs(half[i] - x[i]) <= std::ldexp(std::fabs(x[i]), -8));
                float most = 0;
                for (std::size_t j = i / 256 * 256; j < std::min(n, i / 256 * 256 + 256); ++j) most = std::max(most, std::fabs(x[j]));
                CHECK(std::fabs(byte[i] - x[i]) <= most / 254 * (1 + 1e-5));
            }
            CHECK(encoded(x, Encoding::bf16).bytes.size == 2 * n);
            CHECK(encoded(x, Encoding::int8).bytes.size == n + 4 * ((n + 255) / 256));
        }
    }
}

TEST_CASE("int8: the largest of a block is exact, zeros stay zeros, and blocks know nothing of each other") {
    CHECK(there_and_back({0, -0.f, 0}, Encoding::int8) == std::vector<float>{0, 0, 0});
    CHECK(there_and_back({-127, 64, 1, 0.4f, 0.5f, 1.5f, -0.6f}, Encoding::int8) == std::vector<float>{-127, 64, 1, 0, 0, 2, -1});
    std::vector<float> x(300, 1e-3f);
    x[0] = 1e6f;
    const auto back = there_and_back(x, Encoding::int8);
    CHECK(back[0] == doctest::Approx(1e6));
    CHECK(back[1] == 0);
    CHECK(back[299] == doctest::Approx(1e-3));
    CHECK(there_and_back({denormal, 50 * smallest}, Encoding::int8) == std::vector<float>{0, 0});
    CHECK(there_and_back({largest, -largest}, Encoding::int8)[1] == doctest::Approx(-largest));
    std::vector<float> ill(300, 1);
    ill[7] = no_number;
    CHECK(std::isnan(there_and_back(ill, Encoding::int8)[200]));
    CHECK(there_and_back(ill, Encoding::int8)[256] == doctest::Approx(1));
    ill[7] = -infinite;
    CHECK(!well_formed(encoded(ill, Encoding::int8)));
}

TEST_CASE("top_k keeps the largest, of equals the first") {
    CHECK(there_and_back({1, -5, 3, 0, 4}, Encoding::top_k, 0.6) == std::vector<float>{0, -5, 3, 0, 4});
    CHECK(there_and_back({2, -2, 2, 2, 3}, Encoding::top_k, 0.6) == std::vector<float>{2, -2, 0, 0, 3});
    CHECK(there_and_back({0, 0, 0, 0}, Encoding::top_k, 0.5) == std::vector<float>{0, 0, 0, 0});
    CHECK(encoded({0, 0, 0, 0}, Encoding::top_k, 0.5).bytes.size == 16);
    CHECK(encoded({}, Encoding::top_k).bytes.size == 0);
    CHECK(encoded({1}, Encoding::top_k, 1e-9).bytes.size == 8);  // one at least
    const auto x = drawn(10'000, 3);
    CHECK(there_and_back(x, Encoding::top_k, 1) == x);
    const auto back = there_and_back(x, Encoding::top_k, 0.01);
    float least = infinite, left_out = 0;
    int kept = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (back[i] == 0) {
            left_out = std::max(left_out, std::fabs(x[i]));
            continue;
        }
        ++kept;
        least = std::min(least, std::fabs(x[i]));
        CHECK(back[i] == x[i]);
    }
    CHECK(kept == 100);
    CHECK(least >= left_out);
    CHECK(std::isnan(there_and_back({1, no_number, infinite}, Encoding::top_k, 0.3)[1]));  // the largest of all: who receives it refuses it
}

TEST_CASE("what travels in another encoding than the run's is not taken") {
    for (const auto sent : {Encoding::float32, Encoding::float64, Encoding::bf16, Encoding::int8, Encoding::top_k}) {
        CAPTURE(static_cast<int>(sent));
        Snapshot s;
        s.encoding = sent;
        s.range = {0, 2};
        CHECK(travels_as(s, std::nullopt, Encoding::float32) == (sent == Encoding::float32));
        CHECK(travels_as(s, Encoding::int8, Encoding::float32) == (sent == Encoding::float32 || sent == Encoding::int8));
        CHECK(travels_as(s, std::nullopt, Encoding::float64) == (sent == Encoding::float64));
        s.range = {0, 0};
        CHECK(travels_as(s, std::nullopt, Encoding::float64));
    }
    // A number that is none for a learner of float32: well-formed by itself, and infinite in the model.
    const auto large = std::make_shared<const double>(1e300);
    Snapshot s;
    s.encoding = Encoding::float64;
    s.range = {0, 1};
    s.bytes = {reinterpret_cast<const std::byte*>(large.get()), sizeof *large, large};
    CHECK(well_formed(s));
    CHECK(!travels_as(s, std::nullopt, Encoding::float32));
}

TEST_CASE("content is looked at before it is believed") {
    CHECK(well_formed(pairs(5, {{0, 1.f}, {3, 2.f}, {4, 0.f}})));
    CHECK(well_formed(pairs(0, {})));
    for (const auto& hostile : {pairs(5, {{3, 1.f}, {3, 1.f}}), pairs(5, {{3, 1.f}, {0, 1.f}}), pairs(5, {{5, 1.f}}), pairs(5, {{0xffffffff, 1.f}}),
                                pairs(5, {{1, no_number}}), pairs(5, {{1, -infinite}}), pairs(1, {{0, 1.f}, {0, 1.f}})})
        CHECK(!well_formed(hostile));
    for (const auto encoding : {Encoding::bf16, Encoding::int8, Encoding::top_k}) {
        CAPTURE(static_cast<int>(encoding));
        auto x = drawn(700, 5);
        CHECK(well_formed(encoded(x, encoding, 0.1)));
        x[600] = no_number;
        CHECK(!well_formed(encoded(x, encoding, 0.1)));
        x[600] = infinite;
        CHECK(!well_formed(encoded(x, encoding, 0.1)));
    }
    Snapshot scaled = encoded({1, 2, 3}, Encoding::int8);
    const auto bytes = std::make_shared<std::vector<std::byte>>(scaled.bytes.data, scaled.bytes.data + scaled.bytes.size);
    for (const float scale : {no_number, infinite, largest}) {  // the last times a byte is infinite
        std::memcpy(bytes->data(), &scale, sizeof scale);
        scaled.bytes = {bytes->data(), bytes->size(), bytes};
        CHECK(!well_formed(scaled));
    }
}

TEST_CASE("noise in place of content is decoded without harm") {
    Random random(9);
    for (int i = 0; i < 3000; ++i) {
        const auto encoding = static_cast<Encoding>(random.below(5));
        const std::uint64_t count = random.below(600);
        std::uint64_t size = encoded_size(encoding, count);
        if (encoding == Encoding::top_k) size = 8 * random.below(count + 1);
        const auto bytes = std::make_shared<std::vector<std::byte>>(size + 1);
        for (std::byte& b : *bytes) b = static_cast<std::byte>(random.chance(0.3) ? 0 : random.below(256));
        Snapshot s;
        s.encoding = encoding;
        s.range = {0, count};
        s.bytes = {bytes->data() + 1, size, bytes};  // where no float may lie
        std::vector<float> to(count + 2, 7);
        decode(s, std::span(to).subspan(1, count));
        CHECK(to.front() == 7);
        CHECK(to.back() == 7);
        (void)well_formed(s);
    }
}

TEST_CASE("learners publish in the encoding they are told, and mix what comes in any") {
    for (const bool law_model : {false, true}) {
        CAPTURE(law_model);
        auto config = law_model ? law(config::ModelKind::average, 3000) : blobs(config::ModelKind::mlp);
        if (law_model) config.model.initial = config::Initial{config::Initial::Rule::normal, 0};
        const auto task = task_of(config);
        const auto learner = learner_of(config, task, 0, 2), other = learner_of(config, task, 1, 2);
        if (!law_model) other->carry_out({0, Train{5}});
        other->claim(2);
        const Range part{3, other->size() - 5};
        std::vector<float> plain(part.count);
        decode(publish(*other, model_slot, part), plain);
        for (const auto encoding : {Encoding::bf16, Encoding::int8, Encoding::top_k}) {
            CAPTURE(static_cast<int>(encoding));
            const auto done = other->carry_out({1, Publish{model_slot, part, encoding, 0.1}});
            const Snapshot& s = std::get<Published>(done.what).snapshot;
            CHECK(s.encoding == encoding);
            CHECK(fits(s, learner->layout(), learner->size()));
            CHECK(well_formed(s));
            CHECK(s.bytes.size == encoded_bytes(encoding, part.count, 0.1));
            CHECK(decoded(s) == there_and_back(plain, encoding, 0.1));
            // Taken whole, the model is what travelled.
            learner->carry_out({0, Combine{model_slot, 0, 1, s}});
            std::vector<float> taken(part.count);
            decode(publish(*learner, model_slot, part), taken);
            CHECK(taken == decoded(s));
        }
    }
}
