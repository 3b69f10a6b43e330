#include <filesystem>

#include "section.hpp"

// [data] format = "csv" and what belongs to it: files of one's own.
namespace grapevine::config {
namespace {

constexpr std::size_t most_files = 1000;

// Names in the file start at its directory. With [data] directory they are looked for there, whenever the data are loaded.
void read_names(Section& section, const char* key, const std::string& directory, std::vector<std::string>& out) {
    if (!section.texts(key, out, "[\"train.csv\"]")) return;
    if (out.size() > most_files) section.fault(key, "'" + std::string(key) + "' names more than 1000 files", "join them first");
    if (!section.reading().may_open_files || !directory.empty()) return;
    const Place place = section.place_of(key);
    const std::filesystem::path here = place.line == 0 ? std::filesystem::path() : std::filesystem::path(section.reading().files.at(place.file)).parent_path();
    std::error_code failed;
    for (std::string& name : out) name = std::filesystem::absolute(here / name, failed).lexically_normal().string();
}

// label = "class", or the column's number
void read_label(Section& section, DataFiles& own) {
    const Value* value = section.value("label");
    if (!value) return;
    if (std::holds_alternative<std::int64_t>(value->is)) {
        section.integer("label", own.label_column, 1, 1 << 16);
    } else if (section.text("label", own.label) && own.label.empty()) {
        section.fault("label", "'label' in [data] is empty", "label = \"class\", the column's name, or its number from 1; without it it is the last column");
    }
}

}  // namespace

void read_data_files(Section& section, Data& data, ModelKind model) {
    data.set = own_files;
    DataFiles& own = data.own.emplace();
    if (rows_of(model) != Rows::samples) own.format = rows_of(model) == Rows::ratings ? DataFiles::Format::ratings : DataFiles::Format::words;
    if (section.choice("format", own.format, data_formats) && rows_of(data) != rows_of(model))
        section.fault("format", std::string("'") + to_string(model) + "' learns nothing from files of format " + in_double_quotes(to_string(own.format)),
                      rows_of(data) == Rows::ratings ? "[model] kind = \"factors\"" : rows_of(data) == Rows::words ? "[model] kind = \"skipgram\"" : rows_of(model) == Rows::ratings ? "format = \"ratings\"" : "format = \"words\"");
    const std::string here = "this format is " + in_double_quotes(to_string(own.format));
    if (!section.has("files")) section.fault("files", "[data] does not say which files", "files = [\"train.csv\"]");
    read_names(section, "files", data.directory, own.files);
    read_names(section, "test_files", data.directory, own.test_files);
    const bool in_pairs = own.format == DataFiles::Format::idx || own.format == DataFiles::Format::npy;
    for (const auto& [key, names] : {std::pair{"files", &own.files}, {"test_files", &own.test_files}})
        if (in_pairs && section.has(key) && names->size() != 2)
            section.fault(key, "'" + std::string(key) + "' in [data] names " + std::to_string(names->size()) + (names->size() == 1 ? " file" : " files") + "; " + to_string(own.format) + " wants two, the samples and their labels",
                          std::string(key) + " = [\"samples." + to_string(own.format) + "\", \"labels." + to_string(own.format) + "\"]");
    if (own.test_files.empty()) {
        if (section.above("held_out", own.held_out, 0) && own.held_out > 0.5) section.fault("held_out", "'held_out' in [data] is more than half", "a number greater than 0, up to 0.5");
    } else {
        section.belongs({"held_out"}, "data without test_files", "this run has test_files");
    }
    const bool text = own.format == DataFiles::Format::text;
    if (rows_of(data) == Rows::samples && !text) section.choice("normalize", own.normalize, normalizations);
    else section.belongs({"normalize"}, "formats of samples", here);
    if (own.format != DataFiles::Format::csv) section.belongs({"label"}, "format = \"csv\"", here);
    if (own.format != DataFiles::Format::csv && own.format != DataFiles::Format::ratings) return section.belongs({"header", "separator"}, "format = \"csv\" and \"ratings\"", here);
    if (own.format == DataFiles::Format::csv) read_label(section, own);
    bool header = false;
    if (const Value* value = section.value("header"); value && !(std::holds_alternative<std::string>(value->is) && std::get<std::string>(value->is) == "auto"))
        if (section.truth("header", header)) own.header = header;
    if (own.header == false && !own.label.empty()) section.fault("label", "a file without a header has no column " + in_quotes(own.label), "label = 5, the column's number from 1");
    const std::vector<std::string> separators = {"auto", ",", ";", "tab"};
    if (const auto index = section.pick("separator", separators, {})) own.separator = separators[*index];
}

}  // namespace grapevine::config
