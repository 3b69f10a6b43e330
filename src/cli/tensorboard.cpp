#include "tensorboard.hpp"

#include "grapevine/record/tensorboard.hpp"

namespace grapevine::cli {

std::optional<Error> write_event_file(const std::string& directory, const std::vector<record::Sample>& samples) {
    const auto when = [](const record::Sample& s) { return s.unix_time.value_or(s.t); };
    auto created = record::EventFile::create(directory, samples.empty() ? 0 : when(samples.front()));
    if (const auto* error = std::get_if<record::Error>(&created)) return Error{error->what, error->hint};
    auto& file = std::get<record::EventFile>(created);
    for (const record::Sample& sample : samples) file.sample(sample, when(sample));
    if (const auto error = file.fault()) return Error{error->what, error->hint};
    return std::nullopt;
}

}  // namespace grapevine::cli
