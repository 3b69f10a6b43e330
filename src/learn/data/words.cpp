#include "words.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "../bundle.hpp"
#include "../purposes.hpp"
#include "kjv.hpp"

namespace grapevine::learn {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 31;  // of a file
constexpr std::size_t longest_word = 64;                      // bytes; what is longer is no word
constexpr double kjv_words = 790'000;

// Words by numbers, in the order in which they came up.
struct Tokens {
    std::vector<std::string> words;
    std::vector<std::uint32_t> train, test;  // test empty: a share of the others is held out
};

void cut(const std::string& text, std::unordered_map<std::string, std::uint32_t>& known, std::vector<std::string>& words, std::vector<std::uint32_t>& to) {
    std::string word;
    const auto finish = [&] {
        if (!word.empty() && word.size() <= longest_word) {
            const auto [entry, fresh] = known.try_emplace(word, static_cast<std::uint32_t>(words.size()));
            if (fresh) words.push_back(word);
            to.push_back(entry->second);
        }
        word.clear();
    };
    for (const char c : text) {
        const bool capital = c >= 'A' && c <= 'Z';
        if (capital || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80) word += capital ? static_cast<char>(c - 'A' + 'a') : c;
        else finish();
    }
    finish();
}

std::variant<std::string, Error> read_text(const std::string& path) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);  // of a regular file: another may never end, or never begin
    std::ifstream file;
    if (!failed) file.open(path, std::ios::binary);
    if (failed || !file) return Error{path + " cannot be read", "check the name in [data] files, and its permissions"};
    if (size > most_bytes) return Error{path + " has more than 2 GiB", "a shorter text"};
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (text.starts_with("\x1f\x8b")) return Error{path + " is compressed", "gunzip it first"};
    return text;
}

std::string in(const config::Data& data, const std::string& name) { return data.directory.empty() ? name : data.directory + "/" + name; }

std::variant<Tokens, Error> tokens_of_files(const config::Data& data) {
    Tokens tokens;
    std::unordered_map<std::string, std::uint32_t> known;
    for (const auto& [names, to] : {std::pair{&data.own->files, &tokens.train}, {&data.own->test_files, &tokens.test}})
        for (const std::string& name : *names) {
            auto text = read_text(in(data, name));
            if (auto* error = std::get_if<Error>(&text)) return std::move(*error);
            cut(std::get<std::string>(text), known, tokens.words, *to);
        }
    return tokens;
}

// Runs of words of one topic, in which one word of ten is any.
Tokens topics(const config::Data& data, std::uint64_t seed) {
    constexpr std::size_t run = 50;
    constexpr double stray = 0.1;
    Tokens tokens;
    for (std::uint32_t t = 0; t < data.topics; ++t)
        for (std::uint32_t w = 0; w < data.words; ++w) tokens.words.push_back("topic" + std::to_string(t) + "-word" + std::to_string(w));
    const Random random = stream(seed, Purpose::set);
    const auto draw = [&](std::size_t count, Random from) {
        std::vector<std::uint32_t> drawn(count);
        std::uint32_t topic = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (i % run == 0) topic = static_cast<std::uint32_t>(from.below(data.topics));
            const auto here = from.chance(stray) ? static_cast<std::uint32_t>(from.below(data.topics)) : topic;
            drawn[i] = here * data.words + static_cast<std::uint32_t>(from.below(data.words));
        }
        return drawn;
    };
    tokens.train = draw(data.train_samples, random.split(1));
    tokens.test = draw(data.test_samples, random.split(2));
    return tokens;
}

