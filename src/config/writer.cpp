#include <cstdio>
#include <filesystem>
#include <type_traits>

#include "names.hpp"
#include "units.hpp"

// A Config as a file, every default written out. Keys that belong to another kind are left out: the reader
// refuses them.
namespace grapevine::config {
namespace {

using config::quote;
std::string quote(Duration d) { return quote(format_duration(d)); }
std::string truth(bool yes) { return yes ? "true" : "false"; }
std::string of_seconds(double s) { return quote(from_seconds(s)); }

template <class T, class F> std::string list(const std::vector<T>& items, F text) {
    std::string out = "[";
    for (std::size_t i = 0; i < items.size(); ++i) out += (i ? ", " : "") + text(items[i]);
    return out + "]";
}

struct Lines {
    std::string text;
    void line(const std::string& key, const std::string& value) { text += key + " = " + value + "\n"; }
    void head(const std::string& title) { text += "\n" + title + "\n"; }
};

std::string distribution(const Distribution& d) {
    const std::string head = "{ dist = " + quote(to_string(d.kind)) + ", ";
    switch (d.kind) {
        case Distribution::Kind::constant: return of_seconds(d.a);
        case Distribution::Kind::uniform: return head + "min = " + of_seconds(d.a) + ", max = " + of_seconds(d.b) + " }";
        case Distribution::Kind::exponential: return head + "mean = " + of_seconds(d.a) + " }";
        case Distribution::Kind::shifted_exponential: return head + "min = " + of_seconds(d.a) + ", mean = " + of_seconds(d.b) + " }";
        case Distribution::Kind::normal: return head + "mean = " + of_seconds(d.a) + ", stddev = " + of_seconds(d.b) + " }";
        case Distribution::Kind::lognormal: return head + "median = " + of_seconds(d.a) + ", sigma = " + format_number(d.b) + " }";
        case Distribution::Kind::pareto: return head + "min = " + of_seconds(d.a) + ", alpha = " + format_number(d.b) + " }";
        case Distribution::Kind::weibull: return head + "scale = " + of_seconds(d.a) + ", shape = " + format_number(d.b) + " }";
        case Distribution::Kind::trace: break;
    }
    return head + "file = " + quote(d.file) + " }";
}

// Of plain numbers.
std::string numbers(const Distribution& d) {
    const std::string head = "{ dist = " + quote(to_string(d.kind)) + ", ";
    const auto two = [&](const char* a, const char* b) { return head + a + " = " + format_number(d.a) + ", " + b + " = " + format_number(d.b) + " }"; };
    switch (d.kind) {
        case Distribution::Kind::uniform: return two("min", "max");
        case Distribution::Kind::shifted_exponential: return two("min", "mean");
        case Distribution::Kind::normal: return two("mean", "stddev");
        case Distribution::Kind::lognormal: return two("median", "sigma");
        case Distribution::Kind::pareto: return two("min", "alpha");
        case Distribution::Kind::constant:
        case Distribution::Kind::exponential:
        case Distribution::Kind::weibull:
        case Distribution::Kind::trace: break;
    }
    return format_number(d.a);
}

std::string per_peer(const PerPeer& p) {
    switch (p.rule) {
        case PerPeer::Rule::number: return format_number(p.number);
        case PerPeer::Rule::list: return list(p.list, format_number);
        case PerPeer::Rule::index:
        case PerPeer::Rule::alternate: break;
    }
    return quote(word_of(p.rule, per_peer_rules));
}

void write_model(Lines& out, const Model& model) {
    out.head("[model]");
    out.line("kind", quote(to_string(model.kind)));
    const auto number = [](std::uint32_t n) { return std::to_string(n); };
    if (model.kind == ModelKind::cnn) {
        out.line("channels", list(model.channels, number));
        out.line("residual", truth(model.residual));
    }
    if (model.kind == ModelKind::mlp || model.kind == ModelKind::cnn) out.line("hidden", list(model.hidden, number));
    if (model.reads_text()) {
        out.line("width", std::to_string(model.width));
        out.line("layers", std::to_string(model.layers));
        if (model.kind == ModelKind::transformer) out.line("heads", std::to_string(model.heads));
        out.line("length", std::to_string(model.length));
    }
    if (model.kind == ModelKind::kmeans) out.line("k", std::to_string(model.k));
    if (model.kind == ModelKind::forest) {
        out.line("trees", std::to_string(model.trees));
        out.line("depth", std::to_string(model.depth));
        out.line("places", std::to_string(model.places));
    }
    if (rows_of(model.kind) != Rows::samples) out.line("rank", std::to_string(model.rank));
    if (model.kind == ModelKind::skipgram) {
        out.line("window", std::to_string(model.window));
        out.line("negatives", std::to_string(model.negatives));
        out.line("vocabulary", std::to_string(model.vocabulary));
        out.line("subsample", format_number(model.subsample));
    }
    if (model.needs_data()) return;
    out.line("dimension", std::to_string(model.dimension));
    if (model.initial)
        out.line("initial", model.initial->rule == Initial::Rule::number ? format_number(model.initial->number)
                                                                         : quote(word_of(model.initial->rule, initial_rules)));
    if (model.kind != ModelKind::quadratic) return;
    out.line("a", per_peer(model.a));
    out.line("b", per_peer(model.b));
    out.line("noise", format_number(model.noise));
}

std::string schedule(const Schedule& s) {
    const auto and_also = [](const char* key, const std::string& value) { return std::string(", ") + key + " = " + value; };
    std::string text = "{ kind = " + quote(to_string(s.kind));
    if (s.kind == Schedule::Kind::cosine) text += and_also("steps", std::to_string(s.steps)) + and_also("floor", format_number(s.floor));
    if (s.kind == Schedule::Kind::step) text += and_also("every", std::to_string(s.every)) + and_also("factor", format_number(s.factor));
    return text + and_also("warmup", std::to_string(s.warmup)) + " }";
}

// Where files lie is a matter of each machine; what is in them is held against the fingerprint of the data.
void write_data_files(Lines& out, const DataFiles& own, bool world) {
    const auto name = [&](const std::string& file) { return quote(world ? file : std::filesystem::path(file).filename().string()); };
    out.line("format", quote(to_string(own.format)));
    out.line("files", list(own.files, name));
    if (!own.test_files.empty()) out.line("test_files", list(own.test_files, name));
    else out.line("held_out", format_number(own.held_out));
    const bool csv = own.format == DataFiles::Format::csv, ratings = own.format == DataFiles::Format::ratings;
    if (!ratings && own.format != DataFiles::Format::words && own.format != DataFiles::Format::text) out.line("normalize", quote(to_string(own.normalize)));
    if (!csv && !ratings) return;
    if (!own.label.empty()) out.line("label", quote(own.label));
    else if (own.label_column > 0) out.line("label", std::to_string(own.label_column));
    out.line("header", own.header ? truth(*own.header) : quote("auto"));
    out.line("separator", quote(own.separator));
}

void write_data(Lines& out, const Config& config, bool world) {
    const Data& data = config.data;
    out.head("[data]");
    if (data.own) write_data_files(out, *data.own, world);
    else out.line("set", quote(data.set));
    if (data.set == "blobs") {
        out.line("features", std::to_string(data.features));
        out.line("classes", std::to_string(data.classes));
        out.line("train_samples", std::to_string(data.train_samples));
        out.line("test_samples", std::to_string(data.test_samples));
        out.line("spread", format_number(data.spread));
    } else if (data.set == "ratings") {
        out.line("users", std::to_string(data.users));
        out.line("items", std::to_string(data.items));
        out.line("rank", std::to_string(data.rank));
        out.line("noise", format_number(data.noise));
        out.line("train_samples", std::to_string(data.train_samples));
        out.line("test_samples", std::to_string(data.test_samples));
    } else if (data.set == "topics") {
        out.line("topics", std::to_string(data.topics));
        out.line("words", std::to_string(data.words));
        out.line("train_samples", std::to_string(data.train_samples));
        out.line("test_samples", std::to_string(data.test_samples));
    } else if (!data.directory.empty()) {
        out.line("directory", quote(data.directory));
    }
    const bool dirichlet = data.split.kind == Split::Kind::dirichlet_per_class || data.split.kind == Split::Kind::dirichlet_per_peer;
    out.line("split", "{ kind = " + quote(to_string(data.split.kind)) + (dirichlet ? ", alpha = " + format_number(data.split.alpha) : "") +
                          (data.split.kind == Split::Kind::shards ? ", classes = " + std::to_string(data.split.classes) : "") + " }");
    if (data.shards) out.line("shards", quote(to_string(*data.shards)));
    if (config.model.kind != ModelKind::forest) out.line("batch", std::to_string(data.batch));
    if (data.validation > 0) out.line("validation", format_number(data.validation));
    if (data.shift > 0 || data.mirror) out.line("augment", "{ shift = " + std::to_string(data.shift) + ", mirror = " + truth(data.mirror) + " }");
}

void write_train(Lines& out, const Config& config) {
    const TrainOptions& train = config.train;
    const bool trains = config.model.kind != ModelKind::average;
    if (!trains && !train.target) return;
    out.head("[train]");
    if (config.model.follows_gradients()) {
        out.line("optimizer", quote(to_string(train.optimizer)));
        out.line("learning_rate", format_number(train.learning_rate));
        if (train.optimizer == Optimizer::momentum || train.optimizer == Optimizer::nesterov) out.line("momentum", format_number(train.momentum));
        if (train.optimizer == Optimizer::adamw) {
            out.line("beta1", format_number(train.beta1));
            out.line("beta2", format_number(train.beta2));
            out.line("epsilon", format_number(train.epsilon));
        }
        out.line("weight_decay", format_number(train.weight_decay));
        out.line("gradient_clip", format_number(train.gradient_clip));
        out.line("schedule", schedule(train.schedule));
        out.line("precision", quote(to_string(train.precision)));
    }
    if (trains) {
        out.line("order", quote(train.order));
        out.line("pace", quote(train.pace));
    }
    if (config.model.has_stand_in()) out.line("compute", quote(to_string(train.compute)));
    if (!train.target) return;
    const Target& target = *train.target;
    out.line("target", "{ metric = " + quote(target.metric) + ", " + (target.at_least ? "at_least" : "at_most") + " = " +
                           format_number(target.value) + ", stop = " + truth(target.stop) + " }");
}

void write_exchange(Lines& out, const Config& config, const Exchange& exchange, const std::string& title, bool world) {
    out.head(title);
    out.line("kind", quote(to_string(exchange.kind)));
    if (exchange.kind == ExchangeKind::local || exchange.kind == ExchangeKind::single) return;
    Exchange usual;
    usual.kind = exchange.kind;
    const bool steps = config.model.kind != ModelKind::average;
    Rhythm due{exchange.period, exchange.every_steps};
    if (!due.period && !due.every_steps) due = rhythm(exchange.kind);
    if (due.period) {
        out.line("period", quote(*due.period));
        out.line("clock", quote(to_string(exchange.clock)));
    } else if (steps) {
        out.line("every_steps", std::to_string(*due.every_steps));
    }
    if (has_graph(exchange) && exchange.graph == Graph::file) {  // where it lies is a matter of each machine, what is in it is not
        out.line("graph", quote("file:" + (world ? exchange.graph_file : std::filesystem::path(exchange.graph_file).filename().string())));
        char hash[17];
        std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(exchange.graph_hash));
        out.line("graph_hash", quote(hash));
    } else if (has_graph(exchange)) {
        out.line("graph", quote(graph_name(exchange)));
    }
    const auto word = [&](const char* key, auto Exchange::*field) {
        if (exchange.*field != usual.*field) out.line(key, quote(to_string(exchange.*field)));
    };
    const auto number = [&](const char* key, auto Exchange::*field) {
        if (exchange.*field == usual.*field) return;
        if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(exchange.*field)>>) out.line(key, std::to_string(exchange.*field));
        else out.line(key, format_number(exchange.*field));
    };
    const auto truth_of = [&](const char* key, bool Exchange::*field) {
        if (exchange.*field != usual.*field) out.line(key, truth(exchange.*field));
    };
    if (exchange.kind == ExchangeKind::gossip) out.line("form", quote(to_string(exchange.form)));
    number("staleness_weight", &Exchange::staleness_weight);
    if (exchange.consensus) out.line("consensus", format_number(*exchange.consensus));
    number("pushes", &Exchange::pushes);
    truth_of("robust", &Exchange::robust);
    if (exchange.everybody) out.line("size", quote("all"));
    else number("size", &Exchange::size);
    number("rate", &Exchange::rate);
    number("momentum", &Exchange::momentum);
    word("algorithm", &Exchange::algorithm);
    number("backup", &Exchange::backup);
    number("buckets", &Exchange::buckets);
    word("mode", &Exchange::mode);
    number("wait_for", &Exchange::wait_for);
    if (!exchange.server.empty()) out.line("server", quote(exchange.server));
    number("clients", &Exchange::clients);
    truth_of("speed_scaled", &Exchange::speed_scaled);
    number("quasi_global", &Exchange::quasi_global);
    number("fragments", &Exchange::fragments);
    number("donors", &Exchange::donors);
    word("clip", &Exchange::clip);
    if (exchange.encoding == Encoding::top_k) out.line("encoding", "{ kind = \"top-k\", kept = " + format_number(exchange.kept) + " }");
    else word("encoding", &Exchange::encoding);
    if (exchange.patience) out.line("patience", quote(*exchange.patience));
}

