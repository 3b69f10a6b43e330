#pragma once

#include "common.cuh"

// Losses: each turns outputs into their gradient and writes for each row its loss and whether it is right.
namespace grapevine::kernels::device {

// A block a row. A target that is no class makes the row's loss no number.
template <class Value>
__global__ void softmax_cross_entropy(std::size_t classes, const std::int32_t* targets, float share, Value* logits, double* losses) {
    Value* const x = logits + blockIdx.x * classes;
    const std::int32_t target = targets[blockIdx.x];
    const bool known = target >= 0 && static_cast<std::size_t>(target) < classes;
    const float wanted = known ? as_float(x[target]) : NAN;  // before anybody overwrites it: all meet below
    Largest mine{-INFINITY, 0xffffffff};
    for (std::size_t j = threadIdx.x; j < classes; j += blockDim.x) mine = larger(mine, {as_float(x[j]), static_cast<std::uint32_t>(j)});
    const Largest top = largest_of_block(mine);
    float sum = 0;
    for (std::size_t j = threadIdx.x; j < classes; j += blockDim.x) sum += expf(as_float(x[j]) - top.value);
    sum = sum_of_block(sum);
    for (std::size_t j = threadIdx.x; j < classes; j += blockDim.x)
        x[j] = made<Value>(share * (expf(as_float(x[j]) - top.value) / sum - (static_cast<std::int32_t>(j) == target ? 1 : 0)));
    if (threadIdx.x != 0) return;
    losses[2 * blockIdx.x] = log(static_cast<double>(sum)) + top.value - wanted;
    losses[2 * blockIdx.x + 1] = known && static_cast<std::int32_t>(top.place) == target;
}

// A thread a row: classes are few.
template <class Value>
__global__ void hinge(std::size_t rows, std::size_t classes, const std::int32_t* targets, float share, Value* outputs, double* losses) {
    for (std::size_t i = first_index(); i < rows; i += stride()) {
        Value* const x = outputs + i * classes;
        const std::int32_t target = targets[i];
        if (target < 0 || static_cast<std::size_t>(target) >= classes) {
            losses[2 * i] = NAN, losses[2 * i + 1] = 0;
            continue;
        }
        const float wanted = as_float(x[target]);
        Largest top{-INFINITY, 0xffffffff};
        double sum = 0;
        unsigned over = 0;
        for (std::size_t j = 0; j < classes; ++j) {
            const float value = as_float(x[j]), margin = 1 + value - wanted;
            top = larger(top, {value, static_cast<std::uint32_t>(j)});
            if (static_cast<std::int32_t>(j) == target) continue;
            x[j] = made<Value>(margin <= 0 ? 0 : share);  // a margin that is no number counts as one that is not kept, and the sum shows it
            if (margin <= 0) continue;
            sum += margin;
            ++over;
        }
        x[target] = made<Value>(-share * static_cast<float>(over));
        losses[2 * i] = sum / static_cast<double>(classes);
        losses[2 * i + 1] = static_cast<std::int32_t>(top.place) == target;
    }
}

template <class Value>
__global__ void squared_error(std::size_t rows, const float* targets, float share, Value* outputs, double* losses) {
    for (std::size_t i = first_index(); i < rows; i += stride()) {
        const float difference = as_float(outputs[i]) - targets[i];
        outputs[i] = made<Value>(share * difference);
        losses[2 * i] = static_cast<double>(difference) * difference;
        losses[2 * i + 1] = 0;
    }
}

template <class Value>
__global__ void pairs(std::size_t rows, std::size_t group, float share, Value* scores, double* losses) {
    for (std::size_t i = first_index(); i < rows; i += stride()) {
        Value* const x = scores + i * group;
        Largest top{-INFINITY, 0xffffffff};
        double sum = 0;
        for (std::size_t j = 0; j < group; ++j) {
            const float value = as_float(x[j]), against = j == 0 ? -value : value;  // log(1 + e^against)
            top = larger(top, {value, static_cast<std::uint32_t>(j)});
            sum += fmaxf(against, 0) + log1pf(expf(-fabsf(against)));
            if (value != value) sum = NAN;  // fmaxf hides it
            x[j] = made<Value>(share * (1 / (1 + expf(-value)) - (j == 0 ? 1.0f : 0.0f)));
        }
        losses[2 * i] = sum;
        losses[2 * i + 1] = top.place == 0;
    }
}

// sums (3) += the rows' losses, how many are right, how many there are. One block.
__global__ void add_losses(std::size_t rows, const double* losses, double* sums) {
    double loss = 0, right = 0;
    for (std::size_t i = threadIdx.x; i < rows; i += threads) loss += losses[2 * i], right += losses[2 * i + 1];
    loss = sum_of_block(loss);
    right = sum_of_block(right);
    if (threadIdx.x != 0) return;
    sums[0] += loss;
    sums[1] += right;
    sums[2] += static_cast<double>(rows);
}

}  // namespace grapevine::kernels::device
