#include "grapevine/record/growing_file.hpp"

#include "output.hpp"

namespace grapevine::record {

GrowingFile::GrowingFile(const std::string& path) : path_(path), output_(std::make_unique<Output>(path)) {}
GrowingFile::~GrowingFile() = default;
GrowingFile::GrowingFile(GrowingFile&&) noexcept = default;
GrowingFile& GrowingFile::operator=(GrowingFile&&) noexcept = default;

void GrowingFile::put(const std::string& bytes) {
    output_->put(bytes);
    bytes_ += bytes.size();
}

void GrowingFile::flush() { output_->flush(); }

std::optional<Error> GrowingFile::fault() const {
    auto error = output_->fault();
    if (error) error->hint = "is the directory there, may you write to it, and is there room on the disk?";
    return error;
}

}  // namespace grapevine::record
