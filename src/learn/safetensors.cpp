#include "grapevine/learn/safetensors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

namespace grapevine::learn {
namespace {

using nlohmann::json;

constexpr std::uint64_t header_limit = 1 << 20;  // bytes; ours are a few hundred, and a config

// Closed when it goes; an error of close() itself says nothing that fsync() did not.
struct Descriptor {
    int number;
    explicit Descriptor(int n) : number(n) {}
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

bool write_all(int file, const void* data, std::size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t written = ::write(file, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        at += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

bool read_all(int file, void* data, std::size_t size) {  // false with errno 0: the file ends before
    char* at = static_cast<char*>(data);
    while (size > 0) {
        const ssize_t got = ::read(file, at, size);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = 0;
        if (got <= 0) return false;
        at += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

std::string header_of(const Checkpoint& checkpoint) {
    json header = json::object();
    if (!checkpoint.metadata.empty()) header["__metadata__"] = checkpoint.metadata;
    std::uint64_t offset = 0;
    for (const StoredTensor& t : checkpoint.tensors) {
        const std::uint64_t end = offset + t.values.size() * sizeof(float);
        header[t.name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values lie aligned
    return text;
}

// The file at `path` under its name or, if anything fails, not there at all.
bool write_whole(const std::string& path, const Checkpoint& checkpoint) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.number < 0) return false;
    const std::string header = header_of(checkpoint);
    const std::uint64_t length = header.size();
    bool written = write_all(file.number, &length, sizeof length) && write_all(file.number, header.data(), length);
    for (const StoredTensor& t : checkpoint.tensors)
        written = written && write_all(file.number, t.values.data(), t.values.size() * sizeof(float));
    return written && ::fsync(file.number) == 0;
}

Error unreadable(const std::string& path, const std::string& what) {
    return {path + " is no model that can be read: " + what, "it should be a safetensors file of float32 tensors"};
}

bool is_count(const json& value) { return value.is_number_unsigned(); }

// Where a tensor's values lie, once the header's word for it has been checked.
struct Place {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // bytes from the end of the header
};

// Empty if all is well.
std::string check(const std::string& name, const json& entry, std::uint64_t data_size, Place& place) {
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
        return "tensor " + name + " lacks dtype, shape or data_offsets";
    const json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
    if (dtype != "F32") return "tensor " + name + " is not F32";
    if (!shape.is_array() || shape.size() > 8 || !std::all_of(shape.begin(), shape.end(), is_count))
        return "tensor " + name + " has no shape";
    if (!offsets.is_array() || offsets.size() != 2 || !is_count(offsets[0]) || !is_count(offsets[1]))
        return "tensor " + name + " has no offsets";
    place.name = name;
    place.shape = shape.get<std::vector<std::uint64_t>>();
    place.begin = offsets[0].get<std::uint64_t>();
    place.end = offsets[1].get<std::uint64_t>();
    if (place.begin > place.end || place.end > data_size) return "tensor " + name + " lies outside the file";
    std::uint64_t count = 1;
    for (const std::uint64_t d : place.shape)
        if (__builtin_mul_overflow(count, d, &count)) return "tensor " + name + " is impossibly large";
    if (count != (place.end - place.begin) / sizeof(float) || (place.end - place.begin) % sizeof(float) != 0)
        return "tensor " + name + " has a shape of another size than its values";
    return {};
}

// Empty if all is well.
std::string check(const json& header, std::uint64_t data_size, std::vector<Place>& places, Checkpoint& to) {
    if (!header.is_object()) return "its header is no JSON object";
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__") {
            if (!entry.is_object()) return "its metadata is no JSON object";
            for (const auto& [key, value] : entry.items()) {
                if (!value.is_string()) return "its metadata is not all text";
                to.metadata[key] = value.get<std::string>();
            }
            continue;
        }
        Place place;
        if (auto wrong = check(name, entry, data_size, place); !wrong.empty()) return wrong;
        places.push_back(std::move(place));
    }
    // Each byte is one tensor's, so what is read is never more than the file.
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t end = 0;
    for (const Place& p : places) {
        if (p.begin != end) return "tensor " + p.name + " does not begin where the one before it ends";
        end = p.end;
    }
    return end == data_size ? std::string() : std::string("there are bytes in it that belong to no tensor");
}

}  // namespace

std::optional<Error> save(const std::string& path, const Checkpoint& checkpoint) {
    const std::string beside = path + ".partial";
    errno = 0;
    if (write_whole(beside, checkpoint) && ::rename(beside.c_str(), path.c_str()) == 0) {
        // The name itself is only safe once the directory is; the values are, so a failure here is none.
        const auto parent = std::filesystem::path(path).parent_path();
        const Descriptor directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory.number >= 0) ::fsync(directory.number);
        return std::nullopt;
    }
    const int reason = errno;
    ::unlink(beside.c_str());
    return Error{"cannot write " + path + ": " + std::strerror(reason),
                 reason == ENOSPC || reason == EFBIG || reason == EDQUOT
                     ? "make room on that disk, or write somewhere else"
                     : "check that its directory exists and may be written to"};
}

std::variant<Checkpoint, Error> load_checkpoint(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (file.number < 0 || ::fstat(file.number, &status) != 0)
        return Error{"cannot open " + path + ": " + std::strerror(errno), "check the path"};
    if (!S_ISREG(status.st_mode)) return unreadable(path, "it is not a file");
    const auto size = static_cast<std::uint64_t>(status.st_size);

    std::uint64_t length = 0;
    if (size < sizeof length || !read_all(file.number, &length, sizeof length))
        return unreadable(path, "it is too short");
    if (length > size - sizeof length) return unreadable(path, "it ends within its header");
    if (length > header_limit) return unreadable(path, "its header is larger than a mebibyte");
    std::string text(length, '\0');
    if (!read_all(file.number, text.data(), length)) return unreadable(path, "it ends within its header");

    const json header = json::parse(text, nullptr, false);  // no exceptions
    if (header.is_discarded()) return unreadable(path, "its header is no JSON");
    Checkpoint checkpoint;
    std::vector<Place> places;
    if (const auto wrong = check(header, size - sizeof length - length, places, checkpoint); !wrong.empty())
        return unreadable(path, wrong);
    for (Place& p : places) {
        std::vector<float> values((p.end - p.begin) / sizeof(float));
        if (!read_all(file.number, values.data(), p.end - p.begin))
            return unreadable(path, "it ended while it was read");
        checkpoint.tensors.push_back({std::move(p.name), std::move(p.shape), std::move(values)});
    }
    return checkpoint;
}

}  // namespace grapevine::learn
