// What a node trains on: the run's data or its own, and which rows of them.
#include <algorithm>
#include <cmath>

#include "grapevine/learn/shard.hpp"
#include "grapevine/learn/split.hpp"
#include "log.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {

// Whether nodes can have different rows and all learn from all of them.
bool can_share(const config::Config& config) {
    const auto kind = config.exchange.kind;
    return config.model.follows_gradients() && kind != config::ExchangeKind::local && kind != config::ExchangeKind::single && config.membership.kind != config::MembershipKind::partial;
}

// What of private data must be the same, to people.
std::string private_text(const learn::Sets& sets, const config::DataFiles& files) {
    std::string text = "private: " + std::to_string(sets.train->features) + " columns";
    if (sets.train->length > 0) text = "private: windows of " + std::to_string(sets.train->length) + " bytes";
    else text += std::string(", normalize = \"") + config::to_string(files.normalize) + "\"";
    if (!sets.classes.empty()) text += ", classes";
    for (std::size_t c = 0; c < sets.classes.size() && text.size() < 160; ++c) text += (c > 0 ? ", " : " ") + sets.classes[c].substr(0, 40);
    return text;
}

}  // namespace

void Node::settle_shards() {
    if (!config_->model.needs_data() || config_->data.shards) return;
    config_->data.shards = can_share(*config_) ? config::Data::Shards::automatic : config::Data::Shards::all;
}

std::optional<End> Node::load_data() {
    if (options_.data_private && config_->data.shards != config::Data::Shards::own) {  // the run's, then: in a file of our own the flag stands
        log(Level::error, "join", "--data-private, and the run of " + (found_ ? found_->record.contact.name : options_.name) + " has [data] shards = \"" + config::to_string(*config_->data.shards) +
                                      "\": its nodes share one set of data. Begin a run with --data-private, or leave it out here");
        return End::incompatible;
    }
    const bool own = config_->data.shards == config::Data::Shards::own;
    learn::Figures figures;
    if (own && found_) figures = {found_->scale, found_->shift};
    else if (own && !options_.resume.empty()) figures = figures_of_checkpoint();
    auto prepared = learn::prepare(*config_, nullptr, figures, learn::Draw::when_told);
    if (const auto* error = std::get_if<learn::Error>(&prepared)) {
        log(Level::error, "data", error->what + ": " + error->hint);
        return own && found_ ? End::incompatible : End::configuration;
    }
    task_ = std::get<std::shared_ptr<const learn::Task>>(prepared);
    if (own && task_->sets.figures.scale.size() > most_figures) {
        log(Level::error, "data", "private data of " + std::to_string(task_->sets.figures.scale.size()) + " columns cannot be normalised alike on all nodes: who joins is told of " + std::to_string(most_figures) +
                                      " at most. Take normalize = \"none\", with numbers that are about 1");
        return End::configuration;
    }
    if (own && options_.shard) {
        log(Level::error, "data", "--shard is a part of data that all nodes have, and in this run each has its own: leave it out");
        return End::configuration;
    }
    return std::nullopt;
}

// By which the private data of a run were normalised that is gone on with: of others in it too.
learn::Figures Node::figures_of_checkpoint() const {
    const auto file = checkpoint_in(options_.resume);
    const auto* path = std::get_if<std::string>(&file);
    if (!path) return {};  // read_checkpoint() says why
    const auto loaded = learn::load_checkpoint(*path);
    const auto* checkpoint = std::get_if<learn::Checkpoint>(&loaded);
    if (!checkpoint) return {};
    learn::Figures figures;
    for (const auto& tensor : checkpoint->tensors) {
        if (tensor.name == "data.scale") figures.scale = tensor.values;
        if (tensor.name == "data.shift") figures.shift = tensor.values;
    }
    const auto numbers = [](const std::vector<float>& values) { return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }); };
    return figures.scale.size() == figures.shift.size() && numbers(figures.scale) && numbers(figures.shift) ? figures : learn::Figures{};
}

void Node::describe_data(Greeting& g) const {
    g.data = task_->sets.fingerprint;
    g.data_text = config_->model.needs_data() ? config_->data.set : "none";
    if (config_->data.shards != config::Data::Shards::own) return;
    const learn::Sets& sets = task_->sets;
    g.data_text = private_text(sets, *config_->data.own);
    if (config_->data.own->normalize != config::DataFiles::Normalize::none) g.scale = sets.figures.scale, g.shift = sets.figures.shift;
}

// A part that was asked for stays; of all data nodes have blocks that change hands, where everybody knows everybody and passes on what it
// learns. Else, and in the beginning, all of them in an order of our own. A run that is gone on with has those of its checkpoint first.
std::vector<std::uint32_t> Node::choose_rows() {
    std::vector<std::uint32_t> rows = rows_at_first();
    metadata_.level = sharding_ ? gossip::unknown_speed : gossip::takes_none;
    metadata_.rows = sharding_ ? 0 : static_cast<std::uint32_t>(rows.size());
    return rows;
}

std::vector<std::uint32_t> Node::rows_at_first() {
    part_ = static_cast<std::uint32_t>(id_.value & 0x7fffffff);
    if (!config_->model.needs_data()) return {};
    const learn::Dataset& train = *task_->sets.train;
    if (options_.shard) {
        part_ = options_.shard->first;
        return std::move(learn::split(train, config_->data.split, options_.shard->second, config_->seed)[part_]);
    }
    if (resumed_) part_ = static_cast<std::uint32_t>(resumed_->number("part").value_or(part_));  // in whose order it was
    std::vector<std::uint32_t> order = learn::order_of_blocks(train, config_->seed);
    if (config_->data.shards != config::Data::Shards::automatic) return order;
    sharding_.emplace(book_, order);
    if (!resumed_) return order;
    auto rows = learn::rows_in(*resumed_, train);
    return rows.empty() ? order : rows;
}

// Of a server, which trains on nothing and leaves the data to the others.
void Node::take_no_rows() {
    sharding_.reset();
    metadata_.level = gossip::takes_none, metadata_.rows = 0;
}

}  // namespace grapevine::node
