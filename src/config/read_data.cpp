#include <algorithm>

#include "section.hpp"

// [data] and [train]: what is learnt from, and how.
namespace grapevine::config {
namespace {

constexpr std::uint32_t most_shift = 127;  // pixels, as Backend::gather_moved() has it

// split = "iid", or { kind = "dirichlet-per-class", alpha = 0.3 }
void read_split(Section& data, Split& split) {
    const Value* value = data.value("split");
    if (!value) return;
    if (std::holds_alternative<std::string>(value->is)) {
        data.choice("split", split.kind, splits, words(later_splits));
        return;
    }
    if (!std::holds_alternative<Table>(value->is))
        return data.fault("split", "'split' in [data] wants a word or a table, this is " + kind_of(*value),
                          "split = \"iid\", or split = { kind = \"dirichlet-per-class\", alpha = 0.3 }");
    Section section = data.table("split", "split");
    if (!section.has("kind")) section.fault("kind", "'split' does not say its kind", "split = { kind = \"dirichlet-per-class\", alpha = 0.3 }");
    section.choice("kind", split.kind, splits, words(later_splits));
    if (split.kind == Split::Kind::dirichlet_per_class || split.kind == Split::Kind::dirichlet_per_peer) section.above("alpha", split.alpha, 0);
    else section.belongs({"alpha"}, "the dirichlet kinds", "this split is \"" + std::string(to_string(split.kind)) + "\"");
    if (split.kind == Split::Kind::shards) section.integer("classes", split.classes, 1, 1 << 16);
    else section.belongs({"classes"}, "kind = \"shards\"", "this split is \"" + std::string(to_string(split.kind)) + "\"");
    section.finish();
}

// shards = "auto"
void read_shards(Section& data, const Config& config, std::optional<Data::Shards>& shards) {
    const char* key = "shards";
    Data::Shards chosen{};
    if (!data.choice(key, chosen, shard_kinds)) return;
    shards = chosen;
    const std::string kind = in_double_quotes(to_string(config.model.kind));
    if (chosen == Data::Shards::automatic && !config.model.follows_gradients())
        data.fault(key, "blocks of the data change hands while a model is trained, and " + kind + " begins with all of its rows", "shards = \"all\", and --shard I/N for a part of them");
    if (chosen == Data::Shards::automatic && config.data.split.kind != Split::Kind::iid)
        data.fault(key, "shards = \"auto\" deals all alike, and 'split' is \"" + std::string(to_string(config.data.split.kind)) + "\"", "one of the two");
    if (chosen == Data::Shards::own && (!config.data.own || rows_of(config.data) != Rows::samples))
        data.fault(key, "private data are files of one's own, of samples with classes or of text: ratings and words get their numbers from what is in the files, and mean another thing in each",
                   "shards = \"auto\", or format = \"csv\" and files");
}

// { shift = 2, mirror = true }
void read_augment(Section& section, const Config& config, Data& data) {
    const char* key = "augment";
    if (!section.has(key)) {
        section.value(key);
        return;
    }
    if (!config.model.follows_gradients() || !config.model.sees_pictures())
        return section.belongs({key}, "models that learn from pictures", "this model is \"" + std::string(to_string(config.model.kind)) + "\"");
    Section augment = section.table(key, key);
    augment.integer("shift", data.shift, 0, most_shift);
    augment.truth("mirror", data.mirror);
    augment.finish();
    if (data.set == "blobs" && (data.shift > 0 || data.mirror))
        section.fault(key, "blobs are no pictures, and only pictures can be moved and turned over", "set = \"fashion-mnist\", or take the line out");
}

// { kind = "cosine", steps = 10000, warmup = 100 }
void read_schedule(Section& train, Schedule& schedule) {
    if (!train.has("schedule")) {
        train.value("schedule");
        return;
    }
    constexpr std::uint64_t most_steps = std::uint64_t{1} << 53;
    Section section = train.table("schedule", "schedule");
    using Kind = Schedule::Kind;
    if (!section.has("kind")) section.fault("kind", "'schedule' does not say its kind", "schedule = { kind = \"cosine\", steps = 10000, warmup = 100 }");
    section.choice("kind", schedule.kind, schedules);
    const std::string here = "this schedule is \"" + std::string(to_string(schedule.kind)) + "\"";
    section.integer("warmup", schedule.warmup, 0, most_steps);
    if (schedule.kind == Kind::cosine) {
        if (!section.has("steps")) section.fault("steps", "'schedule' does not say after how many steps the rate is down", "steps = 10000, as many as a peer takes in the run");
        if (section.integer("steps", schedule.steps, 1, most_steps) && schedule.steps <= schedule.warmup)
            section.fault("steps", "the rate is down after " + std::to_string(schedule.steps) + " steps, and still rises then", "more than 'warmup'");
        section.probability("floor", schedule.floor);
    } else {
        section.belongs({"steps", "floor"}, "kind = \"cosine\"", here);
    }
    if (schedule.kind == Kind::step) {
        if (!section.has("every")) section.fault("every", "'schedule' does not say after how many steps the rate changes", "every = 1000, factor = 0.5");
        section.integer("every", schedule.every, 1, most_steps);
        section.above("factor", schedule.factor, 0);
    } else {
        section.belongs({"every", "factor"}, "kind = \"step\"", here);
    }
    section.finish();
}

// [train] of models that follow a gradient.
void read_steps(Section& section, TrainOptions& train) {
    section.choice("optimizer", train.optimizer, optimizers);
    const std::string here = "this optimizer is \"" + std::string(to_string(train.optimizer)) + "\"";
    const auto below_one = [&](const char* key, double& out, const char* hint) {
        if (section.number(key, out, 0, 1) && out == 1) section.fault(key, "a " + std::string(key) + " of 1 forgets nothing and never comes to rest", hint);
    };
    const bool adamw = train.optimizer == Optimizer::adamw;
    if (adamw) train.learning_rate = 0.001;
    section.above("learning_rate", train.learning_rate, 0);
    if (train.optimizer == Optimizer::momentum || train.optimizer == Optimizer::nesterov) below_one("momentum", train.momentum, "momentum = 0.9");
    else section.belongs({"momentum"}, "optimizer = \"momentum\" and \"nesterov\"", here);
    if (adamw) {
        below_one("beta1", train.beta1, "beta1 = 0.9");
        below_one("beta2", train.beta2, "beta2 = 0.999");
        section.above("epsilon", train.epsilon, 0);
    } else {
        section.belongs({"beta1", "beta2", "epsilon"}, "optimizer = \"adamw\"", here);
    }
    section.number("weight_decay", train.weight_decay, 0, HUGE_VAL);
    section.number("gradient_clip", train.gradient_clip, 0, HUGE_VAL);
    read_schedule(section, train.schedule);
}

// Texts are for models that read them, and have no classes to be split by.
void check_text(Section& data, const Config& config) {
    const bool text = config.data.is_text();
    const char* key = data.has("set") ? "set" : "format";
    const std::string kind = in_double_quotes(to_string(config.model.kind));
    if (text && !config.model.reads_text()) data.fault(key, "a model of kind " + kind + " does not read texts", "[model] kind = \"gru\" or \"transformer\"");
    if (!text && config.model.reads_text()) data.fault(key, "a model of kind " + kind + " reads texts, and these data are none", "set = \"kjv\", or format = \"text\" with files");
    if (text && config.data.split.kind != Split::Kind::iid && config.data.split.kind != Split::Kind::contiguous)
        data.fault("split", "a text has no classes to be split by", "split = \"iid\", which deals its windows, or \"contiguous\", which gives each peer a run of them");
}

void read_target(Section& train, std::optional<Target>& out) {
    if (!train.has("target")) {
        train.value("target");
        return;
    }
    Section section = train.table("target", "target");
    Target target;
    std::vector<std::string> metrics = metric_names();
    std::erase(metrics, "mean");  // one number a coordinate: neither reached nor missed
    if (const auto index = section.pick("metric", metrics, {})) target.metric = metrics[*index];
    const bool least = section.number("at_least", target.value, -HUGE_VAL, HUGE_VAL);
    if (section.has("at_least") && section.has("at_most"))
        section.fault("at_most", "a target is 'at_least' or 'at_most', not both", "keep one of the two");
    if (section.number("at_most", target.value, -HUGE_VAL, HUGE_VAL) && !least) target.at_least = false;
    if (!section.has("at_least") && !section.has("at_most"))
        section.fault("at_least", "the target does not say what is to be reached", "target = { metric = \"accuracy\", at_least = 0.86 }");
    section.truth("stop", target.stop);
    section.finish();
    out = target;
}

}  // namespace

void read_data(Section& file, Config& config) {
    if (!config.model.needs_data()) {
        file.belongs({"data"}, "models that learn from data", "this model is \"" + std::string(to_string(config.model.kind)) + "\"");
        return;
    }
    Section section = file.table("data", "[data]");
    Data& data = config.data;
    if (rows_of(config.model.kind) != Rows::samples) {
        read_set_of_rows(section, config);
        read_split(section, data.split);
        if (data.split.kind != Split::Kind::iid && data.split.kind != Split::Kind::contiguous)
            section.fault("split", std::string("'") + to_string(data.split.kind) + "' goes by classes, and there are none of " + (rows_of(data) == Rows::ratings ? "ratings" : "words"),
                          rows_of(data) == Rows::ratings ? "split = \"iid\", or \"contiguous\": each peer has the ratings of some users" : "split = \"iid\", or \"contiguous\": each peer has a run of the text");
        read_shards(section, config, data.shards);
        section.integer("batch", data.batch, 1, 1 << 24);
        section.number("validation", data.validation, 0, 0.5);
        section.later({"augment"});
        section.finish();
        return;
    }
    const auto sets = words(data_sets);
    if (config.model.reads_text()) data.set = "kjv";
    if (const auto index = section.pick("set", sets, {})) data.set = sets[*index];
    if (config.model.kind == ModelKind::cnn && data.set == "blobs" && !section.has("format") && !section.has("files"))
        section.fault("set", "a cnn looks at pictures, and blobs are none", "set = \"fashion-mnist\", or kind = \"mlp\"");
    const bool own = section.has("format") || section.has("files");
    if (own && section.has("set")) section.fault("set", "data are a set with a name or files of one's own, not both", "take 'set' out, or 'format' and 'files'");
    const std::string here = own ? "these are files of one's own" : "this set is \"" + data.set + "\"";
    if (own) {
        section.text("directory", data.directory);
        read_data_files(section, data, config.model.kind);
        section.belongs({"features", "classes", "train_samples", "test_samples", "spread"}, "set = \"blobs\"", here);
    } else if (data.set == "blobs") {
        constexpr std::uint32_t most = 100'000'000;
        section.integer("features", data.features, 1, 1 << 20);
        section.integer("classes", data.classes, 2, 1 << 16);
        section.integer("train_samples", data.train_samples, 1, most);
        section.integer("test_samples", data.test_samples, 1, most);
        section.number("spread", data.spread, 0, HUGE_VAL);
        const double values = static_cast<double>(data.features) * (static_cast<double>(data.train_samples) + data.test_samples);
        if (values > 2147483648.0)
            section.fault("train_samples", "this generated set has more than 2^31 numbers: 8 GiB of memory", "fewer samples or features");
        section.belongs({"directory"}, "sets that lie in files", here);
    } else {
        if (data.is_text()) section.belongs({"directory"}, "other sets that lie in files", here);
        else section.text("directory", data.directory);
        section.belongs({"features", "classes", "train_samples", "test_samples", "spread"}, "set = \"blobs\"", here);
    }
    section.belongs({"users", "items", "rank", "noise"}, "set = \"ratings\"", here);
    section.belongs({"topics", "words"}, "set = \"topics\"", here);
    if (!own) section.belongs({"files", "test_files", "held_out", "normalize", "label", "header", "separator"}, "format = \"csv\" and the like", here);
    read_split(section, data.split);
    check_text(section, config);
    read_shards(section, config, data.shards);
    if (config.model.kind == ModelKind::forest) section.belongs({"batch"}, "models that learn from some rows at a time", "a step of \"forest\" grows a tree on all of them");
    else section.integer("batch", data.batch, 1, 1 << 24);
    if (section.number("validation", data.validation, 0, 0.5) && data.set == "blobs" && data.validation * data.train_samples > data.train_samples - 1.0)
        section.fault("validation", "nothing would be left to train on", "validation = 0.1, or more train_samples");
    read_augment(section, config, data);
    section.finish();
}

void read_train(Section& file, Config& config) {
    Section section = file.table("train", "[train]");
    TrainOptions& train = config.train;
    if (config.model.kind == ModelKind::average) {
        section.belongs({"optimizer", "learning_rate", "momentum", "weight_decay", "beta1", "beta2", "epsilon", "gradient_clip", "schedule", "precision", "order", "pace"}, "models that train",
                        "this model is \"average\"");
    } else if (config.model.follows_gradients()) {
        read_steps(section, train);
        section.choice("precision", train.precision, precisions);
    } else {
        section.belongs({"optimizer", "learning_rate", "momentum", "weight_decay", "beta1", "beta2", "epsilon", "gradient_clip", "schedule", "precision"}, "models that follow a gradient",
                        "this model is \"" + std::string(to_string(config.model.kind)) + "\"");
    }
    if (config.model.kind != ModelKind::average) {
        section.longer_than_zero("order", train.order, "20ms");
        section.duration("pace", train.pace, "20ms");
    }
    if (config.model.has_stand_in()) section.choice("compute", train.compute, computes);
    else section.belongs({"compute"}, "models that follow a gradient on data", "this model is \"" + std::string(to_string(config.model.kind)) + "\"");
    read_target(section, train.target);
    section.finish();
}

}  // namespace grapevine::config
