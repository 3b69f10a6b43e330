#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

#include "elements.hpp"
#include "grapevine/learn/safetensors.hpp"

namespace grapevine::learn {
namespace {

std::string shape_text(const std::vector<std::uint64_t>& shape) {
    std::string text;
    for (const std::uint64_t d : shape) text += (text.empty() ? "" : "x") + std::to_string(d);
    return text;
}

std::string round_trip(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

double samples_of(const Checkpoint& from) {  // 0 where it says nothing that is such a number
    const auto found = from.metadata.find("samples");
    double value = 0;
    if (found == from.metadata.end()) return value;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value >= 0 && value < 1e300 ? value : 0;
}

}  // namespace

const StoredTensor* Checkpoint::find(const std::string& name) const {
    for (const StoredTensor& t : tensors)
        if (t.name == name) return &t;
    return nullptr;
}

std::optional<std::uint64_t> Checkpoint::number(const std::string& key) const {
    const auto found = metadata.find(key);
    std::uint64_t value = 0;
    if (found == metadata.end()) return std::nullopt;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

void add(const TensorTable& table, std::span<const float> block, const std::string& prefix, Checkpoint& to) {
    assert(block.size() == table.size());
    for (const Tensor& t : table.tensors()) {
        const auto values = block.subspan(t.offset, t.size());
        to.tensors.push_back({prefix + t.name, t.shape, {values.begin(), values.end()}});
    }
}

std::variant<std::vector<float>, Error> block_of(const TensorTable& table, const Checkpoint& from,
                                                 const std::string& prefix) {
    for (const Tensor& t : table.tensors()) {  // all of them first: a table may be made of what a file claims
        const StoredTensor* stored = from.find(prefix + t.name);
        if (!stored || stored->shape != t.shape)
            return Error{"tensor " + prefix + t.name + " is " +
                             (stored ? shape_text(stored->shape) : std::string("missing")) + " in the file and " +
                             shape_text(t.shape) + " in the model",
                         "the model wanted is: " + table.describe()};
    }
    std::vector<float> block(table.size());
    for (const Tensor& t : table.tensors()) {
        const StoredTensor* stored = from.find(prefix + t.name);
        std::copy(stored->values.begin(), stored->values.end(), block.begin() + static_cast<std::ptrdiff_t>(t.offset));
    }
    return block;
}

std::map<std::string, std::string> metadata_of(const TensorTable& table, const Snapshot& whole) {
    return {{"format", "grapevine"}, {"step", std::to_string(whole.steps)}, {"samples", round_trip(whole.samples)}, {"layout", table.describe()}};
}

Checkpoint to_checkpoint(const TensorTable& table, const Snapshot& whole) {
    assert(whole.range == (Range{0, table.size()}));
    std::vector<float> block(table.size());
    for_pieces_as<float>(whole, [&](std::size_t begin, std::span<const float> piece) {
        std::copy(piece.begin(), piece.end(), block.begin() + static_cast<std::ptrdiff_t>(begin));
    });
    Checkpoint checkpoint;
    checkpoint.metadata = metadata_of(table, whole);
    add(table, block, {}, checkpoint);
    return checkpoint;
}

std::variant<Snapshot, Error> to_snapshot(const TensorTable& table, const Checkpoint& from) {
    auto block = block_of(table, from);
    if (auto* error = std::get_if<Error>(&block)) return std::move(*error);
    const auto values = std::make_shared<const std::vector<float>>(std::get<std::vector<float>>(std::move(block)));
    Snapshot snapshot;
    snapshot.layout = table.layout();
    snapshot.range = {0, table.size()};
    snapshot.bytes = {reinterpret_cast<const std::byte*>(values->data()), values->size() * sizeof(float), values};
    snapshot.samples = samples_of(from);
    snapshot.steps = from.number("step").value_or(0);
    return snapshot;
}

}  // namespace grapevine::learn
