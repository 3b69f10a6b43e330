#pragma once

#include "common.cuh"

// What a batch is made of: rows of a table that lies on the device. A row that is not in the table gives what is no number.
namespace grapevine::kernels::device {

template <class Stored, class Value>
__global__ void gather(const Stored* table, std::size_t table_size, std::size_t width, std::size_t step, const std::int32_t* rows, std::size_t size,
                       Normalisation how, Value* to) {
    for (std::size_t i = first_index(); i < size; i += stride()) {
        const std::size_t begin = static_cast<std::size_t>(rows[i / width]) * step;
        const bool there = rows[i / width] >= 0 && begin + width <= table_size;
        to[i] = made<Value>(there ? how.scale * static_cast<float>(table[begin + i % width]) + how.shift : NAN);
    }
}

template <class Stored, class Value>
__global__ void gather_moved(const Stored* table, std::size_t table_size, Picture p, const std::int32_t* rows, const std::int32_t* moves, std::size_t size,
                             Normalisation how, Value* to) {
    const std::size_t picture = p.height * p.width * p.channels;
    for (std::size_t i = first_index(); i < size; i += stride()) {
        const std::size_t n = i / picture, at = i % picture, k = at % p.channels, c = at / p.channels % p.width, r = at / p.channels / p.width;
        const std::size_t begin = static_cast<std::size_t>(rows[n]) * picture;
        const std::int32_t move = moves[n], down = (move & 0xff) - 128, right = (move >> 8 & 0xff) - 128;
        const std::size_t row = r - static_cast<std::size_t>(static_cast<std::ptrdiff_t>(down));     // wraps outside
        const std::size_t moved = c - static_cast<std::size_t>(static_cast<std::ptrdiff_t>(right));
        const std::size_t column = (move >> 16 & 1) != 0 ? p.width - 1 - moved : moved;
        float value = how.shift;
        if (row < p.height && moved < p.width) value += how.scale * static_cast<float>(table[begin + (row * p.width + column) * p.channels + k]);
        to[i] = made<Value>(rows[n] >= 0 && begin + picture <= table_size ? value : NAN);
    }
}

// Where the table does not reach, -1: no class and no word.
template <class Stored>
__global__ void take(const Stored* table, std::size_t table_size, std::size_t width, std::size_t step, std::size_t skip, const std::int32_t* rows,
                     std::size_t count, bool by_place, std::int32_t* to) {
    for (std::size_t i = first_index(); i < count * width; i += stride()) {
        const std::size_t row = by_place ? i % count : i / width, place = by_place ? i / count : i % width;
        const std::size_t at = static_cast<std::size_t>(rows[row]) * step + skip + place;
        to[i] = rows[row] >= 0 && at < table_size ? static_cast<std::int32_t>(table[at]) : -1;
    }
}

}  // namespace grapevine::kernels::device
