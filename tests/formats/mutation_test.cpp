// Decoders get what they would have liked, changed here and there: they answer, with a value that holds together or with a fault, and do
// nothing else. Under a sanitizer this is more than it looks.
#include <functional>

#include "grapevine/formats/csv.hpp"
#include "grapevine/formats/gzip.hpp"
#include "grapevine/formats/idx.hpp"
#include "grapevine/formats/libsvm.hpp"
#include "grapevine/formats/npy.hpp"
#include "grapevine/formats/zip.hpp"
#include "grapevine/random.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::formats;

namespace {

// `decode` says whether it took it, and checks what it got. Some changed inputs must be taken and some refused: else nothing was tried.
void change_and_decode(const std::string& seed, std::uint64_t number, const std::function<bool(std::span<const std::byte>)>& decode) {
    REQUIRE(decode(bytes_of(seed)));
    Random random(number);
    int taken = 0, refused = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string bytes = seed;
        for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
            const std::size_t at = bytes.empty() ? 0 : random.below(bytes.size());
            switch (random.below(5)) {
                case 0: bytes.insert(at, 1, static_cast<char>(random.below(256))); break;
                case 1: if (!bytes.empty()) bytes.erase(at, 1 + random.below(4)); break;
                case 2: if (!bytes.empty()) bytes[at] = static_cast<char>(random.below(256)); break;
                case 3: bytes.insert(at, seed.substr(random.below(seed.size()), random.below(12))); break;
                case 4: if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8))); break;
            }
        }
        (decode(bytes_of(bytes)) ? taken : refused) += 1;
    }
    CHECK(taken > 0);
    CHECK(refused > 0);
}

template <class T> bool told(const std::variant<T, Fault>& read) {
    const auto* fault = std::get_if<Fault>(&read);
    if (fault && (fault->what.empty() || fault->hint.empty())) FAIL("a fault that says nothing");
    return !fault;
}

bool whole(const std::variant<Array, Fault>& read) {
    if (!told(read)) return false;
    const auto& array = std::get<Array>(read);
    std::visit([&](const auto& values) { REQUIRE(values.size() == array.size()); }, array.values);
    (void)not_finite(array);
    return true;
}

}  // namespace

TEST_CASE("changed tables") {
    change_and_decode("height,width,\"the class\"\r\n1.5,-2,cat\r\n3e1,\"4\",\"d\"\"og\"\r\n0,7,cat\r\n", 1, [](std::span<const std::byte> bytes) {
        const auto read = decode_csv(bytes);
        if (!told(read)) return false;
        const auto& s = std::get<Sheet>(read);
        REQUIRE(s.values.size() == s.rows * s.columns);
        REQUIRE(s.labels.rows() == s.rows);
        for (const auto l : s.labels.of_row()) REQUIRE(l < s.labels.words().size());
        return true;
    });
}

TEST_CASE("changed sparse tables") {
    change_and_decode("+1 1:0.5 3:2 # first\n-1 2:-1e-3\n0 7:1 9:2\n", 2, [](std::span<const std::byte> bytes) {
        const auto read = decode_libsvm(bytes);
        if (!told(read)) return false;
        const auto& s = std::get<Sparse>(read);
        REQUIRE(s.labels.rows() == s.rows());
        REQUIRE(s.ends.back() == s.values.size());
        if (s.columns < 1000) REQUIRE(s.dense(s.columns).size() == s.rows() * s.columns);
        return true;
    });
}

TEST_CASE("changed arrays") {
    const auto npy = encode_npy(std::vector<std::uint64_t>{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    change_and_decode({reinterpret_cast<const char*>(npy.data()), npy.size()}, 3, [](std::span<const std::byte> bytes) { return whole(decode_npy(bytes)); });
    change_and_decode(std::string("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12) + "abcdef", 4, [](std::span<const std::byte> bytes) { return whole(decode_idx(bytes)); });
}

TEST_CASE("changed archives") {
    const std::string content = "content";
    const std::vector<ZipEntry> entries = {{"a.npy", bytes_of(content)}, {"b.npy", bytes_of(content)}};
    const auto zip = *encode_zip(entries);
    change_and_decode({reinterpret_cast<const char*>(zip.data()), zip.size()}, 5, [](std::span<const std::byte> bytes) {
        const auto read = decode_zip(bytes);
        if (!told(read)) return false;
        for (const ZipEntry& e : std::get<0>(read)) REQUIRE(e.content.size() <= bytes.size());
        return true;
    });
}

TEST_CASE("changed gzip files") {
    // printf 'hello hello hello hello\n' | gzip -n
    const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27,
                                    0xb9, 0x00, 0x00, 0x88, 0x59, 0x0b, 0x18, 0x00, 0x00, 0x00};
    change_and_decode({reinterpret_cast<const char*>(packed), sizeof packed}, 6, [](std::span<const std::byte> bytes) { return told(gunzip(bytes, 1000)); });
}
