#include "desk.hpp"

#include <nlohmann/json.hpp>

namespace grapevine::node {

namespace {
constexpr std::size_t most_asked = 64;

Answer ending() { return refusal(503, "the node is ending", ""); }
}  // namespace

Answer refusal(int status, const std::string& what, const std::string& hint) {
    const nlohmann::ordered_json j{{"error", what}, {"hint", hint}};
    return {status, j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

Reply& Reply::operator=(Reply&& other) noexcept {
    if (this == &other) return *this;
    if (open_) give(ending());
    promise_ = std::move(other.promise_);
    open_ = std::exchange(other.open_, false);
    return *this;
}

Reply::~Reply() {
    if (open_) give(ending());
}

void Reply::give(Answer answer) {
    if (!std::exchange(open_, false)) return;
    promise_.set_value(std::move(answer));
}

Answer Desk::ask(Question question, Duration patience) {
    std::promise<Answer> promise;
    auto answer = promise.get_future();
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return ending();
        if (asked_.size() >= most_asked) return refusal(503, "too much is asked of this node at once", "try again");
        asked_.push_back({std::move(question), Reply(std::move(promise))});
        somebody_asks_();  // with the lock held: after close() it is not called any more
    }
    if (answer.wait_for(patience) == std::future_status::ready) return answer.get();
    return refusal(504, "the node does not answer in time", "is its machine busy, or stopped?");
}

std::optional<Desk::Asked> Desk::take() {
    const std::lock_guard lock(mutex_);
    if (asked_.empty()) return std::nullopt;
    Asked asked = std::move(asked_.front());
    asked_.pop_front();
    return asked;
}

void Desk::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    asked_.clear();
}

}  // namespace grapevine::node
