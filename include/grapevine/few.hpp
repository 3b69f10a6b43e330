#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace grapevine {

// A list of what is usually few: up to N lie in it, and only more than that on the heap, where they grow by a quarter.
// What is left after a storm comes back in when it is N / 2. For small plain values, which are copied as bytes are.
template <class T, std::uint32_t N>
class Few {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    Few() = default;
    Few(const Few& other) { append(other.begin(), other.size()); }
    Few(Few&& other) noexcept { take(other); }
    Few& operator=(const Few& other) {
        if (this == &other) return *this;
        clear();
        append(other.begin(), other.size());
        return *this;
    }
    Few& operator=(Few&& other) noexcept {
        if (this == &other) return *this;
        clear();
        take(other);
        return *this;
    }
    ~Few() { clear(); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t capacity() const { return capacity_; }
    T* data() { return inside() ? reinterpret_cast<T*>(few_) : many_; }
    const T* data() const { return inside() ? reinterpret_cast<const T*>(few_) : many_; }
    T* begin() { return data(); }
    T* end() { return data() + size_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + size_; }
    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }

    void reserve(std::size_t capacity) {
        if (capacity > capacity_) move_to(static_cast<std::uint32_t>(capacity));
    }
    T& push_back(const T& value) {
        const T copy = value;  // it may lie in here
        if (size_ == capacity_) move_to(capacity_ + std::max(capacity_ / 4, 2u));
        return *std::construct_at(data() + size_++, copy);
    }
    T* insert(const T* before, const T& value) {
        const auto place = static_cast<std::size_t>(before - begin());
        push_back(value);
        std::rotate(begin() + place, end() - 1, end());
        return begin() + place;
    }
    void pop_back() { resize_down(size_ - 1); }
    void erase(const T* at) {
        const auto place = static_cast<std::size_t>(at - begin());
        std::move(begin() + place + 1, end(), begin() + place);
        resize_down(size_ - 1);
    }
    void erase_front(std::size_t count) {
        std::move(begin() + count, end(), begin());
        if (count > 0) resize_down(static_cast<std::uint32_t>(size_ - count));
    }
    template <class Unwanted>
    std::size_t erase_if(Unwanted unwanted) {
        const auto kept = static_cast<std::uint32_t>(std::remove_if(begin(), end(), unwanted) - begin());
        const std::size_t gone = size_ - kept;
        if (gone > 0) resize_down(kept);
        return gone;
    }
    void clear() {
        if (!inside()) std::allocator<T>().deallocate(many_, capacity_);
        size_ = 0;
        capacity_ = N;
    }

private:
    bool inside() const { return capacity_ == N; }
    void append(const T* values, std::size_t count) {
        reserve(count);
        std::uninitialized_copy_n(values, count, data());
        size_ = static_cast<std::uint32_t>(count);
    }
    void take(Few& other) {
        if (other.inside()) return append(other.begin(), other.size());
        many_ = other.many_;
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, N);
    }
    void resize_down(std::uint32_t size) {
        size_ = size;
        if (!inside() && size_ <= N / 2) move_to(N);
    }
    void move_to(std::uint32_t capacity) {  // holds what there is
        assert(capacity >= size_);
        T* const before = data();
        T* const old = inside() ? nullptr : many_;
        if (capacity > N) {
            T* const many = std::allocator<T>().allocate(capacity);
            std::uninitialized_copy_n(before, size_, many);
            many_ = many;
        } else {
            std::uninitialized_copy_n(before, size_, reinterpret_cast<T*>(few_));
        }
        if (old) std::allocator<T>().deallocate(old, capacity_);
        capacity_ = capacity;
    }

    std::uint32_t size_ = 0, capacity_ = N;
    union {
        alignas(T) std::byte few_[N > 0 ? N * sizeof(T) : 1];
        T* many_;
    };
};

}  // namespace grapevine
