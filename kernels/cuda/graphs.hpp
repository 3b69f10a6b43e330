#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "check.hpp"
#include "memory.hpp"

namespace grapevine::kernels {

// Steps that are recorded once and played again: a kernel of a graph starts in a fraction of the time that it takes to launch it.
//
//   first time of a recipe    plainly: what must be allocated or chosen is then
//   second                    recorded, and played
//   from then on              played
class Graphs {
public:
    static constexpr std::size_t most = 64;  // then the one that was not played for longest is let go

    ~Graphs() { clear(); }

    // Memory has moved: what was recorded would write where nobody lives.
    void clear() {
        for (auto& [key, graph] : graphs_) graph.release();
        graphs_.clear();
    }

    bool recording() const { return recording_; }

    void repeat(const Recipe& recipe, std::uint32_t count, cudaStream_t stream, const std::function<void(std::uint32_t)>& step) {
        const Key key{recipe, count};
        auto found = graphs_.find(key);
        if (found == graphs_.end()) {
            for (std::uint32_t i = 0; i < count; ++i) step(i);
            if (graphs_.size() >= most) let_one_go();
            graphs_[key].played = ++clock_;  // only now: growing memory on the way forgets all
            return;
        }
        Graph& graph = found->second;
        graph.played = ++clock_;
        if (!graph.exec) record(graph, count, stream, step);
        GRAPEVINE_CUDA(cudaGraphLaunch(graph.exec, stream));
    }

private:
    using Key = std::pair<Recipe, std::uint32_t>;
    struct Graph {
        cudaGraphExec_t exec = nullptr;
        std::uint64_t played = 0;
        void release() {
            if (exec) cudaGraphExecDestroy(exec);
            exec = nullptr;
        }
    };

    // Other threads may allocate and wait meanwhile.
    void record(Graph& graph, std::uint32_t count, cudaStream_t stream, const std::function<void(std::uint32_t)>& step) {
        cudaGraph_t recorded = nullptr;
        GRAPEVINE_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
        recording_ = true;
        try {
            for (std::uint32_t i = 0; i < count; ++i) step(i);
        } catch (...) {
            recording_ = false;
            if (cudaStreamEndCapture(stream, &recorded) == cudaSuccess) cudaGraphDestroy(recorded);
            throw;
        }
        recording_ = false;
        GRAPEVINE_CUDA(cudaStreamEndCapture(stream, &recorded));
        const cudaError_t status = cudaGraphInstantiate(&graph.exec, recorded, 0);
        cudaGraphDestroy(recorded);
        check(status, "cudaGraphInstantiate", __FILE__, __LINE__);
    }

    void let_one_go() {
        auto oldest = graphs_.begin();
        for (auto it = graphs_.begin(); it != graphs_.end(); ++it)
            if (it->second.played < oldest->second.played) oldest = it;
        oldest->second.release();  // CUDA keeps it until it has run
        graphs_.erase(oldest);
    }

    std::map<Key, Graph> graphs_;
    std::uint64_t clock_ = 0;
    bool recording_ = false;
};

}  // namespace grapevine::kernels
