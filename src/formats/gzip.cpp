#include "grapevine/formats/gzip.hpp"

#include <zlib.h>

#include <algorithm>

namespace grapevine::formats {

bool is_gzip(std::span<const std::byte> bytes) { return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b}; }

std::variant<std::vector<std::byte>, Fault> gunzip(std::span<const std::byte> bytes, std::size_t most) {
    const std::string again = "fetch the file again";
    constexpr std::size_t piece = 1 << 20;
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return Fault{"there is no memory to decompress it", "less at a time"};
    struct End {
        z_stream& stream;
        ~End() { inflateEnd(&stream); }
    } end{stream};
    std::vector<std::byte> out;
    std::size_t made = 0, taken = 0;
    for (;;) {
        if (stream.avail_in == 0) {
            const std::size_t more = std::min(bytes.size() - taken, piece);
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + taken));
            stream.avail_in = static_cast<uInt>(more);
            taken += more;
        }
        if (made == out.size()) {
            if (made > most) return Fault{"it holds more than " + std::to_string(most) + " bytes", "decompress it, and take a part of it"};
            out.resize(std::min(most + 1, std::max(2 * made, 4 * piece)));
        }
        const std::size_t room = std::min<std::size_t>(out.size() - made, std::size_t{1} << 30);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + made);
        stream.avail_out = static_cast<uInt>(room);
        const int state = inflate(&stream, Z_NO_FLUSH);
        made += room - stream.avail_out;
        if (state == Z_STREAM_END) break;
        if (state == Z_BUF_ERROR && taken == bytes.size() && stream.avail_in == 0) return Fault{"it ends too early", again};
        if (state != Z_OK && state != Z_BUF_ERROR) return Fault{stream.msg ? stream.msg : "it is not what gzip wrote", again};
    }
    if (made > most) return Fault{"it holds more than " + std::to_string(most) + " bytes", "decompress it, and take a part of it"};
    if (stream.avail_in > 0 || taken < bytes.size()) return Fault{"there is more in it after its end", again};
    out.resize(made);
    return out;
}

}  // namespace grapevine::formats
