// The window against links worked out on paper: no socket, no clock.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "frame.hpp"
#include "window.hpp"

using namespace grapevine;
using namespace grapevine::net;

namespace {

struct Result {
    double rate = 0;       // of the link's
    Duration queue{};      // mean wait in front of the link, over the second half
    std::uint64_t most = 0;
};

// A link that carries `rate` bytes/s and delays by `delay` there and back: chunks queue up in front of it.
Result send_for(Duration how_long, double rate, Duration delay, Window& window) {
    struct Chunk { std::uint64_t size; Instant sent, acknowledged; };
    std::deque<Chunk> flying;
    std::uint64_t in_flight = 0, carried = 0, chunks = 0;
    Instant now{std::chrono::seconds(100)}, free = now;
    const Instant start = now;
    Result result;
    Duration queued{};
    while (now - start < how_long) {
        while (in_flight == 0 || in_flight + window.chunk_bytes() <= window.bytes()) {
            const std::uint64_t size = window.chunk_bytes();
            const Instant begins = std::max(now, free);
            if (now - start > how_long / 2) {
                queued += begins - now;
                ++chunks;
            }
            free = begins + from_seconds(static_cast<double>(size) / rate);
            flying.push_back({size, now, free + delay});
            in_flight += size;
        }
        window.limited();
        const Chunk got = flying.front();
        flying.pop_front();
        now = got.acknowledged;
        in_flight -= got.size;
        if (now - start > how_long / 2) carried += got.size;
        window.acknowledged(now, got.size, now - got.sent);
        result.most = std::max(result.most, window.bytes());
    }
    result.rate = static_cast<double>(carried) / seconds(how_long / 2) / rate;
    result.queue = chunks ? queued / static_cast<std::int64_t>(chunks) : Duration{};
    return result;
}

constexpr double mbit = 1e6 / 8;

}  // namespace

TEST_CASE("the window fills a link without queueing much in front of it") {
    struct Row { const char* link; double rate; Duration delay; double least_share; Duration most_queue; };
    using std::chrono::milliseconds;
    for (const Row& row : {Row{"loopback", 24e9 / 8, std::chrono::microseconds(60), 0.9, milliseconds(1)},
                           Row{"local network, 10 Gbit/s", 10e9 / 8, std::chrono::microseconds(200), 0.9, milliseconds(1)},
                           Row{"local network, 1 Gbit/s", 1000 * mbit, std::chrono::microseconds(300), 0.9, milliseconds(2)},
                           Row{"city, 100 Mbit/s", 100 * mbit, milliseconds(20), 0.8, milliseconds(15)},
                           Row{"country, 20 Mbit/s", 20 * mbit, milliseconds(50), 0.8, milliseconds(40)},
                           Row{"ocean, 5 Mbit/s", 5 * mbit, milliseconds(200), 0.8, milliseconds(150)},
                           Row{"ocean, 200 Mbit/s", 200 * mbit, milliseconds(200), 0.7, milliseconds(60)}}) {
        Window window;
        const Result result = send_for(std::chrono::seconds(60), row.rate, row.delay, window);
        CAPTURE(row.link);
        CAPTURE(result.rate);
        CAPTURE(seconds(result.queue));
        CAPTURE(window.bytes());
        CHECK(result.rate >= row.least_share);
        CHECK(result.queue <= row.most_queue);
        CHECK(result.most <= Window::most_bytes);
        CHECK(window.bytes() >= Window::least_bytes);
    }
}

// One parcel after the other, with a pause in between: what is left over of each is a short chunk.
TEST_CASE("parcels that come now and then do not wear the window down") {
    struct Row { const char* link; double rate; Duration delay; std::uint64_t parcel; };
    using std::chrono::milliseconds;
    for (const Row& row : {Row{"20 Mbit/s, 102 kB", 20 * mbit, milliseconds(20), 101'780}, Row{"20 Mbit/s, 204 kB", 20 * mbit, milliseconds(20), 203'560},
                           Row{"100 Mbit/s, 1 MB", 100 * mbit, milliseconds(40), 1'000'001}, Row{"5 Mbit/s, 204 kB", 5 * mbit, milliseconds(100), 203'560}}) {
        Window window;
        Instant now{std::chrono::seconds(100)};
        Duration taken{};
        constexpr int parcels = 100;
        for (int i = 0; i < 2 * parcels; ++i) {
            struct Chunk { std::uint64_t size; Instant sent, acknowledged; };
            std::deque<Chunk> flying;
            std::uint64_t left = row.parcel, in_flight = 0;
            const Instant began = now;
            Instant free = now;
            while (left > 0 || !flying.empty()) {
                while (left > 0) {
                    const std::uint64_t size = std::min(window.chunk_bytes(), left);
                    if (in_flight > 0 && in_flight + size > window.bytes()) {
                        window.limited();
                        break;
                    }
                    free = std::max(now, free) + from_seconds(static_cast<double>(size) / row.rate);
                    flying.push_back({size, now, free + row.delay});
                    left -= size;
                    in_flight += size;
                }
                const Chunk got = flying.front();
                flying.pop_front();
                now = got.acknowledged;
                in_flight -= got.size;
                window.acknowledged(now, got.size, now - got.sent);
            }
            if (i >= parcels) taken += now - began;
            now += milliseconds(150);
        }
        const double ideal = static_cast<double>(row.parcel) / row.rate + seconds(row.delay);
        CAPTURE(row.link);
        CAPTURE(window.bytes());
        CAPTURE(seconds(taken) / parcels / ideal);
        CHECK(seconds(taken) / parcels <= 1.1 * ideal);
    }
}

TEST_CASE("a chunk is never more than a frame may hold, nor more than half a window that can be halved") {
    Window window;
    CHECK(window.chunk_bytes() <= window.bytes() / 2);
    CHECK(window.chunk_bytes() <= max_chunk_bytes);
    CHECK(window.round_trip() == Duration::zero());
    CHECK(window.least() == Duration::zero());
}
