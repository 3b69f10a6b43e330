// Files of one's own as data: what becomes of them, and what is said of bad ones.
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "grapevine/formats/npy.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

using Format = config::DataFiles::Format;
using Normalize = config::DataFiles::Normalize;
using Floats = std::vector<float>;
using Labels = std::vector<std::int32_t>;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A directory with files in it, and a [data] that names them.
struct Own {
    Directory directory;
    config::Data data;

    explicit Own(Format format, Normalize normalize = Normalize::none) {
        data.set = config::own_files;
        data.own.emplace();
        data.own->format = format;
        data.own->normalize = normalize;
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(directory.file(name), std::ios::binary) << text; }
    void write(const std::string& name, const std::vector<std::uint64_t>& shape, const Floats& values) const {
        const auto bytes = formats::encode_npy(shape, values);
        write(name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
    void train(const std::string& text) {
        write("train", text);
        data.own->files = {directory.file("train")};
    }
    void test(const std::string& text) {
        write("test", text);
        data.own->test_files = {directory.file("test")};
    }
    Sets sets(std::uint64_t seed = 1) const {
        auto loaded = load(data, seed);
        if (const auto* error = std::get_if<Error>(&loaded)) FAIL(error->what);
        return std::get<Sets>(std::move(loaded));
    }
    std::string complaint() const {
        const auto loaded = load(data, 1);
        REQUIRE(std::holds_alternative<Error>(loaded));
        CHECK(!std::get<Error>(loaded).hint.empty());
        return std::get<Error>(loaded).what;
    }
};

const Floats& floats(const Dataset& set) { return std::get<Floats>(set.values); }

}  // namespace

TEST_CASE("words become classes in the order of their bytes, whole numbers by their value") {
    Own own(Format::csv);
    own.train("1,pear\n2,apple\n3,Zebra\n4,pear\n");
    own.test("5,apple\n");
    CHECK(own.sets().classes == std::vector<std::string>{"Zebra", "apple", "pear"});
    CHECK(own.sets().train->labels == Labels{2, 1, 0, 2});
    CHECK(own.sets().test->labels == Labels{1});
    own.train("1,10\n2,9\n3,-1\n4,+9\n");
    own.test("5,9.0\n");
    CHECK(own.sets().classes == std::vector<std::string>{"-1", "9", "10"});
    CHECK(own.sets().train->labels == Labels{2, 1, 0, 1});
    CHECK(own.sets().test->labels == Labels{1});
}

TEST_CASE("each column is normalised by the training part alone") {
    Own own(Format::csv, Normalize::standard);
    own.train("1,5,8,a\n3,5,-8,b\n");
    own.test("5,6,0,a\n");
    const Sets standard = own.sets();
    CHECK(floats(*standard.train) == Floats{-1, 0, 1, 1, 0, -1});
    CHECK(floats(*standard.test) == Floats{3, 0, 0});
    CHECK(standard.figures.scale == Floats{1, 0, 0.125f});
    own.data.own->normalize = Normalize::range;
    CHECK(floats(*own.sets().train) == Floats{0, 0, 1, 1, 0, 0});
    CHECK(floats(*own.sets().test) == Floats{2, 0, 0.5f});
    own.data.own->normalize = Normalize::none;
    CHECK(floats(*own.sets().test) == Floats{5, 6, 0});
}

TEST_CASE("a large mean takes no digits of a small deviation") {
    Own own(Format::csv, Normalize::standard);
    own.train("16000000,a\n16000002,b\n");
    own.test("16000001,a\n");
    CHECK(own.sets().train->rows() == 2);
    CHECK(floats(*own.sets().train)[1] == doctest::Approx(1));
}

TEST_CASE("what is held out is a share of each class, drawn by the seed") {
    Own own(Format::csv);
    std::string text;
    for (int i = 0; i < 300; ++i) text += std::to_string(i) + (i % 3 == 0 ? ",a\n" : ",b\n");
    own.train(text);
    const Sets sets = own.sets();
    CHECK(sets.train->rows() == 270);
    REQUIRE(sets.test->rows() == 30);
    std::map<std::int32_t, int> count;
    for (const std::int32_t l : sets.test->labels) ++count[l];
    CHECK(count[0] == 10);
    CHECK(count[1] == 20);
    std::vector<bool> seen(300);
    for (const auto* set : {sets.train.get(), sets.test.get()})
        for (std::size_t i = 0; i < set->rows(); ++i) {
            const auto value = static_cast<std::size_t>(floats(*set)[i]);
            CHECK(!seen[value]);
            seen[value] = true;
            CHECK(set->labels[i] == (value % 3 == 0 ? 0 : 1));
        }
    CHECK(sets.fingerprint == own.sets(1).fingerprint);
    CHECK(sets.fingerprint != own.sets(2).fingerprint);
    CHECK(depends_on_seed(own.data));
    own.test("1,a\n");
    CHECK(!depends_on_seed(own.data));
    CHECK(own.sets(1).fingerprint == own.sets(2).fingerprint);
}

TEST_CASE("a class of one sample is trained on") {
    Own own(Format::csv);
    own.data.own->held_out = 0.5;
    own.train("1,a\n2,b\n3,b\n4,c\n5,c\n");
    const Sets sets = own.sets();
    CHECK(sets.train->rows() + sets.test->rows() == 5);
    CHECK(std::count(sets.train->labels.begin(), sets.train->labels.end(), 0) == 1);
}

TEST_CASE("classes in order and the normalisation are in the fingerprint") {
    Own own(Format::csv);
    own.train("1,a\n2,b\n");
    own.test("3,a\n");
    const auto fingerprint = own.sets().fingerprint;
    own.data.own->normalize = Normalize::range;
    CHECK(own.sets().fingerprint != fingerprint);
    own.data.own->normalize = Normalize::none;
    own.train("1,a\n2,c\n");  // the same numbers everywhere
    CHECK(own.sets().fingerprint != fingerprint);
    own.train("1,a\r\n2,b");  // the same data in other bytes
    CHECK(own.sets().fingerprint == fingerprint);
}

TEST_CASE("several files are one after the other, and labels of one are those of the other") {
    Own own(Format::csv);
    own.write("one", "x,class\n1,b\n2,a\n");
    own.write("two", "x,class\n3,c\n4,b\n");
    own.data.own->files = {own.directory.file("one"), own.directory.file("two")};
    own.data.own->label = "class";
    own.test("x,class\n9,a\n");
    CHECK(floats(*own.sets().train) == Floats{1, 2, 3, 4});
    CHECK(own.sets().train->labels == Labels{1, 0, 2, 1});
    own.write("two", "y,class\n3,c\n4,b\n");
    CHECK(has(own.complaint(), "two has other columns than"));
    own.write("two", "x,y,class\n3,3,c\n4,4,b\n");
    CHECK(has(own.complaint(), "two has 2 numbers a row"));
}

TEST_CASE("files are looked for in the directory by their names alone") {
    Own own(Format::csv);
    own.train("1,a\n2,b\n");
    own.test("3,a\n");
    own.data.own->files = {"/nowhere/train"};
    CHECK(has(own.complaint(), "/nowhere/train: there is no such file"));
    own.data.directory = own.directory.path.string();
    CHECK(own.sets().train->rows() == 2);
}

TEST_CASE("libsvm: both parts are as wide as the wider") {
    Own own(Format::libsvm);
    own.train("-1 1:1\n+1 2:2\n");
    own.test("1 3:3\n");
    CHECK(own.sets().train->features == 3);
    CHECK(floats(*own.sets().train) == Floats{1, 0, 0, 0, 2, 0});
    CHECK(floats(*own.sets().test) == Floats{0, 0, 3});
    CHECK(own.sets().classes == std::vector<std::string>{"-1", "1"});
}

TEST_CASE("npy: pictures are normalised by all their pixels, tables by column") {
    Own own(Format::npy, Normalize::standard);
    own.write("x", {2, 1, 2}, {0, 2, 4, 6});
    own.write("y", {2}, {7, 3});
    own.data.own->files = {own.directory.file("x"), own.directory.file("y")};
    own.data.own->test_files = own.data.own->files;
    const Sets pictures = own.sets();
    CHECK(pictures.train->picture.height == 1);
    CHECK(pictures.train->picture.width == 2);
    CHECK(pictures.train->picture.channels == 1);
    CHECK(pictures.figures.scale.size() == 1);
    CHECK(floats(*pictures.train) == Floats{0, 2, 4, 6});  // on their way to a device
    CHECK(pictures.train->normalisation.scale == doctest::Approx(1 / std::sqrt(5.0)));
    CHECK(pictures.train->normalisation.shift == doctest::Approx(-3 / std::sqrt(5.0)));
    CHECK(pictures.train->labels == Labels{1, 0});
    CHECK(pictures.classes == std::vector<std::string>{"3", "7"});
    own.write("x", {2, 2}, {0, 2, 4, 6});
    CHECK(own.sets().train->picture.size() == 0);
    CHECK(floats(*own.sets().train) == Floats{-1, -1, 1, 1});
}

TEST_CASE("arrays that do not fit together") {
    Own own(Format::npy);
    own.write("x", {2, 2}, {0, 2, 4, 6});
    own.data.own->files = {own.directory.file("x"), own.directory.file("y")};
    CHECK(has(own.complaint(), "y: there is no such file"));
    own.write("y", {3}, {0, 1, 0});
    CHECK(has(own.complaint(), "y has 3 labels,"));
    own.write("y", {1, 2}, {0, 1});
    CHECK(has(own.complaint(), "holds arrays of 1 x 2, and no labels"));
    own.write("y", {2}, {0, 1.5f});
    CHECK(has(own.complaint(), "label 2 is 1.500000, no whole number"));
    own.write("y", {2}, {0, std::numeric_limits<float>::quiet_NaN()});
    CHECK(has(own.complaint(), "y: number 1 of row 2 is NaN"));
    own.write("y", {2}, {1, 1});
    CHECK(has(own.complaint(), "all samples have the label '1'"));
    own.write("y", {2}, {0, 1});
    own.data.own->test_files = {own.directory.file("z"), own.directory.file("y")};
    own.write("z", {2, 3}, {0, 1, 2, 3, 4, 5});
    CHECK(has(own.complaint(), "has samples of 3 numbers"));
    own.write("x", {2, 2}, {0, 2, 4, std::numeric_limits<float>::infinity()});
    CHECK(has(own.complaint(), "x: number 2 of row 2 is infinite"));
    own.write("x", {0, 2}, {});
    CHECK(has(own.complaint(), "x is empty"));
    own.write("x", {1, 1, 1, 1, 2}, {0, 1});
    CHECK(has(own.complaint(), "x holds an array of 1 x 1 x 1 x 1 x 2"));
}

TEST_CASE("bad tables are refused with file, line and column") {
    Own own(Format::csv);
    own.train("1,a\nnan,b\n");
    CHECK(own.complaint() == own.directory.file("train") + ":2:1: 'nan' is not a number to learn from");
    own.train("");
    CHECK(own.complaint() == own.directory.file("train") + ": it is empty");
    own.train("1,a\n2,b\n");
    own.test("3,c\n");
    CHECK(has(own.complaint(), "test: the label 'c' of sample 1 is none of the 2 of the training files"));
    own.data.own->files = {own.directory.path.string()};
    CHECK(has(own.complaint(), "is a directory"));
    own.train("1,a\n1,a\n");
    CHECK(has(own.complaint(), "all samples have the label 'a'"));
    own.data.own->test_files.clear();
    own.train("1,a\n2,b\n");
    CHECK(has(own.complaint(), "is none to hold out"));
    own.data.own->format = Format::libsvm;
    std::string wide;
    for (int i = 0; i < 513; ++i) wide += "1 1048576:1\n";
    own.train(wide);
    CHECK(has(own.complaint(), "more than 2^29 with all its zeros"));
}

TEST_CASE("a model learns from a table") {
    Own own(Format::csv, Normalize::standard);
    std::string text;
    Random random(3);
    for (int i = 0; i < 600; ++i) {
        const double x = 1000 + 50 * random.normal(), y = 0.01 * random.normal();
        text += std::to_string(x) + "," + std::to_string(y) + (x - 1000 > 5000 * y ? ",above\n" : ",below\n");
    }
    own.train(text);
    config::Config config = blobs();
    config.data = own.data;
    config.data.batch = 32;
    config.train.learning_rate = 0.5;
    const auto learner = learner_of(config, task_of(config));
    learner->carry_out({0, Train{300}});
    CHECK(learner->evaluate().accuracy.value() > 0.93);
}
