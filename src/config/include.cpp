#include <filesystem>
#include <fstream>
#include <system_error>

#include "document.hpp"

// include = ["base.toml"]: what is included is read first, then what includes it is laid over it. Lists of
// tables ([[group]]) are joined; of everything else the later word counts.
namespace grapevine::config {
namespace {

constexpr std::size_t most_bytes = 4 << 20;
constexpr std::size_t most_depth = 16, most_files = 64;

bool is_list_of_tables(const Value& value) {
    const auto* items = std::get_if<Array>(&value.is);
    if (!items || items->empty()) return false;
    for (const Value& item : *items)
        if (!std::holds_alternative<Table>(item.is)) return false;
    return true;
}

// [exchange] kind = "dpsgd" over a base with kind = "gossip": the base's other keys were meant for gossip.
bool changes_kind(const Table& base, const Table& over) {
    const Entry* before = base.find("kind");
    const Entry* now = over.find("kind");
    if (!before || !now) return false;
    const auto* x = std::get_if<std::string>(&before->value.is);
    const auto* y = std::get_if<std::string>(&now->value.is);
    return x && y && *x != *y;
}

void lay_over(Table& base, Table&& over) {
    if (base.entries.empty()) {
        base = std::move(over);
        return;
    }
    for (Entry& entry : over.entries) {
        Entry* below = base.find(entry.key);
        if (!below) {
            base.entries.push_back(std::move(entry));
            continue;
        }
        auto* lower = std::get_if<Table>(&below->value.is);
        auto* upper = std::get_if<Table>(&entry.value.is);
        if (lower && upper && !lower->is_inline && !upper->is_inline && !changes_kind(*lower, *upper)) {
            lay_over(*lower, std::move(*upper));
        } else if (is_list_of_tables(below->value) && is_list_of_tables(entry.value)) {
            auto& all = std::get<Array>(below->value.is);
            for (Value& item : std::get<Array>(entry.value.is)) all.push_back(std::move(item));
        } else {
            *below = std::move(entry);
        }
    }
}

struct Reader {
    Reading& reading;
    std::vector<std::filesystem::path> open;  // from the outermost file to this one: a file among them is a cycle

    Table read(const std::string& shown, Place from, bool outermost) {
        if (reading.files.size() >= most_files || open.size() >= most_depth)
            return reading.say(from, "too many files include one another", "copy what is needed into one file"), Table{};
        std::error_code ignored;
        const auto canonical = std::filesystem::weakly_canonical(shown, ignored);
        for (const auto& path : open)
            if (path == canonical)
                return reading.say(from, in_quotes(shown) + " includes itself, through its includes", "take one include of the circle out"), Table{};

        Error why;
        const auto text = read_bytes(shown, why);
        if (!text) {
            if (outermost) reading.say(why);
            else reading.say(from, "included file: " + why.what, "a path in `include` starts at the including file's directory");
            return {};
        }
        const auto file = static_cast<std::uint32_t>(reading.files.size());
        reading.files.push_back(shown);
        Table own = parse_document(*text, file, reading);
        if (reading.any()) return {};

        open.push_back(canonical);
        Table merged = included_by(own, std::filesystem::path(shown).parent_path());
        open.pop_back();
        lay_over(merged, std::move(own));
        return merged;
    }

    Table included_by(Table& own, const std::filesystem::path& directory) {
        Table merged;
        Entry* include = own.find("include");
        if (!include) return merged;
        const auto* list = std::get_if<Array>(&include->value.is);
        if (!list) {
            reading.say(include->value.place, "'include' wants a list of files, this is " + kind_of(include->value), "include = [\"base.toml\"]");
            return merged;
        }
        for (const Value& item : *list) {
            const auto* name = std::get_if<std::string>(&item.is);
            if (!name || name->empty() || name->find('\0') != std::string::npos) {
                reading.say(item.place, "'include' wants names of files, this is " + kind_of(item), "include = [\"base.toml\"]");
                return merged;
            }
            lay_over(merged, read((directory / *name).string(), item.place, false));
            if (reading.any()) return merged;
        }
        own.entries.erase(own.entries.begin() + (include - own.entries.data()));
        return merged;
    }
};

}  // namespace

std::optional<std::string> read_bytes(const std::string& path, Error& error) {
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (status.type() == std::filesystem::file_type::not_found) {
        error = {in_quotes(path) + ": there is no such file", "is the path right? examples/ holds files to start from"};
        return {};
    }
    if (failed) {
        error = {in_quotes(path) + ": " + failed.message(), "is the path right, and may you read it?"};
        return {};
    }
    if (status.type() == std::filesystem::file_type::directory) {
        error = {in_quotes(path) + " is a directory", "name the file in it: " + path + (path.ends_with('/') ? "" : "/") + "run.toml"};
        return {};
    }
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        error = {in_quotes(path) + " cannot be opened for reading", "may you read it? ls -l shows its permissions"};
        return {};
    }
    std::string text;
    char buffer[65536];
    while (in.read(buffer, sizeof buffer), in.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(in.gcount()));
        if (text.size() > most_bytes) {
            error = {in_quotes(path) + " is longer than 4 MiB", "that is no configuration: name the .toml file"};
            return {};
        }
    }
    if (in.bad()) {
        error = {in_quotes(path) + " could not be read to its end", "the disk or the network file system failed: try again"};
        return {};
    }
    return text;
}

Table read_document(const std::string& path, Reading& reading) { return Reader{reading, {}}.read(path, {}, true); }

}  // namespace grapevine::config
