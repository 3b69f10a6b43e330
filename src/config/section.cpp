#include "section.hpp"

#include <algorithm>
#include <cstring>

#include "units.hpp"

namespace grapevine::config {

std::string in_double_quotes(const std::string& word) { return "\"" + word + "\""; }

std::string any_of(const std::vector<std::string>& words) {
    std::string all;
    for (std::size_t i = 0; i < words.size(); ++i) all += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + in_double_quotes(words[i]);
    return all;
}

Section::Section(const Table* table, Place place, std::string title, Reading& reading)
    : table_(table), place_(place), title_(std::move(title)), reading_(reading) {}

bool Section::has(const char* key) const { return table_ && table_->find(key); }

Place Section::place_of(const char* key) const {
    const Entry* found = table_ ? table_->find(key) : nullptr;
    return found ? found->value.place : place_;
}

const Entry* Section::entry(const char* key) {
    asked_.emplace_back(key);
    return table_ ? table_->find(key) : nullptr;
}

const Value* Section::value(const char* key) {
    const Entry* found = entry(key);
    return found ? &found->value : nullptr;
}

void Section::fault(const char* key, const std::string& what, const std::string& hint) { reading_.say(place_of(key), what, hint); }

void Section::wants(const char* key, const Value& value, const std::string& what, const std::string& hint) {
    reading_.say(value.place, in_quotes(key) + in() + " wants " + what + ", this is " + kind_of(value), hint);
}

Section Section::table(const char* key, const std::string& title) {
    const Entry* found = entry(key);
    if (!found) return Section(nullptr, place_, title, reading_);
    const auto* table = std::get_if<Table>(&found->value.is);
    if (!table) {
        const auto* list = std::get_if<Array>(&found->value.is);
        const bool doubled = list && !list->empty() && std::holds_alternative<Table>(list->front().is);
        wants(key, found->value, "one table",
              doubled ? "there is one of it: write [" + std::string(key) + "], not [[" + key + "]]"
                      : "write [" + std::string(key) + "] and its keys below");
    }
    return Section(table, found->value.place, title, reading_);
}

std::vector<Section> Section::tables(const char* key, const std::string& title) {
    std::vector<Section> all;
    const Entry* found = entry(key);
    if (!found) return all;
    const std::string hint = "write [[" + std::string(key) + "]], two brackets, once for each";
    const auto* list = std::get_if<Array>(&found->value.is);
    if (!list) {
        wants(key, found->value, "a list of tables", hint);
        return all;
    }
    for (const Value& item : *list) {
        const auto* table = std::get_if<Table>(&item.is);
        if (!table) {
            reading_.say(item.place, in_quotes(key) + " wants tables, this is " + kind_of(item), hint);
            return all;
        }
        all.emplace_back(table, item.place, title, reading_);
    }
    return all;
}

bool Section::text(const char* key, std::string& out) {
    const Value* found = value(key);
    if (!found) return false;
    const auto* text = std::get_if<std::string>(&found->is);
    if (!text) return wants(key, *found, "a text", "in double quotes: " + std::string(key) + " = \"...\""), false;
    for (const char c : *text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return fault(key, in_quotes(key) + in() + " has a control character in it", "write it in plain letters"), false;
    if (text->size() > 4096) return fault(key, in_quotes(key) + in() + " is longer than 4096 bytes", "a shorter text"), false;
    out = *text;
    return true;
}

bool Section::truth(const char* key, bool& out) {
    const Value* found = value(key);
    if (!found) return false;
    const auto* truth = std::get_if<bool>(&found->is);
    if (!truth) return wants(key, *found, "true or false", std::string(key) + " = true (without quotes)"), false;
    out = *truth;
    return true;
}

bool Section::duration(const char* key, Duration& out, const char* example) {
    const Value* found = value(key);
    if (!found) return false;
    const std::string such = std::string(key) + " = " + in_double_quotes(example);
    const auto* text = std::get_if<std::string>(&found->is);
    if (!text) {
        if (const auto* bare = std::get_if<std::int64_t>(&found->is); bare && *bare > 0)
            return wants(key, *found, "a duration with its unit",
                         "in quotes, with ns, us, ms, s, min, h or d: \"" + std::to_string(*bare) + "s\" or \"" + std::to_string(*bare) +
                             "ms\""),
                   false;
        return wants(key, *found, "a duration with its unit", "in quotes, with ns, us, ms, s, min, h or d: " + such), false;
    }
    const auto read = parse_duration(*text);
    if (!read) {
        std::string hint = "a number without sign, then ns, us, ms, s, min, h or d: " + such;
        const auto unit = text->find_first_not_of("0123456789. ");
        if (text->starts_with('-') || text->starts_with('+')) hint = "durations have no sign: " + such;
        else if (unit != std::string::npos && text->substr(unit) == "m")
            hint = "\"m\" could be minutes or milliseconds: write " + in_double_quotes(text->substr(0, unit) + "min") + " or " +
                   in_double_quotes(text->substr(0, unit) + "ms");
        else if (unit != std::string::npos && unit > 0)
            if (const auto near = nearest(text->substr(unit), {"ns", "us", "ms", "s", "min", "h", "d"}))
                hint = "did you mean " + in_double_quotes(text->substr(0, unit) + *near) + "? " + hint;
        return fault(key, in_quotes(*text) + " is no duration", hint), false;
    }
    out = *read;
    return true;
}

bool Section::longer_than_zero(const char* key, Duration& out, const char* example) {
    Duration read{};
    if (!duration(key, read, example)) return false;
    if (read <= Duration::zero())
        return fault(key, in_quotes(key) + in() + " must be longer than nothing", std::string(key) + " = " + in_double_quotes(example)),
               false;
    out = read;
    return true;
}

bool Section::rate(const char* key, double& out) {
    const Value* found = value(key);
    if (!found) return false;
    const std::string hint =
        "a number without sign, then bit, kbit, Mbit, Gbit, B, kB, MB, GB, KiB, MiB or GiB (per second): " + std::string(key) +
        " = \"100Mbit\"";
    const auto* text = std::get_if<std::string>(&found->is);
    if (!text) return wants(key, *found, "a rate with its unit", hint), false;
    const auto read = parse_rate(*text);
    if (!read) {
        const auto unit = text->find_first_not_of("0123456789. ");
        if (unit != std::string::npos && unit > 0)
            if (const auto near = nearest(text->substr(unit), {"bit", "kbit", "Mbit", "Gbit", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB"}))
                return fault(key, in_quotes(*text) + " is no rate",
                             "did you mean " + in_double_quotes(text->substr(0, unit) + *near) + "? " + hint),
                       false;
        return fault(key, in_quotes(*text) + " is no rate", hint), false;
    }
    if (*read <= 0)
        return fault(key, in_quotes(key) + in() + " must be more than nothing",
                     "leave the key out for a link of infinite rate; to cut a link use an [[event]] of kind \"partition\""),
               false;
    out = *read;
    return true;
}

bool Section::size(const char* key, std::uint64_t& out, const char* example) {
    const Value* found = value(key);
    if (!found) return false;
    const std::string hint = "a whole number of bytes without sign, in B, kB, MB, GB, KiB, MiB or GiB: " + std::string(key) + " = " + in_double_quotes(example);
    const auto* text = std::get_if<std::string>(&found->is);
    if (!text) return wants(key, *found, "a size with its unit", hint), false;
    const auto read = parse_size(*text);
    if (!read) return fault(key, in_quotes(*text) + " is no size", hint), false;
    if (*read == 0) return fault(key, in_quotes(key) + in() + " must be more than nothing", hint), false;
    out = *read;
    return true;
}

bool Section::integer(const char* key, std::uint64_t& out, std::uint64_t least, std::uint64_t most) {
    const Value* found = value(key);
    if (!found) return false;
    const auto* integer = std::get_if<std::int64_t>(&found->is);
    const std::string range = "from " + std::to_string(least) + " to " + std::to_string(most);
    if (!integer) return wants(key, *found, "a whole number", "a number " + range + ", without quotes and without a point"), false;
    if (*integer < 0 || static_cast<std::uint64_t>(*integer) < least || static_cast<std::uint64_t>(*integer) > most)
        return fault(key, in_quotes(key) + in() + " is " + std::to_string(*integer) + ", out of range", "a whole number " + range), false;
    out = static_cast<std::uint64_t>(*integer);
    return true;
}

bool Section::integer(const char* key, std::uint32_t& out, std::uint32_t least, std::uint32_t most) {
    std::uint64_t read = 0;
    if (!integer(key, read, static_cast<std::uint64_t>(least), static_cast<std::uint64_t>(most))) return false;
    out = static_cast<std::uint32_t>(read);
    return true;
}

namespace {

std::optional<double> as_number(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value.is)) return static_cast<double>(*integer);
    if (const auto* number = std::get_if<double>(&value.is)) return *number;
    return {};
}

std::string short_number(double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%g", value);
    return digits;
}

}  // namespace

bool Section::number(const char* key, double& out, double least, double most) {
    const Value* found = value(key);
    if (!found) return false;
    const auto read = as_number(*found);
    std::string range = most < HUGE_VAL ? "a number from " + short_number(least) + " to " + short_number(most)
                                        : "a number of at least " + short_number(least);
    if (least == -HUGE_VAL) range = "a finite number";
    if (!read) return wants(key, *found, "a number", range + ", without quotes"), false;
    if (!(*read >= least && *read <= most && std::isfinite(*read)))
        return fault(key, in_quotes(key) + in() + " is " + short_number(*read) + ", out of range", range), false;
    out = *read;
    return true;
}

bool Section::above(const char* key, double& out, double least) {
    double read = 0;
    if (!number(key, read, least, HUGE_VAL)) return false;
    if (read <= least)
        return fault(key, in_quotes(key) + in() + " is " + short_number(read) + ", out of range",
                     "a number greater than " + short_number(least)),
               false;
    out = read;
    return true;
}

bool Section::numbers(const char* key, std::vector<double>& out) {
    const Value* found = value(key);
    if (!found) return false;
    const auto* list = std::get_if<Array>(&found->is);
    if (!list || list->empty()) return wants(key, *found, "a list of numbers", std::string(key) + " = [1, 2, 3]"), false;
    std::vector<double> read;
    for (const Value& item : *list) {
        const auto number = as_number(item);
        if (!number || !std::isfinite(*number))
            return reading_.say(item.place, in_quotes(key) + " wants finite numbers, this is " + kind_of(item),
                                std::string(key) + " = [1, 2, 3]"),
                   false;
        read.push_back(*number);
    }
    out = std::move(read);
    return true;
}

bool Section::texts(const char* key, std::vector<std::string>& out, const char* example) {
    const Value* found = value(key);
    if (!found) return false;
    const std::string such = std::string(key) + " = " + example;
    const auto* list = std::get_if<Array>(&found->is);
    if (!list || list->empty()) return wants(key, *found, "a list of texts", such), false;
    std::vector<std::string> read;
    for (const Value& item : *list) {
        const auto* text = std::get_if<std::string>(&item.is);
        const bool plain = text && !text->empty() && text->size() <= 4096 && std::none_of(text->begin(), text->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
        if (!plain) return reading_.say(item.place, in_quotes(key) + in() + " wants texts, this is " + kind_of(item), such), false;
        read.push_back(*text);
    }
    out = std::move(read);
    return true;
}

std::optional<std::size_t> Section::pick(const char* key, const std::vector<std::string>& words, const std::vector<std::string>& later) {
    const Value* found = value(key);
    if (!found) return {};
    const auto* text = std::get_if<std::string>(&found->is);
    if (!text)
        return wants(key, *found, "one of the words " + any_of(words), std::string(key) + " = " + in_double_quotes(words.front())),
               std::nullopt;
    const auto at = std::find(words.begin(), words.end(), *text);
    if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
    if (std::find(later.begin(), later.end(), *text) != later.end()) {
        fault(key, std::string(key) + " = " + in_double_quotes(*text) + " is known but not available in this version", "here are " + any_of(words));
        return {};
    }
    auto all = words;
    all.insert(all.end(), later.begin(), later.end());
    const auto near = nearest(*text, all);
    fault(key, in_quotes(*text) + " is no " + key + in(),
          (near ? "did you mean " + in_double_quotes(*near) + "? " : std::string()) + "known: " + any_of(words));
    return {};
}

void Section::belongs(std::initializer_list<const char*> keys, const std::string& where, const std::string& here) {
    for (const char* key : keys) {
        elsewhere_.emplace_back(key);
        if (const Entry* found = table_ ? table_->find(key) : nullptr)
            reading_.say(found->place, in_quotes(key) + " belongs to " + where + "; " + here, "take the line out, or change the kind");
    }
}

void Section::later(std::initializer_list<const char*> keys) {
    for (const char* key : keys)
        if (const Entry* found = table_ ? table_->find(key) : nullptr)
            reading_.say(found->place, in_quotes(key) + in() + " is known but not available in this version", "take it out");
}

void Section::finish() {
    if (!table_) return;
    for (const Entry& entry : table_->entries) {
        if (std::find(asked_.begin(), asked_.end(), entry.key) != asked_.end()) continue;
        auto all = asked_;
        all.insert(all.end(), elsewhere_.begin(), elsewhere_.end());
        const auto near = nearest(entry.key, all);
        std::string known;
        for (const std::string& key : asked_)
            if (known.find(" " + key + ",") == std::string::npos) known += " " + key + ",";
        if (!known.empty()) known.pop_back();
        reading_.say(entry.place, "unknown key " + in_quotes(entry.key) + in(),
                     near ? "did you mean " + in_quotes(*near) + "?" : "known here:" + known);
        return;
    }
}

}  // namespace grapevine::config
