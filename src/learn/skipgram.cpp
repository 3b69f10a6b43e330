#include "skipgram.hpp"

#include <algorithm>
#include <cassert>

#include "grapevine/portable_math.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;
using kernels::Element;
using kernels::IndexSpan;

struct Skipgram::Places {
    DeviceSpan words;            // (rows, rank)
    DeviceSpan contexts;         // (rows, group, rank)
    DeviceSpan scores;           // (rows, group)
    DeviceSpan dwords, dcontexts;
};

Skipgram::Skipgram(const DataShape& data, std::size_t vocabulary, std::size_t rank, std::size_t window, std::size_t negatives)
    : words_(data.vocabulary ? data.vocabulary->words.size() : vocabulary), rank_(rank), window_(window), group_(1 + negatives) {
    assert(words_ > 1 && rank_ > 0 && window_ > 0 && negatives > 0);
    inputs_ = table_.add("word_vectors", {words_, rank_});
    outputs_ = table_.add("context_vectors", {words_, rank_});
    if (!data.vocabulary) return;

    share_.resize(words_);
    other_.resize(words_);
    double sum = 0;
    for (std::size_t w = 0; w < words_; ++w) sum += share_[w] = portable::exp(0.75 * portable::log(static_cast<double>(data.vocabulary->counts[w])));
    std::vector<std::int32_t> small, large;
    for (std::size_t w = 0; w < words_; ++w) {
        other_[w] = static_cast<std::int32_t>(w);
        share_[w] *= static_cast<double>(words_) / sum;
        (share_[w] < 1 ? small : large).push_back(other_[w]);
    }
    while (!small.empty() && !large.empty()) {
        const auto poor = static_cast<std::size_t>(small.back()), rich = static_cast<std::size_t>(large.back());
        small.pop_back();
        other_[poor] = static_cast<std::int32_t>(rich);
        share_[rich] -= 1 - share_[poor];
        if (share_[rich] >= 1) continue;
        large.pop_back();
        small.push_back(static_cast<std::int32_t>(rich));
    }
}

// As word2vec begins: words spread evenly, contexts at zero.
std::vector<float> Skipgram::initial(std::uint64_t seed) const {
    std::vector<float> block(table_.size());
    Random random = stream(seed, Purpose::parameters);
    for (float& x : std::span(block).subspan(inputs_, words_ * rank_)) x = static_cast<float>((random.uniform() - 0.5) / static_cast<double>(rank_));
    return block;
}

std::int32_t Skipgram::context(std::span<const std::int32_t> text, std::size_t place, Random& random) const {
    const std::size_t begin = place / passage * passage, end = std::min(text.size(), begin + passage);
    assert(end - begin > 1);
    for (;;) {
        std::uint64_t drawn = random.below(window_ * (window_ + 1));
        const bool before = drawn % 2 == 0;
        drawn /= 2;
        std::size_t distance = 1;
        for (std::size_t weight = window_; drawn >= weight; --weight, ++distance) drawn -= weight;
        if (before ? place >= begin + distance : place + distance < end) return text[before ? place - distance : place + distance];
    }
}

std::int32_t Skipgram::negative(std::int32_t context, Random& random) const {
    constexpr int tries = 16;  // where one word is nearly all of the text, others are hardly ever drawn
    for (int i = 0; i < tries; ++i) {
        const std::size_t word = random.below(words_);
        const std::int32_t drawn = random.uniform() < share_[word] ? static_cast<std::int32_t>(word) : other_[word];
        if (drawn != context) return drawn;
    }
    return (context + 1) % static_cast<std::int32_t>(words_);
}

void Skipgram::stage(const Dataset& set, std::span<const std::uint32_t> rows, Random* random, std::span<std::int32_t> to) const {
    const std::span text(std::get<std::vector<std::int32_t>>(set.values));
    assert(!share_.empty() && to.size() == rows.size() * indices_per_row());
    const Random always = stream(0, Purpose::pairs);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Random of_row = always.split(rows[i]);
        Random& from = random ? *random : of_row;
        to[i] = static_cast<std::int32_t>(rows[i]);
        to[rows.size() + i] = text[rows[i]];
        std::int32_t* const group = &to[2 * rows.size() + i * group_];
        group[0] = context(text, rows[i], from);
        for (std::size_t n = 1; n < group_; ++n) group[n] = negative(group[0], from);
    }
}

Skipgram::Places Skipgram::places(Room& room, Element element, std::size_t rows, bool backward) const {
    Places p;
    p.words = room.elements(element, rows * rank_);
    p.contexts = room.elements(element, rows * group_ * rank_);
    p.scores = room.elements(element, rows * group_);
    if (!backward) return p;
    p.dwords = room.elements(element, rows * rank_);
    p.dcontexts = room.elements(element, rows * group_ * rank_);
    return p;
}

std::size_t Skipgram::memory(Element element, std::size_t rows, bool backward) const {
    Room room;
    places(room, element, rows, backward);
    return room.used();
}

namespace {
IndexSpan words_of(const Pass& pass) { return pass.staged.part(pass.rows, pass.rows); }
IndexSpan contexts_of(const Pass& pass, std::size_t group) { return pass.staged.part(2 * pass.rows, pass.rows * group); }
}  // namespace

DeviceSpan Skipgram::forward(const Pass& pass) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows, pass.backward);
    pass.backend.embed(words_of(pass), rank_, pass.parameters.part(inputs_, words_ * rank_), {}, p.words);
    pass.backend.embed(contexts_of(pass, group_), rank_, pass.parameters.part(outputs_, words_ * rank_), {}, p.contexts);
    pass.backend.row_dots(rank_, group_, p.words, p.contexts, p.scores);
    return p.scores;
}

void Skipgram::lose(const Pass& pass) const {
    Room room(pass.memory);
    pass.backend.pairs(group_, places(room, pass.backend.element(), pass.rows, pass.backward).scores);
}

void Skipgram::backward(const Pass& pass, std::size_t) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows, pass.backward);
    pass.backend.row_dots_backward(rank_, group_, p.words, p.contexts, p.scores, p.dwords, p.dcontexts);
    pass.backend.embed_backward(words_of(pass), rank_, p.dwords, pass.gradient.part(inputs_, words_ * rank_), {});
    pass.backend.embed_backward(contexts_of(pass, group_), rank_, p.dcontexts, pass.gradient.part(outputs_, words_ * rank_), {});
}

}  // namespace grapevine::learn
