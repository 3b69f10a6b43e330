#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "grapevine/config/config.hpp"
#include "units.hpp"

// Durations, rates and other texts that carry a unit. No sign, no exponent, and never a bare number.
namespace grapevine::config {
namespace {

struct Unit {
    std::string_view name;
    double factor;
};

constexpr std::array<Unit, 7> durations{{{"d", 86'400e9}, {"h", 3'600e9}, {"min", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}}};  // in ns
constexpr std::array<Unit, 11> rates{{{"Gbit", 1e9 / 8},
                                      {"Mbit", 1e6 / 8},
                                      {"kbit", 1e3 / 8},
                                      {"GB", 1e9},
                                      {"MB", 1e6},
                                      {"kB", 1e3},
                                      {"GiB", 1073741824},
                                      {"MiB", 1048576},
                                      {"KiB", 1024},
                                      {"B", 1},
                                      {"bit", 1.0 / 8}}};  // in bytes per second

constexpr std::array<Unit, 3> powers{{{"W", 1}, {"kW", 1e3}, {"mW", 1e-3}}};                                    // in W
constexpr std::array<Unit, 5> energies{{{"J", 1}, {"kJ", 1e3}, {"mJ", 1e-3}, {"uJ", 1e-6}, {"nJ", 1e-9}}};         // in J

bool digit(char c) { return c >= '0' && c <= '9'; }

struct Measure {
    std::string_view whole, fraction, unit;
};

// "12.5 ms" -> "12", "5", "ms"
std::optional<Measure> split(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size() && digit(text[i])) ++i;
    Measure measure{text.substr(0, i), {}, {}};
    if (i == 0) return {};
    if (i < text.size() && text[i] == '.') {
        const std::size_t from = ++i;
        while (i < text.size() && digit(text[i])) ++i;
        measure.fraction = text.substr(from, i - from);
        if (measure.fraction.empty()) return {};
    }
    while (i < text.size() && text[i] == ' ') ++i;
    measure.unit = text.substr(i);
    return measure;
}

template <std::size_t N> const Unit* find(const std::array<Unit, N>& units, std::string_view name) {
    for (const Unit& unit : units)
        if (unit.name == name) return &unit;
    return nullptr;
}

double number(const Measure& measure) {
    const std::string text = std::string(measure.whole) + "." + std::string(measure.fraction) + "0";
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return HUGE_VAL;
    return value;
}

std::string plain(double value) {
    char digits[400];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed);
    return {digits, end.ptr};
}

}  // namespace

std::optional<Duration> parse_duration(const std::string& text) {
    const auto measure = split(text);
    if (!measure || text.size() > 64) return {};
    const Unit* unit = find(durations, measure->unit);
    if (!unit) return {};
    std::uint64_t whole = 0;
    const auto& digits = measure->whole;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), whole).ec != std::errc()) return {};
    const auto factor = static_cast<std::uint64_t>(unit->factor);
    constexpr std::uint64_t most = 9'000'000'000'000'000'000;  // 285 years
    if (whole > most / factor) return {};
    const double part = measure->fraction.empty() ? 0 : number({"0", measure->fraction, {}});
    const auto rest = static_cast<std::uint64_t>(std::llround(part * unit->factor));
    if (whole * factor + rest > most) return {};
    return Duration(static_cast<std::int64_t>(whole * factor + rest));
}

std::string format_duration(Duration d) {
    const std::int64_t ns = d.count();
    if (ns == 0) return "0s";
    if (ns < 0) return "-" + (ns == INT64_MIN ? format_duration(Duration::max()) : format_duration(-d));
    std::string best;
    for (const Unit& unit : durations) {
        const auto factor = static_cast<std::int64_t>(unit.factor);
        if (ns < factor) continue;
        std::string text = std::to_string(ns / factor);
        std::string fraction;
        for (std::int64_t rest = ns % factor * 10; rest != 0 && fraction.size() < 10; rest = rest % factor * 10)
            fraction += static_cast<char>('0' + rest / factor);
        if (fraction.size() >= 10) continue;  // a third of a minute has no end
        if (!fraction.empty()) text += "." + fraction;
        text += unit.name;
        if ((best.empty() || text.size() < best.size()) && parse_duration(text) == d) best = text;
    }
    return best.empty() ? std::to_string(ns) + "ns" : best;
}

std::optional<double> parse_rate(const std::string& text) {
    std::string_view rest = text;
    if (rest.size() > 64) return {};
    if (rest.ends_with("/s")) rest.remove_suffix(2);
    const auto measure = split(rest);
    if (!measure) return {};
    const Unit* unit = find(rates, measure->unit);
    if (!unit) return {};
    const double value = number(*measure) * unit->factor;
    if (!(value < 1e18)) return {};
    return value;
}

std::string format_rate(double bytes_per_second) {
    std::string best;
    std::size_t fewest = 0;
    for (const Unit& unit : rates) {
        const double value = bytes_per_second / unit.factor;
        if (value < 1) continue;
        const std::string digits = plain(value), text = digits + std::string(unit.name);
        if ((best.empty() || digits.size() < fewest) && parse_rate(text) == bytes_per_second) best = text, fewest = digits.size();
    }
    return best.empty() ? plain(bytes_per_second) + "B" : best;
}

