// A model's file: safetensors or npz, by the first byte. What is taken and written again is read as the same.
#include "fuzz.hpp"
#include "grapevine/learn/safetensors.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace grapevine;
using namespace grapevine::learn;

namespace {

Checkpoint example() {
    TensorTable table;
    table.add("w", {3, 2});
    table.add("b", {2});
    Checkpoint c;
    const std::vector<float> block(table.size(), 0.25f);
    add(table, block, "", c);
    c.metadata = {{"step", "7"}, {"config", "[model]\nkind = \"logistic\"\n"}};
    return c;
}

std::string contents(std::optional<Error> (*save_as)(const std::string&, const Checkpoint&), const char* suffix) {
    const std::string path = (std::filesystem::temp_directory_path() / ("grapevine-fuzz-" + std::to_string(getpid()) + suffix)).string();
    const auto error = save_as(path, example());
    assert(!error);
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::filesystem::remove(path);
    return bytes;
}

}  // namespace

std::vector<std::string> fuzz::seeds() { return {std::string(1, 0) + contents(save, ".safetensors"), std::string(1, 1) + contents(save_npz, ".npz")}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto bytes = fuzz::bytes_of(data + 1, size - 1);
    const auto read = data[0] % 2 ? decode_npz(bytes) : decode_checkpoint(bytes);
    if (const auto* fault = std::get_if<formats::Fault>(&read)) {
        assert(!fault->what.empty() && !fault->hint.empty());
        return 0;
    }
    const Checkpoint& c = std::get<Checkpoint>(read);
    TensorTable table;
    table.add("w", {3, 2});
    table.add("b", {2});
    const auto block = block_of(table, c);
    if (const auto* values = std::get_if<std::vector<float>>(&block)) assert(values->size() == table.size());
    (void)c.number("step");
    return 0;
}