void write_membership(Lines& out, const Membership& membership, bool world) {
    out.head("[membership]");
    out.line("kind", quote(to_string(membership.kind)));
    if (membership.kind == MembershipKind::fixed) return;
    out.line("period", quote(membership.period));
    out.line("probe_timeout", quote(membership.probe_timeout));
    out.line("indirect", std::to_string(membership.indirect));
    if (membership.suspicion)
        out.line("suspicion",
                 "{ alpha = " + format_number(membership.suspicion_alpha) + ", beta = " + format_number(membership.suspicion_beta) + " }");
    else out.line("suspicion", quote("off"));
    out.line("lifeguard", "{ local_health = " + truth(membership.local_health) + ", dogpile = " + truth(membership.dogpile) +
                              ", buddy = " + truth(membership.buddy) + ", nacks = " + truth(membership.nacks) +
                              ", confirm = " + truth(membership.confirm) + ", damping = " + truth(membership.damping) + " }");
    if (!world) return;
    out.line("start", quote(membership.start_full ? "full" : "join"));
    if (!membership.start_full) out.line("over", quote(membership.start_over));
}

void write_metrics(Lines& out, const Metrics& metrics, bool world) {
    out.head("[metrics]");
    out.line("every", quote(metrics.every));
    out.line("evaluate_every", quote(metrics.evaluate_every));
    out.line("evaluate_peers", std::to_string(metrics.evaluate_peers));
    out.line("evaluate_samples", metrics.evaluate_samples ? std::to_string(*metrics.evaluate_samples) : quote("all"));
    if (metrics.tally) out.line("tally", quote(*metrics.tally));
    if (world && metrics.views) out.line("views", truth(*metrics.views));
}

