#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <future>
#include <thread>

#include "emulated.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/node/node.hpp"
#include "workshop.hpp"

// A device in a node, by the CUDA backend on CUDA emulated on the host: parameters travel while it trains, and it fails.
using namespace grapevine;

namespace {

config::Config blobs() {
    config::Config config;
    config.seed = 7;
    config.model.kind = config::ModelKind::mlp;
    config.model.hidden = {16};
    config.data.set = "blobs";
    config.data.train_samples = 400;
    config.data.test_samples = 40;
    config.data.batch = 16;
    config.train.learning_rate = 0.05;
    return config;
}

std::unique_ptr<Learner> learner_on_a_device(const config::Config& config) {
    const auto task = std::get<std::shared_ptr<const learn::Task>>(learn::prepare(config));
    return learn::make_learner(config, 0, 1, task, learn::split(*task->sets.train, config.data.split, 1, config.seed)[0], emulated::make_backend());
}

// What the workshop answers, one after the other.
struct Answers {
    std::mutex mutex;
    std::condition_variable some;
    std::size_t count = 0;
    void one_more() {
        const std::lock_guard lock(mutex);
        ++count;
        some.notify_one();
    }
    node::Workshop::Done next(node::Workshop& workshop) {
        std::unique_lock lock(mutex);
        REQUIRE(some.wait_for(lock, std::chrono::seconds(60), [&] { return count > 0; }));
        --count;
        auto done = workshop.take();
        REQUIRE(done);
        return std::move(*done);
    }
};

}  // namespace

TEST_CASE("completions come in the order of their orders, each when it holds (cuda emulated on the host)") {
    const auto config = blobs();
    for (const auto encoding : {Encoding::float32, Encoding::bf16, Encoding::int8, Encoding::top_k}) {
        CAPTURE(static_cast<int>(encoding));
        const auto here = learner_on_a_device(config), alone = learner_on_a_device(config);
        const Range whole{0, here->size()};
        const Snapshot theirs = std::get<Published>(alone->carry_out({0, Publish{0, whole, encoding == Encoding::top_k ? Encoding::int8 : encoding}}).what).snapshot;
        const std::vector<Order> orders = {{1, Train{3}}, {2, Publish{0, whole, encoding}}, {3, Train{2}}, {4, Combine{0, 0.5, 0.5, theirs}},
                                           {5, Publish{0, whole, encoding}}, {6, Combine{0, 0.75, 0.25, theirs, Guard{1e-3, 0}}}, {7, Train{1}}, {8, Publish{0, whole}}};
        Answers answers;
        node::Workshop workshop(*here, {}, [&] { answers.one_more(); });
        for (const Order& order : orders) workshop.put(order);
        for (const Order& order : orders) {
            CAPTURE(order.tag);
            const Completion expected = alone->carry_out(order);
            auto done = answers.next(workshop);
            REQUIRE(std::holds_alternative<Completion>(done));
            const Completion& got = std::get<Completion>(done);
            CHECK(got.tag == order.tag);
            CHECK(got.steps == expected.steps);
            CHECK(got.samples_behind == doctest::Approx(expected.samples_behind));
            REQUIRE(got.what.index() == expected.what.index());
            if (const auto* published = std::get_if<Published>(&got.what)) {
                const Snapshot &a = published->snapshot, &b = std::get<Published>(expected.what).snapshot;
                REQUIRE(a.bytes.size == b.bytes.size);
                CHECK(a.encoding == b.encoding);
                CHECK(std::equal(a.bytes.data, a.bytes.data + a.bytes.size, b.bytes.data));
            }
            if (const auto* combined = std::get_if<Combined>(&got.what)) {
                CHECK(combined->distance == std::get<Combined>(expected.what).distance);
                CHECK(combined->taken == std::get<Combined>(expected.what).taken);
            }
        }
    }
}

TEST_CASE("a device that is lost is told once, behind what was done before (cuda emulated on the host)") {
    const auto config = blobs();
    for (int calls = 0; calls < 160; calls += 11) {
        CAPTURE(calls);
        const auto learner = learner_on_a_device(config);
        Answers answers;
        node::Workshop workshop(*learner, {}, [&] { answers.one_more(); });
        emulated::fail_after(calls);
        for (std::uint32_t tag = 0; tag < 40; ++tag) {
            workshop.put({2 * tag, Train{5}});
            workshop.put({2 * tag + 1, Publish{0, {0, learner->size()}}});
        }
        for (std::uint32_t tag = 0;; ++tag) {
            auto done = answers.next(workshop);
            if (const auto* broke = std::get_if<node::Workshop::Broke>(&done)) {
                CHECK(broke->why.find(": cu") != std::string::npos);  // the call, of CUDA or of cuBLAS
                break;
            }
            REQUIRE(std::get<Completion>(done).tag == tag);
        }
        emulated::fail_after(-1);
        workshop.close();
        CHECK(!workshop.take());
    }
}

TEST_CASE("a node whose device is lost says farewell and ends with 6, and the other trains on (cuda emulated on the host)") {
    auto config = blobs();
    config.exchange.period = std::chrono::milliseconds(100);
    config.until = std::chrono::seconds(12);
    std::atomic<bool> stop_first = false, stop_second = false;
    node::Options first;
    first.config = config;
    first.name = "first";
    first.control_port = 27470, first.bulk_port = 27471;
    first.status = false;
    first.device = "cpu";
    first.quiet = true;
    node::Options second = first;
    second.config.reset();
    second.name = "second";
    second.control_port = 27473, second.bulk_port = 27474;
    second.joins = {node::Address{"127.0.0.1", 27470}};
    second.backend = [] { return emulated::make_backend(); };
    auto one = std::async(std::launch::async, [&] { return node::run(first, stop_first); });
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    auto two = std::async(std::launch::async, [&] { return node::run(second, stop_second); });
    std::this_thread::sleep_for(std::chrono::seconds(3));
    CHECK(two.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);  // it trains
    emulated::fail_after(0);
    REQUIRE(two.wait_for(std::chrono::seconds(10)) == std::future_status::ready);  // its farewell takes one at most five
    emulated::fail_after(-1);
    CHECK(two.get() == node::End::device);
    CHECK(one.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    CHECK(one.get() == node::End::finished);
}

TEST_CASE("a device without room for the model ends a node before it trains (cuda emulated on the host)") {
    node::Options options;
    options.config = blobs();
    options.config->until = std::chrono::seconds(60);
    options.control_port = 27476, options.bulk_port = 27477;
    options.status = false;
    options.quiet = true;
    options.backend = [] {
        auto backend = emulated::make_backend();
        emulated::limit_memory(1 << 16);
        return backend;
    };
    const std::atomic<bool> stop = false;
    CHECK(node::run(options, stop) == node::End::device);
    emulated::limit_memory(~std::uint64_t{0});
}
