#include <cmath>

#include "clones.hpp"
#include "functions.hpp"
#include "layers.hpp"
#include "vectors.hpp"

// Each turns outputs into gradients in place. What is summed over rows is summed in double.
namespace grapevine::kernels::layers {
namespace {

// Whether the target is the first of the largest.
GRAPEVINE_INLINE bool is_first_largest(const float* x, std::size_t target, float top) {
    for (std::size_t j = 0; j < target; ++j)
        if (x[j] >= top) return false;
    return x[target] >= top;
}

}  // namespace

GRAPEVINE_FOR_EVERY_PROCESSOR
void softmax_cross_entropy(std::size_t rows, std::size_t classes, const std::int32_t* targets, float* logits, Losses& losses) {
    const float share = 1 / static_cast<float>(rows);
    for (std::size_t i = 0; i < rows; ++i, logits += classes) {
        const auto target = static_cast<std::size_t>(targets[i]);
        const float top = largest_of(classes, logits);  // so that no exponential overflows
        losses.correct += is_first_largest(logits, target, top);
        losses.sum -= static_cast<double>(logits[target]) - top;
        for (std::size_t j = 0; j < classes; ++j) logits[j] = exponential(logits[j] - top);
        Vector sums = {};
        std::size_t j = 0;
        for (; j + lanes <= classes; j += lanes) sums += load(logits + j);
        double sum = sum_of(sums);
        for (; j < classes; ++j) sum += logits[j];
        losses.sum += std::log(sum);
        const float factor = share / static_cast<float>(sum);
        for (j = 0; j < classes; ++j) logits[j] *= factor;
        logits[target] -= share;
    }
    losses.rows += rows;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void hinge(std::size_t rows, std::size_t classes, const std::int32_t* targets, float* outputs, Losses& losses) {
    const float share = 1 / static_cast<float>(rows * classes);
    for (std::size_t i = 0; i < rows; ++i, outputs += classes) {
        const auto target = static_cast<std::size_t>(targets[i]);
        losses.correct += is_first_largest(outputs, target, largest_of(classes, outputs));
        const float wanted = outputs[target];
        double sum = -1;  // the target's own margin is always 1
        std::size_t over = 0;
        for (std::size_t j = 0; j < classes; ++j) {
            const float margin = 1 + outputs[j] - wanted;
            const bool kept = margin <= 0;  // a margin that is no number counts as one that is not kept, and the sum shows it
            outputs[j] = kept ? 0 : share;
            sum += kept ? 0 : margin;
            over += !kept;
        }
        outputs[target] = -share * static_cast<float>(over - 1);
        losses.sum += sum / static_cast<double>(classes);
    }
    losses.rows += rows;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void squared_error(std::size_t rows, const float* __restrict targets, float* __restrict outputs, Losses& losses) {
    const float share = 2 / static_cast<float>(rows);
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        const float difference = outputs[i] - targets[i];
        sum += static_cast<double>(difference) * difference;
        outputs[i] = share * difference;
    }
    losses.sum += sum;
    losses.rows += rows;
}

GRAPEVINE_FOR_EVERY_PROCESSOR
void pairs(std::size_t rows, std::size_t group, float* scores, Losses& losses) {
    const float share = 1 / static_cast<float>(rows);
    for (std::size_t i = 0; i < rows; ++i, scores += group) {
        losses.correct += is_first_largest(scores, 0, largest_of(group, scores));
        double sum = 0;
        scores[0] = -scores[0];  // then each wants to be small: -log sigma(-x) = log(1 + e^x)
        for (std::size_t j = 0; j < group; ++j) {
            const float x = scores[j], e = exponential(x < 0 ? x : -x), below = 1 / (1 + e);
            sum += (x < 0 ? 0 : x) + log_of_one_and(e);
            scores[j] = share * (x < 0 ? e * below : below);
        }
        scores[0] = -scores[0];
        losses.sum += sum;
    }
    losses.rows += rows;
}

}  // namespace grapevine::kernels::layers
