// Models as numpy.savez writes them: one npy file a tensor, and metadata.json with what a safetensors file has as its metadata.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/file.hpp"
#include "grapevine/formats/npy.hpp"
#include "grapevine/formats/zip.hpp"
#include "grapevine/learn/safetensors.hpp"

namespace grapevine::learn {
namespace {

using nlohmann::json;
constexpr const char* metadata_name = "metadata.json";

}  // namespace

std::optional<Error> save_npz(const std::string& path, const Checkpoint& checkpoint) {
    const std::string metadata = json(checkpoint.metadata).dump(-1, ' ', false, json::error_handler_t::replace);
    std::vector<std::vector<std::byte>> arrays;
    std::vector<formats::ZipEntry> entries = {{metadata_name, std::as_bytes(std::span(metadata))}};
    for (const StoredTensor& t : checkpoint.tensors) arrays.push_back(formats::encode_npy(t.shape, t.values));
    for (std::size_t i = 0; i < arrays.size(); ++i) entries.push_back({checkpoint.tensors[i].name + ".npy", arrays[i]});
    const auto bytes = formats::encode_zip(entries);
    if (!bytes) return Error{path + " would be larger than 4 GiB, or have more than 65,534 tensors, which npz files cannot", "write a .safetensors file"};
    const std::span<const std::byte> whole(*bytes);
    return replace_file(path, {&whole, 1});
}

std::variant<Checkpoint, formats::Fault> decode_npz(std::span<const std::byte> bytes) {
    auto archive = formats::decode_zip(bytes);
    if (auto* fault = std::get_if<formats::Fault>(&archive)) return std::move(*fault);
    Checkpoint checkpoint;
    for (const formats::ZipEntry& entry : std::get<std::vector<formats::ZipEntry>>(archive)) {
        const std::string said = formats::shown(entry.name.data(), entry.name.size());
        if (entry.name == metadata_name) {
            if (entry.content.size() > most_checkpoint_header) return formats::Fault{"its metadata is larger than a mebibyte", "grapevine export writes less"};
            const auto* text = reinterpret_cast<const char*>(entry.content.data());
            const json metadata = json::parse(text, text + entry.content.size(), nullptr, false);
            if (!metadata.is_object() || !std::all_of(metadata.begin(), metadata.end(), [](const json& v) { return v.is_string(); })) return formats::Fault{"its metadata is no JSON object of texts", "grapevine export writes one"};
            for (const auto& [key, value] : metadata.items()) checkpoint.metadata[key] = value.get<std::string>();
            continue;
        }
        if (!entry.name.ends_with(".npy")) return formats::Fault{said + " in it is no array", "an npz file as numpy.savez writes it"};
        auto array = formats::decode_npy(entry.content);
        if (auto* fault = std::get_if<formats::Fault>(&array)) return formats::Fault{said + " in it: " + fault->what, fault->hint};
        auto& a = std::get<formats::Array>(array);
        auto* values = std::get_if<std::vector<float>>(&a.values);
        if (!values) return formats::Fault{said + " in it is not of floats", "array.astype(\"float32\")"};
        checkpoint.tensors.push_back({entry.name.substr(0, entry.name.size() - 4), std::move(a.shape), std::move(*values)});
    }
    return checkpoint;
}

}  // namespace grapevine::learn
