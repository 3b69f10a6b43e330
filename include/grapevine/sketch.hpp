#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "grapevine/random.hpp"

namespace grapevine {

// A vector in few numbers, by a random linear map that all who know its seed have in common: the squared length of a sketch is that
// of the vector in the mean over seeds, with a relative standard deviation of sqrt(2 / length()) at most. Since the map is linear,
// the sketch of a difference or of a mean is the difference or the mean of sketches.
//
// Each value goes, with a random sign, into one of the sketch's places (Charikar, Chen, Farach-Colton 2002: "Finding Frequent Items
// in Data Streams"; its second moment: Thorup, Zhang 2012). Here a run of as many values as there are places goes into neighbouring
// places from a random one on, so that two values of different runs meet in one place as often as if each had been drawn a place,
// and those of one run never do. A vector that is no longer than the sketch is its own sketch.
class Sketcher {
public:
    static constexpr std::uint64_t longest = 2048;  // a relative standard deviation of 3.1 %
    static constexpr std::uint64_t length(std::uint64_t size) { return std::min(size, longest); }

    Sketcher(std::uint64_t seed, std::uint64_t size) : seed_(seed), size_(size), places_(size > longest ? longest + word : size) {}

    // Values from the place `offset` of the vector on, which lie inside it. In any order, each place once; those left out are 0.
    template <class Value>
    void add(std::uint64_t offset, std::span<const Value> values) {
        assert(offset <= size_ && values.size() <= size_ - offset);
        if (size_ <= longest) {
            for (std::size_t i = 0; i < values.size(); ++i) places_[offset + i] += static_cast<double>(values[i]);
            return;
        }
        for (std::size_t done = 0; done < values.size();) {
            const std::uint64_t at = offset + done, within = at % word;
            const std::size_t n = std::min<std::size_t>(word - within, values.size() - done);
            const std::uint64_t first = (Random::mix(seed_ ^ Random::mix(at / longest)) + (at - within)) % longest + within;
            const std::uint64_t signs = Random::mix(~seed_ ^ Random::mix(at / word)) >> within;
            double* const to = places_.data() + first;
            const Value* const from = values.data() + done;
            for (std::size_t i = 0; i < n; ++i) to[i] += sign[signs >> i & 1] * static_cast<double>(from[i]);
            done += n;
        }
    }

    std::vector<float> take() const {
        std::vector<float> sketch(length(size_));
        for (std::size_t i = 0; i < sketch.size(); ++i) sketch[i] = static_cast<float>(places_[i] + (i + longest < places_.size() ? places_[i + longest] : 0));
        return sketch;
    }

private:
    static constexpr std::uint64_t word = 64;  // values whose signs are drawn together
    static constexpr double sign[2] = {1, -1};

    std::uint64_t seed_, size_;
    std::vector<double> places_;  // the last `word` of them are the first again
};

}  // namespace grapevine
