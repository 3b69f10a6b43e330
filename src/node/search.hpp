#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "grapevine/node/sources.hpp"

namespace grapevine::node {

// Asks the sources now and again, on a thread of its own: the loop carries the pings, and a name server that does not answer
// takes many seconds.
class Search {
public:
    Search(std::vector<Source> sources, std::string own_host) : sources_(std::move(sources)), own_host_(std::move(own_host)) {}

    bool any() const { return !sources_.empty(); }
    const std::vector<Source>& sources() const { return sources_; }
    void begin();                  // unless it is under way
    bool under_way() const { return under_way_; }

    // What it came to, once. Of many addresses a few are drawn, others each time: one that answers is enough, and a
    // cluster that starts together does not ask the same one.
    std::optional<Found> take();

private:
    struct Answer;

    std::vector<Source> sources_;
    std::string own_host_;
    bool under_way_ = false;
    std::shared_ptr<Answer> answer_;  // shared with the thread, which may outlive us
};

}  // namespace grapevine::node