// Of the most frequent words of all that was read, the first of them first.
Vocabulary vocabulary_of(const Tokens& tokens, std::size_t most, std::vector<std::int32_t>& number) {
    std::vector<std::uint64_t> counts(tokens.words.size());
    for (const auto* text : {&tokens.train, &tokens.test})
        for (const std::uint32_t word : *text) ++counts[word];
    std::vector<std::uint32_t> order(counts.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : tokens.words[a] < tokens.words[b]; });
    Vocabulary vocabulary;
    number.assign(counts.size(), -1);
    for (const std::uint32_t word : order) {
        if (vocabulary.words.size() == most || counts[word] == 0) break;
        number[word] = static_cast<std::int32_t>(vocabulary.words.size());
        vocabulary.words.push_back(tokens.words[word]);
        vocabulary.counts.push_back(counts[word]);
    }
    return vocabulary;
}

std::variant<Sets, Error> assemble(const std::string& name, const Tokens& tokens, double held_out, const config::Model& model, std::uint64_t seed) {
    std::vector<std::int32_t> number;
    const auto vocabulary = std::make_shared<const Vocabulary>(vocabulary_of(tokens, model.vocabulary, number));
    const double total = std::accumulate(vocabulary->counts.begin(), vocabulary->counts.end(), 0.0);
    const std::string hint = "a text of some thousand words at least";
    if (vocabulary->words.size() < 2) return Error{"this text has less than two different words", hint};

    Random random = stream(seed, Purpose::set).split(3);
    std::vector<std::int32_t> train, test;
    const auto keep = [&](const std::vector<std::uint32_t>& from, std::vector<std::int32_t>& to) {
        for (const std::uint32_t token : from) {
            const std::int32_t word = number[token];
            if (word < 0) continue;
            const double share = static_cast<double>(vocabulary->counts[static_cast<std::size_t>(word)]) / total;
            if (model.subsample == 0 || share <= model.subsample || random.chance(std::sqrt(model.subsample / share))) to.push_back(word);
        }
        if (to.size() % passage == 1) to.pop_back();  // a word alone has no context
    };
    keep(tokens.train, train);
    keep(tokens.test, test);
    if (tokens.test.empty()) {
        std::vector<std::int32_t> rest;
        for (std::size_t i = 0; i < train.size(); ++i) {
            const auto before = static_cast<double>(i / passage);
            (std::floor(held_out * (before + 1)) > std::floor(held_out * before) ? test : rest).push_back(train[i]);
        }
        train = std::move(rest);
    }
    if (train.empty() || test.empty()) return Error{"too short a text: nothing is left to train on, or nothing to hold out in passages of " + std::to_string(passage) + " words", hint};
    const auto set = [&](std::vector<std::int32_t> text) {
        Dataset set;
        set.features = 1;
        set.vocabulary = vocabulary;
        set.unlabelled = text.size();
        set.values = std::move(text);
        return set;
    };
    return bundle(name, set(std::move(train)), set(std::move(test)));
}

}  // namespace

std::variant<Sets, Error> load_words(const config::Data& data, const config::Model& model, std::uint64_t seed) {
    constexpr double usual_share = 0.1;
    if (data.set == "topics") return assemble(data.set, topics(data, seed), usual_share, model, seed);
    if (data.own) {
        auto tokens = tokens_of_files(data);
        if (auto* error = std::get_if<Error>(&tokens)) return std::move(*error);
        return assemble("words", std::get<Tokens>(tokens), data.own->held_out, model, seed);
    }
    auto text = read_kjv(data.directory);
    if (auto* error = std::get_if<Error>(&text)) return std::move(*error);
    Tokens tokens;
    std::unordered_map<std::string, std::uint32_t> known;
    cut(without_headings(std::get<std::string>(text)), known, tokens.words, tokens.train);
    return assemble(data.set, tokens, usual_share, model, seed);
}

double most_words(const config::Data& data) {
    constexpr double shortest = 2;  // bytes of a word and what parts it from the next
    if (!data.own) return kjv_words;
    double bytes = 0;
    for (const auto* names : {&data.own->files, &data.own->test_files})
        for (const std::string& name : *names) {
            std::error_code failed;
            const auto size = std::filesystem::file_size(in(data, name), failed);
            if (!failed) bytes += static_cast<double>(size) / shortest;
        }
    return bytes;
}

}  // namespace grapevine::learn
