#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/time.hpp"

// A run as its file describes it: names and meanings are those of docs/configuration.md. Plain values; who
// reads a file checks it whole, so whoever is handed a Config need not check it again.
namespace grapevine::config {

// "run.toml:12:9": where something stands, for whoever has to complain of it later. No part of what it means.
struct Where {
    std::string text;
    bool operator==(const Where&) const { return true; }
};

// How long something takes, or whatever else is drawn anew each time. Seconds; of what has no unit, plain numbers.
struct Distribution {
    enum class Kind { constant, uniform, exponential, shifted_exponential, normal, lognormal, pareto, weibull, trace };
    Kind kind = Kind::constant;
    double a = 0;  // constant: value; uniform, shifted-exponential, pareto: min; exponential: mean; normal: mean;
                   // lognormal: median; weibull: scale (s)
    double b = 0;  // uniform: max (s); shifted-exponential: mean above min (s); normal: stddev (s);
                   // lognormal: sigma; pareto: alpha; weibull: shape
    std::string file;            // trace
    std::vector<double> values;  // trace: read from the file, used one after the other, again from the start
    bool operator==(const Distribution&) const = default;
};

enum class ModelKind { logistic, mlp, average, quadratic, kmeans, forest, svm, cnn, gru, transformer, factors, skipgram };

// What a number per peer may be: one for all, one each, or a rule.
struct PerPeer {
    enum class Rule { number, list, index, alternate };
    Rule rule = Rule::number;
    double number = 0;
    std::vector<double> list;
    bool operator==(const PerPeer&) const = default;
};

// Where the laws' models start.
struct Initial {
    enum class Rule { normal, delta, index, alternate, wave, number };
    Rule rule = Rule::normal;
    double number = 0;
    bool operator==(const Initial&) const = default;
};

struct Model {
    ModelKind kind = ModelKind::mlp;
    std::vector<std::uint32_t> hidden = {128, 64};  // mlp, cnn
    std::vector<std::uint32_t> channels = {32, 64}; // cnn
    bool residual = false;                          // cnn
    std::uint32_t width = 128, layers = 2;          // gru, transformer
    std::uint32_t heads = 4;                        // transformer
    std::uint32_t length = 128;                     // gru, transformer: bytes of a text that are seen at once
    std::uint32_t rank = 16;                        // factors, skipgram
    std::uint32_t window = 5, negatives = 5;        // skipgram
    std::uint32_t vocabulary = 10'000;              // skipgram: the most frequent words
    double subsample = 1e-3;                        // skipgram: words of a larger share f of the text stay with sqrt(this / f); 0: all stay
    std::uint32_t dimension = 1;                    // average, quadratic
    std::optional<Initial> initial;                 // average, quadratic; else drawn from the seed, equal for all
    PerPeer a{PerPeer::Rule::number, 1, {}};        // quadratic: f_i(x) = a_i/2 |x - b_i|^2
    PerPeer b{PerPeer::Rule::number, 0, {}};
    double noise = 1;                               // quadratic: standard deviation of the gradient's noise, per coordinate
    std::uint32_t k = 10;                           // kmeans: clusters
    std::uint32_t trees = 8, depth = 8;             // forest: of each peer; of a tree
    std::uint32_t places = 256;                     // forest: for trees, of all peers together
    bool needs_data() const { return kind != ModelKind::average && kind != ModelKind::quadratic; }
    bool reads_text() const { return kind == ModelKind::gru || kind == ModelKind::transformer; }
    bool has_stand_in() const { return needs_data() && follows_gradients(); }  // for [train] compute
    bool follows_gradients() const { return kind != ModelKind::average && kind != ModelKind::kmeans && kind != ModelKind::forest; }
    bool sees_pictures() const { return kind == ModelKind::logistic || kind == ModelKind::svm || kind == ModelKind::mlp || kind == ModelKind::cnn; }  // may
    // Its tensors are sets of immutable pieces, of merge kind set: only an exchange that combines whole models carries them.
    bool holds_sets() const { return kind == ModelKind::forest; }
    // Its tensors are sums of what all peers have counted, of merge kind sum: an exchange must not add to them or take away.
    bool holds_sums() const { return kind == ModelKind::kmeans; }
    bool operator==(const Model&) const = default;
};

struct Split {
    // iid: shuffled, even. contiguous: even runs in file order. dirichlet_per_class: each class is dealt to the
    // peers by Dirichlet(alpha). dirichlet_per_peer: each peer draws its mixture of classes by Dirichlet(alpha).
    // shards: sorted by class and cut into runs, so many for each peer, drawn.
    enum class Kind { iid, contiguous, dirichlet_per_class, dirichlet_per_peer, shards };
    Kind kind = Kind::iid;
    double alpha = 0.5;
    std::uint32_t classes = 2;  // shards: runs of one peer, so about as many classes
    bool operator==(const Split&) const = default;
};

// Files of one's own, in place of a set that is known by name.
struct DataFiles {
    enum class Format { idx, csv, npy, libsvm, text, ratings, words };
    enum class Normalize { none, standard, range };
    Format format = Format::csv;
    std::vector<std::string> files;       // to train on; idx and npy: the samples and their labels. Absolute, once it was read
    std::vector<std::string> test_files;  // likewise, held out; none: a share of the others is
    double held_out = 0.1;                // that share, of each class; of a text its end
    Normalize normalize = Normalize::standard;
    std::string label;                    // csv: the column with the classes, by its name
    std::uint32_t label_column = 0;       // csv: or by its number from 1; 0 and no name: the last
    std::optional<bool> header;           // csv; none: "auto"
    std::string separator = "auto";       // csv: ",", ";", "tab"
    bool operator==(const DataFiles&) const = default;
};
inline constexpr const char* own_files = "files";  // the name of a set that is made of them

struct Data {
    std::string set = "fashion-mnist";  // or "kjv": a text; or "blobs": generated, needs nothing installed; own_files
    std::optional<DataFiles> own;       // with own_files
    std::string directory;              // where the set's files are; empty: where its package puts them
    Split split;
    // Who has which rows. automatic: blocks of them, by who is there and how fast; all: everybody all; own: everybody all of its own
    // files ("private" in the file), which hold what they hold. None: on nodes automatic, in a simulation by `split`.
    enum class Shards { automatic, all, own };
    std::optional<Shards> shards;
    std::uint32_t batch = 64;
    double validation = 0;              // this share of the training set takes the place of the test set
    std::uint32_t shift = 0;            // augment: pictures move by up to so many pixels when they are trained on
    bool mirror = false;                // augment: and are turned over half of the time
    // blobs: gaussian clusters of unit deviation around random centres
    std::uint32_t features = 20, classes = 4, train_samples = 8000, test_samples = 2000;
    double spread = 2.0;                // standard deviation of the centres, per coordinate
    // ratings: mean and biases and products of vectors of `rank` numbers, and noise of this standard deviation
    std::uint32_t users = 500, items = 200, rank = 4;
    double noise = 0.5;
    // topics: runs of words of one topic
    std::uint32_t topics = 10, words = 30;
    bool is_text() const { return own ? own->format == DataFiles::Format::text : set == "kjv"; }
    bool operator==(const Data&) const = default;
};

// What the rows of a set are, and what a model learns from: samples with their classes, ratings of items by users, or the words of a text.
enum class Rows { samples, ratings, words };
inline Rows rows_of(const Data& data) {
    if (data.own ? data.own->format == DataFiles::Format::ratings : data.set == "ratings" || data.set == "insteval") return Rows::ratings;
    if (data.own ? data.own->format == DataFiles::Format::words : data.set == "topics" || data.set == "kjv-words") return Rows::words;
    return Rows::samples;
}
constexpr Rows rows_of(ModelKind kind) { return kind == ModelKind::factors ? Rows::ratings : kind == ModelKind::skipgram ? Rows::words : Rows::samples; }

struct Target {
    std::string metric = "accuracy";  // a metrics key
    bool at_least = true;             // else at most
    double value = 0;
    bool stop = false;                // end the run when it is reached
    bool operator==(const Target&) const = default;
};

// Whether a simulation trains: really, something small in its place, or nothing at all.
enum class Compute { real, surrogate, none };

// How the learning rate goes with a peer's own steps. warmup: it rises evenly from 0 over so many first. Then constant: stays;
// cosine: falls to `floor` of itself at `steps`, along half a wave; step: times `factor` after each `every` steps.
struct Schedule {
    enum class Kind { constant, cosine, step };
    Kind kind = Kind::constant;
    std::uint64_t warmup = 0, steps = 10'000, every = 1000;
    double floor = 0, factor = 0.5;
    bool operator==(const Schedule&) const = default;
};

struct TrainOptions {
    enum class Optimizer { sgd, momentum, nesterov, adamw };
    Optimizer optimizer = Optimizer::sgd;
    double learning_rate = 0.1;
    double momentum = 0.9;            // momentum and nesterov only
    double weight_decay = 0;          // of tensors with two dimensions or more: not of biases and gains
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // adamw
    double gradient_clip = 0;         // the gradient is shortened to this 2-norm; 0: never
    Schedule schedule;
    enum class Precision { float32, bf16 };
    Precision precision = Precision::float32;        // of activations and products; bf16 is for GPUs
    Duration order = std::chrono::milliseconds(20);  // how long one order to train is meant to take
    Duration pace = Duration::zero();                // a step takes at least that long
    Compute compute = Compute::real;                 // models with a stand-in
    std::optional<Target> target;
    bool operator==(const TrainOptions&) const = default;
};

enum class ExchangeKind { gossip, epidemic, dpsgd, push_sum, group, outer, allreduce, parameter_server, fedavg, local, single };
enum class Clock { fixed, shuffled, poisson, rounds };
enum class Graph { ring, torus, exponential, one_peer_exponential, base, matching, file };
enum class Form { convex, delta };
enum class Algorithm { any, ring, halving_doubling };  // any: "auto" in the file
enum class Mode { sync, async };
enum class Clip { off, self_centred, balance };
enum class Encoding { float32, bf16, int8, top_k };

// Of a graph from a file, between two ranks, a < b: both take so much of each other.
struct Edge {
    std::uint32_t a, b;
    double weight;                                // the file's, or where it has none Metropolis-Hastings: 1 / (1 + max(degree a, degree b))
    std::uint32_t line;                           // where it stands
    bool operator==(const Edge&) const = default;
};

struct Exchange {
    ExchangeKind kind = ExchangeKind::gossip;
    // When an exchange is due: one of the two. Both empty: as usual for the kind (rhythm()).
    std::optional<Duration> period;
    std::optional<std::uint32_t> every_steps;
    Clock clock = Clock::fixed;
    Graph graph = Graph::ring;                    // dpsgd, robust push-sum
    std::uint32_t base = 2;                       // graph = "base-2", "base-3", ...
    std::string graph_file;                       // graph = "file:PATH": absolute, once it was read
    std::vector<Edge> edges;                      // of that file; none: only its name is known, to a node that joins
    std::uint64_t graph_hash = 0;                 // of the edges
    Form form = Form::delta;                      // gossip; with clipping convex, unless the file says one
    double staleness_weight = 0;                  // gossip: theirs weighs 1 / (1 + this * staleness) as much
    std::optional<double> consensus;              // gossip: steer the local steps towards this relative distance
    std::uint32_t pushes = 2;                     // epidemic
    bool robust = false;                          // push-sum
    std::uint32_t size = 0;                       // group: 4; outer: 2; 0: the kind's usual one
    bool everybody = false;                       // outer: size = "all"
    double rate = 0.7, momentum = 0.5;            // outer
    Algorithm algorithm = Algorithm::any;         // allreduce
    std::uint32_t backup = 0, buckets = 1;        // allreduce
    Mode mode = Mode::sync;                       // parameter-server
    std::uint32_t wait_for = 0;                   // parameter-server, sync; 0: everybody
    std::string server;                           // parameter-server, fedavg: its name; empty: who began the run
    double clients = 1;                           // fedavg: share of the peers that train in a round
    bool speed_scaled = false;
    double quasi_global = 0;
    std::uint32_t fragments = 1;
    std::uint32_t donors = 4;                     // gossip, epidemic, outer with partners: of whom a newcomer fetches its model at once; 0: it does not
    Clip clip = Clip::off;
    Encoding encoding = Encoding::float32;
    double kept = 0.01;                           // top-k: share of the values that travels
    std::optional<Duration> patience;             // how long an exchange may take before it is given up; default: learnt
    bool operator==(const Exchange&) const = default;
};

// What an exchange of this kind does where the file says neither period nor every_steps: one of the two.
struct Rhythm {
    std::optional<Duration> period;
    std::optional<std::uint32_t> every_steps;
};
Rhythm rhythm(ExchangeKind kind);
bool has_graph(const Exchange& exchange);

enum class MembershipKind { swim, partial, fixed };  // fixed: "static" in the file

struct Membership {
    MembershipKind kind = MembershipKind::swim;
    Duration period = std::chrono::seconds(1);
    Duration probe_timeout = std::chrono::milliseconds(500);
    std::uint32_t indirect = 3;
    bool suspicion = true;
    double suspicion_alpha = 4, suspicion_beta = 6;
    bool local_health = true, dogpile = true, buddy = true, nacks = true, confirm = true, damping = true;  // lifeguard = true | false | { ... }
    bool start_full = true;                       // sim: start = "full" | "join"
    Duration start_over = Duration::zero();       // sim, with "join": the starts are spread over this long
    bool operator==(const Membership&) const = default;
};

struct Metrics {
    Duration every = std::chrono::seconds(1);
    Duration evaluate_every = std::chrono::seconds(1);
    std::uint32_t evaluate_peers = 64;
    std::optional<std::uint32_t> evaluate_samples;  // none: "all"
    // How often peers tell each other sums of loss and accuracy, so that each knows the cluster's. 0: never; none: on
    // nodes every 500 ms, and in the simulator never.
    std::optional<Duration> tally;
    std::optional<bool> views;                      // sim: compare all views at each sample; none: if that is cheap, or asked for
    bool operator==(const Metrics&) const = default;
};

// What a machine draws from its socket.
struct Power {
    double busy = 0, idle = 0;          // W, while its learner works, and while it does not
    double per_byte = 0;                // J, of what it sends
    bool operator==(const Power&) const = default;
};

// What only a simulated world has.
struct Group {
    std::string name = "peers";
    std::uint32_t count = 1;
    Distribution step_time{Distribution::Kind::constant, 0.010, 0, {}, {}};
    double uplink = 0, downlink = 0;    // bytes per second; 0: infinitely fast
    double mix_rate = 0;                // bytes per second that mixing handles; 0: takes no time
    // Drawn once for each machine:
    Distribution slowness{Distribution::Kind::constant, 1, 0, {}, {}};  // step times are multiplied by it
    Distribution clock_offset;          // what its clock shows when the run begins
    Distribution clock_drift;           // seconds that it gains a second; may be negative
    std::optional<Power> power;
    Where count_at;
    bool has_clock() const { return clock_offset != Distribution() || clock_drift != Distribution(); }  // of its own
    bool nat = false;                   // behind a router that lets nobody in: it can only dial out
    bool operator==(const Group&) const = default;
};

// Loss in bursts: each way between two peers is silent for this share of the time, in bursts of which none lasts longer.
struct Bursts {
    double mean = 0;
    Duration longest{};
    bool operator==(const Bursts&) const = default;
};

struct Link {
    std::string from = "*", to = "*";   // group names or "*"
    bool both_ways = true;              // between = [..] is both ways; from/to one
    Distribution latency;               // one way
    Distribution distance;              // drawn once for each pair of peers, and part of every latency between the two
    double loss = 0, duplicate = 0;     // probabilities, of a whole message or parcel
    std::optional<Bursts> bursts;       // loss = { kind = "bursty", ... }
    double reorder = 0;                 // probability that a message takes its latency twice
    double rate = 0;                    // bytes per second that one message makes at most; 0: as fast as the cards
    std::uint64_t largest = 0;          // bytes; a larger message does not get through. 0: all do
    bool operator==(const Link&) const = default;
};

// "gpu" all of a group, "gpu:2" two at random, "cpu:10%", "cpu[3]" the fourth of it, "*" everybody.
struct Selection {
    std::string group = "*";
    enum class What { all, count, share, index };
    What what = What::all;
    double number = 0;                  // how many, which share (0..1), or which index
    bool operator==(const Selection&) const = default;
};

struct Event {
    enum class Kind { crash, restart, pause, slow, leave, join, partition, one_way, cut, loss, liar, delay, clog, bandwidth, corrupt, replay, clock };
    Kind kind = Kind::crash;
    Instant at{};
    Selection nodes;                           // crash, restart, pause, slow, leave, liar, clock; loss that is not between two ends
    bool checkpoint = false;                   // restart: with the parameters it had
    Duration down = Duration::zero();          // restart: between its end and its return
    Duration offset = Duration::zero();        // clock: it jumps ahead
    double drift = 0;                          // clock: seconds gained a second, besides what it gains anyway
    double factor = 1;                         // slow: step times are multiplied by this
    double loss = 0;                           // loss: probability, besides what the link loses
    std::optional<Duration> lasts;             // "for": all that can end; none: for ever
    std::optional<Duration> every;             // pause, and what is done to the network: again, this long after it began; longer than it lasts
    std::optional<std::uint32_t> times;        // with every: so often in all; none: until the run ends
    bool timers_run = false;                   // pause: timers = "run"; only what is sent and received waits
    enum class Sends { random, sign_flip, huge, no_number };
    Sends sends = Sends::random;               // liar: in place of its parameters
    std::string group;                         // join
    std::uint32_t count = 1;                   // join
    Duration over = Duration::zero();          // join: spread over this long
    std::vector<Selection> from, to;           // one-way
    std::vector<std::vector<Selection>> sides; // partition: two or more, who is on none hears everybody. cut, loss,
                                               // delay, corrupt, replay between two ends: those two
    enum class Shape { halves, isolate_one, bridge, ring_of_majorities, random };
    std::optional<Shape> shape;                // partition, in place of sides
    Distribution latency;                      // delay: more than the link takes. replay: so long after the first time
    double uplink = 0, downlink = 0;           // bandwidth: bytes per second; 0: as it was
    double share = 1;                          // corrupt, replay: probability of each message
    bool operator==(const Event&) const = default;
};

// Machines that go and come back all the time.
struct Churn {
    struct Turn {                              // of a trace
        Instant at{};
        std::uint32_t group = 0, place = 0;    // whose: the machine's group, and its place in it
        enum class To { down, left, up } to = To::down;
        bool operator==(const Turn&) const = default;
    };
    std::vector<std::string> groups;           // names; "*" is all
    Distribution session, downtime;            // how long one stays, and how long it is away
    double leaves = 0;                         // share of those that go who say so
    bool checkpoint = false;                   // they come back with the parameters they had
    std::optional<Duration> day;               // in its first half they come more often and go more seldom, in its second the other way
    double amplitude = 0;                      // by this share
    std::string file;                          // of a trace, in place of session and downtime: absolute, once it was read
    std::vector<Turn> trace;                   // of that file, in order of time
    bool operator==(const Churn&) const = default;
};

// Turns a scenario into a test: exit code 7 if it does not hold.
struct Expect {
    std::string metric;                        // a metrics key, or a path in summary.json
    enum class When { at, by, from, end };
    When when = When::end;
    Instant instant{};
    enum class What { at_least, at_most, equals };
    What what = What::at_least;
    double value = 0;
    double within = 0;                         // equals: relative
    std::optional<Duration> ratio_over;        // take the mean ratio of the metric to itself this long before
    // Of several runs (seeds, a sweep) one figure is made, and held against the bound.
    enum class Over { mean, median, max, sum };
    Over over = Over::mean;
    std::string variant;                       // of the sweep: only its runs; empty: all
    std::string relative_to;                   // the figure divided by that of this variant; empty: the figure itself
    bool operator==(const Expect&) const = default;
};

// One key given another value: what --set says, and what a sweep tries.
struct Setting {
    std::string path;                          // "membership.lifeguard", "event.0.nodes": tables by name, [[tables]] by number
    std::string value;                         // as it would stand in the file: "\"lan:4\"", "false", "{ alpha = 4 }"
    std::string where;                         // "run.toml:30:12": where to look if it is wrong, and no part of its meaning
    bool operator==(const Setting& other) const { return path == other.path && value == other.value; }
};

// The scenario again and again, with each combination of values.
struct Sweep {
    struct Variant {
        std::string name;
        std::vector<Setting> set;
        bool operator==(const Variant&) const = default;
    };
    std::vector<Variant> variants;             // each a combination of settings under a name; none: the file as it is
    std::vector<std::vector<Setting>> axes;    // each a path with its values
    bool empty() const { return variants.empty() && axes.empty(); }
    bool operator==(const Sweep&) const = default;
};

// [compare.NAME]: the same scenario under another exchange.
struct Compared {
    std::string name;
    Exchange exchange;
    std::optional<double> learning_rate;       // none: the file's
    bool operator==(const Compared&) const = default;
};

struct Config {
    std::string name = "run";
    std::uint64_t seed = 1;                    // < 2^53
    std::optional<Duration> until;             // simulated time; a node: wall time
    std::optional<std::uint64_t> until_steps;  // local steps of each peer
    Model model;
    Data data;
    TrainOptions train;
    Exchange exchange;
    Membership membership;
    Metrics metrics;
    std::vector<Group> groups;                 // sim only, from here on
    std::vector<Link> links;
    std::vector<Event> events;
    std::vector<Churn> churns;
    std::vector<Expect> expects;
    Sweep sweep;
    std::vector<Compared> compares;
    bool operator==(const Config&) const = default;
};

// What is wrong with a file, ready to be shown: "run.toml:12:9: unknown key 'lerning_rate' in [train]", and
// what to do: "did you mean 'learning_rate'?".
struct Error {
    std::string what;
    std::string hint;
};

// From a file, or from text under a name. Reads `include`d files too, lays the settings over them in turn, applies
// defaults and checks everything.
std::variant<Config, Error> read_file(const std::string& path, const std::vector<Setting>& settings = {});
std::variant<Config, Error> read_text(const std::string& text, const std::string& name, const std::vector<Setting>& settings = {});

// One combination of a sweep.
struct Point {
    std::string variant;
    std::vector<Setting> set;                  // of its variant
    std::vector<Setting> values;               // one of each axis
    std::string name;                          // for a directory: "plain-lan_4-500ms"; empty: there is but one
};
std::vector<Point> points(const Sweep& sweep); // one at least

// What is typed: "path=value", and "path=a,b,c". A value that is no TOML is a text. `flag` is what it is typed behind.
std::variant<Setting, Error> parse_setting(const std::string& typed, const std::string& flag);
std::variant<std::vector<Setting>, Error> parse_axis(const std::string& typed, const std::string& flag);

// Every default written out; reading it again gives an equal Config. `world`: with what only a simulated
// world has (else what a node of the run needs to know: the text that a newcomer is sent).
std::string to_toml(const Config& config, bool world = true);

// For a Config whose values flags have changed: the same checks again. `name` stands in the error for the file.
std::optional<Error> check(const Config& config, const std::string& name = "the resolved configuration");

std::optional<Duration> parse_duration(const std::string& text);      // "250ms"; no sign; ns us ms s min h d
std::optional<double> parse_rate(const std::string& text);            // "10Gbit" -> bytes per second; "10GB/s" too
std::optional<std::uint64_t> parse_size(const std::string& text);     // "64KiB" -> bytes; B kB MB GB KiB MiB GiB
std::string format_duration(Duration d);                              // the shortest exact text: "250ms"
std::string format_rate(double bytes_per_second);                     // parse_rate of it gives the same number
std::optional<double> parse_power(const std::string& text);           // "300W" -> W; mW W kW
std::optional<double> parse_energy(const std::string& text);          // "5nJ" -> J; nJ uJ mJ J kJ
std::string format_power(double watts);
std::string format_energy(double joules);
std::string format_size(std::uint64_t bytes);                         // the shortest exact text: "64KiB"
std::optional<Selection> parse_selection(const std::string& text);    // "gpu", "gpu:2", "cpu:10%", "cpu[3]", "*"
std::string format_selection(const Selection& selection);

// The word of `known` nearest to `word` by edits, if it is near enough to have been meant.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

// What a [train] target and an [[expect]] may name: the numbers of metrics.jsonl, and the paths of summary.json.
const std::vector<std::string>& metric_names();
// Whether it takes a comparison of all views to know it.
bool is_of_views(const std::string& metric);
const std::vector<std::string>& summary_paths();

const std::vector<std::string>& staleness_names();  // of the counts in `staleness`: "0", "1", "2-3", ...

const std::vector<ExchangeKind>& exchange_kinds_known();  // all there are

const char* to_string(ModelKind kind);
const char* to_string(ExchangeKind kind);
const char* to_string(Clock clock);
const char* to_string(Form form);
const char* to_string(Algorithm algorithm);
const char* to_string(Mode mode);
const char* to_string(Clip clip);
const char* to_string(Encoding encoding);
std::string graph_name(const Exchange& exchange);  // "ring", "base-3", "file:PATH"
const char* to_string(MembershipKind kind);
const char* to_string(DataFiles::Format format);
const char* to_string(DataFiles::Normalize normalize);
const char* to_string(TrainOptions::Optimizer optimizer);
const char* to_string(TrainOptions::Precision precision);
const char* to_string(Compute compute);
const char* to_string(Schedule::Kind kind);
const char* to_string(Split::Kind kind);
const char* to_string(Data::Shards shards);
const char* to_string(Event::Kind kind);
const char* to_string(Event::Sends sends);
const char* to_string(Event::Shape shape);
const char* to_string(Distribution::Kind kind);
const char* to_string(Expect::Over over);

}  // namespace grapevine::config
