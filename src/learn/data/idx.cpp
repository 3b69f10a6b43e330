#include "idx.hpp"

#include <filesystem>

#include "file.hpp"
#include "grapevine/formats/gzip.hpp"
#include "grapevine/formats/idx.hpp"

namespace grapevine::learn {

std::variant<formats::Array, Error> read_idx(const std::string& path, const std::string& missing) {
    std::error_code ignored;
    std::string found = path;
    if (!std::filesystem::exists(found, ignored) && path.ends_with(".gz")) found.resize(path.size() - 3);
    if (!std::filesystem::exists(found, ignored)) return Error{path + " is missing", missing};
    auto read = read_whole(found, missing);
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    auto bytes = std::get<std::vector<std::byte>>(std::move(read));
    const auto damaged = [&](const formats::Fault& fault) { return Error{found + " is damaged: " + fault.what, "install the package again, or fetch the file again"}; };
    if (formats::is_gzip(bytes)) {
        auto unpacked = formats::gunzip(bytes, formats::most_idx_values + 1024);
        if (const auto* fault = std::get_if<formats::Fault>(&unpacked)) return damaged(*fault);
        bytes = std::get<std::vector<std::byte>>(std::move(unpacked));
    }
    auto decoded = formats::decode_idx(bytes);
    if (const auto* fault = std::get_if<formats::Fault>(&decoded)) return damaged(*fault);
    return std::get<formats::Array>(std::move(decoded));
}

}  // namespace grapevine::learn
