#include "checkpoints.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace grapevine::node {
namespace {

namespace fs = std::filesystem;

// Checkpoints in a directory by when they were written, oldest first.
std::vector<std::string> files_in(const std::string& directory) {
    std::vector<std::pair<fs::file_time_type, std::string>> found;
    std::error_code failed;
    for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().filename().string();
        std::error_code ignored;
        if (name.starts_with("step-") && name.ends_with(".safetensors")) found.emplace_back(at->last_write_time(ignored), at->path().string());
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> files;
    for (auto& [when, file] : found) files.push_back(std::move(file));
    return files;
}

}  // namespace

Checkpoints::Checkpoints(std::string directory) : directory_(std::move(directory)) {
    for (std::string& file : files_in(directory_)) files_.push_back(std::move(file));
    thread_ = std::thread([this] { work(); });
}

Checkpoints::~Checkpoints() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wanted_.notify_one();
    thread_.join();
}

bool Checkpoints::busy() const {
    const std::lock_guard lock(mutex_);
    return next_ || writing_;
}

void Checkpoints::write(learn::Checkpoint checkpoint) {
    {
        const std::lock_guard lock(mutex_);
        assert(!next_ && !writing_);
        next_ = std::move(checkpoint);
    }
    wanted_.notify_one();
}

std::optional<learn::Error> Checkpoints::take_fault() {
    const std::lock_guard lock(mutex_);
    return std::exchange(fault_, std::nullopt);
}

std::optional<double> Checkpoints::age() const {
    const std::lock_guard lock(mutex_);
    if (!written_) return std::nullopt;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - *written_).count();
}

std::uint64_t Checkpoints::failed() const {
    const std::lock_guard lock(mutex_);
    return failed_;
}

void Checkpoints::work() {
    for (;;) {
        learn::Checkpoint checkpoint;
        {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [&] { return closing_ || next_; });
            if (!next_) return;
            checkpoint = std::move(*next_);
            next_.reset();
            writing_ = true;
        }
        char name[40];
        std::snprintf(name, sizeof name, "step-%07llu.safetensors", static_cast<unsigned long long>(checkpoint.number("step").value_or(0)));
        const std::string path = (fs::path(directory_) / name).string();
        std::error_code ignored;
        fs::create_directories(directory_, ignored);  // if it cannot be made, save() says so
        auto fault = learn::save(path, checkpoint);
        if (!fault) {
            std::erase(files_, path);
            files_.push_back(path);
            for (; files_.size() > kept; files_.pop_front()) fs::remove(files_.front(), ignored);
        }
        const std::lock_guard lock(mutex_);
        if (!fault) written_ = std::chrono::steady_clock::now();
        failed_ += fault.has_value();
        if (fault) fault_ = std::move(fault);
        writing_ = false;
    }
}

std::variant<std::string, learn::Error> checkpoint_in(const std::string& path) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) return path;
    for (const std::string& directory : {(fs::path(path) / "checkpoints").string(), path})
        if (const auto files = files_in(directory); !files.empty()) return files.back();
    return learn::Error{path + " holds no checkpoints", "they are in DIR/checkpoints of a run with --out DIR: step-0012400.safetensors and the like"};
}

}  // namespace grapevine::node
