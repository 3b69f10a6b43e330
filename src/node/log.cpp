#include "log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace grapevine::node {

namespace {
spdlog::logger& logger() {
    static const auto one = [] {
        auto made = spdlog::stderr_color_mt("grapevine");  // no colour where stderr is not a terminal
        if (std::getenv("NO_COLOR")) static_cast<spdlog::sinks::stderr_color_sink_mt*>(made->sinks()[0].get())->set_color_mode(spdlog::color_mode::never);
        made->set_pattern("%H:%M:%S.%e %^%v%$");
        made->flush_on(spdlog::level::info);
        return made;
    }();
    return *one;
}

std::function<void(Level, const char*, const std::string&)> heard;
}  // namespace

const char* word(Level level) { return level == Level::info ? "INFO" : level == Level::warn ? "WARN" : "ERROR"; }

void log(Level level, const char* area, const std::string& text) {
    log_unheard(level, area, text);
    if (heard) heard(level, area, text);
}

void log_unheard(Level level, const char* area, const std::string& text) {
    const auto l = level == Level::info ? spdlog::level::info : level == Level::warn ? spdlog::level::warn : spdlog::level::err;
    logger().log(l, "{:<5} {:<8} {}", word(level), area, text);
}

void log_only_warnings() { logger().set_level(spdlog::level::warn); }

void listen_to_log(std::function<void(Level, const char*, const std::string&)> listener) { heard = std::move(listener); }

}  // namespace grapevine::node
