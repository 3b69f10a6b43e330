#include "grapevine/learn/continuation.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>
#include <tuple>
#include <vector>

#include "data/text.hpp"
#include "grapevine/learn/encoding.hpp"
#include "grapevine/random.hpp"

namespace grapevine::learn {
namespace {

constexpr std::size_t letters = 256;

std::size_t drawn(std::span<const float> logits, double temperature, Random& random) {
    const auto largest = std::max_element(logits.begin(), logits.end());
    if (temperature == 0) return static_cast<std::size_t>(largest - logits.begin());
    const auto weight = [&](float logit) { return std::exp((static_cast<double>(logit) - static_cast<double>(*largest)) / temperature); };
    double sum = 0;
    for (const float logit : logits) sum += weight(logit);
    double left = random.uniform() * sum;
    for (std::size_t i = 0; i < logits.size(); ++i)
        if ((left -= weight(logits[i])) < 0) return i;
    return static_cast<std::size_t>(largest - logits.begin());  // by rounding
}

}  // namespace

std::variant<TextModel, Error> text_model_of(const Checkpoint& from, const config::Config& config) {
    assert(config.model.reads_text());
    DataShape shape;
    shape.length = config.model.length;
    shape.features = shape.length + 1;
    shape.classes = letters;
    auto made = make_model(config, shape);
    if (auto* error = std::get_if<Error>(&made)) return std::move(*error);
    TextModel text{shape.length, std::get<std::shared_ptr<const Model>>(std::move(made)), {}};
    auto whole = to_snapshot(text.model->table(), from);
    if (auto* error = std::get_if<Error>(&whole)) return std::move(*error);
    text.whole = std::get<Snapshot>(std::move(whole));
    if (!well_formed(text.whole)) return Error{"the model holds values that are no numbers", "the training that made it has diverged"};
    return text;
}

std::string continued(const TextModel& text, const std::string& prompt, std::size_t bytes, const Sampling& how, kernels::Backend& backend) {
    const Model& model = *text.model;
    const std::size_t size = model.table().size(), each = model.indices_per_row();
    Room room;
    const auto lay_out = [&](Room& in) { return std::tuple(in.floats(size), in.indices(each), in.floats(model.memory(backend.element(), 1, false))); };
    lay_out(room);
    room = Room(backend.allocate(room.used()));
    const auto [parameters, staged, memory] = lay_out(room);
    backend.upload(std::span(reinterpret_cast<const float*>(text.whole.bytes.data), size), parameters);

    Random random(how.seed);
    std::string all = prompt.empty() ? "\n" : prompt;
    const std::size_t begin = all.size();
    std::vector<float> logits(model.outputs());
    std::vector<std::int32_t> numbers(each);
    const std::uint32_t row = 0;
    while (all.size() < begin + bytes) {
        // No place sees those after it: what fills up the window does not matter.
        const std::size_t seen = std::min(all.size(), text.length);
        std::vector<std::uint8_t> window(all.end() - static_cast<std::ptrdiff_t>(seen), all.end());
        window.resize(text.length + 1);
        const Dataset set = windows(std::move(window), text.length);
        const Kept kept = keep(set, backend);
        model.stage(set, std::span(&row, 1), nullptr, numbers);
        backend.upload(std::span<const std::int32_t>(numbers), staged);
        backend.download(model.forward({backend, set, kept, 1, false, staged, parameters, backend.shadow(parameters), {}, memory}), logits);
        all += static_cast<char>(drawn(std::span(logits).subspan((seen - 1) * letters, letters), how.temperature, random));
    }
    return all.substr(begin);
}

}  // namespace grapevine::learn
