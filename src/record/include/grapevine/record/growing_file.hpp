#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "grapevine/record/sample.hpp"

namespace grapevine::record {

class Output;

// A file that somebody named and that grows while a run goes on: buffered. After its first fault it is given up, and all here
// may still be called.
class GrowingFile {
public:
    explicit GrowingFile(const std::string& path);  // empties it
    ~GrowingFile();                                 // what was buffered goes to the disk
    GrowingFile(GrowingFile&&) noexcept;
    GrowingFile& operator=(GrowingFile&&) noexcept;

    void put(const std::string& bytes);
    void flush();
    std::uint64_t bytes() const { return bytes_; }  // put so far
    const std::string& path() const { return path_; }
    std::optional<Error> fault() const;

private:
    std::string path_;
    std::unique_ptr<Output> output_;
    std::uint64_t bytes_ = 0;
};

}  // namespace grapevine::record
