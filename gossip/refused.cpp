// What cannot run, and what runs badly. A rule a line: what must not be, and the reason. They stand by subject, and the first
// that is broken is said.
#include <cstdio>
#include <initializer_list>

#include "outer.hpp"

namespace grapevine::gossip {

namespace {

struct Rule {
    bool broken;
    const char* why;
};
const char* first_broken(std::initializer_list<Rule> rules) {
    for (const Rule& rule : rules)
        if (rule.broken) return rule.why;
    return nullptr;
}

bool one_of(Kind kind, std::initializer_list<Kind> kinds) {
    for (const Kind k : kinds)
        if (k == kind) return true;
    return false;
}

// Tensors of merge kind `sum` hold what all peers have counted, and each peer adds its changes to its own: only the mean
// over peers means anything, and what is added to it or lost from it once stays so.
const char* of_sums(const Config& c) {
    if (!c.sums || c.unchecked) return nullptr;
    using enum Kind;
    return first_broken({
        {c.kind == gossip && c.form == Form::convex, "this model holds sums, and convex gossip takes back half of what a peer adds while its partner's are on their way: form = \"delta\""},
        {c.kind == gossip && c.staleness_weight > 0, "this model holds sums: 'staleness_weight' lets one side of an exchange take less than the other gives"},
        {c.kind == epidemic, "this model holds sums, and the mean of an epidemic exchange drifts: use gossip, dpsgd, group or allreduce"},
        {c.kind == push_sum, "this model holds sums, and push-sum weighs what a peer adds by the mass it holds just then: use gossip, dpsgd, group or allreduce"},
        {c.kind == outer, "this model holds sums, and outer momentum goes on adding to them: use gossip, dpsgd, group or allreduce"},
        {one_of(c.kind, {parameter_server, fedavg}), "this model holds sums, and a server's model takes the place of a worker's: what it had added is lost. Use gossip, dpsgd, group or allreduce"},
        {c.kind == allreduce && c.backup > 0, "this model holds sums: with 'backup' workers what those left out had added is lost"},
        {c.clip != Clip::off, "this model holds sums: 'clip' lets one side of an exchange take less than the other gives"},
        {c.quasi_global > 0, "this model holds sums, and momentum goes on adding to them: quasi_global = 0"},
        {c.encoding.has_value(), "this model holds sums, and what rounding loses on the way is never given back: encoding = \"float32\""},
    });
}

// Tensors of merge kind `set` hold immutable pieces, and two of them merge by union whatever weights they are given. So an
// exchange carries them that sends whole models as they are and combines them with its own; both forms of gossip do, for
// what the delta form takes back from what it had sent is in the union already. One that adds up parts, or keeps
// differences and accumulators, would reckon with pieces.
const char* of_sets(const Config& c) {
    if (!c.sets) return nullptr;
    using enum Kind;
    return first_broken({
        {c.kind == group, "this model holds a set, and groups add up parts of models: use gossip, epidemic, push-sum or dpsgd"},
        {c.kind == outer, "this model holds a set, and outer steps reckon with differences: use gossip, epidemic, push-sum or dpsgd"},
        {c.kind == allreduce, "this model holds a set, and allreduce adds up parts of models: use gossip, epidemic, push-sum or dpsgd"},
        {one_of(c.kind, {parameter_server, fedavg}), "this model holds a set, and a server adds up models: use gossip, epidemic, push-sum or dpsgd"},
        {c.kind == push_sum && c.robust, "this model holds a set, and robust push-sum sends running sums: take 'robust' out"},
        {c.every_steps.has_value(), "this model makes no more steps when its pieces are there, and they would not reach everybody: give a period in place of 'every_steps'"},
        {c.encoding.has_value(), "this model holds a set, and rounding would make other pieces of the same: encoding = \"float32\""},
        {c.fragments > 1, "this model holds a set, and a fragment ends in the middle of a piece: fragments = 1"},
        {c.clip != Clip::off, "this model holds a set, and 'clip' measures distances, which mean nothing between sets"},
        {c.quasi_global > 0, "this model holds a set, and momentum reckons with differences: quasi_global = 0"},
        {c.consensus.has_value(), "this model holds a set, and 'consensus' measures distances, which mean nothing between sets"},
    });
}

const char* of_rhythm(const Config& c, bool common_clock) {
    using enum Kind;
    const bool for_all = c.clock == Clock::rounds || c.clock == Clock::shuffled;
    const bool groups = c.kind == group || (c.kind == outer && !talks(c));
    return first_broken({
        {c.period && c.every_steps, "an exchange is due by time or by steps, not by both"},
        {!c.period && !c.every_steps, "an exchange needs a period or a number of steps"},
        {c.period && *c.period <= Duration::zero(), "the period of an exchange must be longer than nothing"},
        {c.every_steps && *c.every_steps == 0, "an exchange every 0 steps is due always"},
        {c.every_steps && !c.trains, "a model that is not trained makes no steps: give a period"},
        {one_of(c.kind, {dpsgd, allreduce}) && c.period && c.clock != Clock::rounds, "an exchange of rounds on a period needs clock = \"rounds\": everybody begins at the same instant"},
        {groups && c.period && c.clock != Clock::rounds && c.clock != Clock::fixed, "groups begin a round together: clock = \"fixed\" (whoever is first wakes the others) or \"rounds\""},
        {c.period && !common_clock && for_all, "clocks \"rounds\" and \"shuffled\" need one clock for all peers, which only a simulation has"},
        {c.consensus && !c.every_steps, "'consensus' steers how many local steps lie between two exchanges, and this one goes by a period"},
    });
}

const char* of_options(const Config& c) {
    using enum Kind;
    return first_broken({
        {c.kind != gossip && (c.staleness_weight > 0 || c.consensus || c.speed_scaled), "'staleness_weight', 'consensus' and 'speed_scaled' are of gossip: nobody else meets one partner at a time, any time"},
        {c.quasi_global > 0 && !one_of(c.kind, {gossip, epidemic, dpsgd, group}), "quasi-global momentum is for gossip, epidemic, dpsgd and group: push-sum's estimates jump by the mass that comes, outer steps have a momentum of their own, and where all take one model so has every optimizer"},
        {c.fragments > 1 && !one_of(c.kind, {gossip, dpsgd}), "fragments are for gossip and dpsgd: a newcomer takes the first push as its model, mass is of whole models, and groups and allreduce cut models up as it is"},
        {c.clip != Clip::off && !one_of(c.kind, {gossip, epidemic, dpsgd}), "clipping holds another's model against ours, and this exchange mixes sums, parts or means of several: gossip, epidemic or dpsgd"},
        {c.clip != Clip::off && c.kind == gossip && c.form == Form::delta, "clipping holds another's model against ours, and the delta form mixes differences: form = \"convex\""},
        {c.clip != Clip::off && c.fragments > 1, "clipping learns how far honest models lie from ours, and with fragments each exchange looks at another part: one or the other"},
        {!c.trains && (c.quasi_global > 0 || c.speed_scaled || c.staleness_weight > 0), "'quasi_global', 'speed_scaled' and 'staleness_weight' are about steps, and a model that is not trained makes none"},
        {c.fragments == 0, "a model in 0 fragments is none"},
        {c.kind == epidemic && c.pushes == 0, "an epidemic exchange that pushes to nobody exchanges nothing"},
        {c.kind == push_sum && c.robust && c.graph != Graph::ring, "robust push-sum knows the graph \"ring\" only: its sums need neighbours that stay, a slot for each"},
        {c.kind == dpsgd && c.graph == Graph::file && !c.adjacency, "the graph of this run lies in a file of whoever began it: give this node the run's own configuration, with the file beside it"},
        {c.kind == dpsgd && c.graph == Graph::base && c.base < 2, "a graph of base 1 has no neighbours"},
        {c.kind == group && c.group_size == 1, "in groups of one nobody mixes"},
    });
}

const char* of_encodings(const Config& c) {
    using enum Kind;
    const bool top_k = c.encoding == Encoding::top_k, ring = c.kind == dpsgd && c.graph == Graph::ring;
    return first_broken({
        {top_k && !ring && !c.unchecked, "top-k leaves most of a model out, and what it left out is only made up for with error feedback, which needs fixed partners: dpsgd on a ring"},
        {top_k && ring && !c.every_steps, "top-k wants every round made by all: every_steps, not a period, which a slow peer would skip"},
        {top_k && c.clip != Clip::off, "clipping looks at whole models, and top-k sends differences"},
        {top_k && c.fragments > 1, "top-k sends what differs most in all of the model: a part of it at a time would be another's choice"},
        {c.kind == allreduce && c.algorithm == Algorithm::halving_doubling && c.encoding == Encoding::int8, "int8 has a scale for each 256 values, counted from where a message begins: halving and doubling would round anew in each, and peers end apart. Use the ring"},
        {c.kind == push_sum && c.robust && c.encoding, "robust push-sum sends sums, of which differences are taken: an encoding would spoil them"},
    });
}

const char* of_baselines(const Config& c) {
    using enum Kind;
    const bool handed_in = c.kind == fedavg || (c.kind == parameter_server && c.mode == Mode::async);
    return first_broken({
        {handed_in && c.period, "what is handed in to this server is made of steps: give every_steps, and a model that is trained"},
        {c.kind == allreduce && c.backup > 0 && !c.every_steps, "backup workers are about who has made its steps first: give every_steps in place of a period"},
        {c.kind == allreduce && c.buckets > 1 && !c.every_steps, "buckets are reduced while a step is made, and a round on a period begins with none: give every_steps"},
        {c.kind == allreduce && c.buckets > 1 && c.backup > 0, "with backup workers it is known only after the steps who is in a round, and buckets are reduced before they are made: one of the two"},
    });
}

std::string shown(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return text;
}

// What an outer step among partners makes of their spread; 0 where there is nothing to spread.
double spread_factor(const Config& config) {
    if (config.kind != Kind::outer || config.group_size == 0) return 0;
    return outer_factor(config.momentum, config.rate, config.group_size);
}

std::string better(const Config& config) {
    for (const double momentum : {0.5, 0.3, 0.0})
        if (const double factor = outer_factor(momentum, 0.7, config.group_size); factor < 0.9)
            return "momentum = " + shown(momentum) + " and rate = 0.7 make it " + shown(factor);
    return "less of both is better";
}

}  // namespace

std::optional<std::string> refused(const Config& config, bool common_clock) {
    if (config.kind == Kind::local) return std::nullopt;
    for (const char* why : {of_sums(config), of_sets(config), of_rhythm(config, common_clock), of_options(config), of_encodings(config), of_baselines(config)})
        if (why) return why;
    if (const double factor = spread_factor(config); factor > 1 && !config.unchecked)
        return "outer steps with momentum = " + shown(config.momentum) + " and rate = " + shown(config.rate) +
               " drive the peers apart: each multiplies the spread by " + shown(factor) + "; " + better(config);
    return std::nullopt;
}

std::optional<std::string> doubtful(const Config& config) {
    const double factor = spread_factor(config);
    if (factor <= 0.99 || factor > 1) return std::nullopt;
    return "outer steps with momentum = " + shown(config.momentum) + " and rate = " + shown(config.rate) +
           " hardly bring the peers together: each multiplies the spread by " + shown(factor) + "; " + better(config);
}

}  // namespace grapevine::gossip
