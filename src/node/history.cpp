#include "history.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace grapevine::node {

namespace {

constexpr std::array<std::pair<const char*, std::optional<double> History::Point::*>, 17> columns{{
    {"unix_time", &History::Point::unix_time},
    {"loss", &History::Point::loss},
    {"accuracy", &History::Point::accuracy},
    {"training_loss", &History::Point::training_loss},
    {"cluster_loss", &History::Point::cluster_loss},
    {"cluster_accuracy", &History::Point::cluster_accuracy},
    {"cluster_worst_accuracy", &History::Point::cluster_worst_accuracy},
    {"consensus", &History::Point::consensus},
    {"distance", &History::Point::distance},
    {"staleness", &History::Point::staleness},
    {"samples_per_second", &History::Point::samples_per_second},
    {"bytes_sent_per_second", &History::Point::bytes_sent_per_second},
    {"bytes_received_per_second", &History::Point::bytes_received_per_second},
    {"training", &History::Point::training},
    {"mixing", &History::Point::mixing},
    {"waiting", &History::Point::waiting},
    {"peers_alive", &History::Point::peers_alive},
}};

std::string number(std::optional<double> x, int digits) {
    if (!x || !std::isfinite(*x)) return "null";
    char text[40];
    std::snprintf(text, sizeof text, "%.*g", digits, *x);
    return text;
}

}  // namespace

void History::mixed(double staleness, std::optional<double> relative_distance) {
    const std::lock_guard lock(mutex_);
    ++mixes_;
    staleness_ += staleness;
    if (!relative_distance) return;
    ++distances_;
    distance_ += *relative_distance;
}

void History::add(Point point) {
    const std::lock_guard lock(mutex_);
    if (mixes_ > 0) point.staleness = staleness_ / mixes_;
    if (distances_ > 0) point.distance = distance_ / distances_;
    mixes_ = staleness_ = distances_ = distance_ = 0;
    latest_ = Kept{samples_++, std::move(point)};
    if (latest_->number % stride_ != 0) return;
    if (kept_.size() == most) {
        stride_ *= 2;
        std::erase_if(kept_, [&](const Kept& k) { return k.number % stride_ != 0; });
        if (latest_->number % stride_ != 0) return;
    }
    kept_.push_back(*std::exchange(latest_, std::nullopt));
}

std::string History::json(std::optional<std::uint64_t> after) const {
    const std::lock_guard lock(mutex_);
    if (after && (kept_.empty() || *after > kept_.back().number || *after % stride_ != 0)) after.reset();
    std::string text = "{\"stride\":" + std::to_string(stride_) + ",\"whole\":" + (after ? "false" : "true") +
                       ",\"kept\":" + (kept_.empty() ? "null" : std::to_string(kept_.back().number)) + ",\"columns\":[\"n\",\"t\"";
    for (const auto& column : columns) text += std::string(",\"") + column.first + "\"";
    text += "],\"rows\":[";
    bool first = true;
    const auto row = [&](const Kept& k) {
        if (after && k.number <= *after) return;
        text += first ? "\n[" : ",\n[";
        first = false;
        text += std::to_string(k.number) + "," + number(k.point.t, 9);
        for (const auto& [name, value] : columns) text += "," + number(k.point.*value, value == &Point::unix_time ? 14 : 6);
        text += "]";
    };
    for (const Kept& k : kept_) row(k);
    if (latest_) row(*latest_);
    return text + "\n]}\n";
}

}  // namespace grapevine::node
