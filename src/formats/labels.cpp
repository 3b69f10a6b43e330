#include "grapevine/formats/labels.hpp"

#include <algorithm>

namespace grapevine::formats {

bool Labels::add(const std::string& word) {
    auto found = numbers_.find(word);
    if (found == numbers_.end()) {
        if (words_.size() == most_words) return false;
        found = numbers_.emplace(word, static_cast<std::uint32_t>(words_.size())).first;
        words_.push_back(word);
    }
    of_row_.push_back(found->second);
    return true;
}

std::string usual(const std::string& word) {
    std::size_t at = 0, end = word.size();
    const bool negative = at < end && word[at] == '-';
    if (at < end && (word[at] == '+' || word[at] == '-')) ++at;
    if (const auto point = word.find('.', at); point != std::string::npos) {
        if (point == at || word.find_first_not_of('0', point + 1) != std::string::npos) return word;
        end = point;
    }
    if (at == end || !std::all_of(word.begin() + static_cast<std::ptrdiff_t>(at), word.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return c >= '0' && c <= '9'; }))
        return word;
    while (at + 1 < end && word[at] == '0') ++at;
    const std::string digits = word.substr(at, end - at);
    return negative && digits != "0" ? "-" + digits : digits;
}

}  // namespace grapevine::formats
