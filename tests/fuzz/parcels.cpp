// The receiving side of the bulk plane, told by two peers what they like: openings, chunks, endings, in any order. No more is held
// than may wait, and when both are forgotten and all is taken nothing is.
//
//   an input: steps, each of a byte for what it is, one for who and how long the frame is, the frame, and of a chunk two bytes for its length
#include "fuzz.hpp"
#include "receiving.hpp"

using namespace grapevine;
using test::Receiving;

namespace {

constexpr std::uint64_t most_parcel = 100'000, most_waiting = 400'000;

enum Step : std::uint8_t { open, chunk, abandoned, expired, taken, forgotten, steps };

std::string step(Step what, std::uint8_t who, const std::string& frame, std::uint16_t body = 0) {
    assert(frame.size() < 128);
    std::string bytes{static_cast<char>(what), static_cast<char>(who << 7 | frame.size())};
    bytes += frame;
    if (what == chunk) bytes += {static_cast<char>(body & 0xff), static_cast<char>(body >> 8)};
    return bytes;
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
    const std::string whole = step(open, 0, Receiving::opening(1, 1000, "header")) + step(chunk, 0, Receiving::place(1, 0), 600) + step(chunk, 0, Receiving::place(1, 600), 400) + step(taken, 0, "");
    const std::string begun = step(open, 1, Receiving::opening(1, most_parcel, "")) + step(chunk, 1, Receiving::place(1, 0), 65'535);
    return {whole, whole + begun + step(abandoned, 1, Receiving::end(1)), begun + step(open, 1, Receiving::opening(2, 5, "")) + whole, begun + step(expired, 0, "") + step(forgotten, 1, ""),
            step(open, 0, Receiving::opening(1, 0, "nothing")) + step(open, 0, Receiving::opening(2, most_parcel + 1, "")) + whole};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    net::Options options;
    options.max_parcel_bytes = most_parcel;
    options.max_waiting_bytes = most_waiting;
    options.parcels_per_peer = 4;
    Receiving r(options);
    Instant now{std::chrono::seconds(1)};
    std::size_t at = 0;
    const auto byte = [&]() -> std::uint8_t { return at < size ? data[at++] : 0; };
    const auto take = [&] {
        const auto parcel = r.take();
        if (!parcel) return false;
        assert(parcel->body.size <= most_parcel && parcel->header.size() <= net::max_parcel_header_bytes);
        for (std::size_t i = 0; i < parcel->body.size; ++i) assert(parcel->body.data[i] == std::byte{'x'});  // all of it came
        return true;
    };
    while (at < size) {
        const std::uint8_t what = byte() % steps, second = byte();
        const PeerId who{2u + (second >> 7)};
        const std::size_t length = std::min<std::size_t>(second & 0x7f, size - at);
        const std::string_view frame(reinterpret_cast<const char*>(data + at), length);
        at += length;
        now += std::chrono::milliseconds(700);
        switch (what) {
            case open: r.open(who, frame, now); break;
            case chunk: {
                const std::size_t low = byte(), high = byte();
                r.chunk(who, frame, std::string(low | high << 8, 'x'), now);
                break;
            }
            case abandoned: r.abandoned(who, frame); break;
            case expired: r.incoming.expire(now += std::chrono::seconds(second)); break;
            case taken: (void)take(); break;
            case forgotten: r.incoming.forget(who); break;
        }
        r.incoming.acknowledge(now);
        assert(r.waiting <= most_waiting);
        assert(r.incoming.count().in_use <= most_waiting / (2 * net::max_parcel_header_bytes));
    }
    r.incoming.forget(PeerId{2}), r.incoming.forget(PeerId{3});
    while (take()) {}
    assert(r.waiting == 0 && r.incoming.empty() && r.incoming.count().in_use == 0);
    return 0;
}
