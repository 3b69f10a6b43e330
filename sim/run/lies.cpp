#include "lies.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "grapevine/learn/encoding.hpp"

namespace grapevine::sim {

namespace {

Snapshot with(const Snapshot& truth, const std::vector<float>& values) {
    Snapshot s = truth;
    const double kept = truth.range.count == 0 ? 1 : static_cast<double>(truth.bytes.size / 8) / static_cast<double>(truth.range.count);  // of top_k
    auto memory = std::shared_ptr<std::byte[]>(new std::byte[truth.bytes.size + 8]);
    s.bytes = {memory.get(), learn::encoded_bytes(s.encoding, values.size(), kept), memory};
    if (s.encoding == Encoding::float64) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const double wide = values[i];
            std::memcpy(memory.get() + i * sizeof wide, &wide, sizeof wide);
        }
    } else if (s.encoding == Encoding::float32) {
        std::memcpy(memory.get(), values.data(), s.bytes.size);
    } else {
        learn::encode(values, s.encoding, kept, memory.get());
    }
    return s;
}

}  // namespace

World::Lie lie_of(config::Event::Sends sends, Random random) {
    return [sends, random](const Snapshot& truth) mutable {
        using Sends = config::Event::Sends;
        std::vector<float> values(truth.range.count);
        learn::decode(truth, values);
        double squares = 0;
        for (const float v : values) squares += static_cast<double>(v) * v;
        const double deviation = values.empty() ? 0 : std::sqrt(squares / static_cast<double>(values.size()));
        for (float& v : values) switch (sends) {
                case Sends::random: v = static_cast<float>(deviation * random.normal()); break;
                case Sends::sign_flip: v = -v; break;
                case Sends::huge: v *= 1e6f; break;
                case Sends::no_number: v = std::numeric_limits<float>::quiet_NaN(); break;
            }
        return with(truth, values);
    };
}

}  // namespace grapevine::sim
