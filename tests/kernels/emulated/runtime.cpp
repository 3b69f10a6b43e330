#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "emulated.hpp"
#include "fibers.hpp"
#include "runtime.hpp"

// Streams, events, graphs and memory. Work is a graph of jobs, each of which knows what must be done before it.
namespace emulated {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "cuda emulated on the host: %s\n", why.c_str());
    std::abort();
}

struct Job {
    std::function<void()> work;
    std::vector<std::shared_ptr<Job>> after;  // empty once it is done
    bool done = false;
};
using Jobs = std::shared_ptr<Job>;

std::uint64_t sum_of(const void* data, std::size_t bytes) {
    std::uint64_t hash = 14695981039346656037u;
    for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 1099511628211u;
    return hash;
}

// ---- memory ----

struct Allocation {
    char* pages = nullptr;
    std::size_t mapped = 0;  // without the pages on both sides that nobody may touch
    char* data = nullptr;
    std::size_t bytes = 0;
    bool on_device = false;
};
constexpr unsigned char poison = 0xff, canary = 0xa5;

class Memory {
public:
    void* take(std::size_t bytes, bool on_device) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        const std::size_t room = (bytes + 255) / 256 * 256, mapped = (room + page - 1) / page * page;
        char* const all = static_cast<char*>(mmap(nullptr, mapped + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        assert(all != MAP_FAILED);
        Allocation a{all + page, mapped, all + page + mapped - room, bytes, on_device};
        mprotect(a.pages, mapped, PROT_READ | PROT_WRITE);
        const std::size_t poisoned = std::min(bytes, std::size_t{4} << 20);  // a workspace is large, and its first touch takes time
        std::memset(a.data, poison, poisoned);
        std::memset(a.data + bytes, canary, room - bytes);
        if (on_device && !open_) mprotect(a.pages, mapped, PROT_NONE);
        live_[a.data] = a;
        if (on_device) used_ += bytes;
        return a.data;
    }
    // Its addresses are never given out again: who still uses them stops here.
    void give_back(void* data, bool on_device) {
        const auto found = live_.find(static_cast<char*>(data));
        if (found == live_.end() || found->second.on_device != on_device) refuse("memory is freed that is not there");
        const bool closed = on_device && !open_;
        if (closed) mprotect(found->second.pages, found->second.mapped, PROT_READ | PROT_WRITE);
        check(found->second);
        madvise(found->second.pages, found->second.mapped, MADV_DONTNEED);
        mprotect(found->second.pages, found->second.mapped, PROT_NONE);
        if (on_device) used_ -= found->second.bytes;
        live_.erase(found);
    }
    // Device memory is the kernels': closed to the host while none runs.
    void open(bool wanted) {
        if (wanted == open_) return;
        open_ = wanted;
        for (auto& [data, a] : live_) {
            if (!a.on_device) continue;
            if (!wanted) check(a);
            mprotect(a.pages, a.mapped, wanted ? PROT_READ | PROT_WRITE : PROT_NONE);
        }
    }
    const Allocation* of(const void* data, std::size_t bytes) const {
        const auto* begin = static_cast<const char*>(data);
        auto found = live_.upper_bound(const_cast<char*>(begin));
        if (found == live_.begin()) return nullptr;
        --found;
        const Allocation& a = found->second;
        return begin + bytes <= a.data + a.bytes ? &a : nullptr;
    }
    std::uint64_t used() const { return used_; }

private:
    static void check(const Allocation& a) {
        for (const char* p = a.data + a.bytes; p < a.pages + a.mapped; ++p)
            if (static_cast<unsigned char>(*p) != canary) refuse("something was written behind the end of an allocation");
    }
    std::map<char*, Allocation> live_;
    bool open_ = false;
    std::uint64_t used_ = 0;
};

struct World {
    std::recursive_mutex mutex;
    Memory memory;
    Order order = Order::last;
    std::int64_t calls_left = -1;
    std::uint64_t memory_limit = ~std::uint64_t{0};
    std::uint64_t allocations = 0, graph_launches = 0, waits = 0;
    std::vector<Stream*> streams;
    Graph* capturing = nullptr;  // one at a time is enough for us
    std::thread::id capturer;
    bool working = false;
};
World& world() {
    static World* const w = new World;  // used until the process ends
    return *w;
}

}  // namespace

