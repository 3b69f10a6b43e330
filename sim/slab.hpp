#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace grapevine::sim {

// Places for values of one kind, that are used again and never moved. One thread takes and gives back; another may
// use a place whose number it was told of by way of a barrier.
template <class T, std::size_t per_chunk = 256>
class Slab {
public:
    Slab() = default;
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;
    ~Slab() {
        for (std::uint32_t i = 0; i < made_; ++i)
            if (used_[i]) std::launder(at(i))->~T();
        delete[] table_.load(std::memory_order_relaxed);
    }

    template <class... A>
    std::uint32_t put(A&&... a) {
        std::uint32_t place;
        if (free_.empty()) {
            place = made_++;
            if (place / per_chunk == chunks_.size()) grow();
            used_.push_back(true);
        } else {
            place = free_.back();
            free_.pop_back();
            used_[place] = true;
        }
        ::new (at(place)) T(std::forward<A>(a)...);
        return place;
    }
    T& operator[](std::uint32_t place) { return *std::launder(at(place)); }
    void drop(std::uint32_t place) {
        std::launder(at(place))->~T();
        used_[place] = false;
        free_.push_back(place);
    }
    std::size_t in_use() const { return made_ - free_.size(); }

private:
    struct alignas(T) Cell {
        std::byte bytes[sizeof(T)];
    };
    T* at(std::uint32_t place) const {
        return reinterpret_cast<T*>(&table_.load(std::memory_order_relaxed)[place / per_chunk][place % per_chunk]);
    }
    void grow() {
        if (chunks_.size() == room_) {  // readers may still go by the old table: it stays until the end
            room_ = room_ == 0 ? 16 : room_ * 4;
            auto* larger = new Cell*[room_];
            for (std::size_t i = 0; i < chunks_.size(); ++i) larger[i] = chunks_[i].get();
            if (Cell** old = table_.load(std::memory_order_relaxed)) old_.emplace_back(old);
            table_.store(larger, std::memory_order_relaxed);
        }
        chunks_.push_back(std::make_unique_for_overwrite<Cell[]>(per_chunk));
        table_.load(std::memory_order_relaxed)[chunks_.size() - 1] = chunks_.back().get();
    }

    std::vector<std::unique_ptr<Cell[]>> chunks_;
    std::vector<std::unique_ptr<Cell*[]>> old_;
    std::atomic<Cell**> table_{nullptr};
    std::size_t room_ = 0;
    std::uint32_t made_ = 0;
    std::vector<std::uint32_t> free_;
    std::vector<bool> used_;
};

}  // namespace grapevine::sim
