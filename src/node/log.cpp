#include "log.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "grapevine/record/plain.hpp"

namespace grapevine::node {

namespace {

enum class Format { pretty, logfmt, json };
Format written_as = Format::pretty;
std::string own_name;
std::optional<double> others_show;  // when the machine started

double wall_time() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// By a clock that does not jump.
double since_start() {
    timespec t{};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

spdlog::logger& logger() {
    static const auto one = [] {
        auto made = spdlog::stderr_color_mt("grapevine");  // no colour where stderr is not a terminal
        if (std::getenv("NO_COLOR")) static_cast<spdlog::sinks::stderr_color_sink_mt*>(made->sinks()[0].get())->set_color_mode(spdlog::color_mode::never);
        made->set_pattern("%H:%M:%S.%e %^%v%$");
        made->flush_on(spdlog::level::debug);
        return made;
    }();
    return *one;
}

std::function<void(Level, const char*, const std::string&)> heard;

const char* lower(Level level) {
    static constexpr const char* words[] = {"debug", "info", "warn", "error"};
    return words[static_cast<int>(level)];
}

spdlog::level::level_enum theirs(Level level) {
    static constexpr spdlog::level::level_enum all[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};
    return all[static_cast<int>(level)];
}

// The fields of a line, in their order: the same for both formats that programs read.
nlohmann::ordered_json fields_of(double time, std::optional<double> offset, const std::string& node, Level level, const char* area, const std::string& text, const record::RunEvent* event) {
    nlohmann::ordered_json j{{"time", rfc3339(time)}, {"offset", offset ? nlohmann::ordered_json(std::round(*offset * 1e6) / 1e6) : nullptr}, {"level", lower(level)}, {"area", area}, {"node", node}, {"kind", event ? event->kind : "log"}};
    if (event && !event->about.empty()) j["about"] = event->about;
    if (event)
        for (const auto& [name, value] : event->fields)
            std::visit([&, &key = name](const auto& v) { j[key] = v; }, value);
    j["text"] = text;
    return j;
}

}  // namespace

std::string rfc3339(double time) {
    const double whole = std::floor(time);
    const std::time_t seconds = static_cast<std::time_t>(whole);
    std::tm local{};
    localtime_r(&seconds, &local);
    char date[32], out[64];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
    const long minutes = std::abs(local.tm_gmtoff) / 60;
    std::snprintf(out, sizeof out, "%s.%03d%c%02ld:%02ld", date, static_cast<int>((time - whole) * 1e3), local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return out;
}

std::string json_line(double time, std::optional<double> offset, const std::string& node, Level level, const char* area, const std::string& text, const record::RunEvent* event) {
    return fields_of(time, offset, node, level, area, text, event).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// key=value; what is not one plain word stands in quotation marks, escaped as in JSON.
std::string logfmt_line(double time, std::optional<double> offset, const std::string& node, Level level, const char* area, const std::string& text, const record::RunEvent* event) {
    std::string line;
    const auto fields = fields_of(time, offset, node, level, area, text, event);
    for (const auto& [key, value] : fields.items()) {
        std::string said = value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
        const bool word = !said.empty() && std::all_of(said.begin(), said.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\'; });
        if (!word && value.is_string()) said = value.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
        line += (line.empty() ? "" : " ") + key + "=" + said;
    }
    return line;
}

const char* word(Level level) { return level == Level::debug ? "DEBUG" : level == Level::info ? "INFO" : level == Level::warn ? "WARN" : "ERROR"; }

void set_log(const std::string& format, const std::string& least, const std::string& node) {
    written_as = format == "json" ? Format::json : format == "logfmt" ? Format::logfmt : Format::pretty;
    own_name = node;
    if (written_as != Format::pretty) logger().set_pattern("%v");
    for (const Level level : {Level::debug, Level::info, Level::warn, Level::error})
        if (least == lower(level)) logger().set_level(theirs(level));
}

// Kept so that it is right also for a line that is written just after our clock was set.
void set_offset(std::optional<double> ahead) {
    others_show.reset();
    if (ahead) others_show = wall_time() + *ahead - since_start();
}

void log(Level level, const char* area, const std::string& text) {
    log_unheard(level, area, text);
    if (heard) heard(level, area, text);
}

void log_unheard(Level level, const char* area, const std::string& text, const record::RunEvent* event) {
    if (!logger().should_log(theirs(level))) return;
    const double now = wall_time();
    std::optional<double> offset;
    if (others_show) offset = *others_show + since_start() - now;
    switch (written_as) {
        case Format::pretty: return logger().log(theirs(level), "{:<5} {:<8} {}", word(level), area, record::plain(text));
        case Format::logfmt: return logger().log(theirs(level), "{}", logfmt_line(now, offset, own_name, level, area, text, event));
        case Format::json: return logger().log(theirs(level), "{}", json_line(now, offset, own_name, level, area, text, event));
    }
}

void listen_to_log(std::function<void(Level, const char*, const std::string&)> listener) { heard = std::move(listener); }

}  // namespace grapevine::node
