#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "grapevine/record/growing_file.hpp"

namespace grapevine::record {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4), and as TFRecord masks it, so that a checksum of data that hold checksums is none of them.
std::uint32_t crc32c(std::span<const char> bytes);
std::uint32_t masked_crc32c(std::span<const char> bytes);

// Samples as TensorBoard reads them: DIR/events.out.tfevents.TIME.HOST.PID.N, a scalar for each that is known, under its name in metrics.jsonl. A file is a run
// of TFRecords, each a protocol buffer; the few fields that are wanted are written here by hand:
//
//   record   u64 length | u32 masked crc of it | data | u32 masked crc of the data      tensorflow/core/lib/io/record_writer.h
//   Event    1 wall_time double, 2 step int64, 3 file_version string, 5 summary         tensorflow/core/util/event.proto
//   Summary  1 value, repeated                                                          tensorflow/core/framework/summary.proto
//   Value    1 tag string, 2 simple_value float
//
// A new file each time, beside what lies there.
class EventFile {
public:
    // Makes the directory. `unix_time`: s since 1970, of the first event.
    static std::variant<EventFile, Error> create(const std::string& directory, double unix_time);

    // The step is the sample's `steps`; where nobody makes steps, its number.
    void sample(const Sample& sample, double unix_time);
    std::optional<Error> fault();  // what has gone wrong, if it was not told yet
    const std::string& path() const { return file_.path(); }

private:
    explicit EventFile(const std::string& path) : file_(path) {}
    void put(const std::string& event);

    GrowingFile file_;
    std::int64_t samples_ = 0;
    bool told_ = false;
};

}  // namespace grapevine::record
