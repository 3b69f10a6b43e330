#include <csignal>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

#include "grapevine/learn/safetensors.hpp"
#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string with_header(const std::string& header, std::size_t data) {
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i));
    return length + header + std::string(data, '\0');
}

bool refused(const std::string& path) {
    const auto loaded = load_checkpoint(path);
    return std::holds_alternative<Error>(loaded) && !std::get<Error>(loaded).what.empty();
}

Checkpoint small() {
    Checkpoint checkpoint;
    checkpoint.metadata = {{"step", "12"}, {"config", "name = \"a \\\" b\"\n[model]\nkind = \"mlp\"\n"}};
    checkpoint.tensors = {{"w1", {2, 3}, {1, 2, 3, 4, 5, -6.5f}}, {"b1", {3}, {7, 8, 9}}, {"nothing", {0}, {}}, {"scalar", {}, {3}}};
    return checkpoint;
}

}  // namespace

TEST_CASE("a checkpoint there and back") {
    const Directory directory;
    const auto path = directory.file("a.safetensors");
    REQUIRE(!save(path, small()));
    const auto loaded = load_checkpoint(path);
    REQUIRE(std::holds_alternative<Checkpoint>(loaded));
    const auto& back = std::get<Checkpoint>(loaded);
    CHECK(back.metadata == small().metadata);
    REQUIRE(back.tensors.size() == 4);
    for (const StoredTensor& t : small().tensors) {
        const StoredTensor* found = back.find(t.name);
        REQUIRE(found);
        CHECK(found->shape == t.shape);
        CHECK(found->values == t.values);
    }
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path), {}) == 1);  // nothing left beside it
}

TEST_CASE("a learner's model and velocity there and back, and what stands behind them") {
    auto config = blobs(config::ModelKind::mlp);
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    learner->carry_out({0, Train{3}});
    const Snapshot snapshot = publish(*learner);
    auto checkpoint = to_checkpoint(task->table, snapshot);
    const std::vector<float> velocity(task->table.size(), 0.25f);
    add(task->table, velocity, "opt.", checkpoint);
    CHECK(checkpoint.metadata.at("layout") == task->table.describe());

    const Directory directory;
    REQUIRE(!save(directory.file("m"), checkpoint));
    const auto loaded = std::get<Checkpoint>(load_checkpoint(directory.file("m")));
    const auto back = std::get<Snapshot>(to_snapshot(task->table, loaded));
    CHECK(values_of<float>(back) == values_of<float>(snapshot));
    CHECK(back.samples == 96);
    CHECK(back.steps == 3);
    CHECK(fits(back, learner->layout(), learner->size()));
    const auto kept = std::get<std::vector<float>>(block_of(task->table, loaded, "opt."));
    CHECK(kept[task->table.find("b2")->offset] == 0.25f);

    config.model.hidden = {16, 9};
    const auto other = to_snapshot(task_of(config)->table, loaded);
    REQUIRE(std::holds_alternative<Error>(other));
    CHECK(std::get<Error>(other).what == "tensor w2 is 16x8 in the file and 16x9 in the model");
}

TEST_CASE("a model's file as it lies in memory is the one that is saved of it") {
    const auto config = blobs(config::ModelKind::mlp);
    const auto task = task_of(config);
    const auto learner = learner_of(config, task);
    learner->carry_out({0, Train{3}});
    const Snapshot snapshot = publish(*learner);
    const ModelFile file = model_file(task->table, snapshot, small());
    std::string bytes = file.head;
    for (const Bytes& b : file.values) bytes.append(reinterpret_cast<const char*>(b.data), b.size);
    CHECK(bytes.size() == file.size());
    CHECK(file.values.front().data == snapshot.bytes.data + task->table.tensors().front().offset * sizeof(float));  // not copied

    auto saved = to_checkpoint(task->table, snapshot);
    saved.metadata.merge(small().metadata);
    saved.metadata["step"] = "12";  // what was said beside it wins
    for (const StoredTensor& t : small().tensors) saved.tensors.push_back(t);
    const Directory directory;
    REQUIRE(!save(directory.file("m"), saved));
    CHECK(bytes == read(directory.file("m")));
}

TEST_CASE("every prefix of a file is refused, and so is one with more at its end") {
    const Directory directory;
    const auto path = directory.file("a");
    REQUIRE(!save(path, small()));
    const std::string whole = read(path);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        write(path, whole.substr(0, length));
        CHECK(refused(path));
    }
    write(path, whole + "x");
    CHECK(refused(path));
    CHECK(refused(directory.file("missing")));
    CHECK(refused(directory.path.string()));
}

