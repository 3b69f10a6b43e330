#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <utility>

#include "grapevine/learn/dataset.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

// A file of ratings, and what is read from it.
struct File {
    Directory directory;
    config::Data data;
    explicit File(const std::string& text) {
        data.set = config::own_files;
        data.own.emplace();
        data.own->format = config::DataFiles::Format::ratings;
        data.own->files = {write("ratings.csv", text)};
        data.own->held_out = 0.3;
    }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(directory.file(name), std::ios::binary) << text;
        return directory.file(name);
    }
    std::variant<Sets, Error> read(std::uint64_t seed = 1) const { return load(data, seed); }
    Error refusal() const {
        const auto read = this->read();
        if (const auto* error = std::get_if<Error>(&read)) return *error;
        return {"accepted", ""};
    }
};

std::string many(const char* header = "") {
    std::string text = header;
    for (int user = 0; user < 20; ++user)
        for (int item = 0; item < 10; ++item) text += "u" + std::to_string(19 - user) + ",item " + std::to_string(item) + "," + std::to_string(user + item * 0.25) + "\n";
    return text;
}

std::vector<std::int32_t> pairs_of(const Dataset& set) { return std::get<std::vector<std::int32_t>>(set.values); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("ratings of a file: users and items in the order of their names, rows in the order of users") {
    const File file(many());
    const auto sets = std::get<Sets>(file.read());
    CHECK(sets.train->users == 20);
    CHECK(sets.train->items == 10);
    CHECK(sets.train->rows() + sets.test->rows() == 200);
    CHECK(sets.test->rows() > 30);
    CHECK(sets.test->rows() < 90);
    std::vector<std::string> names;
    for (int user = 0; user < 20; ++user) names.push_back("u" + std::to_string(user));
    std::sort(names.begin(), names.end());
    for (const Dataset* set : {sets.train.get(), sets.test.get()}) {
        const auto pairs = pairs_of(*set);
        REQUIRE(pairs.size() == 2 * set->rows());
        for (std::size_t row = 0; row < set->rows(); ++row) {
            const int user = 19 - std::stoi(names[static_cast<std::size_t>(pairs[2 * row])].substr(1));
            CHECK(set->targets[row] == static_cast<float>(user + pairs[2 * row + 1] * 0.25));
            if (row > 0) CHECK(pairs[2 * row - 2] <= pairs[2 * row]);
        }
    }
}

TEST_CASE("a header, quotes, other separators, columns beyond the third and line ends make no difference") {
    const auto plain = std::get<Sets>(File(many()).read());
    const auto same = [&](const std::string& text) { return std::get<Sets>(File(text).read()).fingerprint == plain.fingerprint; };
    CHECK(same(many("user,item,rating\n")));
    std::string semicolons = many(), more;
    std::replace(semicolons.begin(), semicolons.end(), ',', ';');
    CHECK(same(semicolons));
    std::string quoted = "\"";  // each first field in quotes
    bool open = true;
    for (const char c : many()) {
        if (c == ',' && std::exchange(open, false)) quoted += '"';
        quoted += c;
        if (c == '\n') quoted.insert(quoted.size() - 1, "\r"), quoted += '"', open = true;
    }
    quoted.pop_back();
    CHECK(same(quoted));
    for (const char c : many()) more += c == '\n' ? ",964982703\n" : std::string(1, c);
    CHECK(same(more));
    CHECK_FALSE(same(many() + "u3,item 3,1.5\n"));
}

TEST_CASE("files of their own to test on; the numbers are those of all files together") {
    File file(many());
    file.data.own->test_files = {file.write("test.csv", "u0,item 99,4\nu99,item 3,5\n")};
    const auto sets = std::get<Sets>(file.read());
    CHECK(sets.train->rows() == 200);
    CHECK(sets.test->rows() == 2);
    CHECK(sets.train->users == 21);
    CHECK(sets.train->items == 11);
    CHECK(sets.train->mean == doctest::Approx(9.5 + 9 * 0.25 / 2));
}

TEST_CASE("what is no rating is refused with its line") {
    const struct {
        const char *line, *what;
    } bad[] = {{"u1,item 1", ":201: this line has 2 fields"},
               {"u1", ":201: this line has 1 field"},
               {"u1,item 1,good", ":201: the rating 'good' is no number"},
               {"u1,item 1,nan", ":201: the rating 'nan' is infinite or no number"},
               {"u1,item 1,-inf", "is infinite"},
               {"u1,item 1,1e99", "is no number"},
               {"u1,item 1,", ":201: the rating '' is no number"},
               {",item 1,3", ":201: the user is missing"},
               {"u1,,3", ":201: the item is missing"},
               {"\"u1,item 1,3", ":201: a quote is not closed"},
               {"u1,item 1,3,4", ":201: this line has 4 fields, the first one has 3"}};
    for (const auto& [line, what] : bad) {
        const auto error = File(many() + line + "\n").refusal();
        CAPTURE(error.what);
        CAPTURE(what);
        CHECK(has(error.what, what));
        CHECK(has(error.what, "ratings.csv"));
        CHECK_FALSE(error.hint.empty());
    }
    CHECK(has(File(many() + std::string(300, 'u') + ",i,1\n").refusal().what, "more than 256 bytes"));
    CHECK(has(File("").refusal().what, "leave none"));
    CHECK(has(File("u,i,3\n").refusal().what, "leave none"));
    File missing(many());
    missing.data.own->files = {"/nonexistent/ratings.csv"};
    CHECK(has(missing.refusal().what, "/nonexistent/ratings.csv cannot be read"));
}

TEST_CASE("what is held out of ratings depends on the seed alone, and so do generated ones") {
    const File file(many());
    CHECK(std::get<Sets>(file.read(1)).fingerprint == std::get<Sets>(file.read(1)).fingerprint);
    CHECK(std::get<Sets>(file.read(1)).fingerprint != std::get<Sets>(file.read(2)).fingerprint);
    CHECK(depends_on_seed(file.data));
    config::Data generated;
    generated.set = "ratings";
    generated.train_samples = 500, generated.test_samples = 100;
    CHECK(std::get<Sets>(load(generated, 1)).fingerprint == std::get<Sets>(load(generated, 1)).fingerprint);
    CHECK(std::get<Sets>(load(generated, 1)).fingerprint != std::get<Sets>(load(generated, 2)).fingerprint);
    CHECK(depends_on_seed(generated));
}

TEST_CASE("a contiguous split of ratings is one by users") {
    config::Data data;
    data.set = "ratings";
    data.users = 40, data.items = 10, data.train_samples = 4000, data.test_samples = 100;
    const auto sets = std::get<Sets>(load(data, 1));
    config::Split contiguous;
    contiguous.kind = config::Split::Kind::contiguous;
    const auto pairs = pairs_of(*sets.train);
    std::map<std::int32_t, int> peers;  // that have ratings of a user
    for (const auto& shard : split(*sets.train, contiguous, 4, 1)) {
        std::map<std::int32_t, int> users;
        for (const std::uint32_t row : shard) users[pairs[2 * std::size_t{row}]] = 1;
        CHECK(users.size() <= 13);
        for (const auto& [user, one] : users) peers[user] += one;
    }
    CHECK(std::count_if(peers.begin(), peers.end(), [](const auto& p) { return p.second > 1; }) <= 3);  // where a shard ends
}

TEST_CASE("InstEval of lme4") {
    if (!std::filesystem::exists("/usr/lib/R/site-library/lme4/data/Rdata.rdb")) {
        std::fprintf(stderr, "skipped: InstEval of lme4: package r-cran-lme4 is not installed\n");
        return;
    }
    config::Data data;
    data.set = "insteval";
    const auto sets = std::get<Sets>(load(data, 1));
    CHECK(sets.train->rows() + sets.test->rows() == 73'421);
    CHECK(sets.train->users == 2972);
    CHECK(sets.train->items == 1128);
    CHECK(sets.train->mean == doctest::Approx(3.2).epsilon(0.01));
}

TEST_CASE("files that are no package of R are refused") {
    Directory directory;
    config::Data data;
    data.set = "insteval";
    data.directory = directory.path.string();
    const auto refusal = [&] { return std::get<Error>(load(data, 1)); };
    CHECK(has(refusal().what, "Rdata.rdx is missing"));
    CHECK(has(refusal().hint, "apt-get install r-cran-lme4"));
    std::ofstream(directory.file("Rdata.rdx")) << "no such thing";
    CHECK(has(refusal().what, "cannot be unpacked"));
}
