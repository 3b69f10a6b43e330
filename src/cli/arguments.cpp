#include "arguments.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cstdlib>

namespace grapevine::cli {

namespace po = boost::program_options;

namespace {

std::string environment_name(const std::string& option) {
    std::string name = "GRAPEVINE_";
    for (const char c : option) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

Error unknown(const std::string& verb, const std::string& typed, const std::vector<Option>& options) {
    std::vector<std::string> known;
    for (const Option& o : options) known.push_back("--" + o.name);
    const auto near = config::nearest(typed, known);
    return {"grapevine " + verb + " has no option " + typed,
            near ? "did you mean " + *near + "?" : "'grapevine help " + verb + "' lists its options"};
}

}  // namespace

std::optional<std::string> Arguments::get(const std::string& name) const {
    const auto it = values_.find(name);
    return it == values_.end() || it->second.empty() ? std::nullopt : std::optional(it->second.back());
}

std::vector<std::string> Arguments::all(const std::string& name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? std::vector<std::string>{} : it->second;
}

Arguments::Number Arguments::number(const std::string& name, double least, double most) const {
    const auto text = get(name);
    if (!text) return std::optional<double>{};
    double value = 0;
    const auto [end, wrong] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (wrong != std::errc{} || end != text->data() + text->size())
        return Error{"--" + name + " wants a number, not '" + *text + "'", "for example: --" + name + " " + std::to_string(static_cast<long long>(std::max(least, 1.0)))};
    if (!(value >= least && value <= most)) {
        const auto whole = [](double x) { return std::to_string(static_cast<long long>(x)); };
        return Error{"--" + name + " " + *text + " is out of range", "it lies between " + whole(least) + " and " + whole(most)};
    }
    return std::optional<double>{value};
}

std::variant<Arguments, Error> Arguments::parse(const std::string& verb, const std::vector<Option>& options,
                                                std::size_t most_positional, const std::vector<std::string>& words) {
    po::options_description described;
    for (const Option& o : options) {
        const std::string names = o.letter ? o.name + "," + o.letter : o.name;
        if (o.value.empty()) described.add_options()(names.c_str(), "");
        else described.add_options()(names.c_str(), po::value<std::vector<std::string>>()->composing(), "");
    }
    described.add_options()("positional", po::value<std::vector<std::string>>());
    po::positional_options_description places;
    places.add("positional", -1);

    // An option of one letter is typed with one dash, -o, as everywhere; the library knows it with two.
    std::vector<std::string> typed = words;
    for (std::string& word : typed)
        if (word.size() == 2 && word[0] == '-' && std::any_of(options.begin(), options.end(), [&](const Option& o) { return o.name == word.substr(1); })) word.insert(0, "-");

    Arguments arguments;
    po::variables_map map;
    try {
        po::store(po::command_line_parser(typed).options(described).positional(places)
                      .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing).run(), map);
    } catch (const po::unknown_option& e) {
        return unknown(verb, e.get_option_name().rfind("--", 0) == 0 ? e.get_option_name() : "--" + e.get_option_name(), options);
    } catch (const po::multiple_occurrences& e) {
        return Error{"--" + e.get_option_name() + " is given twice", "once is enough"};
    } catch (const po::error_with_option_name& e) {
        return Error{e.get_option_name() + " wants a value", "'grapevine help " + verb + "' shows which"};
    } catch (const po::error& e) {
        return Error{std::string("cannot read the command line: ") + e.what(), "'grapevine help " + verb + "' shows how it goes"};
    }
    for (const Option& o : options) {
        if (map.count(o.name)) {
            auto& values = arguments.values_[o.name];
            if (o.value.empty()) continue;
            values = map[o.name].as<std::vector<std::string>>();
            if (values.size() > 1 && !o.repeated) return Error{"--" + o.name + " is given twice", "once is enough"};
        } else if (const char* set = o.typed_only ? nullptr : std::getenv(environment_name(o.name).c_str()); set && *set) {
            if (o.value.empty()) {
                if (std::string(set) != "0") arguments.values_[o.name];
            } else {
                arguments.values_[o.name] = {set};
            }
        }
    }
    if (map.count("positional")) arguments.positional = map["positional"].as<std::vector<std::string>>();
    if (arguments.positional.size() > most_positional)
        return Error{"grapevine " + verb + " does not know what to do with '" + arguments.positional[most_positional] + "'",
                     "'grapevine help " + verb + "' shows how it goes"};
    return arguments;
}

}  // namespace grapevine::cli
