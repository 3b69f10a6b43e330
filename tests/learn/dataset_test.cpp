#include <zlib.h>

#include <cmath>
#include <fstream>

#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

std::string big_endian(std::uint32_t n) {
    return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}

std::string images(std::uint32_t count) {
    std::string text = std::string("\0\0\x08\x03", 4) + big_endian(count) + big_endian(28) + big_endian(28);
    for (std::uint32_t i = 0; i < count * 784; ++i) text += static_cast<char>(i * 31 + i / 784);
    return text;
}

std::string labels(std::uint32_t count) {
    std::string text = std::string("\0\0\x08\x01", 4) + big_endian(count);
    for (std::uint32_t i = 0; i < count; ++i) text += static_cast<char>(i % 10);
    return text;
}

std::string gzipped(const std::string& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<unsigned>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<unsigned>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// A set of a few images as the package has it.
struct SmallSet {
    Directory directory;
    const std::string train_images = directory.file("train-images-idx3-ubyte.gz");
    const std::string train_labels = directory.file("train-labels-idx1-ubyte.gz");

    SmallSet() {
        write(train_images, gzipped(images(20)));
        write(train_labels, gzipped(labels(20)));
        write(directory.file("t10k-images-idx3-ubyte.gz"), gzipped(images(5)));
        write(directory.file("t10k-labels-idx1-ubyte.gz"), gzipped(labels(5)));
    }
    std::variant<Sets, Error> read() const {
        config::Data data;
        data.directory = directory.path.string();
        return load(data, 1);
    }
    std::string complaint() const {
        const auto loaded = read();
        REQUIRE(std::holds_alternative<Error>(loaded));
        CHECK(!std::get<Error>(loaded).hint.empty());
        return std::get<Error>(loaded).what;
    }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("idx files are read, and normalised on their way to a backend") {
    const SmallSet small;
    const auto loaded = small.read();
    REQUIRE(std::holds_alternative<Sets>(loaded));
    const Dataset& train = *std::get<Sets>(loaded).train;
    CHECK(train.rows() == 20);
    CHECK(std::get<Sets>(loaded).test->rows() == 5);
    CHECK(train.features == 784);
    CHECK(train.labels[13] == 3);
    const auto backend = kernels::make_cpu_backend();
    const auto to = backend->allocate(784);
    const std::uint32_t row[] = {2};
    kernels::IndexSpan staged{reinterpret_cast<std::int32_t*>(backend->allocate(1).data), 1};
    gather(train, row, *backend, staged, to);
    std::vector<float> values(784);
    backend->download(to, values);
    const double pixel = (2 * 784 * 31 + 2) % 256;
    CHECK(values[0] == doctest::Approx((pixel / 255 - 0.2860) / 0.3530).epsilon(1e-5));
}

TEST_CASE("a file without gzip's wrapping is as good") {
    const SmallSet small;
    const auto fingerprint = std::get<Sets>(small.read()).fingerprint;
    std::filesystem::remove(small.train_images);
    write(small.directory.file("train-images-idx3-ubyte"), images(20));
    CHECK(std::get<Sets>(small.read()).fingerprint == fingerprint);
}

TEST_CASE("one pixel makes another fingerprint") {
    const SmallSet small;
    const auto fingerprint = std::get<Sets>(small.read()).fingerprint;
    CHECK(std::get<Sets>(small.read()).fingerprint == fingerprint);
    auto other = images(20);
    other[5000] = static_cast<char>(other[5000] ^ 1);
    write(small.train_images, gzipped(other));
    CHECK(std::get<Sets>(small.read()).fingerprint != fingerprint);
}

TEST_CASE("a set that is missing: the error names the file, the package and the command") {
    config::Data data;
    data.directory = "/nowhere";
    const auto loaded = load(data, 1);
    REQUIRE(std::holds_alternative<Error>(loaded));
    CHECK(has(std::get<Error>(loaded).what, "/nowhere/train-images-idx3-ubyte.gz"));
    CHECK(has(std::get<Error>(loaded).hint, "apt-get install dataset-fashion-mnist"));
    data.set = "fashion";
    CHECK(has(std::get<Error>(load(data, 1)).what, "'fashion'"));
}

TEST_CASE("a set cut short anywhere is an error that says so") {
    const SmallSet small;
    const std::string whole = gzipped(images(20));
    for (std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{12}, std::size_t{40},
                               whole.size() / 2, whole.size() - 9, whole.size() - 8, whole.size() - 1}) {
        CAPTURE(length);
        write(small.train_images, whole.substr(0, length));
        CHECK(has(small.complaint(), "is damaged"));
    }
    const std::string plain = images(20);
    for (const std::size_t length : {std::size_t{3}, std::size_t{4}, std::size_t{15}, std::size_t{16}, std::size_t{1000}}) {
        CAPTURE(length);
        write(small.train_images, gzipped(plain.substr(0, length)));
        CHECK(has(small.complaint(), "is damaged"));
    }
}

TEST_CASE("a flipped bit does not pass gzip's checksum") {
    const SmallSet small;
    std::string bytes = gzipped(images(20));
    bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 4);
    write(small.train_images, bytes);
    CHECK(has(small.complaint(), "is damaged"));
}

