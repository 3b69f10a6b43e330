#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "desk.hpp"

using namespace grapevine;
using namespace grapevine::node;
using namespace std::chrono_literals;

TEST_CASE("whoever asks gets the loop's answer, each its own") {
    std::atomic<int> rings{0};
    Desk desk([&] { ++rings; });
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 50; ++n) {
                const std::string who = std::to_string(i) + "-" + std::to_string(n);
                if (desk.ask(ForceOut{who}, 60s).body == "about " + who) ++right;
            }
        });
    for (int answered = 0; answered < 8 * 50;) {
        auto asked = desk.take();
        if (!asked) continue;
        asked->reply.give({200, "about " + std::get<ForceOut>(asked->question).who});
        ++answered;
    }
    for (std::thread& t : threads) t.join();
    CHECK(right == 8 * 50);
    CHECK(rings == 8 * 50);
}

TEST_CASE("who asks a loop that does not come by is told so in time") {
    Desk desk([] {});
    CHECK(desk.ask(ShowInfo{}, 1ms).status == 504);
    // The answer to somebody who has gone is nobody's.
    auto asked = desk.take();
    REQUIRE(asked);
    asked->reply.give({200, "too late"});
}

TEST_CASE("when the node ends everybody who waits is told, and everybody who comes later") {
    std::atomic<bool> rung{false};
    Desk desk([&] { rung = true; });
    std::thread asker([&] { CHECK(desk.ask(ShowMembers{}, 60s).status == 503); });
    std::thread other([&] { CHECK(desk.ask(ShowInfo{}, 60s).status == 503); });
    while (!rung) std::this_thread::yield();
    {
        auto taken = desk.take();  // let go without an answer
    }
    desk.close();
    asker.join();
    other.join();
    CHECK(desk.ask(ShowMembers{}, 60s).status == 503);
}
