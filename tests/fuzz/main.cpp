// Runs a fuzz target without libFuzzer:
//
//     fuzz_NAME [FILE|DIR]...       its seeds, changes of them, and the files
//     fuzz_NAME --write DIR         its seeds as files, for a corpus
//
// A target that finds something ends the process.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz.hpp"
#include "grapevine/random.hpp"

using namespace grapevine;

namespace {

constexpr int changes_of_each = 3000;

void run(const std::string& input) { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()); }

std::string changed(const std::string& seed, Random& random) {
    std::string bytes = seed;
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
        const std::size_t at = bytes.empty() ? 0 : random.below(bytes.size());
        switch (random.below(6)) {
            case 0: bytes.insert(at, 1, static_cast<char>(random.below(256))); break;
            case 1: bytes.erase(at, 1 + random.below(4)); break;
            case 2: if (!bytes.empty()) bytes[at] = static_cast<char>(random.below(256)); break;
            case 3: if (!seed.empty()) bytes.insert(at, seed.substr(random.below(seed.size()), random.below(24))); break;
            case 4: if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8))); break;
            case 5: for (std::size_t i = at; i < bytes.size() && i < at + 8; ++i) bytes[i] = static_cast<char>(0xff); break;
        }
    }
    return bytes;
}

int write_seeds(const std::filesystem::path& directory) {
    std::filesystem::create_directories(directory);
    int i = 0;
    for (const std::string& seed : fuzz::seeds()) std::ofstream(directory / ("seed-" + std::to_string(i++)), std::ios::binary) << seed;
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 2 && words[0] == "--write") return write_seeds(words[1]);
    std::vector<std::filesystem::path> files;
    for (const std::string& word : words) {
        if (!std::filesystem::is_directory(word)) files.emplace_back(word);
        else for (const auto& entry : std::filesystem::directory_iterator(word)) files.push_back(entry.path());
    }
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        run({std::istreambuf_iterator<char>(in), {}});
    }
    Random random(1);
    const auto seeds = fuzz::seeds();
    assert(!seeds.empty());
    run("");
    for (const std::string& seed : seeds) {
        run(seed);
        for (int i = 0; i < changes_of_each; ++i) run(changed(seed, random));
    }
    std::printf("%zu seeds, %d changes of each, %zu files\n", seeds.size(), changes_of_each, files.size());
}
