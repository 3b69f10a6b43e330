// Models for who asks: this node's own, another's, several merged.
#include "pulling.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "grapevine/config/config.hpp"
#include "grapevine/learn/encoding.hpp"
#include "grapevine/learn/resume.hpp"
#include "grapevine/learn/safetensors.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {
constexpr std::size_t most_merged = 8;  // models: their mean is as near to that of all as anybody needs (docs/exchanges.md)
constexpr std::size_t most_pulls = 2;   // at once, those on their way to readers included: each holds on to a model
constexpr Duration patience = std::chrono::minutes(15);

template <class T>
bool there(const std::future<T>& future) {
    return future.valid() && future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}
}  // namespace

// ---- the mean ------------------------------------------------------------------------------------------

Merging::~Merging() {
    if (adding_.valid()) adding_.wait();
}

bool Merging::busy() const { return adding_.valid() && !there(adding_); }

void Merging::add(std::shared_ptr<const std::vector<Snapshot>> pieces) {
    assert(!busy());
    adding_ = std::async(std::launch::async, [this, pieces = std::move(pieces)] {
        sum(*pieces);
        added_();
    });
}

void Merging::sum(const std::vector<Snapshot>& pieces) {
    if (!mean_) mean_ = std::make_shared<std::vector<float>>(size_);
    const double share = 1.0 / static_cast<double>(++count_);
    double samples = 0;
    std::vector<float> values;
    for (const Snapshot& piece : pieces) {
        values.resize(piece.range.count);
        learn::decode(piece, values);
        float* const to = mean_->data() + piece.range.offset;
        for (std::size_t i = 0; i < values.size(); ++i) to[i] += static_cast<float>(share) * (values[i] - to[i]);
        samples += piece.samples * static_cast<double>(piece.range.count) / static_cast<double>(size_);
        layout_ = piece.layout;
        steps_ = std::max(steps_, piece.steps);
    }
    samples_ += share * (samples - samples_);
}

Snapshot Merging::mean() {
    assert(count_ > 0 && !busy());
    Snapshot s;
    s.layout = layout_;
    s.range = {0, size_};
    s.bytes = {reinterpret_cast<const std::byte*>(mean_->data()), size_ * sizeof(float), mean_};
    s.samples = samples_;
    s.steps = steps_;
    return s;
}

// ---- what is asked -------------------------------------------------------------------------------------

void Node::model_wanted(const ShowModel& wish, Reply&& reply) {
    if (wish.merged && config_->model.holds_sets())
        return reply.give(refusal(409, "a forest is merged by union, and each member has all of it in time: there is no mean of several", "name one: grapevine pull NODE"));
    if (phase_ != Phase::running && phase_ != Phase::finishing) return reply.give(refusal(409, "this node is about to leave", "its last model will be in its final.safetensors"));
    if (!has_model_ && (wish.merged || wish.of.empty() || wish.of == options_.name)) return reply.give(refusal(503, "this node is only fetching the others' model", "try again in a moment, or ask another with --at"));
    std::erase_if(streamed_, [](const auto& s) { return s.expired(); });
    if (pulls_.size() + streamed_.size() >= most_pulls) return reply.give(refusal(503, "others are pulling models through this node", "try again, or ask another with --at"));
    Pull pull{.reply = std::move(reply), .of = wish.merged ? "the merged model" : wish.of.empty() ? options_.name : wish.of, .merged = wish.merged, .until = now() + patience};
    const auto& members = peer_->members();
    if (wish.merged) {
        pull.own = true;
        for (const auto& e : members.roster().entries())
            if (membership::present(e.standing)) pull.others.push_back(book_.id(e.record));
        Random random(id_.value ^ static_cast<std::uint64_t>(now().time_since_epoch().count()));
        for (std::size_t i = pull.others.size(); i > 1; --i) std::swap(pull.others[i - 1], pull.others[random.below(i)]);
        pull.wanted = std::min(most_merged, 1 + pull.others.size());
    } else if (wish.of.empty()) {
        pull.own = true;
    } else {
        const auto found = member_called(wish.of);
        if (const auto* refused = std::get_if<Answer>(&found)) return pull.reply.give(*refused);
        const PeerId id = std::get<PeerId>(found);
        if (id != id_ && !members.roster().contains(id)) return pull.reply.give(refusal(409, "'" + wish.of + "' is not there: dead, or it has left", "'grapevine members' shows who is"));
        pull.own = id == id_;
        if (id != id_) pull.others = {id};
    }
    pulls_.push_back(std::move(pull));
    go_on_pulling();
}

