#include <cstring>

#include "grapevine/formats/zip.hpp"
#include "support.hpp"

using namespace grapevine::formats;

namespace {

std::string archive(const std::vector<std::pair<std::string, std::string>>& files) {
    std::vector<ZipEntry> entries;
    for (const auto& [name, content] : files) entries.push_back({name, bytes_of(content)});
    const auto bytes = encode_zip(entries);
    REQUIRE(bytes);
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}
const std::vector<std::pair<std::string, std::string>> two = {{"w1.npy", "some bytes"}, {"b1.npy", ""}};
std::string wrong(const std::string& bytes) { return complaint(decode_zip(bytes_of(bytes))); }
std::size_t directory_of(const std::string& bytes) { return bytes.find(std::string("PK\x01\x02")); }

}  // namespace

TEST_CASE("entries there and back, and the same bytes each time") {
    const std::string bytes = archive(two);
    CHECK(bytes == archive(two));
    CHECK(is_zip(bytes_of(bytes)));
    const auto read = decode_zip(bytes_of(bytes));
    REQUIRE(std::holds_alternative<std::vector<ZipEntry>>(read));
    const auto& entries = std::get<0>(read);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].name == "w1.npy");
    CHECK(entries[0].content.size() == 10);
    CHECK(std::memcmp(entries[0].content.data(), "some bytes", 10) == 0);
    CHECK(entries[1].content.empty());
    CHECK(wrong(archive({})).empty());
}

TEST_CASE("every prefix is refused, and every flipped bit of a content") {
    const std::string bytes = archive(two);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CAPTURE(length);
        CHECK(!wrong(bytes.substr(0, length)).empty());
    }
    const std::size_t content = bytes.find("some");
    for (std::size_t i = content; i < content + 10; ++i) {
        std::string flipped = bytes;
        flipped[i] = static_cast<char>(flipped[i] ^ 16);
        CHECK(has(wrong(flipped), "does not match its checksum"));
    }
}

TEST_CASE("a comment at the end is passed over") {
    std::string bytes = archive(two);
    bytes[bytes.size() - 2] = 5;
    CHECK(wrong(bytes + "hello").empty());
    CHECK(!wrong(bytes + "hell").empty());
}

TEST_CASE("directories that lie") {
    const std::string bytes = archive(two);
    const std::size_t at = directory_of(bytes), second = bytes.find(std::string("PK\x01\x02"), at + 1), end = bytes.size() - 22;
    const auto with = [&](std::size_t place, const std::string& value) {
        std::string changed = bytes;
        changed.replace(place, value.size(), value);
        return wrong(changed);
    };
    CHECK(has(with(at + 8, "\x01"), "encrypted"));
    CHECK(has(with(at + 10, "\x08"), "compressed"));
    CHECK(has(with(at + 20, "\x09"), "compressed"));
    CHECK(has(with(at + 20, std::string("\xff\xff\x00\x00\xff\xff\x00\x00", 8)), "ends too early"));
    CHECK(has(with(at + 20, std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8)), "zip64"));
    CHECK(has(with(at + 42, "\x01"), "not where its directory says"));
    CHECK(has(with(at + 42, std::string("\xff\xff\xff\x7f", 4)), "not where its directory says"));
    CHECK(has(with(second + 46, "w"), "two entries 'w1.npy'"));
    CHECK(has(with(at + 28, std::string("\xff\xff", 2)), "damaged"));
    CHECK(has(with(end + 10, std::string("\x03", 1)), "several"));
    CHECK(has(with(end + 8, std::string("\x03\x00\x03", 3)), "damaged"));
    CHECK(has(with(end + 8, std::string("\x01\x20\x01\x20", 4)), "more than 4096 entries"));
    CHECK(has(with(end + 16, std::string("\xff\xff\xff\x7f", 4)), "outside of it"));
    CHECK(has(with(end + 12, std::string("\xff\xff\xff\x7f", 4)), "outside of it"));
}

TEST_CASE("as many entries as may be, and one more") {
    std::vector<std::pair<std::string, std::string>> files;
    for (std::size_t i = 0; i < most_zip_entries; ++i) files.push_back({std::to_string(i), ""});
    CHECK(wrong(archive(files)).empty());
    files.push_back({"more", ""});
    CHECK(has(wrong(archive(files)), "more than 4096 entries"));
}

TEST_CASE("entries that overlap would be more than the archive") {
    std::vector<std::pair<std::string, std::string>> files;
    for (int i = 0; i < 30; ++i) files.push_back({std::string(1, static_cast<char>('a' + i)), i == 0 ? std::string(3000, 'x') : ""});
    std::string bytes = archive(files);
    const std::size_t first = directory_of(bytes), step = 47;
    for (int i = 1; i < 30; ++i) {  // all of them the first one's content
        const std::string crc_and_sizes = bytes.substr(first + 16, 12), where = bytes.substr(first + 42, 4);
        bytes.replace(first + static_cast<std::size_t>(i) * step + 16, 12, crc_and_sizes);
        bytes.replace(first + static_cast<std::size_t>(i) * step + 42, 4, where);
    }
    CHECK(has(wrong(bytes), "overlap"));
}