TEST_CASE("counts that the file cannot hold take no memory") {
    const SmallSet small;
    const std::string start("\0\0\x08\x03", 4);
    for (const std::uint32_t count : {0xffffffffu, 2'000'000u, 0u}) {
        CAPTURE(count);
        write(small.train_images, gzipped(start + big_endian(count) + big_endian(28) + big_endian(28)));
        CHECK(has(small.complaint(), "is damaged"));
    }
    write(small.train_images, gzipped(start + big_endian(0xffffffff) + big_endian(0xffffffff) + big_endian(0xffffffff)));
    CHECK(has(small.complaint(), "claims"));
    write(small.train_images, gzipped(images(20) + "x"));
    CHECK(has(small.complaint(), "more in it"));
    write(small.train_images, gzipped("no idx file at all"));
    CHECK(has(small.complaint(), "does not begin"));
}

TEST_CASE("images of another size, labels of another number, and a class that is none") {
    const SmallSet small;
    write(small.train_labels, gzipped(labels(19)));
    CHECK(has(small.complaint(), "one label for each"));
    auto wrong = labels(20);
    wrong.back() = 10;
    write(small.train_labels, gzipped(wrong));
    CHECK(has(small.complaint(), "above 9"));
    write(small.train_labels, gzipped(labels(20)));
    auto narrow = images(20);
    narrow[15] = 14;
    narrow.resize(16 + 20 * 28 * 14);
    write(small.train_images, gzipped(narrow));
    CHECK(has(small.complaint(), "28 x 28"));
}

TEST_CASE("blobs: drawn from the seed, around the same centres for training and test") {
    const auto config = blobs();
    const Sets a = std::get<Sets>(load(config.data, 1)), b = std::get<Sets>(load(config.data, 1));
    CHECK(a.fingerprint == b.fingerprint);
    CHECK(a.fingerprint != std::get<Sets>(load(config.data, 2)).fingerprint);
    CHECK(a.train->rows() == 2000);
    CHECK(a.train->features == 20);
    CHECK(a.train->labels != a.test->labels);
    const auto centre = [](const Dataset& set) {  // of class 1, first coordinate
        double sum = 0, count = 0;
        for (std::size_t i = 0; i < set.rows(); ++i)
            if (set.labels[i] == 1) sum += std::get<std::vector<float>>(set.values)[i * set.features], ++count;
        return sum / count;
    };
    CHECK(std::abs(centre(*a.train) - centre(*a.test)) < 0.5);
}

TEST_CASE("a validation set is a part of the training set, and the test set is left alone") {
    config::Data data;
    data.set = "blobs";
    data.train_samples = 1200;
    const auto loaded = load(data, 1);
    const Sets& all = std::get<Sets>(loaded);
    const auto held = hold_out(all, 1.0 / 12);
    const Sets& some = std::get<Sets>(held);
    CHECK(some.train->rows() == 1100);
    REQUIRE(some.test->rows() == 100);
    const auto& before = std::get<std::vector<float>>(all.train->values);
    const auto& train = std::get<std::vector<float>>(some.train->values);
    const auto& out = std::get<std::vector<float>>(some.test->values);
    // Rows 11, 23, ... are held out; the others keep their order.
    CHECK(out[3 * data.features + 5] == before[(11 + 3 * 12) * data.features + 5]);
    CHECK(some.test->labels[3] == all.train->labels[11 + 3 * 12]);
    CHECK(train[11 * data.features] == before[12 * data.features]);
    CHECK(some.train->labels[11] == all.train->labels[12]);
    CHECK(std::holds_alternative<Error>(hold_out(all, 1e-9)));
}
