#pragma once

#include <cmath>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "document.hpp"
#include "names.hpp"

namespace grapevine::config {

template <class E, std::size_t N> std::vector<std::string> words(const std::array<Named<E>, N>& names) {
    std::vector<std::string> all;
    for (const auto& name : names) all.emplace_back(name.word);
    return all;
}

template <std::size_t N> std::vector<std::string> words(const std::array<const char*, N>& names) { return {names.begin(), names.end()}; }

// One table of the file, being read. Each question names a key, so that in the end what nobody asked for is
// unknown: finish() says so, with the nearest of what was asked. An absent key leaves the default alone.
class Section {
public:
    // `table` null: it does not stand in the file, everything keeps its default. The top level has no title.
    Section(const Table* table, Place place, std::string title, Reading& reading);

    bool has(const char* key) const;
    Place place() const { return place_; }
    Place place_of(const char* key) const;  // of its value; the section's own where it is absent
    const std::string& title() const { return title_; }
    Reading& reading() { return reading_; }

    const Value* value(const char* key);  // any type; null if absent
    Section table(const char* key, const std::string& title);
    std::vector<Section> tables(const char* key, const std::string& title);  // [[title]]

    // Each returns whether the key is there with a good value; a bad one has been said.
    bool text(const char* key, std::string& out);
    bool truth(const char* key, bool& out);
    bool duration(const char* key, Duration& out, const char* example);
    bool longer_than_zero(const char* key, Duration& out, const char* example);
    bool rate(const char* key, double& out);
    bool size(const char* key, std::uint64_t& out, const char* example);  // in bytes, more than none
    bool integer(const char* key, std::uint64_t& out, std::uint64_t least, std::uint64_t most);
    bool integer(const char* key, std::uint32_t& out, std::uint32_t least, std::uint32_t most);
    bool number(const char* key, double& out, double least, double most);
    bool above(const char* key, double& out, double least);  // a number greater than `least`
    bool probability(const char* key, double& out) { return number(key, out, 0, 1); }
    bool numbers(const char* key, std::vector<double>& out);
    bool texts(const char* key, std::vector<std::string>& out, const char* example);  // none empty, no control characters

    template <class E, std::size_t N>
    bool choice(const char* key, E& out, const std::array<Named<E>, N>& names, const std::vector<std::string>& later = {}) {
        const auto index = pick(key, words(names), later);
        if (index) out = names[*index].value;
        return index.has_value();
    }
    std::optional<std::size_t> pick(const char* key, const std::vector<std::string>& words, const std::vector<std::string>& later);

    // Keys that mean something elsewhere: "'graph' belongs to kind = "dpsgd"; this exchange is "gossip"".
    void belongs(std::initializer_list<const char*> keys, const std::string& where, const std::string& here);
    // Keys that the documentation knows and this version has not.
    void later(std::initializer_list<const char*> keys);
    void finish();  // what nobody asked for is an error

    void fault(const char* key, const std::string& what, const std::string& hint);

private:
    const Entry* entry(const char* key);
    std::string in() const { return title_.empty() ? "" : " in " + title_; }
    void wants(const char* key, const Value& value, const std::string& what, const std::string& hint);

    const Table* table_;
    Place place_;
    std::string title_;
    Reading& reading_;
    std::vector<std::string> asked_, elsewhere_;
};

std::string in_double_quotes(const std::string& word);
// "sgd", "momentum" or "nesterov"
std::string any_of(const std::vector<std::string>& words);

// { dist = "lognormal", median = "2ms", sigma = 0.1 }, or "2ms". `zero`: may it be no time at all?
bool read_distribution(Section& section, const char* key, Distribution& out, bool zero);

// What else a [[group]] says of its machines: slowness, clock, power.
void read_machine(Section& section, Group& group, const Config& config);
inline constexpr double most_drift = 0.5;  // of a clock, either way
// Says so if the exchange of this run needs one clock common to all, which `key` takes away.
void needs_clocks_of_its_own(Section& section, const char* key, const Config& config);
// What a [[group]] and a [[link]] are where they do not say: of a preset, or nothing in particular.
struct Usual {
    Group group;
    Link link;
    bool preset = false;
};
Usual read_preset(Section& file);

// Says so if nobody would hear of a peer that comes later.
void needs_news_of_newcomers(Section& section, const char* key, const Config& config);

// The sections, in the order in which they are read: a later one may ask what an earlier one said.
void read_model(Section& file, Config& config);
void read_data(Section& file, Config& config);
void read_data_files(Section& section, Data& data, ModelKind model);  // of [data]: format and what belongs to it
void read_set_of_rows(Section& section, Config& config);  // of [data]: of models that learn from ratings or words, what else they learn from
void read_train(Section& file, Config& config);
void read_exchange(Section& file, Config& config);
void read_graph(Section& section, Exchange& exchange);  // of [exchange]
void read_membership(Section& file, Config& config);
void read_metrics(Section& file, Config& config);
void read_groups(Section& file, Config& config, const Usual& usual);
void read_links(Section& file, Config& config, const Usual& usual);
void read_events(Section& file, Config& config);
void read_churns(Section& file, Config& config);
void read_sweep(Section& file, Config& config);
void read_expects(Section& file, Config& config);
void read_compares(Section& file, Config& config);

// Says so if `name` is no group of the run. "*" is everybody.
bool is_known_group(Section& section, Place place, const std::string& name, const Config& config);

}  // namespace grapevine::config
