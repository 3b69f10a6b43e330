#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "check.hpp"

// Memory of the device, and memory of the host that the device can reach.
namespace grapevine::kernels {

// Grows, and keeps nothing when it does. Who holds graphs must know: they have its address.
template <class Value, bool on_device>
class Buffer {
public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    ~Buffer() { release(); }  // a failure has been told elsewhere, or nobody is left to tell

    // The caller has waited for all who use it, where it must grow.
    Value* get(std::size_t size) {
        if (size > size_) {
            release();
            void* memory = nullptr;
            if constexpr (on_device) GRAPEVINE_CUDA(cudaMalloc(&memory, size * sizeof(Value)));
            else GRAPEVINE_CUDA(cudaHostAlloc(&memory, size * sizeof(Value), cudaHostAllocPortable));
            data_ = static_cast<Value*>(memory);
            size_ = size;
        }
        return data_;
    }
    Value* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    void release() {
        if constexpr (on_device) cudaFree(data_);
        else cudaFreeHost(data_);
        data_ = nullptr;
        size_ = 0;
    }

    Value* data_ = nullptr;
    std::size_t size_ = 0;
};
template <class Value>
using DeviceBuffer = Buffer<Value, true>;
template <class Value>
using PinnedBuffer = Buffer<Value, false>;  // the host's, where the device reads and writes it by itself

class Event {
public:
    explicit Event(unsigned flags = cudaEventDisableTiming) { GRAPEVINE_CUDA(cudaEventCreateWithFlags(&event_, flags)); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { cudaEventDestroy(event_); }

    void record(cudaStream_t stream) { GRAPEVINE_CUDA(cudaEventRecord(event_, stream)); }
    void hold(cudaStream_t stream) const { GRAPEVINE_CUDA(cudaStreamWaitEvent(stream, event_, 0)); }  // until it is there
    void wait() const { GRAPEVINE_CUDA(cudaEventSynchronize(event_)); }
    cudaEvent_t get() const { return event_; }

private:
    cudaEvent_t event_ = nullptr;
};

class Stream {
public:
    Stream() { GRAPEVINE_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { cudaStreamDestroy(stream_); }

    operator cudaStream_t() const { return stream_; }
    void wait() const { GRAPEVINE_CUDA(cudaStreamSynchronize(stream_)); }

private:
    cudaStream_t stream_ = nullptr;
};

// Pinned memory in turns: a place is given out again when what read it last is through.
class Ring {
public:
    struct Place {
        std::byte* data;
        Event* read;  // the taker records it behind the last who reads there
    };
    Place take(std::size_t bytes) {
        Turn& turn = turns_[next_++ % std::size(turns_)];
        turn.read.wait();
        const std::size_t room = std::max<std::size_t>(bytes, turn.memory.size() >= bytes ? 0 : 2 * turn.memory.size());
        return {turn.memory.get(std::max<std::size_t>(room, 256)), &turn.read};
    }

private:
    struct Turn {
        PinnedBuffer<std::byte> memory;
        Event read;
    };
    Turn turns_[4];
    std::size_t next_ = 0;
};

}  // namespace grapevine::kernels