void Node::go_on_pulling() {
    for (std::size_t i = 0; i < pulls_.size();) {
        if (go_on(pulls_[i])) ++i;
        else pulls_.erase(pulls_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

// Whether there is more to do.
bool Node::go_on(Pull& pull) {
    const auto refuse = [&](int status, const std::string& what, const std::string& hint) {
        pull.reply.give(refusal(status, what, hint));
        return false;
    };
    if (now() >= pull.until) return refuse(504, pull.of + " is not to be had in a quarter of an hour", "try again, or ask another node with --at");
    if (pull.merging && pull.merging->busy()) return true;
    if (pull.bringing) return true;
    if (pull.freezing.valid()) {
        if (!there(pull.freezing)) return true;
        auto own = pull.freezing.get();
        if (!own) return pull.own = true;  // in the middle of a step: once more
        if (pull.wanted == 1) return pull.reply.give(file_of(*own, 1)), false;
        pull.merging->add(std::make_shared<const std::vector<Snapshot>>(1, std::move(*own)));
        return true;
    }
    if (!pull.merging) pull.merging = std::make_unique<Merging>(learner_->size(), [t = transport_.get()] { t->wake(); });
    if (std::exchange(pull.own, false)) {
        auto done = std::make_shared<std::promise<std::optional<Snapshot>>>();
        pull.freezing = done->get_future();
        workshop_->call([this, done] {
            std::optional<Snapshot> frozen;
            if (learn::between_steps(*learner_)) frozen = std::get<Published>(learner_->carry_out({0, Publish{model_slot, {0, learner_->size()}, Encoding::float32}}).what).snapshot;
            done->set_value(std::move(frozen));
            transport_->wake();
        });
        return true;
    }
    if (pull.merging->count() < pull.wanted && !pull.others.empty()) {
        pull.bringing = ++serial_;
        const PeerId next = pull.others.back();
        pull.others.pop_back();
        step(gossip::Collect{serial_, next});
        return true;
    }
    if (pull.merging->count() == 0) return refuse(504, pull.of + " does not give its model", "it has not caught up itself, cannot be reached, or gives to others: try again, or ask another node with --at");
    pull.reply.give(file_of(pull.merging->mean(), pull.merged ? pull.merging->count() : 1));
    return false;
}

// Told within a step: what follows waits for the loop's next turn.
void Node::collected(gossip::Collected&& collected) {
    for (Pull& pull : pulls_) {
        if (pull.bringing != collected.serial) continue;
        pull.bringing.reset();
        if (collected.pieces) pull.merging->add(std::move(collected.pieces));
    }
}

Answer Node::file_of(const Snapshot& whole, std::size_t models) {
    streamed_.push_back(whole.bytes.owner);
    learn::Checkpoint beside;
    learn::describe(*task_, *config_, config::to_toml(*config_, false), beside);
    if (models > 1) beside.metadata["merged"] = std::to_string(models);
    Answer answer;
    answer.stream = [task = task_, whole, beside = std::move(beside)] {
        learn::ModelFile file = learn::model_file(task->table, whole, beside);
        return Stream{std::move(file.head), std::move(file.values)};
    };
    return answer;
}

}  // namespace grapevine::node