namespace {

template <std::size_t N> std::optional<double> parse_amount(const std::array<Unit, N>& units, const std::string& text) {
    const auto measure = split(text);
    if (!measure || text.size() > 64) return {};
    const Unit* unit = find(units, measure->unit);
    if (!unit) return {};
    // Divided where the unit is a part: 5nJ is the double nearest to 5e-9, as if it stood there.
    const double value = unit->factor < 1 ? number(*measure) / std::round(1 / unit->factor) : number(*measure) * unit->factor;
    return value < 1e18 ? std::optional(value) : std::nullopt;
}

template <std::size_t N> std::string format_amount(const std::array<Unit, N>& units, double amount) {
    std::string best;
    for (const Unit& unit : units) {
        const std::string text = plain(unit.factor < 1 ? amount * std::round(1 / unit.factor) : amount / unit.factor) + std::string(unit.name);
        if ((best.empty() || text.size() < best.size()) && parse_amount(units, text) == amount) best = text;
    }
    return best.empty() ? plain(amount) + std::string(units.front().name) : best;
}

}  // namespace

std::optional<double> parse_power(const std::string& text) { return parse_amount(powers, text); }
std::optional<double> parse_energy(const std::string& text) { return parse_amount(energies, text); }
std::string format_power(double watts) { return format_amount(powers, watts); }
std::string format_energy(double joules) { return format_amount(energies, joules); }

std::optional<std::uint64_t> parse_size(const std::string& text) {
    const auto bytes = parse_rate(text);
    if (!bytes || text.ends_with("/s") || text.ends_with("bit") || *bytes != std::floor(*bytes) || *bytes >= 0x1p53) return {};
    return static_cast<std::uint64_t>(*bytes);
}

std::string format_size(std::uint64_t bytes) {
    std::string best;
    for (const Unit& unit : rates) {
        if (unit.name.ends_with("bit") || std::fmod(static_cast<double>(bytes), unit.factor) != 0) continue;
        const std::string text = std::to_string(static_cast<std::uint64_t>(static_cast<double>(bytes) / unit.factor)) + std::string(unit.name);
        if (best.empty() || text.size() < best.size()) best = text;
    }
    return best;
}

std::optional<Selection> parse_selection(const std::string& text) {
    const auto name_ends = text.find_first_of(":[");
    Selection selection;
    selection.group = text.substr(0, name_ends);
    if (!is_group_name(selection.group) && selection.group != "*") return {};
    if (name_ends == std::string::npos) return selection;

    std::string_view rest = std::string_view(text).substr(name_ends + 1);
    if (text[name_ends] == '[') {
        if (!rest.ends_with(']')) return {};
        rest.remove_suffix(1);
        selection.what = Selection::What::index;
    } else if (rest.ends_with('%')) {
        rest.remove_suffix(1);
        const auto measure = split(rest);
        if (!measure || !measure->unit.empty() || rest.ends_with(' ')) return {};
        selection.what = Selection::What::share;
        selection.number = number(*measure) / 100;
        if (!(selection.number > 0 && selection.number <= 1)) return {};
        return selection;
    } else {
        selection.what = Selection::What::count;
    }
    std::uint32_t whole = 0;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), whole);
    if (rest.empty() || read.ec != std::errc() || read.ptr != rest.data() + rest.size()) return {};
    if (selection.what == Selection::What::count && whole == 0) return {};
    selection.number = whole;
    return selection;
}

std::string format_selection(const Selection& selection) {
    switch (selection.what) {
        case Selection::What::all: return selection.group;
        case Selection::What::count: return selection.group + ":" + plain(selection.number);
        case Selection::What::index: return selection.group + "[" + plain(selection.number) + "]";
        case Selection::What::share: break;
    }
    for (int digits = 0; digits < 20; ++digits) {  // the shortest that reads as the same number
        char text[64];
        std::snprintf(text, sizeof text, "%.*f", digits, selection.number * 100);
        const auto again = parse_selection("x:" + std::string(text) + "%");
        if (again && again->number == selection.number) return selection.group + ":" + text + "%";
    }
    return selection.group + ":" + plain(selection.number * 100) + "%";
}

bool is_group_name(const std::string& name) {
    if (name.empty() || name.size() > 64) return false;
    for (const char c : name)
        if (!(digit(c) || c == '-' || c == '_' || c == '.' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) return false;
    return true;
}

std::string quote(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\', out += c;
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04X", static_cast<unsigned>(static_cast<unsigned char>(c)));
            out += code;
        } else out += c;
    }
    return out + "\"";
}

std::string format_number(double value) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    std::string text(digits, end.ptr);
    if (text.find_first_of(".en") == std::string::npos) text += ".0";  // TOML tells integers from the others
    return text;
}

}  // namespace grapevine::config
