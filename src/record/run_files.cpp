#include "grapevine/record/run_files.hpp"

#include <filesystem>

#include "output.hpp"

namespace grapevine::record {
namespace {

constexpr const char* ours[] = {"config.toml", "metrics.jsonl", "events.jsonl", "summary.json", "report.html"};

}  // namespace

RunFiles::RunFiles(std::string directory) : directory_(std::move(directory)) {}
RunFiles::RunFiles(RunFiles&&) noexcept = default;
RunFiles& RunFiles::operator=(RunFiles&&) noexcept = default;
RunFiles::~RunFiles() = default;

std::variant<RunFiles, Error> RunFiles::create(const std::string& directory, const std::string& config, bool overwrite) {
    namespace fs = std::filesystem;
    if (const auto error = make_directory(directory)) return *error;
    std::error_code ignored;
    for (const char* name : ours) {
        const fs::path path = fs::path(directory) / name;
        if (!fs::exists(fs::symlink_status(path, ignored))) continue;
        if (!overwrite)
            return Error{"'" + directory + "' holds a run already: there is a " + name,
                         "--overwrite replaces that run; --out DIR writes to another directory"};
        fs::remove(path, ignored);  // else yesterday's summary would stand beside today's metrics
    }

    RunFiles files(directory);
    const std::string base = directory + (directory.ends_with('/') ? "" : "/");
    if (const auto error = replace_file(base + "config.toml", config)) return *error;
    files.metrics_ = std::make_unique<Output>(base + "metrics.jsonl");
    files.events_ = std::make_unique<Output>(base + "events.jsonl");
    if (const auto& error = files.metrics_->fault()) return *error;
    if (const auto& error = files.events_->fault()) return *error;
    return files;
}

void RunFiles::sample(const Sample& sample) {
    metrics_->append(to_json(sample));
    flush();
}

void RunFiles::event(const RunEvent& event) { events_->append(to_json(event)); }

void RunFiles::flush() {
    metrics_->flush();
    events_->flush();
}

void RunFiles::summary(const Summary& summary) {
    flush();
    const auto error = replace_file((std::filesystem::path(directory_) / "summary.json").string(), to_json(summary));
    if (error && !fault_) fault_ = error;
}

void RunFiles::report(const std::string& html) {
    const auto error = replace_file((std::filesystem::path(directory_) / "report.html").string(), html);
    if (error && !fault_) fault_ = error;
}

std::optional<Error> RunFiles::fault() {
    if (told_) return {};
    for (const auto& error : {fault_, metrics_->fault(), events_->fault()})
        if (error) {
            told_ = true;
            return error;
        }
    return {};
}

}  // namespace grapevine::record
