#include <algorithm>
#include <numeric>
#include <set>
#include <thread>

#include "grapevine/learn/batches.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {
std::vector<std::uint32_t> first(std::size_t n) {
    std::vector<std::uint32_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0u);
    return rows;
}
}  // namespace

TEST_CASE("an epoch has each row once, and the next another order") {
    Batches batches(first(100), 20, Random(1));
    std::vector<std::uint32_t> epochs[2];
    for (auto& epoch : epochs)
        for (int b = 0; b < 5; ++b) {
            const auto batch = batches.next();
            REQUIRE(batch.size() == 20);
            epoch.insert(epoch.end(), batch.begin(), batch.end());
        }
    CHECK(epochs[0] != epochs[1]);
    for (auto& epoch : epochs) {
        std::sort(epoch.begin(), epoch.end());
        CHECK(epoch == first(100));
    }
}

TEST_CASE("rows that make no whole batch wait for the next shuffle, and none waits for ever") {
    Batches batches(first(10), 7, Random(1));
    std::set<std::uint32_t> seen;
    for (int b = 0; b < 40; ++b) {
        const auto batch = batches.next();
        REQUIRE(batch.size() == 7);
        CHECK(std::set(batch.begin(), batch.end()).size() == 7);
        seen.insert(batch.begin(), batch.end());
    }
    CHECK(seen.size() == 10);
}

TEST_CASE("a batch larger than the shard is the whole shard") {
    Batches batches(first(6), 64, Random(1));
    for (int b = 0; b < 3; ++b) CHECK(batches.next().size() == 6);
}

TEST_CASE("rows dealt anew in the middle of an epoch: what was used is used, the rest and what is new come once each, and only those are left that stay") {
    Batches batches(first(100), 10, Random(1));
    std::set<std::uint32_t> used;
    for (int b = 0; b < 4; ++b) {
        const auto batch = batches.next();
        used.insert(batch.begin(), batch.end());
    }
    std::vector<std::uint32_t> dealt(100);
    std::iota(dealt.begin(), dealt.end(), 50u);  // 50 .. 149
    batches.deal(dealt);
    std::vector<std::uint32_t> expected, seen;
    for (const auto row : dealt)
        if (!used.count(row)) expected.push_back(row);
    const std::size_t whole = expected.size() / 10;
    for (std::size_t b = 0; b < whole; ++b) {
        const auto batch = batches.next();
        seen.insert(seen.end(), batch.begin(), batch.end());
    }
    CHECK(std::set(seen.begin(), seen.end()).size() == seen.size());
    for (const auto row : seen) CHECK(std::binary_search(expected.begin(), expected.end(), row));
    std::set<std::uint32_t> epoch;
    for (int b = 0; b < 10; ++b) {
        const auto batch = batches.next();
        epoch.insert(batch.begin(), batch.end());
    }
    CHECK(epoch == std::set(dealt.begin(), dealt.end()));
}

TEST_CASE("an order of rows dealt anew is drawn, and the same rows again change nothing") {
    Batches a(first(64), 8, Random(3)), b(first(64), 8, Random(3)), c(first(32), 8, Random(3));
    for (Batches* batches : {&a, &b}) batches->next();
    b.deal(first(64));
    CHECK(b.place().taken == a.place().taken);
    c.next();
    c.deal(first(64));
    std::vector<std::uint32_t> rest;
    for (int i = 0; i < 7; ++i) {
        const auto batch = c.next();
        rest.insert(rest.end(), batch.begin(), batch.end());
    }
    CHECK(!std::is_sorted(rest.begin(), rest.end()));
}

TEST_CASE("a batch is as large as was asked for as soon as there are as many rows") {
    Batches batches(first(6), 64, Random(1));
    batches.deal(first(100));
    CHECK(batches.next().size() == 64);
    batches.deal({7});
    CHECK(batches.next().size() == 1);
    CHECK(batches.next()[0] == 7);
    batches.deal(first(100));
    batches.size(20);
    CHECK(batches.next().size() == 20);
}

TEST_CASE("buffers come back, from whatever thread, and are taken again") {
    BufferPool pool;
    auto buffer = pool.take(1000);
    const auto* const where = buffer.get();
    CHECK(pool.waiting() == 0);
    std::thread([last = std::move(buffer)]() mutable { last.reset(); }).join();
    CHECK(pool.waiting() == 1);
    CHECK(pool.take(1024).get() == where);  // as large once rounded up
    CHECK(pool.take(1025).get() != where);
    CHECK(pool.waiting() == 2);
}

TEST_CASE("a buffer may outlive its pool") {
    std::shared_ptr<std::byte> buffer;
    {
        BufferPool pool;
        buffer = pool.take(100);
    }
    std::memset(buffer.get(), 1, 100);
}
