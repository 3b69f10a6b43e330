#pragma once

#include "grapevine/record/run_files.hpp"

namespace grapevine::record {

// A file that grows: buffered, and silent after its first fault.
class Output {
public:
    explicit Output(std::string path);  // empties it; a fault is kept
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    void append(const std::string& line);
    void put(const std::string& bytes);  // as they are
    void flush();
    const std::optional<Error>& fault() const { return fault_; }

private:
    void give_up(int error);
    std::string path_, buffer_;
    int file_ = -1;
    std::optional<Error> fault_;
};

// "cannot write 'DIR/x': No space left on device", and what to do about that.
Error write_error(const std::string& path, int error);

}  // namespace grapevine::record