void write_group(Lines& out, const Group& group) {
    out.head("[[group]]");
    out.line("name", quote(group.name));
    out.line("count", std::to_string(group.count));
    out.line("step_time", distribution(group.step_time));
    if (group.uplink > 0) out.line("uplink", quote(format_rate(group.uplink)));
    if (group.downlink > 0) out.line("downlink", quote(format_rate(group.downlink)));
    if (group.mix_rate > 0) out.line("mix_rate", quote(format_rate(group.mix_rate)));
    if (group.slowness != Group().slowness) out.line("slowness", numbers(group.slowness));
    if (group.has_clock()) out.line("clock", "{ offset = " + distribution(group.clock_offset) + ", drift = " + numbers(group.clock_drift) + " }");
    if (group.power)
        out.line("power", "{ busy = " + quote(format_power(group.power->busy)) + ", idle = " + quote(format_power(group.power->idle)) + ", per_byte = " +
                              quote(format_energy(group.power->per_byte)) + " }");
    if (group.nat) out.line("nat", truth(group.nat));
}

void write_link(Lines& out, const Link& link) {
    out.head("[[link]]");
    if (link.both_ways) out.line("between", "[" + quote(link.from) + ", " + quote(link.to) + "]");
    else out.line("from", quote(link.from)), out.line("to", quote(link.to));
    out.line("latency", distribution(link.latency));
    if (link.distance != Distribution()) out.line("distance", distribution(link.distance));
    if (link.bursts) out.line("loss", "{ kind = \"bursty\", mean = " + format_number(link.bursts->mean) + ", longest = " + quote(link.bursts->longest) + " }");
    else out.line("loss", format_number(link.loss));
    out.line("duplicate", format_number(link.duplicate));
    if (link.reorder > 0) out.line("reorder", format_number(link.reorder));
    if (link.rate > 0) out.line("rate", quote(format_rate(link.rate)));
    if (link.largest > 0) out.line("largest", quote(format_size(link.largest)));
}

