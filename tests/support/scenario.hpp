#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "grapevine/learn/task.hpp"
#include "grapevine/sim/run/run.hpp"

namespace grapevine::test {

// The configuration in a scenario's text; a test fails here that has written it wrong.
inline config::Config config_of(const std::string& text) {
    auto read = config::read_text(text, "test.toml");
    if (const auto* error = std::get_if<config::Error>(&read)) FAIL(error->what << ": " << error->hint);
    return std::get<config::Config>(read);
}

// To run it: its data are there.
inline sim::RunRequest request_of(const config::Config& config) {
    sim::RunRequest request;
    request.config = config;
    request.task = std::get<std::shared_ptr<const learn::Task>>(learn::prepare(config));
    return request;
}

// An [[event]] of a scenario.
inline std::string event(const std::string& at, const std::string& rest) { return "[[event]]\nat = \"" + at + "\"\n" + rest + "\n"; }

}  // namespace grapevine::test
