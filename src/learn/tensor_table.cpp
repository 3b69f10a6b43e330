#include "grapevine/learn/tensor_table.hpp"

#include <xxhash.h>

#include <utility>

namespace grapevine::learn {

std::uint64_t Tensor::size() const {
    std::uint64_t product = 1;
    for (const std::uint64_t d : shape) product *= d;
    return product;
}

std::uint64_t TensorTable::add(std::string name, std::vector<std::uint64_t> shape, Tensor::Role role) {
    const std::uint64_t offset = on_boundary(size_);
    tensors_.push_back({std::move(name), std::move(shape), role, offset});
    size_ = offset + tensors_.back().size();
    return offset;
}

const Tensor* TensorTable::find(const std::string& name) const {
    for (const Tensor& t : tensors_)
        if (t.name == name) return &t;
    return nullptr;
}

std::vector<kernels::Part> TensorTable::gaps() const {
    std::vector<kernels::Part> gaps;
    std::uint64_t end = 0;
    for (const Tensor& t : tensors_) {
        if (t.offset > end) gaps.push_back({end, t.offset - end});
        end = t.offset + t.size();
    }
    return gaps;
}

std::uint64_t TensorTable::layout() const {
    std::string text = "grapevine layout 1";  // every field ends where the next begins: no two tables, one text
    const auto number = [&text](std::uint64_t n) {
        for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>(n >> shift & 0xff);
    };
    for (const Tensor& t : tensors_) {
        number(t.name.size());
        text += t.name;
        number(static_cast<std::uint64_t>(t.role));
        number(t.offset);
        number(t.shape.size());
        for (const std::uint64_t d : t.shape) number(d);
    }
    return XXH3_64bits(text.data(), text.size());
}

bool TensorTable::holds_sums() const {
    for (const Tensor& t : tensors_)
        if (t.role == Tensor::Role::sum) return true;
    return false;
}

bool TensorTable::holds_sets() const {
    for (const Tensor& t : tensors_)
        if (t.role == Tensor::Role::set) return true;
    return false;
}

std::string TensorTable::describe() const {
    std::string text;
    for (const Tensor& t : tensors_) {
        if (!text.empty()) text += ", ";
        text += t.name;
        for (std::size_t i = 0; i < t.shape.size(); ++i) text += (i == 0 ? " " : "x") + std::to_string(t.shape[i]);
        if (t.role == Tensor::Role::local) text += " local";
        if (t.role == Tensor::Role::sum) text += " sum";
        if (t.role == Tensor::Role::set) text += " set";
    }
    return text;
}

}  // namespace grapevine::learn
