#pragma once

#include <cassert>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "check.hpp"
#include "launch.hpp"
#include "loops/elements.cuh"
#include "memory.hpp"

// Whole models to the device and back, on streams of their own, while it goes on with other work. Large copies go in pieces: the
// engines that copy work off one after the other, and a small copy must not wait for a model.
namespace grapevine::kernels {

// Pinned memory that is published again and again. A buffer comes back when the last who holds it lets go, on whatever thread;
// pinning costs far more than copying.
class PinnedPool {
public:
    std::shared_ptr<std::byte> take(std::size_t bytes) {
        std::size_t room = 4096;
        while (room < bytes) room *= 2;
        std::unique_ptr<PinnedBuffer<std::byte>> held;
        {
            const std::lock_guard lock(shelf_->mutex);
            auto& waiting = shelf_->buffers[room];
            if (!waiting.empty()) {
                held = std::move(waiting.back());
                waiting.pop_back();
            }
        }
        if (!held) held = std::make_unique<PinnedBuffer<std::byte>>();
        std::byte* const data = held->get(room);
        return {data, [held = std::shared_ptr<PinnedBuffer<std::byte>>(std::move(held)), shelf = shelf_](std::byte*) {
                    const std::lock_guard lock(shelf->mutex);
                    shelf->buffers[held->size()].push_back(std::make_unique<PinnedBuffer<std::byte>>(std::move(*held)));
                }};
    }

private:
    struct Shelf {
        std::mutex mutex;
        std::map<std::size_t, std::vector<std::unique_ptr<PinnedBuffer<std::byte>>>> buffers;
    };
    std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

class Transfers {
public:
    explicit Transfers(int device) : device_(device) {}

    std::shared_ptr<std::byte> host_memory(std::size_t bytes) { return pinned_.take(bytes); }

    // On its way out: a copy made in the stream of the work, which nothing changes, from there to the host.
    class Leaving final : public Underway {
    public:
        explicit Leaving(int device) : device_(device) {}
        ~Leaving() override {
            cudaEventSynchronize(frozen->free.get());  // a failure has been told elsewhere; nobody writes to `to` any more
            transfers->back(std::move(frozen));
        }
        void wait() override {
            GRAPEVINE_CUDA(cudaSetDevice(device_));
            frozen->free.wait();
        }

    private:
        friend class Transfers;
        struct Frozen {
            DeviceBuffer<std::byte> memory;
            Event free;  // nobody reads or writes it after that
        };
        int device_;
        std::shared_ptr<Transfers> transfers;
        std::unique_ptr<Frozen> frozen;
        std::shared_ptr<std::byte> to;
    };
    using Frozen = Leaving::Frozen;

    std::shared_ptr<Underway> freeze(const std::shared_ptr<Transfers>& self, cudaStream_t work, unsigned grid, DeviceSpan from, Encoded::As as, std::shared_ptr<std::byte> to) {
        const std::size_t bytes = from.size * (as == Encoded::As::bf16 ? 2 : 4);
        auto leaving = std::make_shared<Leaving>(device_);
        leaving->transfers = self;
        leaving->frozen = take(std::max<std::size_t>(bytes, 1));
        leaving->to = std::move(to);
        Frozen& frozen = *leaving->frozen;
        frozen.free.hold(work);
        if (from.size > 0) {
            std::byte* const there = frozen.memory.data();
            if (as == Encoded::As::bf16) launch(device::convert<float, device::Bf16>, grid, device::threads, work, from.size, from.data, reinterpret_cast<device::Bf16*>(there));
            else GRAPEVINE_CUDA(cudaMemcpyAsync(there, from.data, bytes, cudaMemcpyDeviceToDevice, work));
            made_.record(work);
            made_.hold(out_);
            for (std::size_t begin = 0; begin < bytes; begin += piece)
                GRAPEVINE_CUDA(cudaMemcpyAsync(leaving->to.get() + begin, there + begin, std::min(piece, bytes - begin), cudaMemcpyDeviceToHost, out_));
        }
        frozen.free.record(out_);
        return leaving;
    }

    // On its way in. Many threads may bring something, one at a time.
    class Coming final : public Underway {
    public:
        ~Coming() override { transfers->back(std::move(frozen)); }
        void wait() override { frozen->free.wait(); }
        void hold(cudaStream_t work) const { frozen->free.hold(work); }
        void read(cudaStream_t work) { frozen->free.record(work); }
        const std::byte* data() const { return frozen->memory.data(); }

    private:
        friend class Transfers;
        std::shared_ptr<Transfers> transfers;
        std::unique_ptr<Frozen> frozen;
    };

    std::shared_ptr<Coming> bring(const std::shared_ptr<Transfers>& self, const std::byte* from, std::size_t bytes) {
        GRAPEVINE_CUDA(cudaSetDevice(device_));
        const std::lock_guard lock(bringing_);
        auto frozen = take(std::max<std::size_t>(bytes, 1));
        auto coming = std::make_shared<Coming>();
        coming->transfers = self;
        coming->frozen = std::move(frozen);
        coming->frozen->free.hold(in_);
        for (std::size_t begin = 0; begin < bytes; begin += piece) {
            const std::size_t n = std::min(piece, bytes - begin);
            const Ring::Place place = ring_.take(n);
            std::memcpy(place.data, from + begin, n);
            GRAPEVINE_CUDA(cudaMemcpyAsync(coming->frozen->memory.data() + begin, place.data, n, cudaMemcpyHostToDevice, in_));
            place.read->record(in_);
        }
        coming->frozen->free.record(in_);
        return coming;
    }

private:
    static constexpr std::size_t piece = std::size_t{4} << 20;

    std::unique_ptr<Frozen> take(std::size_t bytes) {
        const std::lock_guard lock(mutex_);
        for (auto& waiting : waiting_)
            if (waiting->memory.size() >= bytes) {
                auto taken = std::move(waiting);
                std::erase(waiting_, nullptr);
                return taken;
            }
        waiting_.clear();  // all are too small: parts grow, models do not
        auto made = std::make_unique<Frozen>();
        made->memory.get(bytes);
        return made;
    }
    void back(std::unique_ptr<Frozen> frozen) {
        const std::lock_guard lock(mutex_);
        if (frozen) waiting_.push_back(std::move(frozen));
    }

    int device_;
    Stream in_, out_;
    Event made_;
    std::mutex bringing_, mutex_;
    Ring ring_;
    PinnedPool pinned_;
    std::vector<std::unique_ptr<Frozen>> waiting_;
};

}  // namespace grapevine::kernels