void write_event(Lines& out, const Event& event) {
    const auto selection = [](const Selection& s) { return quote(format_selection(s)); };
    const auto selections = [&](const std::vector<Selection>& all) { return list(all, selection); };
    const auto whom = [&] {
        if (event.sides.empty()) out.line("nodes", selection(event.nodes));
        else out.line("between", list(event.sides, selections));
    };
    out.head("[[event]]");
    out.line("at", quote(event.at.time_since_epoch()));
    out.line("kind", quote(to_string(event.kind)));
    switch (event.kind) {
        case Event::Kind::slow:
            out.line("nodes", selection(event.nodes));
            out.line("factor", format_number(event.factor));
            break;
        case Event::Kind::restart:
            out.line("nodes", selection(event.nodes));
            out.line("checkpoint", truth(event.checkpoint));
            if (event.down > Duration::zero()) out.line("down", quote(event.down));
            break;
        case Event::Kind::clock:
            out.line("nodes", selection(event.nodes));
            if (event.offset > Duration::zero()) out.line("offset", quote(event.offset));
            if (event.drift != 0 || event.offset == Duration::zero() || event.lasts) out.line("drift", format_number(event.drift));
            break;
        case Event::Kind::crash:
        case Event::Kind::leave: out.line("nodes", selection(event.nodes)); break;
        case Event::Kind::pause:
            out.line("nodes", selection(event.nodes));
            out.line("timers", quote(event.timers_run ? "run" : "wait"));
            break;
        case Event::Kind::liar:
            out.line("nodes", selection(event.nodes));
            out.line("sends", quote(to_string(event.sends)));
            break;
        case Event::Kind::join:
            out.line("group", quote(event.group));
            out.line("count", std::to_string(event.count));
            out.line("over", quote(event.over));
            break;
        case Event::Kind::partition:
            if (event.shape) out.line("shape", quote(to_string(*event.shape)));
            else out.line("sides", list(event.sides, selections));
            break;
        case Event::Kind::one_way:
            out.line("from", selections(event.from));
            out.line("to", selections(event.to));
            break;
        case Event::Kind::cut: out.line("between", list(event.sides, selections)); break;
        case Event::Kind::loss:
            whom();
            out.line("loss", format_number(event.loss));
            break;
        case Event::Kind::delay:
            whom();
            out.line("latency", distribution(event.latency));
            break;
        case Event::Kind::clog: out.line("nodes", selection(event.nodes)); break;
        case Event::Kind::bandwidth:
            out.line("nodes", selection(event.nodes));
            if (event.uplink > 0) out.line("uplink", quote(format_rate(event.uplink)));
            if (event.downlink > 0) out.line("downlink", quote(format_rate(event.downlink)));
            break;
        case Event::Kind::corrupt:
            whom();
            out.line("share", format_number(event.share));
            break;
        case Event::Kind::replay:
            whom();
            out.line("share", format_number(event.share));
            out.line("after", distribution(event.latency));
            break;
    }
    if (event.lasts) out.line("for", quote(*event.lasts));
    if (event.every) out.line("every", quote(*event.every));
    if (event.times) out.line("times", std::to_string(*event.times));
}

