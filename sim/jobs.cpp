#include "jobs.hpp"

#include <cassert>
#include <utility>

namespace grapevine::sim {

Jobs::~Jobs() {
    for (std::uint32_t peer = 0; peer < of_.size(); ++peer) {
        Job* job = of(peer);
        if (job && job->stage == Job::Stage::submitted) crew_.withdraw(*job);
    }
}

void Jobs::stretch(Instant end) {
    if (end <= stretch_) return;
    stretch_ = end;
    for (const std::uint32_t peer : std::exchange(later_, {})) submit_if_due(peer);
}

void Jobs::given(std::uint32_t peer, Learner& learner, const Order& order, Instant now, Instant ends) {
    if (crew_.hands() < 2 || ends <= now || !std::holds_alternative<Train>(order.what)) return;
    if (of_.size() <= peer) of_.resize(peer + 1);
    if (!of_[peer]) of_[peer] = std::make_unique<Job>();
    Job& job = *of_[peer];
    if (job.stage == Job::Stage::done) return;  // looked at on the way, then paused: it is the same order still
    assert(job.stage == Job::Stage::none);
    job.stage = Job::Stage::given;
    job.learner = &learner;
    job.order = order;
    job.ends = ends;
    given_.push_back(peer);
}

void Jobs::begin() {
    for (const std::uint32_t peer : given_) submit_if_due(peer);
    given_.clear();
}

void Jobs::submit_if_due(std::uint32_t peer) {
    Job& job = *of_[peer];
    if (job.stage != Job::Stage::given) return;  // forgotten, or given twice
    if (job.ends > stretch_) return later_.push_back(peer);
    job.stage = Job::Stage::submitted;
    crew_.submit(job);
}

bool Jobs::ahead(std::uint32_t peer) const {
    const Job* job = of(peer);
    return job && job->stage == Job::Stage::submitted;
}

Completion Jobs::done(std::uint32_t peer, Learner& learner, const Order& order) {
    Job* job = of(peer);
    const auto stage = job ? std::exchange(job->stage, Job::Stage::none) : Job::Stage::none;
    if (stage == Job::Stage::submitted) crew_.finish(*job);
    else if (stage != Job::Stage::done) return learner.carry_out(order);
    return std::move(job->completion);
}

void Jobs::settle(std::uint32_t peer) {
    Job* job = of(peer);
    if (!job || job->stage != Job::Stage::submitted) return;
    job->stage = crew_.withdraw(*job) ? Job::Stage::done : Job::Stage::none;  // of an order that is done: what done() will say
}

void Jobs::forget(std::uint32_t peer) {
    settle(peer);
    if (Job* job = of(peer); job && job->stage != Job::Stage::done) job->stage = Job::Stage::none;
}

}  // namespace grapevine::sim
