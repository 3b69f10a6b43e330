#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace grapevine::formats {

// The label of each row, as its number among the words that the file uses for labels.
class Labels {
public:
    static constexpr std::size_t most_words = 1 << 16;

    // False: that would be one word too many.
    bool add(const std::string& word);

    std::size_t rows() const { return of_row_.size(); }
    const std::vector<std::string>& words() const { return words_; }  // in the order in which they first came
    const std::vector<std::uint32_t>& of_row() const { return of_row_; }

private:
    std::vector<std::string> words_;
    std::unordered_map<std::string, std::uint32_t> numbers_;  // looked up in, never walked over
    std::vector<std::uint32_t> of_row_;
};

// A word that is a whole number, as it is written usually: "+07" and "7.0" are "7". Others as they are.
std::string usual(const std::string& word);

}  // namespace grapevine::formats