void write_churn(Lines& out, const Churn& churn) {
    out.head("[[churn]]");
    if (!churn.file.empty()) {
        out.line("trace", quote(churn.file));
    } else {
        out.line("groups", list(churn.groups, [](const std::string& name) { return quote(name); }));
        out.line("session", distribution(churn.session));
        out.line("downtime", distribution(churn.downtime));
        if (churn.day) out.line("day", "{ period = " + quote(*churn.day) + ", amplitude = " + format_number(churn.amplitude) + " }");
        out.line("leaves", format_number(churn.leaves));
    }
    out.line("checkpoint", truth(churn.checkpoint));
}

void write_expect(Lines& out, const Expect& expect) {
    out.head("[[expect]]");
    out.line("metric", quote(expect.metric));
    const auto instant = quote(expect.instant.time_since_epoch());
    switch (expect.when) {
        case Expect::When::at: out.line("at", instant); break;
        case Expect::When::by: out.line("by", instant); break;
        case Expect::When::from: out.line("from", instant); break;
        case Expect::When::end: break;
    }
    switch (expect.what) {
        case Expect::What::at_least: out.line("at_least", format_number(expect.value)); break;
        case Expect::What::at_most: out.line("at_most", format_number(expect.value)); break;
        case Expect::What::equals:
            out.line("equals", format_number(expect.value));
            out.line("within", format_number(expect.within));
            break;
    }
    if (expect.ratio_over) out.line("ratio_over", quote(*expect.ratio_over));
    out.line("over", quote(to_string(expect.over)));
    if (!expect.variant.empty()) out.line("variant", quote(expect.variant));
    if (!expect.relative_to.empty()) out.line("relative_to", quote(expect.relative_to));
}

