// grapevine data: the data sets that are known, and whether they are here.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "grapevine/learn/dataset.hpp"
#include "grapevine/learn/rows.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

struct Known {
    const char* name;
    const char* what;
    const char* install;
};
constexpr Known known[] = {
    {"fashion-mnist", "60,000 + 10,000 grey pictures of clothes, 28 x 28, 10 classes (Zalando, MIT licence)", "apt-get install dataset-fashion-mnist"},
    {"kjv", "the King James Bible: 4.3 MB of text, the last 5 % held out (public domain)", "apt-get install bible-kjv"},
    {"blobs", "generated from the seed: gaussian clusters around random centres", ""},
    {"ratings", "generated from the seed: ratings of items by users, of vectors, biases and noise", ""},
    {"insteval", "73,421 ratings of lecturers by students, 1 to 5 (ETH Zurich, in R's lme4)", "apt-get install r-cran-lme4"},
    {"topics", "generated from the seed: a text of words that occur together", ""},
    {"kjv-words", "the King James Bible, word by word", "apt-get install bible-kjv"},
};

// What is in files of one's own.
int show_files(const Arguments& a) {
    const std::vector<std::string> files(a.positional.begin() + 1, a.positional.end());
    config::DataFiles own;
    own.format = learn::format_of(files.front());
    own.label = a.get("label").value_or("");
    const bool labelled = files.size() > 1 || (own.format != config::DataFiles::Format::npy && own.format != config::DataFiles::Format::idx);
    const auto read = learn::read_rows(own, files, "");
    if (const auto* error = std::get_if<learn::Error>(&read)) return complain(*error, usage);
    const auto& rows = std::get<learn::Rows>(read);
    double least = HUGE_VAL, most = -HUGE_VAL;
    std::visit([&](const auto& values) {
        for (const auto value : values) least = std::min(least, static_cast<double>(value)), most = std::max(most, static_cast<double>(value));
    }, rows.values);
    std::map<std::string, std::size_t> count;
    for (const std::uint32_t l : rows.labels) ++count[rows.words[l]];
    const auto classes = learn::in_order(rows.words);
    if (a.has("json")) {
        nlohmann::ordered_json j{{"format", config::to_string(own.format)}, {"rows", rows.count}, {"shape", rows.shape}, {"columns", rows.names}, {"least", least}, {"most", most}};
        for (const std::string& name : classes) j["classes"].push_back({{"name", name}, {"rows", count[name]}});
        std::printf("%s\n", j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
        return finished;
    }
    std::string shape;
    for (const std::uint64_t d : rows.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(d);
    std::printf("%s: %s, %zu rows of %s numbers from %g to %g\n", files.front().c_str(), config::to_string(own.format), rows.count, shape.c_str(), least, most);
    if (!labelled) return finished;
    std::printf("%zu classes\n", classes.size());
    std::size_t shown = 0;
    for (const std::string& name : classes) {
        if (++shown > 100) break;
        std::printf("  %4zu  %-30s %zu\n", shown - 1, plain(name).c_str(), count[name]);
    }
    if (classes.size() > 100) std::printf("  and %zu more\n", classes.size() - 100);
    return finished;
}

int run(const Arguments& a) {
    const std::string verb = a.positional.empty() ? "list" : a.positional[0];
    if (verb != "list" && verb != "show" && verb != "get") return complain({"data has no '" + verb + "'", "there are: data list, data show SET, data get SET"}, usage);
    if (verb != "list" && a.positional.size() < 2) return complain({"data " + verb + " wants a set", "for example: grapevine data " + verb + " fashion-mnist"}, usage);
    std::error_code ignored;
    const bool file = verb == "show" && (a.positional.size() > 2 || a.positional[1].find_first_of("./") != std::string::npos || std::filesystem::exists(a.positional[1], ignored));
    if (file) return show_files(a);
    if (a.positional.size() > 2) return complain({"grapevine data does not know what to do with '" + a.positional[2] + "'", "'grapevine help data' shows how it goes"}, usage);
    auto list = nlohmann::ordered_json::array();
    bool found = false;
    int code = finished;
    for (const Known& k : known) {
        if (verb != "list" && a.positional[1] != k.name) continue;
        found = true;
        config::Data data;
        data.set = k.name;
        data.directory = a.get("data-dir").value_or("");
        const auto loaded = learn::load(data, 1);
        const auto* sets = std::get_if<learn::Sets>(&loaded);
        if (a.has("json")) {
            nlohmann::ordered_json j{{"name", k.name}, {"what", k.what}, {"here", sets != nullptr}, {"install", k.install}};
            if (sets) j.update({{"train", sets->train->rows()}, {"test", sets->test->rows()}, {"features", sets->train->features}, {"classes", sets->train->classes}});
            list.push_back(std::move(j));
            continue;
        }
        std::printf("%-15s %s\n", k.name, k.what);
        if (sets) {
            std::printf("%-15s here: %zu to train on, %zu held out; %zu features, %zu classes; fingerprint %016llx\n", "", sets->train->rows(),
                        sets->test->rows(), sets->train->features, sets->train->classes, static_cast<unsigned long long>(sets->fingerprint));
        } else {
            const auto& error = std::get<learn::Error>(loaded);
            std::printf("%-15s not here: %s\n%-15s %s\n", "", error.what.c_str(), "", error.hint.c_str());
            if (verb != "list") code = failed;
        }
    }
    if (!found) {
        std::vector<std::string> names;
        for (const Known& k : known) names.push_back(k.name);
        const auto near = config::nearest(a.positional[1], names);
        return complain({"no data set '" + a.positional[1] + "'", near ? "did you mean '" + *near + "'?" : "'grapevine data list' shows them"}, usage);
    }
    if (a.has("json")) std::printf("%s\n", list.dump(2).c_str());
    return code;
}

}  // namespace

Verb data_verb() {
    return {"data", "[list | show SET|FILE... | get SET]", "the data sets known, how to install them, and what is in a file",
            "Lists the data sets that a run can name, whether they are on this machine, and the command that installs them.\n"
            "Nothing is fetched: 'get' says what to type. 'show FILE' reads a file of one's own (csv, npy, libsvm, idx, by its name; npy and\n"
            "idx: the samples, and the labels after them) and says its shape, its range and how many rows each class has.",
            {{"data-dir", "DIR", "look there"}, {"label", "NAME", "of a csv file: the column with the classes; default the last"}, {"json", "", "as JSON"}}, 1000, run};
}

}  // namespace grapevine::cli
