#pragma once

#include <string>

#include "grapevine/node/node.hpp"

namespace grapevine::node {

// Says that a node runs here, as long as it lives.
class Announcement {
public:
    explicit Announcement(const Local& local);
    ~Announcement();
    Announcement(const Announcement&) = delete;
    Announcement& operator=(const Announcement&) = delete;

private:
    std::string path_;
};

}  // namespace grapevine::node
