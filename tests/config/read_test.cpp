#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;
using namespace std::chrono_literals;

TEST_CASE("every key arrives where it belongs") {
    const Config config = accepted(everything);
    CHECK(config.name == "flaky-edge");
    CHECK(config.seed == 42);
    CHECK(config.until == Duration(90s));
    CHECK(config.until_steps == 100000u);
    CHECK(config.model.hidden == std::vector<std::uint32_t>{256, 128});
    CHECK(config.data.set == "blobs");
    CHECK(config.data.features == 12);
    CHECK(config.data.split.kind == Split::Kind::dirichlet_per_class);
    CHECK(config.data.split.alpha == 0.3);
    CHECK(config.train.optimizer == TrainOptions::Optimizer::momentum);
    CHECK(config.train.momentum == 0.8);
    CHECK(config.train.order == Duration(30ms));
    REQUIRE(config.train.target);
    CHECK(config.train.target->metric == "merged_accuracy");
    CHECK(config.train.target->at_least);
    CHECK(config.train.target->value == 0.86);
    CHECK(config.train.target->stop);
    CHECK(config.exchange.period == Duration(100ms));
    CHECK(config.exchange.clock == Clock::poisson);
    CHECK(config.exchange.patience == Duration(3s));
    CHECK(config.exchange.donors == 3);
    CHECK(config.membership.suspicion_alpha == 3);
    CHECK(config.membership.suspicion_beta == 2.5);
    CHECK(config.membership.local_health);
    CHECK_FALSE(config.membership.dogpile);
    CHECK(config.membership.buddy);
    CHECK_FALSE(config.membership.start_full);
    CHECK(config.membership.start_over == Duration(10s));
    CHECK(config.metrics.evaluate_samples == 50u);
    REQUIRE(config.groups.size() == 2);
    CHECK(config.groups[0].step_time.kind == Distribution::Kind::lognormal);
    CHECK(config.groups[0].step_time.a == doctest::Approx(0.002));
    CHECK(config.groups[0].step_time.b == 0.1);
    CHECK(config.groups[0].uplink == 1.25e9);
    CHECK(config.groups[0].downlink == 1.25e9);
    CHECK(config.groups[0].mix_rate == 1e10);
    CHECK(config.groups[1].step_time.kind == Distribution::Kind::constant);
    CHECK(config.groups[1].step_time.a == doctest::Approx(0.04));
    CHECK(config.groups[1].uplink == 0);
    REQUIRE(config.links.size() == 2);
    CHECK(config.links[0].both_ways);
    CHECK_FALSE(config.links[1].both_ways);
    CHECK(config.links[1].from == "gpu");
    REQUIRE(config.events.size() == 11);
    CHECK(config.events[0].sides.size() == 2);
    CHECK(config.events[0].sides[1].size() == 2);
    CHECK(config.events[0].lasts == Duration(10s));
    CHECK(config.events[3].factor == 4);
    CHECK(config.events[3].nodes.what == Selection::What::share);
    CHECK(config.events[5].count == 5);
    CHECK(config.events[6].nodes.number == 2);
    CHECK(config.events[6].every == Duration(5s));
    CHECK(config.events[6].times == 4u);
    CHECK(config.events[6].timers_run);
    CHECK(config.events[7].from.size() == 1);
    CHECK(config.events[7].to.size() == 2);
    CHECK(config.events[8].sides[1].size() == 2);
    CHECK(!config.events[8].lasts);
    CHECK(config.events[9].loss == 0.3);
    CHECK(config.events[9].sides.empty());
    CHECK(config.events[10].sides.size() == 2);
    CHECK(config.sweep.axes.size() == 2);
    CHECK(config.sweep.variants.size() == 2);
    REQUIRE(config.expects.size() == 4);
    CHECK(config.expects[3].over == Expect::Over::sum);
    CHECK(config.expects[3].variant == "lifeguard");
    CHECK(config.expects[3].relative_to == "plain");
    CHECK(config.expects[0].when == Expect::When::by);
    CHECK(config.expects[1].when == Expect::When::end);
    CHECK(config.expects[2].what == Expect::What::equals);
    CHECK(config.expects[2].within == 0.02);
    CHECK(config.expects[2].ratio_over == Duration(1s));
}

TEST_CASE("when an exchange is due, unless it is said") {
    CHECK(accepted("").exchange.period == Duration(250ms));
    CHECK(accepted("[exchange]\nkind = \"dpsgd\"").exchange.every_steps == 1u);
    CHECK(accepted("[exchange]\nkind = \"allreduce\"").exchange.every_steps == 1u);
    CHECK_FALSE(accepted("[exchange]\nkind = \"local\"").exchange.period);
    CHECK_FALSE(accepted("[exchange]\nevery_steps = 50").exchange.period);
    CHECK(accepted("[model]\nkind = \"average\"").exchange.period == Duration(250ms));
}

