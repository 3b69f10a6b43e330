#include <algorithm>

#include "section.hpp"
#include "setting.hpp"
#include "units.hpp"

// [sweep]: the same scenario with other values. Its keys are paths of keys elsewhere, which are looked up when the
// values are laid over the file.
namespace grapevine::config {
namespace {

constexpr double most_points = 10'000;
constexpr const char* axis_hint = "\"event.0.nodes\" = [\"lan:4\", \"lan:8\"]: a path in quotes, and the values to try";

std::string where(Place place, const Reading& reading) {
    return reading.files.at(place.file) + (reading.tell_places && place.line > 0 ? ":" + std::to_string(place.line) + ":" + std::to_string(place.column) : "");
}

// A path without quotes (event.0.nodes = [...]) is a table in a table: the same.
template <class Found> void each_path(const std::string& before, const Table& table, Found found) {
    for (const Entry& entry : table.entries) {
        const auto* inner = std::get_if<Table>(&entry.value.is);
        if (inner && !inner->is_inline) each_path(before + entry.key + ".", *inner, found);
        else found(before + entry.key, entry.value);
    }
}

const char* const twice = "one of the two: a path has one list of values";

void read_variants(Section& sweep, Config& config) {
    for (Section& section : sweep.tables("variant", "[[sweep.variant]]")) {
        Sweep::Variant variant;
        if (!section.text("name", variant.name)) section.fault("name", "this [[sweep.variant]] has no name", "name = \"plain\"");
        else if (!is_group_name(variant.name))
            section.fault("name", in_quotes(variant.name) + " cannot name a variant", "letters, digits, \"-\", \"_\" and \".\": it names a directory");
        for (const Sweep::Variant& other : config.sweep.variants)
            if (other.name == variant.name) section.fault("name", "there are two variants " + in_quotes(variant.name), "give each a name of its own");
        if (const Value* set = section.value("set")) {
            const auto* table = std::get_if<Table>(&set->is);
            if (!table) section.fault("set", "'set' in [[sweep.variant]] wants a table, this is " + kind_of(*set), "set = { \"membership.lifeguard\" = false }");
            else each_path("", *table, [&](const std::string& path, const Value& value) {
                for (const Setting& other : variant.set)
                    if (other.path == path) section.reading().say(value.place, in_quotes(path) + " is set twice", twice);
                variant.set.push_back({path, text_of(value), where(value.place, section.reading())});
            });
        }
        section.finish();
        if (section.reading().any()) return;
        config.sweep.variants.push_back(std::move(variant));
    }
}

}  // namespace

void read_sweep(Section& file, Config& config) {
    const Value* value = file.value("sweep");
    if (!value) return;
    Section section = file.table("sweep", "[sweep]");
    const auto* table = std::get_if<Table>(&value->is);
    if (!table) return;  // said
    read_variants(section, config);
    each_path("", *table, [&](const std::string& path, const Value& values) {
        if (path == "variant") return;
        const auto* list = std::get_if<Array>(&values.is);
        if (!list || list->empty()) return file.reading().say(values.place, in_quotes(path) + " in [sweep] wants a list of values, this is " + (list ? "empty" : kind_of(values)), axis_hint);
        for (const auto& other : config.sweep.axes)
            if (other.front().path == path) file.reading().say(values.place, in_quotes(path) + " stands twice in [sweep]", twice);
        auto& axis = config.sweep.axes.emplace_back();
        for (const Value& one : *list) axis.push_back({path, text_of(one), where(one.place, file.reading())});
    });
    double all = std::max<double>(1, static_cast<double>(config.sweep.variants.size()));
    for (const auto& axis : config.sweep.axes) all *= static_cast<double>(axis.size());
    if (all > most_points) file.fault("sweep", "this [sweep] makes more than ten thousand runs", "fewer values: all combinations are run");
}

std::vector<Point> points(const Sweep& sweep) {
    std::vector<Point> all;
    if (sweep.variants.empty()) all.emplace_back();
    for (const Sweep::Variant& variant : sweep.variants) all.push_back({variant.name, variant.set, {}, variant.name});
    for (const auto& axis : sweep.axes) {  // the last one changes fastest
        std::vector<Point> more;
        for (const Point& point : all)
            for (const Setting& value : axis) {
                more.push_back(point);
                more.back().values.push_back(value);
            }
        all = std::move(more);
    }
    std::vector<std::string> taken;
    for (Point& point : all) {
        for (const Setting& value : point.values) {
            std::string word;
            for (const char c : value.value)
                if (c != '"') word += is_group_name({c}) ? c : '_';
            point.name += (point.name.empty() ? "" : "-") + word.substr(0, 40);
        }
        const std::string name = point.name;
        for (int n = 2; std::find(taken.begin(), taken.end(), point.name) != taken.end(); ++n) point.name = name + "-" + std::to_string(n);
        taken.push_back(point.name);
    }
    return all;
}

}  // namespace grapevine::config
