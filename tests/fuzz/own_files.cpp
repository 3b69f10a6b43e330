// A whole data set of one's own, from the file to rows, labels and a normalisation, by the first byte: csv, libsvm, ratings, words, text.
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.hpp"
#include "grapevine/learn/dataset.hpp"

using namespace grapevine;

namespace {

std::string lines(int n, const std::string& (*line)(int)) {
    std::string text;
    for (int i = 0; i < n; ++i) text += line(i);
    return text;
}

const std::string& csv_line(int i) {
    static std::string line;
    return line = std::to_string(i) + "," + std::to_string(i * i % 7) + "," + (i % 2 ? "cat" : "dog") + "\n";
}
const std::string& libsvm_line(int i) {
    static std::string line;
    return line = std::to_string(i % 2) + " 1:" + std::to_string(i) + " 3:0.5\n";
}
const std::string& rating_line(int i) {
    static std::string line;
    return line = "user" + std::to_string(i % 4) + ",item" + std::to_string(i % 3) + "," + std::to_string(i % 5) + "\n";
}
const std::string& word_line(int i) {
    static std::string line;
    return line = std::string(i % 3 ? "In the beginning" : "was the word") + (i % 5 ? " and " : ".\n");
}

// The bytes as a file that is nowhere on a disk.
class InMemory {
public:
    explicit InMemory(std::span<const std::byte> bytes) : fd_(memfd_create("input", 0)) {
        assert(fd_ >= 0);
        [[maybe_unused]] const auto written = write(fd_, bytes.data(), bytes.size());
        assert(written == static_cast<ssize_t>(bytes.size()));
    }
    ~InMemory() { close(fd_); }
    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

private:
    int fd_;
};

}  // namespace

std::vector<std::string> fuzz::seeds() {
    return {std::string(1, 0) + lines(40, csv_line), std::string(1, 1) + lines(40, libsvm_line), std::string(1, 2) + lines(40, rating_line),
            std::string(1, 3) + lines(400, word_line), std::string(1, 4) + lines(100, word_line)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > (1 << 16)) return 0;
    const InMemory file(fuzz::bytes_of(data + 1, size - 1));
    static constexpr struct { const char *format, *model; } kinds[] = {{"csv", "logistic"}, {"libsvm", "logistic"}, {"ratings", "factors"}, {"words", "skipgram"}, {"text", "gru"}};
    const auto& kind = kinds[data[0] % std::size(kinds)];
    const auto read = config::read_text("[model]\nkind = \"" + std::string(kind.model) + "\"\n[data]\nformat = \"" + kind.format + "\"\nfiles = [\"" + file.path() + "\"]\n", "input.toml");
    assert(std::holds_alternative<config::Config>(read));
    const auto& config = std::get<config::Config>(read);
    const auto loaded = learn::load(config.data, 1, config.model);
    if (const auto* error = std::get_if<learn::Error>(&loaded)) {
        assert(!error->what.empty() && !error->hint.empty());
    } else {
        const auto& sets = std::get<learn::Sets>(loaded);
        assert(sets.train && sets.test && sets.train->rows() > 0 && sets.test->rows() > 0);
    }
    return 0;
}
