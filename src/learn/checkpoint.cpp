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

// What metadata says under a key; 0 where it says nothing that is such a number.
template <class Number>
Number number(const Checkpoint& from, const std::string& key) {
    const auto found = from.metadata.find(key);
    Number value{};
    if (found == from.metadata.end()) return value;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : Number{};
}

}  // namespace

const StoredTensor* Checkpoint::find(const std::string& name) const {
    for (const StoredTensor& t : tensors)
        if (t.name == name) return &t;
    return nullptr;
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
    std::vector<float> block(table.size());
    for (const Tensor& t : table.tensors()) {
        const StoredTensor* stored = from.find(prefix + t.name);
        if (!stored || stored->shape != t.shape)
            return Error{"tensor " + prefix + t.name + " is " +
                             (stored ? shape_text(stored->shape) : std::string("missing")) + " in the file and " +
                             shape_text(t.shape) + " in the model",
                         "the model wanted is: " + table.describe()};
        std::copy(stored->values.begin(), stored->values.end(), block.begin() + static_cast<std::ptrdiff_t>(t.offset));
    }
    return block;
}

Checkpoint to_checkpoint(const TensorTable& table, const Snapshot& whole) {
    assert(whole.range == (Range{0, table.size()}));
    std::vector<float> block(table.size());
    for_pieces_as<float>(whole, [&](std::size_t begin, std::span<const float> piece) {
        std::copy(piece.begin(), piece.end(), block.begin() + static_cast<std::ptrdiff_t>(begin));
    });
    Checkpoint checkpoint;
    checkpoint.metadata = {{"format", "grapevine"},
                           {"step", std::to_string(whole.steps)},
                           {"samples", round_trip(whole.samples)},
                           {"layout", table.describe()}};
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
    snapshot.samples = number<double>(from, "samples");
    snapshot.steps = number<std::uint64_t>(from, "step");
    return snapshot;
}

}  // namespace grapevine::learn
