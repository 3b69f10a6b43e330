#include "section.hpp"
#include "setting.hpp"

namespace grapevine::config {
namespace {

constexpr std::size_t most_bytes_of_text = 1 << 20;  // what a stranger may make us parse
constexpr std::uint64_t most_seed = (std::uint64_t{1} << 53) - 1;  // what a JSON number holds

Config read_run(Section& file) {
    Config config;
    file.text("name", config.name);
    if (config.name.empty() || config.name.size() > 200) file.fault("name", "'name' must have from 1 to 200 bytes", "name = \"first-try\"");
    file.integer("seed", config.seed, 0, most_seed);
    Duration until{};
    if (file.longer_than_zero("until", until, "90s")) config.until = until;
    std::uint64_t steps = 0;
    if (file.integer("until_steps", steps, 1, most_seed)) config.until_steps = steps;

    read_model(file, config);
    if (config.until_steps && config.model.kind == ModelKind::average)
        file.fault("until_steps", "the model \"average\" makes no steps, so 'until_steps' never comes", "until = \"60s\"");
    if (config.until_steps && config.model.kind == ModelKind::forest && *config.until_steps > config.model.trees)
        file.fault("until_steps", "a peer of this run grows " + std::to_string(config.model.trees) + " trees, a step each, and makes no more steps",
                   "until = \"60s\", or more [model] trees");
    read_data(file, config);
    read_train(file, config);
    read_exchange(file, config);
    read_membership(file, config);
    read_metrics(file, config);
    const Usual usual = read_preset(file);
    read_groups(file, config, usual);
    read_links(file, config, usual);
    read_events(file, config);
    read_churns(file, config);
    read_sweep(file, config);
    read_expects(file, config);
    read_compares(file, config);
    file.later({"until_samples"});
    file.finish();
    return config;
}

std::variant<Config, Error> result_of(Table table, Reading& reading, const std::vector<Setting>& settings = {}) {
    for (const Setting& setting : settings)
        if (!reading.any()) lay_over(table, setting, reading);
    if (!reading.any()) {
        Section file(&table, {}, "", reading);
        Config config = read_run(file);
        if (!reading.any()) return config;
    }
    return *reading.first();
}

}  // namespace

std::variant<Config, Error> read_file(const std::string& path, const std::vector<Setting>& settings) {
    Reading reading;
    return result_of(read_document(path, reading), reading, settings);
}

std::variant<Config, Error> read_text(const std::string& text, const std::string& name, const std::vector<Setting>& settings) {
    Reading reading;
    reading.files.push_back(name);
    reading.may_open_files = false;
    if (text.size() > most_bytes_of_text) {
        reading.say({}, "longer than 1 MiB", "that is no configuration");
        return *reading.first();
    }
    Table table = parse_document(text, 0, reading);
    if (const Entry* include = table.find("include"))
        reading.say(include->place, "a configuration that is no file cannot include others", "read it from a file");
    return result_of(std::move(table), reading, settings);
}

std::optional<Error> check(const Config& config, const std::string& name) {
    Reading reading;
    reading.files.push_back(name);
    reading.tell_places = false;
    const auto read = result_of(parse_document(to_toml(config), 0, reading), reading);
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    return {};
}

}  // namespace grapevine::config
