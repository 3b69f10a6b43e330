#include "grapevine/learn/safetensors.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/file.hpp"
#include "grapevine/formats/zip.hpp"

namespace grapevine::learn {
namespace {

using nlohmann::json;

constexpr const char *version_key = "version", *hash_key = "hash";  // in the metadata of a file, not of a Checkpoint

// One entry of the file: its bytes lie in the checkpoint.
struct Part {
    const std::string& name;
    const char* type;
    std::vector<std::uint64_t> shape;
    std::span<const std::byte> bytes;
};

std::vector<Part> parts_of(const Checkpoint& checkpoint) {
    std::vector<Part> parts;
    for (const StoredTensor& t : checkpoint.tensors) parts.push_back({t.name, "F32", t.shape, std::as_bytes(std::span(t.values))});
    for (const StoredState& s : checkpoint.states)
        std::visit([&](const auto& values) { parts.push_back({s.name, sizeof values[0] == 8 ? "F64" : "U32", {values.size()}, std::as_bytes(std::span(values))}); }, s.values);
    return parts;
}

std::string hex(std::uint64_t n) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(n));
    return text;
}

std::string written(const json& header) { return header.dump(-1, ' ', false, json::error_handler_t::replace); }

// Of all that a file says: its header but for the hash itself, and its values.
std::uint64_t hash_of(json header, const std::vector<std::span<const std::byte>>& values) {
    header["__metadata__"].erase(hash_key);
    const std::string text = written(header);
    XXH3_state_t* const state = XXH3_createState();
    assert(state);
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, text.data(), text.size());
    for (const auto& bytes : values) XXH3_64bits_update(state, bytes.data(), bytes.size());
    const std::uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