struct Stream {
    Jobs last;
    Graph* graph = nullptr;  // while it is captured
    Jobs captured;           // its last in there
};
struct Event {
    Jobs job;
    bool recorded = false, timing = true;
    Graph* graph = nullptr;
    unsigned asked = 0;
};
struct Graph {
    std::vector<Jobs> jobs;
    Stream* origin = nullptr;
    std::vector<Stream*> streams;
    bool invalid = false;
};
struct GraphExec {
    std::vector<Jobs> jobs;  // templates: never done
};

namespace {

// Does what `wanted` needs, and it. Dependencies in another order each time.
void work_off(const Jobs& wanted) {
    if (!wanted || wanted->done) return;
    World& w = world();
    const bool outermost = !std::exchange(w.working, true);
    w.memory.open(true);
    std::vector<Jobs> path{wanted};
    while (!path.empty()) {
        const Jobs job = path.back();
        std::vector<Jobs> before;
        if (!job->done)
            for (const Jobs& b : job->after)
                if (b && !b->done) before.push_back(b);
        if (!before.empty()) {
            path.push_back(before[drawn() % before.size()]);
            continue;
        }
        path.pop_back();
        if (job->done) continue;
        if (job->work) job->work();
        job->done = true;
        job->after.clear();
        job->work = nullptr;
    }
    if (outermost) {
        if (w.order == Order::last) w.memory.open(false);  // in one of the orders: it takes time
        w.working = false;
    }
}

bool captures_here() { return world().capturing && world().capturer == std::this_thread::get_id(); }

cudaError_t not_while_capturing() {
    if (!captures_here()) return cudaSuccess;
    world().capturing->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
}

cudaError_t counted() {
    World& w = world();
    if (w.calls_left < 0) return cudaSuccess;
    if (w.calls_left == 0) return cudaErrorLaunchFailure;
    --w.calls_left;
    return cudaSuccess;
}

bool comes_before(const Jobs& early, const Jobs& late) {
    std::vector<Jobs> open{late};
    std::unordered_set<const Job*> seen;
    while (!open.empty()) {
        const Jobs job = open.back();
        open.pop_back();
        if (job == early) return true;
        if (!job || !seen.insert(job.get()).second) continue;
        for (const Jobs& b : job->after) open.push_back(b);
    }
    return !early;
}

}  // namespace

// `also`: what must be done before it, besides what came earlier into the stream.
static cudaError_t add_after(const Jobs& also, std::function<void()> work, cudaStream_t stream) {
    World& w = world();
    if (!stream) refuse("work is put into the default stream");
    auto job = std::make_shared<Job>();
    job->work = std::move(work);
    if (stream->graph) {
        job->after = {stream->captured, also};
        stream->captured = job;
        stream->graph->jobs.push_back(job);
        return cudaSuccess;
    }
    job->after = {stream->last, also};
    stream->last = job;
    if (w.order == Order::first) work_off(job);
    if (w.order == Order::mixed && drawn() % 4 == 0) work_off(w.streams[drawn() % w.streams.size()]->last);
    return cudaSuccess;
}

cudaError_t add(std::function<void()> work, cudaStream_t stream) { return add_after(nullptr, std::move(work), stream); }

bool on_device(const void* data, std::size_t bytes) {
    const Allocation* a = world().memory.of(data, bytes);
    return a && a->on_device;
}

std::recursive_mutex& mutex() { return world().mutex; }
cudaError_t begun() { return counted(); }

