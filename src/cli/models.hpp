#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/learner.hpp"

namespace grapevine::cli {

// Model files, loaded for evaluation: the learner of the first one's run and each model as a snapshot.
struct Models {
    config::Config config;
    std::unique_ptr<Learner> learner;
    std::vector<Snapshot> models;
};
std::variant<Models, Error> load_models(const std::vector<std::string>& paths, const std::string& data_directory, const std::string& set);

// The average of several models of one layout.
Snapshot averaged(const std::vector<Snapshot>& models);

}  // namespace grapevine::cli
