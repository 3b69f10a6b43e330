#include <algorithm>

#include "section.hpp"
#include "units.hpp"

namespace grapevine::config {
namespace {

constexpr std::uint32_t most_donors = 64;

void read_encoding(Section& section, Exchange& exchange) {
    const Value* value = section.value("encoding");
    if (!value) return;
    if (!std::holds_alternative<Table>(value->is)) {
        section.choice("encoding", exchange.encoding, encodings);
        return;
    }
    Section encoding = section.table("encoding", "encoding");
    if (!encoding.has("kind")) encoding.fault("kind", "'encoding' does not say its kind", "encoding = { kind = \"int8\" }");
    encoding.choice("kind", exchange.encoding, encodings);
    if (exchange.encoding == Encoding::top_k) {
        if (encoding.above("kept", exchange.kept, 0) && exchange.kept > 1) encoding.fault("kept", "'kept' is a share of the values: 1 at most", "kept = 0.01");
    } else {
        encoding.belongs({"kept"}, "kind = \"top-k\"", std::string("this encoding is \"") + to_string(exchange.encoding) + "\"");
    }
    encoding.finish();
}

void read_rhythm(Section& section, Config& config) {
    Exchange& exchange = config.exchange;
    const std::string kind = to_string(exchange.kind);
    const bool steps = config.model.kind != ModelKind::average;
    Duration period{};
    std::uint32_t every = 0;
    const bool has_period = section.longer_than_zero("period", period, "250ms");
    const bool has_steps = section.integer("every_steps", every, 1, 1'000'000'000);
    const bool has_clock = section.choice("clock", exchange.clock, clocks);
    if (section.has("period") && section.has("every_steps"))
        section.fault("every_steps", "an exchange is due by 'period' or by 'every_steps', not by both", "keep one of the two");
    if (section.has("every_steps") && !steps)
        section.fault("every_steps", "the model \"average\" makes no steps, so 'every_steps' never comes", "period = \"1s\"");
    if (has_period) exchange.period = period;
    if (has_steps) exchange.every_steps = every;
    if (!has_period && !has_steps) {
        const Rhythm usual = rhythm(exchange.kind);
        if (usual.period) exchange.period = usual.period;
        else if (steps) exchange.every_steps = usual.every_steps;
        else
            section.fault("kind", "the model \"average\" makes no steps, so " + kind + " needs a period",
                          exchange.kind == ExchangeKind::dpsgd ? "add period = \"1s\" and clock = \"rounds\"" : "add period = \"1s\"");
    }
    if (has_clock && !exchange.period)
        section.fault("clock", "'clock' has no meaning with 'every_steps': an exchange starts after that many steps",
                      has_steps ? "take 'clock' out, or write period = \"250ms\" instead of 'every_steps'" : "add period = \"250ms\"");
    if (exchange.kind == ExchangeKind::dpsgd && exchange.period && exchange.clock != Clock::rounds)
        section.fault(has_clock ? "clock" : "period", "dpsgd with a period goes in lock step: its clock can only be \"rounds\"",
                      "add clock = \"rounds\", or write every_steps = 1 instead of 'period'");
}

// Keys that only some kinds have.
void read_own(Section& section, Exchange& exchange, const std::string& here) {
    using enum ExchangeKind;
    const auto is = [&](std::initializer_list<ExchangeKind> kinds) { return std::find(kinds.begin(), kinds.end(), exchange.kind) != kinds.end(); };
    const auto mine = [&](std::initializer_list<const char*> keys, std::initializer_list<ExchangeKind> kinds, const char* where) {
        if (is(kinds)) return true;
        section.belongs(keys, where, here);
        return false;
    };
    if (mine({"form", "staleness_weight", "consensus", "speed_scaled"}, {gossip}, "kind = \"gossip\"")) {
        section.number("staleness_weight", exchange.staleness_weight, 0, 1e6);
        double distance = 0;
        if (section.above("consensus", distance, 0)) exchange.consensus = distance;
        if (exchange.consensus && !exchange.every_steps)
            section.fault("consensus", "'consensus' steers how many local steps lie between two exchanges, and this one goes by a period",
                          "every_steps = 10 in place of 'period'");
        section.truth("speed_scaled", exchange.speed_scaled);
    }
    if (mine({"pushes"}, {epidemic}, "kind = \"epidemic\"")) section.integer("pushes", exchange.pushes, 1, 64);
    if (mine({"robust"}, {push_sum}, "kind = \"push-sum\"")) section.truth("robust", exchange.robust);
    if (has_graph(exchange)) read_graph(section, exchange);
    else section.belongs({"graph", "graph_hash"}, "kind = \"dpsgd\" and robust push-sum", here);
    if (mine({"size"}, {group, outer}, "kind = \"group\" and \"outer\"") && section.has("size")) {
        const Value* size = section.value("size");
        if (exchange.kind == outer && std::holds_alternative<std::string>(size->is)) {
            if (section.pick("size", {"all"}, {})) exchange.everybody = true;
        } else {
            section.integer("size", exchange.size, 2, 1024);
        }
    }
    if (mine({"rate", "momentum"}, {outer}, "kind = \"outer\"")) {
        section.above("rate", exchange.rate, 0);
        section.number("momentum", exchange.momentum, 0, 0.9999);
    }
    if (mine({"algorithm", "backup", "buckets"}, {allreduce}, "kind = \"allreduce\"")) {
        section.choice("algorithm", exchange.algorithm, algorithms);
        section.integer("backup", exchange.backup, 0, 1'000'000);
        section.integer("buckets", exchange.buckets, 1, 1024);
    }
    if (mine({"mode", "wait_for"}, {parameter_server}, "kind = \"parameter-server\"")) {
        section.choice("mode", exchange.mode, modes);
        section.integer("wait_for", exchange.wait_for, 1, 1'000'000);
        if (exchange.mode == Mode::async && section.has("wait_for"))
            section.fault("wait_for", "an asynchronous server waits for nobody", "mode = \"sync\", or take 'wait_for' out");
    }
    if (mine({"server"}, {parameter_server, fedavg}, "kind = \"parameter-server\" and \"fedavg\"")) section.text("server", exchange.server);
    if (mine({"clients"}, {fedavg}, "kind = \"fedavg\"") && section.above("clients", exchange.clients, 0) && exchange.clients > 1)
        section.fault("clients", "'clients' is a share of the peers: 1 at most", "clients = 0.25");
    if (mine({"quasi_global"}, {gossip, epidemic, dpsgd, group}, "kind = \"gossip\", \"epidemic\", \"dpsgd\" and \"group\"")) section.number("quasi_global", exchange.quasi_global, 0, 0.9999);
    if (mine({"fragments"}, {gossip, dpsgd}, "kind = \"gossip\" and \"dpsgd\"")) section.integer("fragments", exchange.fragments, 1, 1024);
    if (mine({"donors"}, {gossip, epidemic, outer}, "kind = \"gossip\", \"epidemic\" and \"outer\"")) section.integer("donors", exchange.donors, 0, most_donors);
    if (mine({"clip"}, {gossip, epidemic, dpsgd}, "kind = \"gossip\", \"epidemic\" and \"dpsgd\"")) section.choice("clip", exchange.clip, clips);
    if (exchange.kind == gossip && !section.choice("form", exchange.form, forms) && exchange.clip != Clip::off) exchange.form = Form::convex;
    if (exchange.kind == gossip && exchange.clip != Clip::off && exchange.form == Form::delta)
        section.fault("clip", "clipping holds another's model against ours, and the delta form mixes differences", "form = \"convex\"");
}

// Of config.exchange, whose kind may be another than gossip to begin with.
void read_keys(Section& section, Config& config) {
    Exchange& exchange = config.exchange;
    section.choice("kind", exchange.kind, exchange_kinds);
    const std::string here = "this exchange is \"" + std::string(to_string(exchange.kind)) + "\"";
    if (exchange.kind == ExchangeKind::local || exchange.kind == ExchangeKind::single) {
        section.belongs({"period", "every_steps", "clock", "patience", "encoding"}, "exchanges that exchange something", here);
    } else {
        read_rhythm(section, config);
        Duration patience{};
        if (section.longer_than_zero("patience", patience, "10s")) exchange.patience = patience;
        read_encoding(section, exchange);
    }
    read_own(section, exchange, here);
    if (exchange.buckets > 1 && config.train.gradient_clip > 0)
        section.fault("buckets", "a step in " + std::to_string(exchange.buckets) + " buckets never has its gradient as a whole, whose length [train] gradient_clip limits",
                      "buckets = 1, or take 'gradient_clip' out");
}

}  // namespace

void read_exchange(Section& file, Config& config) {
    Section section = file.table("exchange", "[exchange]");
    read_keys(section, config);
    section.finish();
}

// [compare.NAME]: an exchange as in [exchange], of the kind NAME unless it says another, and a learning rate.
void read_compares(Section& file, Config& config) {
    const Value* value = file.value("compare");
    if (!value) return;
    Section all = file.table("compare", "[compare]");
    const auto* table = std::get_if<Table>(&value->is);
    if (!table) return;  // said
    for (const Entry& entry : table->entries) {
        const std::string title = "[compare." + entry.key + "]";
        if (!is_group_name(entry.key))
            return file.reading().say(entry.place, in_quotes(entry.key) + " cannot name a method", "letters, digits, \"-\", \"_\" and \".\": it names a directory");
        Section section = all.table(entry.key.c_str(), title);
        Config under = config;
        under.exchange = {};
        const auto kinds = words(exchange_kinds);
        const auto known = std::find(kinds.begin(), kinds.end(), entry.key);
        if (known != kinds.end()) under.exchange.kind = exchange_kinds[static_cast<std::size_t>(known - kinds.begin())].value;
        else if (!section.has("kind")) {
            const auto near = nearest(entry.key, kinds);
            section.fault("kind", title + " does not say its kind, and its name is none",
                          near ? "did you mean [compare." + *near + "]? or add kind = \"" + *near + "\"" : "add kind = \"allreduce\"");
        }
        read_keys(section, under);
        Compared compared{entry.key, under.exchange, {}};
        double rate = 0;
        if (config.model.kind == ModelKind::average) section.belongs({"learning_rate"}, "models that train", "this model is \"average\"");
        else if (section.above("learning_rate", rate, 0)) compared.learning_rate = rate;
        section.finish();
        if (file.reading().any()) return;
        config.compares.push_back(std::move(compared));
    }
    all.finish();
}

}  // namespace grapevine::config