void write_sweep(Lines& out, const Sweep& sweep) {
    if (!sweep.axes.empty()) out.head("[sweep]");
    for (const auto& axis : sweep.axes) out.line(quote(axis.front().path), list(axis, [](const Setting& s) { return s.value; }));
    for (const Sweep::Variant& variant : sweep.variants) {
        out.head("[[sweep.variant]]");
        out.line("name", quote(variant.name));
        std::string set;
        for (const Setting& s : variant.set) set += (set.empty() ? "" : ", ") + quote(s.path) + " = " + s.value;
        out.line("set", "{ " + set + " }");
    }
}

}  // namespace

std::string to_toml(const Config& config, bool world) {
    Lines out;
    out.line("name", quote(config.name));
    out.line("seed", std::to_string(config.seed));
    if (config.until) out.line("until", quote(*config.until));
    if (config.until_steps) out.line("until_steps", std::to_string(*config.until_steps));
    write_model(out, config.model);
    if (config.model.needs_data()) write_data(out, config, world);
    write_train(out, config);
    write_exchange(out, config, config.exchange, "[exchange]", world);
    write_membership(out, config.membership, world);
    write_metrics(out, config.metrics, world);
    if (!world) return out.text;
    for (const Group& group : config.groups) write_group(out, group);
    for (const Link& link : config.links) write_link(out, link);
    for (const Event& event : config.events) write_event(out, event);
    for (const Churn& churn : config.churns) write_churn(out, churn);
    for (const Expect& expect : config.expects) write_expect(out, expect);
    write_sweep(out, config.sweep);
    for (const Compared& compared : config.compares) {
        write_exchange(out, config, compared.exchange, "[compare." + quote(compared.name) + "]", true);
        if (compared.learning_rate) out.line("learning_rate", format_number(*compared.learning_rate));
    }
    return out.text;
}

}  // namespace grapevine::config