TEST_CASE("hostile lengths, offsets and shapes are refused before memory is taken") {
    const Directory directory;
    const auto path = directory.file("a");
    for (const std::string& length : {std::string("\xff\xff\xff\xff\xff\xff\xff\xff"), std::string("\xff\xff\xff\xff\xff\xff\xff\x7f"),
                                     std::string("\x00\x00\x00\x00\x01\x00\x00\x00", 8)}) {
        write(path, length + std::string(1000, ' '));
        CHECK(refused(path));
    }
    write(path, with_header(std::string(2 << 20, ' '), 0));  // above the cap
    CHECK(refused(path));
    const char* const headers[] = {
        "", "[]", "3", "{", "{\"a\":3}", "{\"a\":{}}", "{\"__metadata__\":3}", "{\"__metadata__\":{\"a\":3}}",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,1e30]}})",
        R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",  // four bytes that are nobody's
    };
    for (const char* header : headers) {
        CAPTURE(header);
        write(path, with_header(header, 8));
        CHECK(refused(path));
    }
    write(path, with_header(std::string(500'000, '['), 0));
    CHECK(refused(path));
    write(path, with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8));
    CHECK(!refused(path));  // that it can also be right
}

TEST_CASE("a disk that is full is an error, and the old file stays") {
    const Directory directory;
    const auto path = directory.file("a");
    REQUIRE(!save(path, small()));
    const std::string before = read(path);
    Checkpoint large = small();
    large.tensors.push_back({"large", {100'000}, std::vector<float>(100'000)});

    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    rlimit low = limit;
    low.rlim_cur = 4096;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
    const auto error = save(path, large);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, handler);

    REQUIRE(error);
    CHECK(error->what.find("cannot write") == 0);
    CHECK(error->hint.find("make room") == 0);
    CHECK(read(path) == before);
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path), {}) == 1);
    CHECK(save("/nowhere/at/all", small()));
}

TEST_CASE("a flipped bit of a value or of what is said of them does not pass for a checkpoint, nor does a later version") {
    const Directory directory;
    const auto path = directory.file("a");
    REQUIRE(!save(path, small()));
    const std::string whole = read(path);
    for (std::size_t at = whole.size() - 40; at < whole.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 4);
        write(path, bytes);
        const auto loaded = load_checkpoint(path);
        REQUIRE(std::holds_alternative<Error>(loaded));
        CHECK(std::get<Error>(loaded).what.find("its hash is another") != std::string::npos);
    }
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string bytes = whole;
        const auto where = bytes.find(from);
        REQUIRE(where != std::string::npos);
        bytes.replace(where, from.size(), to);
        write(path, bytes);
        const auto loaded = load_checkpoint(path);
        return std::holds_alternative<Error>(loaded) ? std::get<Error>(loaded).what : std::string();
    };
    CHECK(changed("\"hash\":", "\"hush\":").find("its hash is another") != std::string::npos);
    CHECK(changed("\"step\":\"12\"", "\"step\":\"13\"").find("its hash is another") != std::string::npos);
    CHECK(changed("\"version\":\"1\"", "\"version\":\"x\"").find("is of version x") != std::string::npos);
    std::string later = whole;
    const auto at = later.find("\"version\":\"1\"");
    REQUIRE(at != std::string::npos);
    later.replace(at, 13, "\"version\":\"2\"");
    write(path, later);
    const auto loaded = load_checkpoint(path);
    REQUIRE(std::holds_alternative<Error>(loaded));
    CHECK(std::get<Error>(loaded).what.find("is of version 2") != std::string::npos);
    CHECK(std::get<Error>(loaded).hint.find("newer grapevine") != std::string::npos);
}

TEST_CASE("a file of another program, without version and hash, is a model too") {
    const Directory directory;
    const auto path = directory.file("a");
    write(path, with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4));
    CHECK(std::holds_alternative<Checkpoint>(load_checkpoint(path)));
}

TEST_CASE("rows and sums are kept as they are, under names that begin with state") {
    const Directory directory;
    const auto path = directory.file("a");
    Checkpoint checkpoint = small();
    checkpoint.states = {{"state.rows", std::vector<std::uint32_t>{3, 1, 4'000'000'000u}}, {"state.block", std::vector<double>{0.1, -1e300}}};
    REQUIRE(!save(path, checkpoint));
    const auto back = std::get<Checkpoint>(load_checkpoint(path));
    REQUIRE(back.state<std::uint32_t>("state.rows"));
    CHECK(*back.state<std::uint32_t>("state.rows") == std::vector<std::uint32_t>{3, 1, 4'000'000'000u});
    CHECK(*back.state<double>("state.block") == std::vector<double>{0.1, -1e300});
    CHECK(!back.state<double>("state.rows"));
    write(path, with_header(R"({"a":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}})", 4));
    CHECK(refused(path));
}

TEST_CASE("changed checkpoints") {
    const Directory directory;
    const auto path = directory.file("a");
    REQUIRE(!save(path, small()));
    std::string seed = read(path);
    const auto at = seed.find("\"hash\":\"");
    seed[at + 1] = 'H';  // without its hash and version, or nothing changed would ever be taken
    seed[seed.find("\"version\"") + 1] = 'V';
    REQUIRE(std::holds_alternative<Checkpoint>(decode_checkpoint(std::as_bytes(std::span(seed)))));
    Random random(8);
    int taken = 0, refused_ones = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string bytes = seed;
        for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
            const std::size_t where = random.below(bytes.size());
            switch (random.below(3)) {
                case 0: bytes[where] = static_cast<char>(random.below(256)); break;
                case 1: bytes.erase(where, 1 + random.below(3)); break;
                case 2: bytes.insert(where, seed.substr(random.below(seed.size()), random.below(12))); break;
            }
        }
        const auto decoded = decode_checkpoint(std::as_bytes(std::span(bytes)));
        (std::holds_alternative<Checkpoint>(decoded) ? taken : refused_ones) += 1;
    }
    CHECK(taken > 0);
    CHECK(refused_ones > 0);
    const std::string deep = with_header(std::string(1 << 20, '['), 0);
    CHECK(std::holds_alternative<formats::Fault>(decode_checkpoint(std::as_bytes(std::span(deep)))));
}
