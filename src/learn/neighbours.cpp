#include "grapevine/learn/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace grapevine::learn {

std::variant<std::vector<Neighbour>, Error> nearest(const Checkpoint& from, const Vocabulary& vocabulary, const std::string& word, std::size_t most) {
    const StoredTensor* vectors = from.find("word_vectors");
    if (!vectors || vectors->shape.size() != 2 || vectors->shape[1] == 0 || vectors->shape[0] != vocabulary.words.size())
        return Error{"the model's vectors are not those of the " + std::to_string(vocabulary.words.size()) + " words of this text", "the text that it was trained on"};
    const auto found = std::find(vocabulary.words.begin(), vocabulary.words.end(), word);
    if (found == vocabulary.words.end()) return Error{"'" + word + "' is not in the vocabulary of " + std::to_string(vocabulary.words.size()) + " words", "a word of the text in small letters, for example '" + vocabulary.words.front() + "'"};
    const std::size_t rank = vectors->shape[1];
    const auto of = [&](std::size_t i) { return std::span(vectors->values).subspan(i * rank, rank); };
    const auto product = [](std::span<const float> x, std::span<const float> y) {
        double sum = 0;
        for (std::size_t k = 0; k < x.size(); ++k) sum += static_cast<double>(x[k]) * static_cast<double>(y[k]);
        return sum;
    };
    const auto self = static_cast<std::size_t>(found - vocabulary.words.begin());
    const double length = std::sqrt(product(of(self), of(self)));
    std::vector<Neighbour> all;
    for (std::size_t i = 0; i < vocabulary.words.size(); ++i) {
        if (i == self) continue;
        const double lengths = length * std::sqrt(product(of(i), of(i)));
        all.push_back({vocabulary.words[i], lengths > 0 ? product(of(self), of(i)) / lengths : 0});
        if (!std::isfinite(all.back().cosine)) return Error{"the model holds values that are no numbers", "the training that made it has diverged"};
    }
    std::stable_sort(all.begin(), all.end(), [](const Neighbour& a, const Neighbour& b) { return a.cosine > b.cosine; });
    all.resize(std::min(all.size(), most));
    return all;
}

}  // namespace grapevine::learn
