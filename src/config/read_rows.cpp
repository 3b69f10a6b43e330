#include "section.hpp"

// [data] of models that learn from ratings or from words.
namespace grapevine::config {
namespace {

constexpr std::uint32_t most_samples = 100'000'000;

void read_ratings(Section& section, Data& data) {
    section.integer("users", data.users, 1, 1 << 24);
    section.integer("items", data.items, 1, 1 << 24);
    section.integer("rank", data.rank, 1, 1024);
    section.number("noise", data.noise, 0, HUGE_VAL);
    section.integer("train_samples", data.train_samples, 1, most_samples);
    section.integer("test_samples", data.test_samples, 1, most_samples);
    if ((double{1} * data.users + data.items) * data.rank > 2147483648.0)
        section.fault("users", "what lies behind these ratings has more than 2^31 numbers: 8 GiB of memory", "fewer users and items");
}

void read_topics(Section& section, Data& data) {
    section.integer("topics", data.topics, 2, 10'000);
    section.integer("words", data.words, 2, 10'000);
    section.integer("train_samples", data.train_samples, 2, most_samples);
    section.integer("test_samples", data.test_samples, 2, most_samples);
}

}  // namespace

void read_set_of_rows(Section& section, Config& config) {
    Data& data = config.data;
    const bool ratings = rows_of(config.model.kind) == Rows::ratings, own = section.has("format") || section.has("files");
    const auto sets = ratings ? words(rating_sets) : words(word_sets);
    data.set = sets.front();
    if (own && section.has("set")) section.fault("set", "data are a set with a name or files of one's own, not both", "take 'set' out, or 'format' and 'files'");
    if (const auto index = section.pick("set", sets, {})) data.set = sets[*index];
    if (own) {
        section.text("directory", data.directory);
        read_data_files(section, data, config.model.kind);
    }
    const std::string here = own ? "these are files of one's own" : "this set is \"" + data.set + "\"";
    section.belongs({"features", "classes", "spread"}, "set = \"blobs\"", here);
    if (!own) section.belongs({"files", "test_files", "held_out", "normalize", "label", "header", "separator"}, "files of one's own", here);
    if (data.set == "ratings") read_ratings(section, data);
    else section.belongs({"users", "items", "rank", "noise"}, "set = \"ratings\"", here);
    if (data.set == "topics") read_topics(section, data);
    else section.belongs({"topics", "words"}, "set = \"topics\"", here);
    if (data.set == "ratings" || data.set == "topics") return section.belongs({"directory"}, "sets that lie in files", here);
    section.belongs({"train_samples", "test_samples"}, "sets that are generated", here);
    if (!own) section.text("directory", data.directory);
}

}  // namespace grapevine::config