std::string header_of(const std::map<std::string, std::string>& said, const std::vector<Part>& parts) {
    json header = json::object();
    json& metadata = header["__metadata__"] = said;
    metadata[version_key] = std::to_string(checkpoint_version);
    std::uint64_t offset = 0;
    for (const Part& p : parts) {
        const std::uint64_t end = offset + p.bytes.size();
        header[p.name] = {{"dtype", p.type}, {"shape", p.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::vector<std::span<const std::byte>> values;
    for (const Part& p : parts) values.push_back(p.bytes);
    const std::string hash = hex(hash_of(header, values));
    header["__metadata__"][hash_key] = hash;
    std::string text = written(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values lie aligned
    return text;
}

bool is_count(const json& value) { return value.is_number_unsigned(); }

// Where a tensor's values lie, once the header's word for it has been checked.
struct Place {
    std::string name;
    enum class Type { f32, f64, u32 } type = Type::f32;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // bytes from the end of the header
    std::uint64_t width() const { return type == Type::f64 ? 8 : 4; }
};

// Empty if all is well.
std::string check(const std::string& name, const json& entry, std::uint64_t data_size, Place& place) {
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
        return "tensor " + name + " lacks dtype, shape or data_offsets";
    const json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
    const bool state = name.starts_with("state.");
    if (state && dtype == "U32") place.type = Place::Type::u32;
    else if (state && dtype == "F64") place.type = Place::Type::f64;
    else if (dtype != "F32") return "tensor " + name + " is not F32";
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
    if (count != (place.end - place.begin) / place.width() || (place.end - place.begin) % place.width() != 0)
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
    const std::vector<Part> parts = parts_of(checkpoint);
    const std::string header = header_of(checkpoint.metadata, parts);
    const std::uint64_t length = header.size();
    std::vector<std::span<const std::byte>> pieces = {std::as_bytes(std::span(&length, 1)), std::as_bytes(std::span(header))};
    for (const Part& p : parts) pieces.push_back(p.bytes);
    return replace_file(path, pieces);
}

std::uint64_t ModelFile::size() const {
    std::uint64_t bytes = head.size();
    for (const Bytes& b : values) bytes += b.size;
    return bytes;
}

ModelFile model_file(const TensorTable& table, const Snapshot& whole, Checkpoint beside) {
    assert(whole.encoding == Encoding::float32);
    assert(whole.range == (Range{0, table.size()}));
    assert(beside.states.empty());
    beside.metadata.merge(metadata_of(table, whole));  // what was said beside it wins
    const auto kept = std::make_shared<const Checkpoint>(std::move(beside));
    ModelFile file;
    std::vector<Part> parts;
    const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& shape, Bytes bytes) {
        parts.push_back({name, "F32", shape, {bytes.data, bytes.size}});
        file.values.push_back(std::move(bytes));
    };
    for (const Tensor& t : table.tensors()) add(t.name, t.shape, {whole.bytes.data + t.offset * sizeof(float), t.size() * sizeof(float), whole.bytes.owner});
    for (const StoredTensor& t : kept->tensors) add(t.name, t.shape, {reinterpret_cast<const std::byte*>(t.values.data()), t.values.size() * sizeof(float), kept});
    const std::string header = header_of(kept->metadata, parts);
    const std::uint64_t length = header.size();
    file.head.assign(reinterpret_cast<const char*>(&length), sizeof length);
    file.head += header;
    return file;
}

std::variant<Checkpoint, formats::Fault> decode_checkpoint(std::span<const std::byte> bytes) {
    const auto wrong = [](const std::string& what) { return formats::Fault{what, "it should be a safetensors file of float32 tensors"}; };
    std::uint64_t length = 0;
    if (bytes.size() < sizeof length) return wrong("it is too short");
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > bytes.size() - sizeof length) return wrong("it ends within its header");
    if (length > most_checkpoint_header) return wrong("its header is larger than a mebibyte");
    const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof length;
    const auto data = bytes.subspan(sizeof length + length);

    const json header = json::parse(text, text + length, nullptr, false);  // no exceptions
    if (header.is_discarded()) return wrong("its header is no JSON");
    Checkpoint checkpoint;
    std::vector<Place> places;
    if (const auto said = check(header, data.size(), places, checkpoint); !said.empty()) return wrong(said);
    const auto version = checkpoint.metadata.find(version_key), hash = checkpoint.metadata.find(hash_key);  // other programs' files have neither
    if (version != checkpoint.metadata.end() && checkpoint.number(version_key).value_or(checkpoint_version + 1) > checkpoint_version)
        return formats::Fault{"it is of version " + version->second.substr(0, 24) + " of these files, and this grapevine knows " + std::to_string(checkpoint_version), "read it with the newer grapevine that wrote it"};
    const bool ours = version != checkpoint.metadata.end() || hash != checkpoint.metadata.end();
    if (ours && (hash == checkpoint.metadata.end() || hash->second != hex(hash_of(header, {data}))))
        return formats::Fault{"it is not what was written: its hash is another", "it was damaged: take another checkpoint of the run"};
    checkpoint.metadata.erase(version_key);
    checkpoint.metadata.erase(hash_key);
    for (Place& p : places) {
        const auto copy = [&](auto values) {
            if (p.end > p.begin) std::memcpy(values.data(), data.data() + p.begin, p.end - p.begin);
            return values;
        };
        const std::size_t count = (p.end - p.begin) / p.width();
        switch (p.type) {
            case Place::Type::f32: checkpoint.tensors.push_back({std::move(p.name), std::move(p.shape), copy(std::vector<float>(count))}); break;
            case Place::Type::f64: checkpoint.states.push_back({std::move(p.name), copy(std::vector<double>(count))}); break;
            case Place::Type::u32: checkpoint.states.push_back({std::move(p.name), copy(std::vector<std::uint32_t>(count))}); break;
        }
    }
    return checkpoint;
}

std::variant<Checkpoint, Error> load_checkpoint(const std::string& path) {
    const auto bytes = read_whole(path, "check the path");
    if (const auto* error = std::get_if<Error>(&bytes)) return *error;
    const auto& content = std::get<std::vector<std::byte>>(bytes);
    auto decoded = formats::is_zip(content) ? decode_npz(content) : decode_checkpoint(content);
    if (const auto* fault = std::get_if<formats::Fault>(&decoded)) return Error{path + " is no model that can be read: " + fault->what, fault->hint};
    return std::get<Checkpoint>(std::move(decoded));
}

}  // namespace grapevine::learn
