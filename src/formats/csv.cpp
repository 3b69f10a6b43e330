#include "grapevine/formats/csv.hpp"

#include <algorithm>
#include <memory>
#include <string_view>

#include "number.hpp"

namespace grapevine::formats {
namespace {

struct Field {
    std::string_view raw;    // as it stands, without its quotes; in `unquoted` where quotes were doubled
    std::uint64_t column = 1;
};

// Takes a text apart, line by line.
class Lines {
public:
    Lines(std::string_view text, char separator) : text_(text), separator_(separator) {}

    // The fields of the next line that has any; false at the end. A fault is in `fault`.
    bool next(std::vector<Field>& fields) {
        while (at_ < text_.size() && (text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n'))) {
            at_ += text_[at_] == '\r' ? 2 : 1;
            ++line_ahead_;
        }
        if (at_ >= text_.size() || text_.substr(at_) == "\r") return false;
        line_ = line_ahead_;
        unquoted_.clear();
        unquoted_.reserve(8);
        fields.clear();
        begin_ = at_;
        do {
            if (fields.size() == most_csv_columns) return fail(at_, "the line has more than " + std::to_string(most_csv_columns) + " fields", "fewer columns");
            if (!field(fields)) return false;
        } while (at_ < text_.size() && text_[at_] == separator_ && (++at_, true));
        if (at_ < text_.size() && text_[at_] == '\r') ++at_;
        if (at_ < text_.size()) ++at_, ++line_ahead_;  // the line's end
        return true;
    }
    std::uint64_t line() const { return line_; }
    std::optional<Fault> fault;

private:
    bool fail(std::size_t at, const std::string& what, const std::string& hint) {
        fault = Fault{what, hint, line_ahead_, at - begin_ + 1};
        return false;
    }
    bool ends(std::size_t at) const {
        return at >= text_.size() || text_[at] == separator_ || text_[at] == '\n' || (text_[at] == '\r' && (at + 1 >= text_.size() || text_[at + 1] == '\n'));
    }
    bool field(std::vector<Field>& fields) {
        const std::size_t begin = at_;
        const std::uint64_t column = begin - begin_ + 1;
        if (at_ < text_.size() && text_[at_] == '"') return quoted(fields, column);
        while (!ends(at_)) ++at_;
        if (at_ - begin > most_csv_field) return fail(begin, "a field of more than " + std::to_string(most_csv_field) + " bytes", "is the separator right?");
        fields.push_back({text_.substr(begin, at_ - begin), column});
        return true;
    }
    bool quoted(std::vector<Field>& fields, std::uint64_t column) {
        const std::uint64_t opened_line = line_ahead_;
        ++at_;
        std::string text;
        for (;; ++at_) {
            if (at_ >= text_.size() || text.size() > most_csv_field) {
                fault = Fault{"the quote that is opened here is not closed", "a quote within a field is doubled: \"\"", opened_line, column};
                return false;
            }
            if (text_[at_] == '"') {
                if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
                ++at_;
            }
            text += text_[at_];
            if (text_[at_] == '\n') ++line_ahead_, begin_ = at_ + 1;
        }
        ++at_;
        if (!ends(at_)) return fail(at_, "there is more after the closing quote", "a quote within a field is doubled: \"\"");
        unquoted_.push_back(std::make_unique<std::string>(std::move(text)));
        fields.push_back({*unquoted_.back(), column});
        return true;
    }

    std::string_view text_;
    char separator_;
    std::size_t at_ = 0, begin_ = 0;  // begin_: of the line
    std::uint64_t line_ = 1, line_ahead_ = 1;
    std::vector<std::unique_ptr<std::string>> unquoted_;
};

char separator_of(std::string_view text) {
    const std::string_view first = text.substr(0, std::min(text.find('\n'), text.size()));
    char best = ',';
    std::ptrdiff_t most = 0;
    for (const char c : {',', ';', '\t'}) {
        std::ptrdiff_t count = 0;
        bool within = false;
        for (const char x : first) {
            if (x == '"') within = !within;
            else if (x == c && !within) ++count;
        }
        if (count > most) most = count, best = c;
    }
    return best;
}

Fault no_number(const Field& field, std::uint64_t line, char separator) {
    const std::string_view text = trimmed(field.raw);
    if (text.empty()) return {"a number is missing", "fill it in, or take the line out", line, field.column};
    const std::string said = shown(text.data(), text.size());
    if (const auto value = number_of(text); value && std::isnan(*value)) return {said + " is not a number to learn from", "fill it in, or take the line out", line, field.column};
    else if (value) return {said + " is too large", "numbers up to 3e38", line, field.column};
    const bool comma = separator != ',' && text.find(',') != std::string_view::npos && text.find_first_not_of("0123456789,+-") == std::string_view::npos;
    return {said + " is no number", comma ? "decimals are written with a point: 0.5" : "words are read only as labels: label = \"COLUMN\" says which column they are", line, field.column};
}

// Which column the label is, once the first line is known; columns if there is none.
std::variant<std::size_t, Fault> label_column(const CsvRules& rules, const std::vector<Field>& first, std::uint64_t line) {
    switch (rules.label) {
        case CsvRules::Label::none: return first.size();
        case CsvRules::Label::last: return first.size() - 1;
        case CsvRules::Label::number:
            if (rules.number < first.size()) return rules.number;
            return Fault{"there is no column " + std::to_string(rules.number + 1) + " for the label: the line has " + std::to_string(first.size()), "label = \"NAME\", or the column's number from 1", line};
        case CsvRules::Label::name: break;
    }
    std::string names;
    for (std::size_t i = 0; i < first.size(); ++i) {
        const auto name = trimmed(first[i].raw);
        if (name == rules.name) return i;
        if (i < 8) names += (names.empty() ? "" : ", ") + shown(name.data(), name.size());
    }
    return Fault{"no column is called " + shown(rules.name.data(), rules.name.size()), "the first line has " + names + (first.size() > 8 ? ", ..." : ""), line};
}

}  // namespace

std::variant<Sheet, Fault> decode_csv(std::span<const std::byte> bytes, const CsvRules& rules) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the mark of UTF-8 that some spreadsheets write
    const char separator = rules.separator ? rules.separator : separator_of(text);
    Lines lines(text, separator);
    std::vector<Field> fields;
    if (!lines.next(fields)) return lines.fault ? *lines.fault : Fault{"it is empty", "a line for each sample: numbers, and a label"};

