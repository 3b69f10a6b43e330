#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "grapevine/net/transport.hpp"

// What lies in front of the bytes of every frame of both planes. All numbers are little-endian.
//
//   0 magic u32   4 version u16   6 kind u8   7 zero u8   8 run u64   16 from u64   24 to u64   32 ...
//
// The first eight bytes, and the whole of greet, welcome and other_version, are the same in every version for ever (more may
// follow), so that two versions can find out what both speak.
namespace grapevine::net {

inline constexpr std::uint32_t magic = 0x4e565247;  // "GRVN"
inline constexpr std::size_t header_bytes = 32;
inline constexpr std::size_t max_chunk_bytes = 256 * 1024;

enum class Kind : std::uint8_t {
    greet = 1,          // control: token u64, lowest u16, highest u16. Answered whatever the run and version. (Version 1: token alone)
    welcome = 2,        // control: token u64, greeting. Its version is the highest that both speak
    other_version = 3,  // control: lowest u16, highest u16: the answer to a greet where there is none. (Version 1: nothing)
    frame = 4,          // control: the bytes
    call = 5,           // control: nothing. "I have a parcel for you and cannot dial you: dial my bulk plane"
    try_me = 6,         // control: token u64, endpoint. "Can you dial me there?"
    tried = 7,          // control: token u64, yes u8. The answer
    open = 16,          // bulk: serial u64, total u64, sent_at u64, ticket u32, header
    chunk = 17,         // bulk: serial u64, offset u64, sent_at u64; the bytes are a second part
    ack = 18,           // bulk: serial u64, upto u64, echo u64
    refuse = 19,        // bulk: serial u64. From the receiver: this parcel will not be delivered.
    abandon = 20,       // bulk: serial u64. From the sender: no more of this parcel will come.
    here = 21,          // bulk: nothing. The answer to a call: a connection
    echo = 22,          // bulk: token u64; the bytes are a second part, a chunk at most. From anybody of the run, a member or not
    echoed = 23,        // bulk: the same. The answer; without bytes: "too many"
};

constexpr bool is_greeting(Kind kind) { return kind == Kind::greet || kind == Kind::welcome || kind == Kind::other_version; }
constexpr bool speaks(std::uint16_t version) { return version >= spoken.lowest && version <= spoken.highest; }

// Frames are written in the highest version: there is one only. With a second they are to be written to a peer in that
// which its greeting has picked, or, to who was never greeted, in the lowest of the run's.
struct Header {
    std::uint16_t version = wire_version;
    Kind kind{};
    std::uint64_t run = 0;
    PeerId from, to;
};

// Appends numbers to a string.
class Writer {
public:
    explicit Writer(const Header& header);
    Writer& u8(std::uint8_t v) { return number(v, 1); }
    Writer& u16(std::uint16_t v) { return number(v, 2); }
    Writer& u32(std::uint32_t v) { return number(v, 4); }
    Writer& u64(std::uint64_t v) { return number(v, 8); }
    Writer& text(std::string_view t) { bytes_.append(t); return *this; }
    std::string take() { return std::move(bytes_); }

private:
    Writer& number(std::uint64_t v, int size);
    std::string bytes_;
};

// Reads numbers off the front of bytes that may be anything. Reading past the end gives zeros and makes it bad
// for good, so that one look at ok() after the last number is enough.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    bool ok() const { return ok_; }
    bool done() const { return ok_ && rest_.empty(); }  // everything read, nothing left
    std::string_view rest() const { return rest_; }

private:
    std::uint64_t number(std::size_t size);
    std::string_view rest_;
    bool ok_ = true;
};

// Versions at the place where a greet or another_version has them; a frame of version 1 says no more than that.
Versions read_versions(Reader& reader, const Header& header);

// Advances the reader past the header. Nothing if this is no frame of ours. Of a version that we do not speak only
// greetings have more than a version and a kind.
std::optional<Header> read_header(Reader& reader);

}  // namespace grapevine::net
