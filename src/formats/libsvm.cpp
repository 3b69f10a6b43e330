#include "grapevine/formats/libsvm.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "number.hpp"

namespace grapevine::formats {

std::vector<float> Sparse::dense(std::size_t width) const {
    assert(width >= columns);
    std::vector<float> all(rows() * width);
    std::size_t entry = 0;
    for (std::size_t row = 0; row < rows(); ++row)
        for (; entry < ends[row]; ++entry) all[row * width + indices[entry]] = values[entry];
    return all;
}

std::variant<Sparse, Fault> decode_libsvm(std::span<const std::byte> bytes) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string form = "a line is: label index:value index:value ...";
    Sparse sparse;
    for (std::uint64_t line = 1; !text.empty(); ++line) {
        const auto end = text.find('\n');
        std::string_view rest = text.substr(0, std::min(end, text.size()));
        const char* const begin = rest.data();
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        rest = rest.substr(0, std::min(rest.find('#'), rest.size()));
        if (rest.ends_with('\r')) rest.remove_suffix(1);
        bool labelled = false;
        std::size_t least = 0;
        for (;;) {
            while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
            if (rest.empty()) break;
            const std::string_view word = rest.substr(0, std::min(rest.find_first_of(" \t"), rest.size()));
            rest.remove_prefix(word.size());
            const std::string said = shown(word.data(), word.size());
            const auto fault = [&](const std::string& what, const std::string& hint) { return Fault{what, hint, line, static_cast<std::uint64_t>(word.data() - begin) + 1}; };
            if (!labelled) {
                const auto value = number_of(word);
                if (!value || !std::isfinite(*value)) return fault("the label " + said + " is no number", form);
                if (*value != std::floor(*value)) return fault("the label " + said + " is no whole number", "labels are classes");
                if (!sparse.labels.add(usual(std::string(word)))) return fault("there are more than " + std::to_string(Labels::most_words) + " different labels", "labels are classes");
                labelled = true;
                continue;
            }
            const auto colon = word.find(':');
            std::size_t index = 0;
            const auto* past = word.data() + std::min(colon, word.size());
            const auto [stopped, wrong] = std::from_chars(word.data(), past, index);
            if (colon == std::string_view::npos || wrong == std::errc::invalid_argument || stopped != past) return fault(said + " is no entry", form);
            if (wrong != std::errc{} || index > most_libsvm_index) return fault("the index of " + said + " is above " + std::to_string(most_libsvm_index), "such wide tables are not read");
            if (index == 0) return fault("the index of " + said + " is 0", "indices count from 1");
            if (index <= least) return fault("the index of " + said + " does not come after " + std::to_string(least), "in ascending order, each once");
            const auto value = number_of(word.substr(colon + 1));
            const auto narrow = value ? finite_float(*value) : std::nullopt;
            if (!narrow) return fault(value ? "the value of " + said + (std::isnan(*value) ? " is not a number to learn from" : " is too large") : "the value of " + said + " is no number", form);
            least = index;
            sparse.columns = std::max(sparse.columns, index);
            sparse.indices.push_back(static_cast<std::uint32_t>(index - 1));
            sparse.values.push_back(*narrow);
        }
        if (labelled) sparse.ends.push_back(sparse.indices.size());
    }
    if (sparse.rows() == 0) return Fault{"it is empty", form};
    if (sparse.columns == 0) return Fault{"there is not one number beside the labels", form};
    return sparse;
}

}  // namespace grapevine::formats
