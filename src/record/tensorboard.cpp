#include "grapevine/record/tensorboard.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdio>
#include <unistd.h>

#include "grapevine/record/run_files.hpp"
#include "known_values.hpp"

namespace grapevine::record {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // Castagnoli's, bits reversed

constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        made[i] = crc;
    }
    return made;
}();

template <class U>
std::string little_endian(U x) {
    std::string bytes;
    for (std::size_t i = 0; i < sizeof x; ++i) bytes += static_cast<char>(x >> (8 * i) & 0xff);
    return bytes;
}

// Protocol buffers, as they lie in a file: https://protobuf.dev/programming-guides/encoding/
enum Wire { varint = 0, eight_bytes = 1, counted = 2, four_bytes = 5 };

std::string varint_of(std::uint64_t x) {
    std::string bytes;
    for (; x >= 0x80; x >>= 7) bytes += static_cast<char>(x | 0x80);
    return bytes + static_cast<char>(x);
}
std::string key(int field, Wire wire) { return varint_of(static_cast<std::uint64_t>(field << 3 | wire)); }
std::string field(int number, double x) { return key(number, eight_bytes) + little_endian(std::bit_cast<std::uint64_t>(x)); }
std::string field(int number, float x) { return key(number, four_bytes) + little_endian(std::bit_cast<std::uint32_t>(x)); }
std::string field(int number, std::int64_t x) { return key(number, varint) + varint_of(static_cast<std::uint64_t>(x)); }
std::string field(int number, const std::string& bytes) { return key(number, counted) + varint_of(bytes.size()) + bytes; }

}  // namespace

std::uint32_t crc32c(std::span<const char> bytes) {
    std::uint32_t crc = 0xffffffff;
    for (const char byte : bytes) crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ crc >> 8;
    return ~crc;
}

std::uint32_t masked_crc32c(std::span<const char> bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8; }

std::variant<EventFile, Error> EventFile::create(const std::string& directory, double unix_time) {
    if (const auto error = make_directory(directory)) return *error;
    static std::atomic<unsigned> files = 0;
    char host[65] = "", name[160];
    gethostname(host, sizeof host - 1);
    std::snprintf(name, sizeof name, "events.out.tfevents.%010lld.%s.%d.%u", static_cast<long long>(unix_time), host, static_cast<int>(getpid()), files++);
    EventFile made(directory + (directory.ends_with('/') ? "" : "/") + name);
    made.put(field(1, unix_time) + field(3, std::string("brain.Event:2")));
    made.file_.flush();
    if (const auto error = made.file_.fault()) return *error;
    return made;
}

void EventFile::sample(const Sample& sample, double unix_time) {
    const double steps = sample.steps.value_or(0);
    const std::int64_t step = steps >= 1 ? std::llround(std::min(steps, 0x1p53)) : samples_;
    ++samples_;
    std::string summary;
    for (const auto& [name, value] : known_values(sample))
        if (std::string_view(name) != "unix_time") summary += field(1, field(1, std::string(name)) + field(2, static_cast<float>(value)));
    if (summary.empty()) return;
    put(field(1, unix_time) + field(2, step) + field(5, summary));
    file_.flush();
}

std::optional<Error> EventFile::fault() {
    auto error = told_ ? std::nullopt : file_.fault();
    told_ = told_ || error;
    return error;
}

void EventFile::put(const std::string& event) {
    const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
    file_.put(length + little_endian(masked_crc32c(length)) + event + little_endian(masked_crc32c(event)));
}

}  // namespace grapevine::record
