#include <filesystem>
#include <fstream>

#include "grapevine/record/comparison.hpp"
#include "grapevine/record/run.hpp"
#include "read_lines.hpp"

namespace grapevine::record {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_line_bytes = 16 << 20;
constexpr std::size_t most_file_bytes = 256 << 20;  // of what is read whole
constexpr std::size_t most_samples = 2'000'000;
constexpr std::size_t most_events = 100'000;

Error no_file(const fs::path& path) {
    return {"'" + path.string() + "': there is no such file", "is '" + path.parent_path().string() + "' the directory of a run (--out)?"};
}

}  // namespace

std::optional<Error> each_line(const std::string& path, const std::function<std::optional<Error>(const std::string&, std::size_t)>& read) {
    std::error_code failed;
    if (!fs::is_regular_file(path, failed)) return no_file(path);
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{"'" + path + "' cannot be opened for reading", "may you read it? ls -l shows its permissions"};
    std::string line;
    for (std::size_t number = 1;; ++number) {
        line.clear();
        // By hand, since getline would take in a file of one endless line.
        int c = 0;
        auto& bytes = *in.rdbuf();
        while ((c = bytes.sbumpc()) != std::char_traits<char>::eof() && c != '\n') {
            line += static_cast<char>(c);
            if (line.size() > most_line_bytes)
                return Error{path + ":" + std::to_string(number) + ": longer than 16 MiB", "that is no file of grapevine"};
        }
        const bool cut = c != '\n';
        if (!line.empty()) {
            const auto error = read(line, number);
            if (error && cut) return {};  // killed in the middle of a line
            if (error) return error;
        }
        if (cut) return {};
    }
}

std::variant<std::string, Error> whole_file(const std::string& path) {
    std::error_code failed;
    if (!fs::is_regular_file(path, failed)) return no_file(path);
    if (fs::file_size(path, failed) > most_file_bytes) return Error{"'" + path + "' is longer than 256 MiB", "that is no file of grapevine"};
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{"'" + path + "' cannot be opened for reading", "may you read it? ls -l shows its permissions"};
    return std::string(std::istreambuf_iterator<char>(in), {});
}

std::variant<Run, Error> load_run(const std::string& directory) {
    std::error_code failed;
    if (!fs::is_directory(directory, failed))
        return Error{"'" + directory + "' is no directory", "name the directory of a run: the one that --out named"};
    const fs::path base(directory);
    Run run;
    run.directory = directory;
    if (fs::exists(base / "config.toml", failed)) {
        auto text = whole_file((base / "config.toml").string());
        if (const auto* error = std::get_if<Error>(&text)) return *error;
        run.config = std::move(std::get<std::string>(text));
    }

    const std::string metrics = (base / "metrics.jsonl").string();
    if (const auto error = each_line(metrics, [&](const std::string& line, std::size_t number) -> std::optional<Error> {
            if (run.samples.size() >= most_samples) return Error{metrics + ": more than two million samples", "a longer [metrics] every"};
            auto sample = parse_sample(line, metrics, number);
            if (const auto* wrong = std::get_if<Error>(&sample)) return *wrong;
            run.samples.push_back(std::move(std::get<Sample>(sample)));
            return {};
        }))
        return *error;

    const std::string events = (base / "events.jsonl").string();
    if (fs::exists(events, failed))
        if (const auto error = each_line(events, [&](const std::string& line, std::size_t number) -> std::optional<Error> {
                ++run.events_in_file;
                if (run.events.size() >= most_events) return {};
                auto event = parse_event(line, events, number);
                if (const auto* wrong = std::get_if<Error>(&event)) return *wrong;
                run.events.push_back(std::move(std::get<RunEvent>(event)));
                return {};
            }))
            return *error;

    if (fs::exists(base / "summary.json", failed)) {
        const std::string path = (base / "summary.json").string();
        const auto text = whole_file(path);
        if (const auto* error = std::get_if<Error>(&text)) return *error;
        auto summary = parse_summary(std::get<std::string>(text), path);
        if (const auto* error = std::get_if<Error>(&summary)) return *error;
        run.summary = std::move(std::get<Summary>(summary));
    }
    return run;
}

Holds what_is_in(const std::string& directory) {
    std::error_code ignored;
    if (fs::exists(fs::path(directory) / "comparison.json", ignored)) return Holds::comparison;
    if (fs::exists(fs::path(directory) / "metrics.jsonl", ignored)) return Holds::run;
    return Holds::nothing;
}

}  // namespace grapevine::record
