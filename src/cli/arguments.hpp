#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/config/config.hpp"

namespace grapevine::cli {

using config::Error;

// One option of a verb: "--out DIR". Without a value it is a flag.
struct Option {
    std::string name;                // "out"
    std::string value;               // "DIR"; empty: a flag
    std::string help;
    bool repeated = false;
    bool typed_only = false;         // not from the environment, where another verb's option has that name
    char letter = 0;                 // 'o': "-o DIR" is the same; 0: there is none
};

// What was typed, and for options that were not, what the environment says (GRAPEVINE_OUT for --out).
class Arguments {
public:
    std::vector<std::string> positional;

    bool has(const std::string& name) const { return values_.count(name) > 0; }
    std::optional<std::string> get(const std::string& name) const;
    std::vector<std::string> all(const std::string& name) const;

    // Checked; an Error that names the option where it cannot be read.
    using Number = std::variant<std::optional<double>, Error>;
    Number number(const std::string& name, double least, double most) const;

    static std::variant<Arguments, Error> parse(const std::string& verb, const std::vector<Option>& options,
                                                std::size_t most_positional, const std::vector<std::string>& words);

private:
    std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace grapevine::cli
