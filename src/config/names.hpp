#pragma once

#include <array>

#include "grapevine/config/config.hpp"

// The words of the file for each closed set, in one place for reading and writing. And the words that the
// documentation knows but this version has not: they deserve another answer than a typing error.
namespace grapevine::config {

template <class E> struct Named {
    E value;
    const char* word;
};

inline constexpr std::array<Named<ModelKind>, 12> model_kinds{
    {{ModelKind::logistic, "logistic"}, {ModelKind::mlp, "mlp"}, {ModelKind::average, "average"}, {ModelKind::quadratic, "quadratic"},
     {ModelKind::kmeans, "kmeans"}, {ModelKind::forest, "forest"}, {ModelKind::svm, "svm"}, {ModelKind::cnn, "cnn"},
     {ModelKind::gru, "gru"}, {ModelKind::transformer, "transformer"}, {ModelKind::factors, "factors"}, {ModelKind::skipgram, "skipgram"}}};
inline constexpr std::array later_model_kinds{"pca", "boosting"};

inline constexpr std::array<Named<ExchangeKind>, 11> exchange_kinds{{{ExchangeKind::gossip, "gossip"},
                                                                     {ExchangeKind::epidemic, "epidemic"},
                                                                     {ExchangeKind::dpsgd, "dpsgd"},
                                                                     {ExchangeKind::push_sum, "push-sum"},
                                                                     {ExchangeKind::group, "group"},
                                                                     {ExchangeKind::outer, "outer"},
                                                                     {ExchangeKind::allreduce, "allreduce"},
                                                                     {ExchangeKind::parameter_server, "parameter-server"},
                                                                     {ExchangeKind::fedavg, "fedavg"},
                                                                     {ExchangeKind::local, "local"},
                                                                     {ExchangeKind::single, "single"}}};

inline constexpr std::array<Named<Clock>, 4> clocks{
    {{Clock::fixed, "fixed"}, {Clock::shuffled, "shuffled"}, {Clock::poisson, "poisson"}, {Clock::rounds, "rounds"}}};

// Besides them "base-B" and "file:PATH".
inline constexpr std::array<Named<Graph>, 5> graphs{{{Graph::ring, "ring"},
                                                     {Graph::torus, "torus"},
                                                     {Graph::exponential, "exponential"},
                                                     {Graph::one_peer_exponential, "one-peer-exponential"},
                                                     {Graph::matching, "matching"}}};
inline constexpr std::array<Named<Form>, 2> forms{{{Form::convex, "convex"}, {Form::delta, "delta"}}};
inline constexpr std::array<Named<Algorithm>, 3> algorithms{{{Algorithm::any, "auto"}, {Algorithm::ring, "ring"}, {Algorithm::halving_doubling, "halving-doubling"}}};
inline constexpr std::array<Named<Mode>, 2> modes{{{Mode::sync, "sync"}, {Mode::async, "async"}}};
inline constexpr std::array<Named<Clip>, 3> clips{{{Clip::off, "off"}, {Clip::self_centred, "self-centred"}, {Clip::balance, "balance"}}};
inline constexpr std::array<Named<Encoding>, 4> encodings{
    {{Encoding::float32, "float32"}, {Encoding::bf16, "bf16"}, {Encoding::int8, "int8"}, {Encoding::top_k, "top-k"}}};

inline constexpr std::array<Named<MembershipKind>, 3> membership_kinds{
    {{MembershipKind::swim, "swim"}, {MembershipKind::partial, "partial"}, {MembershipKind::fixed, "static"}}};

inline constexpr std::array<Named<Data::Shards>, 3> shard_kinds{{{Data::Shards::automatic, "auto"}, {Data::Shards::all, "all"}, {Data::Shards::own, "private"}}};
using Optimizer = TrainOptions::Optimizer;
inline constexpr std::array<Named<Optimizer>, 4> optimizers{
    {{Optimizer::sgd, "sgd"}, {Optimizer::momentum, "momentum"}, {Optimizer::nesterov, "nesterov"}, {Optimizer::adamw, "adamw"}}};
inline constexpr std::array<Named<TrainOptions::Precision>, 2> precisions{{{TrainOptions::Precision::float32, "float32"}, {TrainOptions::Precision::bf16, "bf16"}}};
inline constexpr std::array<Named<Schedule::Kind>, 3> schedules{
    {{Schedule::Kind::constant, "constant"}, {Schedule::Kind::cosine, "cosine"}, {Schedule::Kind::step, "step"}}};
inline constexpr std::array<Named<Compute>, 3> computes{{{Compute::real, "real"}, {Compute::surrogate, "surrogate"}, {Compute::none, "none"}}};

inline constexpr std::array<Named<Split::Kind>, 5> splits{{{Split::Kind::iid, "iid"},
                                                           {Split::Kind::contiguous, "contiguous"},
                                                           {Split::Kind::dirichlet_per_class, "dirichlet-per-class"},
                                                           {Split::Kind::dirichlet_per_peer, "dirichlet-per-peer"},
                                                           {Split::Kind::shards, "shards"}}};
inline constexpr std::array later_splits{"quantity"};

inline constexpr std::array<Named<PerPeer::Rule>, 2> per_peer_rules{{{PerPeer::Rule::index, "index"}, {PerPeer::Rule::alternate, "alternate"}}};
inline constexpr std::array<Named<Initial::Rule>, 5> initial_rules{{{Initial::Rule::normal, "normal"},
                                                                    {Initial::Rule::delta, "delta"},
                                                                    {Initial::Rule::index, "index"},
                                                                    {Initial::Rule::alternate, "alternate"},
                                                                    {Initial::Rule::wave, "wave"}}};

inline constexpr std::array<Named<Event::Kind>, 17> event_kinds{{{Event::Kind::crash, "crash"},
                                                                 {Event::Kind::restart, "restart"},
                                                                 {Event::Kind::pause, "pause"},
                                                                 {Event::Kind::slow, "slow"},
                                                                 {Event::Kind::leave, "leave"},
                                                                 {Event::Kind::join, "join"},
                                                                 {Event::Kind::partition, "partition"},
                                                                 {Event::Kind::one_way, "one-way"},
                                                                 {Event::Kind::cut, "cut"},
                                                                 {Event::Kind::loss, "loss"},
                                                                 {Event::Kind::liar, "liar"},
                                                                 {Event::Kind::delay, "delay"},
                                                                 {Event::Kind::clog, "clog"},
                                                                 {Event::Kind::bandwidth, "bandwidth"},
                                                                 {Event::Kind::corrupt, "corrupt"},
                                                                 {Event::Kind::replay, "replay"},
                                                                 {Event::Kind::clock, "clock"}}};
inline constexpr std::array<Named<Event::Shape>, 5> shapes{{{Event::Shape::halves, "halves"},
                                                            {Event::Shape::isolate_one, "isolate-one"},
                                                            {Event::Shape::bridge, "bridge"},
                                                            {Event::Shape::ring_of_majorities, "ring-of-majorities"},
                                                            {Event::Shape::random, "random"}}};
inline constexpr std::array<Named<Event::Sends>, 4> lies{{{Event::Sends::random, "random"},
                                                          {Event::Sends::sign_flip, "sign-flip"},
                                                          {Event::Sends::huge, "huge"},
                                                          {Event::Sends::no_number, "nan"}}};

inline constexpr std::array<Named<Distribution::Kind>, 9> distributions{{{Distribution::Kind::constant, "constant"},
                                                                         {Distribution::Kind::uniform, "uniform"},
                                                                         {Distribution::Kind::exponential, "exponential"},
                                                                         {Distribution::Kind::shifted_exponential, "shifted-exponential"},
                                                                         {Distribution::Kind::normal, "normal"},
                                                                         {Distribution::Kind::lognormal, "lognormal"},
                                                                         {Distribution::Kind::pareto, "pareto"},
                                                                         {Distribution::Kind::weibull, "weibull"},
                                                                         {Distribution::Kind::trace, "trace"}}};

inline constexpr std::array<Named<Expect::Over>, 4> overs{
    {{Expect::Over::mean, "mean"}, {Expect::Over::median, "median"}, {Expect::Over::max, "max"}, {Expect::Over::sum, "sum"}}};

inline constexpr std::array<Named<DataFiles::Format>, 7> data_formats{
    {{DataFiles::Format::idx, "idx"}, {DataFiles::Format::csv, "csv"}, {DataFiles::Format::npy, "npy"}, {DataFiles::Format::libsvm, "libsvm"},
     {DataFiles::Format::text, "text"}, {DataFiles::Format::ratings, "ratings"}, {DataFiles::Format::words, "words"}}};
inline constexpr std::array<Named<DataFiles::Normalize>, 3> normalizations{
    {{DataFiles::Normalize::none, "none"}, {DataFiles::Normalize::standard, "standard"}, {DataFiles::Normalize::range, "range"}}};
inline constexpr std::array data_sets{"fashion-mnist", "kjv", "blobs"};
inline constexpr std::array rating_sets{"ratings", "insteval"};
inline constexpr std::array word_sets{"topics", "kjv-words"};

template <class E, std::size_t N> constexpr const char* word_of(E value, const std::array<Named<E>, N>& names) {
    for (const auto& name : names)
        if (name.value == value) return name.word;
    return "?";
}

}  // namespace grapevine::config