TEST_CASE("models of pictures, how they step and what is drawn for them") {
    const Config config = accepted("[model]\nkind = \"cnn\"\nchannels = [8, 16]\n[data]\naugment = { shift = 2, mirror = true }\n[train]\noptimizer = \"adamw\"\nbeta1 = 0.8\nbeta2 = 0.95\nepsilon = 1e-6\n"
                                   "gradient_clip = 2\nschedule = { kind = \"cosine\", steps = 900, floor = 0.05, warmup = 10 }");
    CHECK(config.model.kind == ModelKind::cnn);
    CHECK(config.model.channels == std::vector<std::uint32_t>{8, 16});
    CHECK(config.model.hidden == std::vector<std::uint32_t>{128});
    CHECK_FALSE(config.model.residual);
    CHECK(config.data.shift == 2);
    CHECK(config.data.mirror);
    CHECK(config.train.optimizer == TrainOptions::Optimizer::adamw);
    CHECK(config.train.learning_rate == 0.001);  // AdamW's own
    CHECK(config.train.beta1 == 0.8);
    CHECK(config.train.beta2 == 0.95);
    CHECK(config.train.epsilon == 1e-6);
    CHECK(config.train.gradient_clip == 2);
    CHECK(config.train.schedule == Schedule{.kind = Schedule::Kind::cosine, .warmup = 10, .steps = 900, .floor = 0.05});
    CHECK(accepted("[train]\noptimizer = \"adamw\"\nlearning_rate = 0.1").train.learning_rate == 0.1);
    CHECK(accepted("[train]\nschedule = { kind = \"step\", every = 30, factor = 0.1, warmup = 2 }").train.schedule ==
          Schedule{.kind = Schedule::Kind::step, .warmup = 2, .every = 30, .factor = 0.1});
    CHECK(accepted("").train.schedule == Schedule{});
    CHECK(accepted("[model]\nkind = \"cnn\"\nresidual = true").model.hidden.empty());
    CHECK(accepted("[model]\nkind = \"cnn\"\nresidual = true\nhidden = [9]").model.hidden == std::vector<std::uint32_t>{9});
    CHECK(accepted("[model]\nkind = \"cnn\"\nhidden = []").model.hidden.empty());
    CHECK(accepted("[model]\nkind = \"svm\"").model.kind == ModelKind::svm);
}

TEST_CASE("lifeguard and suspicion are words or tables") {
    CHECK_FALSE(accepted("[membership]\nlifeguard = false").membership.nacks);
    CHECK(accepted("[membership]\nlifeguard = true").membership.nacks);
    CHECK_FALSE(accepted("[membership]\nsuspicion = \"off\"").membership.suspicion);
    CHECK(accepted("[membership]\nsuspicion = { alpha = 5 }").membership.suspicion_alpha == 5);
    CHECK(accepted("[membership]\nkind = \"static\"").membership.kind == MembershipKind::fixed);
    CHECK(accepted("[membership]\nperiod = \"200ms\"").membership.probe_timeout == Duration(100ms));
}

TEST_CASE("the laws' models take numbers, lists and rules") {
    const Config config = accepted("[model]\nkind = \"quadratic\"\na = [1, 2.5]\nb = \"alternate\"\nnoise = 0\ninitial = 3\ndimension = 4\n[[group]]\ncount = 2");
    CHECK(config.model.a.list == std::vector<double>{1, 2.5});
    CHECK(config.model.b.rule == PerPeer::Rule::alternate);
    CHECK(config.model.initial->rule == Initial::Rule::number);
    CHECK(config.model.initial->number == 3);
    CHECK(accepted("[model]\nkind = \"average\"\ninitial = \"wave\"").model.initial->rule == Initial::Rule::wave);
    CHECK_FALSE(accepted("[model]\nkind = \"average\"").model.initial);
}

TEST_CASE("float32 may be said") {
    CHECK(accepted("[exchange]\nencoding = \"float32\"") == accepted(""));
    CHECK(accepted("[exchange]\nencoding = { kind = \"float32\" }") == accepted(""));
}

TEST_CASE("a join of the only group need not name it; a later join lets an index be") {
    CHECK(accepted("[[event]]\nat = \"1s\"\nkind = \"join\"").events[0].group == "peers");
    accepted("[[group]]\nname = \"g\"\n[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"g[1]\"\n[[event]]\nat = \"0s\"\nkind = \"join\"");
}
