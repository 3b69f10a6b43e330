#include <algorithm>
#include <fstream>

#include "data/text.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

config::Model of_length(std::uint32_t length) {
    config::Model model;
    model.length = length;
    return model;
}

config::Data text_files(const std::vector<std::string>& files, const std::vector<std::string>& test_files = {}) {
    config::Data data;
    data.set = config::own_files;
    data.own.emplace();
    data.own->format = config::DataFiles::Format::text;
    data.own->files = files;
    data.own->test_files = test_files;
    return data;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string digits(std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += static_cast<char>('0' + i % 10);
    return text;
}

std::string complaint(const std::variant<Sets, Error>& loaded) {
    REQUIRE(std::holds_alternative<Error>(loaded));
    CHECK(!std::get<Error>(loaded).hint.empty());
    return std::get<Error>(loaded).what;
}

}  // namespace

TEST_CASE("a text is cut into windows, each of which begins with the last byte of the one before") {
    const Dataset set = windows({1, 2, 3, 4, 5, 6, 7, 8}, 3);
    CHECK(set.rows() == 2);  // 8 is left over
    CHECK(set.features == 4);
    CHECK(set.classes == 256);
    CHECK(set.step() == 3);
    CHECK(windows({1, 2, 3, 4, 5, 6, 7}, 3).rows() == 2);
    CHECK(windows({1, 2}, 1).rows() == 1);
}

TEST_CASE("the end of a text is held out, in one piece, and nothing of it is trained on") {
    const Directory directory;
    write(directory.file("a.txt"), digits(600));
    write(directory.file("b.txt"), digits(400));
    auto loaded = load(text_files({directory.file("a.txt"), directory.file("b.txt")}), 1, of_length(8));
    REQUIRE(std::holds_alternative<Sets>(loaded));
    const Sets& sets = std::get<Sets>(loaded);
    CHECK(std::get<std::vector<std::uint8_t>>(sets.train->values).size() == 900);
    const auto& test = std::get<std::vector<std::uint8_t>>(sets.test->values);
    CHECK(std::string(test.begin(), test.end()) == digits(1000).substr(900));
    CHECK(sets.train->rows() == 112);
    CHECK(sets.test->rows() == 12);

    const auto other = load(text_files({directory.file("a.txt")}, {directory.file("b.txt")}), 1, of_length(8));
    REQUIRE(std::holds_alternative<Sets>(other));
    CHECK(std::get<Sets>(other).test->rows() == 49);
    CHECK(std::get<Sets>(other).fingerprint != sets.fingerprint);
    const auto again = load(text_files({directory.file("a.txt"), directory.file("b.txt")}), 2, of_length(8));
    CHECK(std::get<Sets>(again).fingerprint == sets.fingerprint);

    auto validated = hold_out(sets, 0.25);  // and for validation the last windows of what is left
    REQUIRE(std::holds_alternative<Sets>(validated));
    CHECK(std::get<Sets>(validated).train->rows() == 84);
    CHECK(std::get<Sets>(validated).test->rows() == 28);
    const auto& held = std::get<std::vector<std::uint8_t>>(std::get<Sets>(validated).test->values);
    CHECK(std::string(held.begin(), held.end()) == digits(900).substr(84 * 8));
    CHECK(complaint(hold_out(sets, 0.001)).find("leaves nothing") != std::string::npos);
}

TEST_CASE("files that are no text to learn from are refused") {
    const Directory directory;
    write(directory.file("empty.txt"), "");
    write(directory.file("short.txt"), digits(80));
    const auto said = [&](const std::string& name) { return complaint(load(text_files({directory.file(name)}), 1, of_length(100))); };
    CHECK(said("none.txt").ends_with("none.txt is missing"));
    CHECK(said("empty.txt").ends_with("empty.txt is empty"));
    CHECK(said("").ends_with("is a directory"));
    CHECK(said("short.txt") == "the text to train on has 72 bytes, and a window of length 100 takes 101");
    write(directory.file("short.txt"), digits(200));
    CHECK(said("short.txt") == "the text to hold out has 20 bytes, and a window of length 100 takes 101");
    CHECK(complaint(load(text_files({"/dev/zero"}), 1, of_length(100))) == "/dev/zero is not a regular file");
}

TEST_CASE("the King James Bible is read as Debian's program prints it") {
    if (!std::filesystem::exists("/usr/bin/bible")) {
        MESSAGE("skipped: bible-kjv is not installed");
        return;
    }
    config::Data data;
    data.set = "kjv";
    const auto loaded = load(data, 1, of_length(128));
    REQUIRE(std::holds_alternative<Sets>(loaded));
    const Sets& sets = std::get<Sets>(loaded);
    const auto &train = std::get<std::vector<std::uint8_t>>(sets.train->values), &test = std::get<std::vector<std::uint8_t>>(sets.test->values);
    CHECK(train.size() + test.size() == 4'298'239);
    CHECK(test.size() == 214'912);
    CHECK(std::string(test.end() - 6, test.end()) == "Amen.\n");
    CHECK(std::ranges::all_of(train, [](std::uint8_t b) { return b == '\n' || (b >= ' ' && b < 127); }));
}

TEST_CASE("a model of texts and other data do not go together") {
    DataShape pictures, text;
    pictures.features = 784, pictures.classes = 10;
    text.features = 17, text.classes = 256, text.length = 16;
    config::Config config;
    config.model.kind = config::ModelKind::gru;
    CHECK(std::holds_alternative<Error>(make_model(config, pictures)));
    config.model.kind = config::ModelKind::logistic;
    CHECK(std::holds_alternative<Error>(make_model(config, text)));
    config.model.kind = config::ModelKind::transformer;
    config.model.heads = 3;
    CHECK(std::holds_alternative<Error>(make_model(config, text)));
}

TEST_CASE("both models learn a text of digits, also in slices, and say what they would without data") {
    const Directory directory;
    write(directory.file("a.txt"), digits(4000));
    for (const auto kind : {config::ModelKind::gru, config::ModelKind::transformer}) {
        config::Config config;
        config.model.kind = kind;
        config.model.width = 16;
        config.model.layers = 1;
        config.model.heads = 2;
        config.model.length = 20;
        config.data = text_files({directory.file("a.txt")});
        config.data.batch = 16;
        config.train.optimizer = config::TrainOptions::Optimizer::adamw;
        config.train.learning_rate = 0.01;
        const auto task = task_of(config);
        CHECK(sizes_of(config).elements == task->table.size());
        CHECK(sizes_of(config).bytes_of_data == 4000);
        const auto learner = learner_of(config, task);
        CHECK(learner->evaluate().loss == doctest::Approx(std::log(256)).epsilon(0.1));
        Train train;
        train.steps = 150;
        learner->carry_out({0, train});
        CHECK(learner->evaluate().loss < 0.1);
        CHECK(learner->evaluate().accuracy.value() > 0.99);
    }
}
