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