    const std::size_t width = fields.size();
    const auto found = label_column(rules, fields, lines.line());
    if (const auto* fault = std::get_if<Fault>(&found)) return *fault;
    const std::size_t label = std::get<std::size_t>(found);
    Sheet sheet;
    sheet.columns = width - (label < width ? 1 : 0);
    if (sheet.columns == 0) return Fault{"there are no numbers beside the label", "is the separator right? \",\", \";\" or \"tab\"", lines.line()};
    bool header = rules.label == CsvRules::Label::name;
    for (std::size_t i = 0; i < width && !header; ++i) header = i != label && !trimmed(fields[i].raw).empty() && !number_of(trimmed(fields[i].raw));
    if (rules.label != CsvRules::Label::name) header = rules.header.value_or(header);
    if (header) {
        for (std::size_t i = 0; i < width; ++i)
            if (i != label) sheet.names.emplace_back(trimmed(fields[i].raw));
        if (!lines.next(fields)) return lines.fault ? *lines.fault : Fault{"there is nothing below its header", "a line for each sample: numbers, and a label"};
    }
    do {
        if (fields.size() != width)
            return Fault{"the line has " + std::to_string(fields.size()) + (fields.size() == 1 ? " field" : " fields") + ", those before have " + std::to_string(width),
                         "as many in each line; a field with a separator in it stands in quotes", lines.line()};
        if (sheet.values.size() + sheet.columns > most_csv_values) return Fault{"there are more than 2^31 numbers in it", "fewer lines", lines.line()};
        for (std::size_t i = 0; i < width; ++i) {
            const auto trim = trimmed(fields[i].raw);
            if (i != label) {
                const auto value = number_of(trim);
                const auto narrow = value ? finite_float(*value) : std::nullopt;
                if (!narrow) return no_number(fields[i], lines.line(), separator);
                sheet.values.push_back(*narrow);
                continue;
            }
            if (trim.empty()) return Fault{"the label is missing", "fill it in, or take the line out", lines.line(), fields[i].column};
            if (std::any_of(trim.begin(), trim.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
                return Fault{"the label " + shown(trim.data(), trim.size()) + " has a control character in it", "plain letters", lines.line(), fields[i].column};
            if (const auto value = number_of(trim); value && (!std::isfinite(*value) || *value != std::floor(*value)))
                return Fault{"the label " + shown(trim.data(), trim.size()) + " is neither a whole number nor a word", "labels are classes: is the label's column right?", lines.line(), fields[i].column};
            if (!sheet.labels.add(usual(std::string(trim))))
                return Fault{"there are more than " + std::to_string(Labels::most_words) + " different labels", "labels are classes: is the label's column right?", lines.line(), fields[i].column};
        }
        ++sheet.rows;
    } while (lines.next(fields));
    if (lines.fault) return *lines.fault;
    return sheet;
}

}  // namespace grapevine::formats
