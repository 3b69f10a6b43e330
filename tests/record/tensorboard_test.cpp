#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "grapevine/record/tensorboard.hpp"

using namespace grapevine::record;

TEST_CASE("CRC-32C of what RFC 3720, B.4, and the Catalogue of CRCs give") {
    CHECK(crc32c(std::string("123456789")) == 0xe3069283);
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
    CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
    std::string rising, falling;
    for (int i = 0; i < 32; ++i) rising += static_cast<char>(i), falling += static_cast<char>(31 - i);
    CHECK(crc32c(rising) == 0x46dd794e);
    CHECK(crc32c(falling) == 0x113fdb5c);
    CHECK(crc32c(std::string()) == 0);
    CHECK(masked_crc32c(std::string()) == 0xa282ead8);  // a rotated 0, and the constant
}

TEST_CASE("an event file begins with its version, and has a record a sample that knows anything") {
    const auto directory = std::filesystem::temp_directory_path() / ("grapevine-events-" + std::to_string(::getpid()));
    std::string path;
    {
        auto made = EventFile::create(directory.string(), 1000);
        REQUIRE(std::holds_alternative<EventFile>(made));
        auto& file = std::get<EventFile>(made);
        path = file.path();
        Sample nothing, some;
        some.loss = 0.5;
        some.steps = 300;
        file.sample(nothing, 1001);
        file.sample(some, 1002);
        CHECK_FALSE(file.fault());
    }
    CHECK(path.find("/events.out.tfevents.0000001000.") != std::string::npos);
    std::stringstream read;
    read << std::ifstream(path, std::ios::binary).rdbuf();
    const std::string bytes = read.str();
    CHECK(bytes.substr(0, 8) == std::string("\x18\0\0\0\0\0\0\0", 8));
    CHECK(bytes.find("brain.Event:2") == 12 + 11);
    // Event{wall_time 1002, step 300, summary{value{tag "loss", simple_value 0.5}, value{tag "steps", simple_value 300}}}
    const std::string event("\x09\0\0\0\0\0\x50\x8f\x40\x10\xac\x02\x2a\x1b\x0a\x0b\x0a\x04loss\x15\0\0\0\x3f\x0a\x0c\x0a\x05steps\x15\0\0\x96\x43", 41);
    CHECK(bytes.find(event) == 12 + 24 + 4 + 12);
    CHECK(bytes.size() == 12 + 24 + 4 + 12 + 41 + 4);
    std::filesystem::remove_all(directory);
}

TEST_CASE("a directory that cannot be made is an error") {
    CHECK(std::holds_alternative<Error>(EventFile::create("/proc/none/of/this", 0)));
}
