// grapevine data: the data sets that are known, and whether they are here.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "grapevine/learn/dataset.hpp"
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
    {"blobs", "generated from the seed: gaussian clusters around random centres", ""},
    {"ratings", "generated from the seed: ratings of items by users, of vectors, biases and noise", ""},
    {"insteval", "73,421 ratings of lecturers by students, 1 to 5 (ETH Zurich, in R's lme4)", "apt-get install r-cran-lme4"},
    {"topics", "generated from the seed: a text of words that occur together", ""},
    {"kjv-words", "the King James Bible, word by word", "apt-get install bible-kjv"},
};

int run(const Arguments& a) {
    const std::string verb = a.positional.empty() ? "list" : a.positional[0];
    if (verb != "list" && verb != "show" && verb != "get") return complain({"data has no '" + verb + "'", "there are: data list, data show SET, data get SET"}, usage);
    if (verb != "list" && a.positional.size() < 2) return complain({"data " + verb + " wants a set", "for example: grapevine data " + verb + " fashion-mnist"}, usage);
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
    return {"data", "[list | show SET | get SET]", "the data sets known, and how to install them",
            "Lists the data sets that a run can name, whether they are on this machine, and the command that installs them.\n"
            "Nothing is fetched: 'get' says what to type.",
            {{"data-dir", "DIR", "look there"}, {"json", "", "as JSON"}}, 2, run};
}

}  // namespace grapevine::cli
