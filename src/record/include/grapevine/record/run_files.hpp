#pragma once

#include <memory>

#include "grapevine/record/summary.hpp"

namespace grapevine::record {

class Output;

// DIR/config.toml, metrics.jsonl, events.jsonl, summary.json, report.html: written while the run goes on.
// A full disk does not end a run: after a fault that file is given up, fault() says it once, and everything
// here may still be called.
class RunFiles {
public:
    // Makes the directory and writes `config` (resolved: every default written out). A directory that holds
    // a run already is refused unless `overwrite`; files that are none of ours are never touched.
    static std::variant<RunFiles, Error> create(const std::string& directory, const std::string& config, bool overwrite = false);

    void sample(const Sample& sample);  // and what was buffered goes to the disk
    void event(const RunEvent& event);
    void summary(const Summary& summary);  // by temporary file, fsync and rename: whole or not at all
    void report(const std::string& html);  // the same
    void flush();

    std::optional<Error> fault();  // what has gone wrong, if it was not told yet
    const std::string& directory() const { return directory_; }

    RunFiles(RunFiles&&) noexcept;
    RunFiles& operator=(RunFiles&&) noexcept;
    ~RunFiles();  // flushes

private:
    explicit RunFiles(std::string directory);
    std::string directory_;
    std::unique_ptr<Output> metrics_, events_;
    std::optional<Error> fault_;
    bool told_ = false;
};

// A file that is there whole or as it was before: temporary file, fsync, rename.
std::optional<Error> replace_file(const std::string& path, const std::string& bytes);

// With all that leads to it. No fault if it is there.
std::optional<Error> make_directory(const std::string& path);

}  // namespace grapevine::record