cudaError_t enqueue_kernel(std::function<void()> thread, dim3 grid, dim3 block, cudaStream_t stream) {
    const std::lock_guard lock(mutex());
    if (const auto e = counted()) return e;
    const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
    if (threads == 0 || threads > 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) return cudaErrorInvalidValue;
    return add([thread = std::move(thread), grid, block] { run_kernel(thread, grid, block); }, stream);
}

void set_order(Order order) { world().order = order; }
void fail_after(std::int64_t calls) { world().calls_left = calls; }
void limit_memory(std::uint64_t bytes) { world().memory_limit = bytes; }
std::uint64_t allocations() { return world().allocations; }
std::uint64_t graph_launches() { return world().graph_launches; }
std::uint64_t waits() { return world().waits; }

}  // namespace emulated

using namespace emulated;

// A call of the runtime: one at a time, and none after the device is lost.
#define EMULATED_CALL                                        \
    const std::lock_guard lock(world().mutex);               \
    if (const auto lost = counted()) return lost
#define EMULATED_CALL_NOT_WHILE_CAPTURING                    \
    EMULATED_CALL;                                           \
    if (const auto captured = not_while_capturing()) return captured

const char* cudaGetErrorString(cudaError_t error) {
    switch (error) {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorNotReady: return "device not ready";
        case cudaErrorLaunchFailure: return "unspecified launch failure";
        case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
        case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
        case cudaErrorStreamCaptureUnjoined: return "capturing stream has unjoined work";
    }
    return "unknown";
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
    EMULATED_CALL;
    return device == 0 ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    EMULATED_CALL;
    *properties = {"none: emulated on the host", 2, 9, 0};
    return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    World& w = world();
    if (bytes == 0) return cudaErrorInvalidValue;  // CUDA gives null, which nobody here wants
    if (bytes > w.memory_limit || w.memory.used() > w.memory_limit - bytes) return cudaErrorMemoryAllocation;
    ++w.allocations;
    *memory = w.memory.take(bytes, true);
    return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
    const std::lock_guard lock(mutex());
    if (const auto captured = not_while_capturing()) return captured;
    if (!memory) return cudaSuccess;
    for (Stream* s : world().streams) work_off(s->last);  // as a GPU waits for all that may use it
    world().memory.give_back(memory, true);
    return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    if (bytes == 0) return cudaErrorInvalidValue;
    ++world().allocations;
    *memory = world().memory.take(bytes, false);
    return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
    const std::lock_guard lock(mutex());
    if (const auto captured = not_while_capturing()) return captured;
    if (!memory) return cudaSuccess;
    for (Stream* s : world().streams) work_off(s->last);
    world().memory.give_back(memory, false);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    EMULATED_CALL;
    const Allocation *t = world().memory.of(to, bytes), *f = world().memory.of(from, bytes);
    if (!t || !f) refuse("a copy reads or writes what is neither device nor pinned memory, or goes beyond it");
    if (t->on_device != (kind != cudaMemcpyDeviceToHost) || f->on_device != (kind != cudaMemcpyHostToDevice)) return cudaErrorInvalidValue;
    if (kind == cudaMemcpyHostToDevice && !stream->graph)
        return add([=, sum = sum_of(from, bytes)] {
            if (sum_of(from, bytes) != sum) refuse("pinned memory was written to before the copy that reads it ran");
            std::memcpy(to, from, bytes);
        }, stream);
    if (kind == cudaMemcpyDeviceToHost) std::memset(to, poison, bytes);  // whoever reads it before it is there sees that
    return add([=] { std::memmove(to, from, bytes); }, stream);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    EMULATED_CALL;
    if (!on_device(to, bytes)) refuse("memset beyond an allocation");
    return add([=] { std::memset(to, value, bytes); }, stream);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    if (flags != cudaStreamNonBlocking) refuse("a stream that waits for the default stream");
    world().streams.push_back(*stream = new Stream);
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    const std::lock_guard lock(mutex());
    work_off(stream->last);
    std::erase(world().streams, stream);
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    ++world().waits;
    work_off(stream->last);
    return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    EMULATED_CALL;
    if (!event->recorded) return cudaSuccess;  // as CUDA has it
    if (event->graph != stream->graph) {
        if (!event->graph) return cudaErrorInvalidValue;  // a captured stream waits for what is not in the graph
        if (event->graph != world().capturing) return cudaErrorInvalidValue;
        stream->graph = event->graph;  // joins the capture
        stream->captured = nullptr;
        stream->graph->streams.push_back(stream);
    }
    return add_after(event->job, {}, stream);
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    if (mode != cudaStreamCaptureModeThreadLocal) refuse("a capture that stops other threads from allocating");
    if (world().capturing) refuse("two captures at a time");
    world().capturing = stream->graph = new Graph;
    world().capturer = std::this_thread::get_id();
    stream->graph->origin = stream;
    stream->graph->streams = {stream};
    stream->captured = nullptr;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    const std::lock_guard lock(mutex());
    Graph* const g = stream->graph;
    if (!g || g->origin != stream) return cudaErrorInvalidValue;
    cudaError_t result = counted();
    if (!result && g->invalid) result = cudaErrorStreamCaptureInvalidated;
    for (Stream* s : g->streams) {
        if (!result && !comes_before(s->captured, stream->captured)) result = cudaErrorStreamCaptureUnjoined;
    }
    for (Stream* s : g->streams) s->graph = nullptr, s->captured = nullptr;
    world().capturing = nullptr;
    if (result) {
        delete g;
        return result;
    }
    *graph = g;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    EMULATED_CALL;
    *event = new Event;
    (*event)->timing = !(flags & cudaEventDisableTiming);
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    EMULATED_CALL;
    event->graph = stream->graph;
    event->job = stream->graph ? stream->captured : stream->last;
    event->recorded = true;
    event->asked = 0;
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    if (event->graph) return cudaErrorInvalidValue;  // recorded in a capture: it means nothing outside
    ++world().waits;
    work_off(event->job);
    return cudaSuccess;
}
// Never ready when it is asked for the first time; and who goes on asking makes it so.
cudaError_t cudaEventQuery(cudaEvent_t event) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    if (event->graph) return cudaErrorInvalidValue;
    if (!event->job || event->job->done) return cudaSuccess;
    if (++event->asked > 3) work_off(event->job);
    return cudaErrorNotReady;
}
// There is no time here: what was recorded first, came first.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    EMULATED_CALL;
    if (!begin->timing || !end->timing || begin->graph || end->graph) return cudaErrorInvalidValue;
    if ((end->job && !end->job->done) || (begin->job && !begin->job->done)) return cudaErrorNotReady;
    *milliseconds = 1 + static_cast<float>(drawn() % 100) / 100;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    *exec = new GraphExec{graph->jobs};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    EMULATED_CALL_NOT_WHILE_CAPTURING;
    ++world().graph_launches;
    return add([jobs = exec->jobs] {  // each as soon as those before it are done, in any such order
        std::unordered_set<const Job*> done;
        std::vector<const Job*> left;
        for (const Jobs& j : jobs) left.push_back(j.get());
        while (!left.empty()) {
            std::vector<std::size_t> ready;
            for (std::size_t i = 0; i < left.size() && ready.size() < 4; ++i)
                if (std::all_of(left[i]->after.begin(), left[i]->after.end(), [&](const Jobs& b) { return !b || done.contains(b.get()); })) ready.push_back(i);
            if (ready.empty()) refuse("a graph whose jobs wait for each other");
            const std::size_t i = ready[drawn() % ready.size()];
            const Job* const job = left[i];
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
            if (job->work) job->work();
            done.insert(job);
        }
    }, stream);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    const std::lock_guard lock(mutex());
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    const std::lock_guard lock(mutex());
    delete exec;
    return cudaSuccess;
}
