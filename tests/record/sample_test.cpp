#include <cmath>
#include <random>

#include "support.hpp"

using namespace grapevine::record;

TEST_CASE("a sample has every key always, and what is not known is null") {
    const std::string line = to_json(Sample{});
    for (const char* key : {"t", "unix_time", "peers_alive", "consensus_distance", "consensus_relative", "mean", "loss", "accuracy", "worst_accuracy", "merged_loss",
                            "merged_accuracy", "evaluated_peers", "steps", "samples", "shard_rows", "epochs", "samples_per_epoch", "bytes_payload", "bytes_control", "messages", "refused_mixes",
                            "energy_joules", "mass", "mass_lost", "push_sum_potential"}) {
        CAPTURE(key);
        CHECK(contains(line, "\"" + std::string(key) + "\": " + (std::string(key) == "t" ? "0" : "null")));
    }
    CHECK_FALSE(contains(line, "\n"));
}

TEST_CASE("NaN and infinity are null") {
    Sample s;
    s.loss = NAN, s.accuracy = INFINITY, s.mean = std::vector<double>{1, -INFINITY};
    const std::string line = to_json(s);
    CHECK(contains(line, "\"loss\": null"));
    CHECK(contains(line, "\"accuracy\": null"));
    CHECK(contains(line, "\"mean\": [1, null]"));
}

TEST_CASE("samples, events and summaries read as they were written") {
    const auto sample = parse_sample(to_json(full_sample()), "m", 1);
    REQUIRE(std::holds_alternative<Sample>(sample));
    CHECK(std::get<Sample>(sample) == full_sample());

    const RunEvent event{1.25, "gpu-b \"x\" \xc3\xa9\n", "mixed", "cpu-7", {{"staleness", 3.0}, {"distance", 0.0021}, {"late", true}, {"why", std::string("slow")}}};
    const auto again = parse_event(to_json(event), "e", 1);
    REQUIRE(std::holds_alternative<RunEvent>(again));
    CHECK(std::get<RunEvent>(again) == event);

    const auto summary = parse_summary(to_json(full_summary()), "s");
    REQUIRE(std::holds_alternative<Summary>(summary));
    CHECK(std::get<Summary>(summary) == full_summary());
    const auto empty = parse_summary(to_json(Summary{}), "s");
    REQUIRE(std::holds_alternative<Summary>(empty));
    CHECK(std::get<Summary>(empty) == Summary{});
    CHECK(contains(to_json(Summary{}), "\"trace_hash\": null"));
    CHECK(contains(to_json(full_summary()), "\"trace_hash\": \"0123456789abcdef\""));
    CHECK(contains(to_json(full_summary()), "\"seed\": 9007199254740991"));
}

TEST_CASE("names that are no UTF-8 do not make the file unreadable") {
    for (const char* name : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\x01", "\xf0\x80\x80\x80"}) {
        const RunEvent event{0, name, "joined", "", {}};
        CHECK(std::holds_alternative<RunEvent>(parse_event(to_json(event), "e", 1)));
    }
    const RunEvent fine{0, "\xe2\x82\xac \xf0\x9f\x8d\x87", "joined", "", {}};
    CHECK(std::get<RunEvent>(parse_event(to_json(fine), "e", 1)) == fine);
}

TEST_CASE("a metric and a path lead to their number") {
    CHECK(value_of(full_sample(), "merged_accuracy") == 0.8931);
    CHECK(value_of(full_sample(), "mean") == 7.5);
    CHECK_FALSE(value_of(full_sample(), "zebra"));
    CHECK_FALSE(value_of(Sample{}, "loss"));
    CHECK(value_of(full_summary(), "membership.false_positives") == 2);
    CHECK(value_of(full_summary(), "membership.first_detection_seconds.p99") == 6.0);
    CHECK(value_of(full_summary(), "time.waiting") == 0.01);
    CHECK(value_of(full_summary(), "final.steps") == 12400);
    CHECK_FALSE(value_of(full_summary(), "final"));
    CHECK_FALSE(value_of(full_summary(), "target.reached_at_bytes"));
    CHECK_FALSE(value_of(full_summary(), ""));
}

TEST_CASE("lines that are wrong name their place") {
    struct { const char* line; const char* part; } rows[] = {{"", "f:7: no JSON"}, {"{\"t\": 1", "f:7: no JSON"}, {"[]", "f:7: this is no object"}, {"3", "f:7: this is no object"}, {"{}", "f:7: 't' is missing"}, {"{\"t\": \"x\"}", "f:7: 't' is no number"}, {"{\"t\": 1, \"loss\": []}", "f:7: 'loss' is no number"}, {"{\"t\": 1, \"mean\": 3}", "f:7: 'mean' is no list"}, {"{\"t\": 1, \"mean\": [\"a\"]}", "f:7: 'mean' holds"}};
    for (const auto& row : rows) {
        CAPTURE(row.line);
        const auto read = parse_sample(row.line, "f", 7);
        REQUIRE(std::holds_alternative<Error>(read));
        CHECK(contains(std::get<Error>(read).what, row.part));
    }
    CHECK(std::holds_alternative<Sample>(parse_sample("{\"t\": 1, \"from_the_future\": {\"a\": []}}", "f", 7)));
    CHECK(std::holds_alternative<Error>(parse_sample(std::string(100'000, '['), "f", 1)));
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
    CHECK(std::holds_alternative<Error>(parse_event(deep, "f", 1)));
}

TEST_CASE("a line with some bytes changed is read or refused, never worse") {
    std::mt19937 random(3);
    const std::string lines[] = {to_json(full_sample()), to_json(RunEvent{1, "a", "mixed", "b", {{"staleness", 3.0}}}), to_json(full_summary())};
    for (int i = 0; i < 9000; ++i) {
        std::string text = lines[i % 3];
        for (unsigned n = 1 + random() % 3; n > 0; --n) text[random() % text.size()] = static_cast<char>(random() % 3 ? "{}[]\",:0-e.\\u"[random() % 13] : random());
        if (random() % 8 == 0) text.resize(random() % text.size());
        if (i % 3 == 0) static_cast<void>(parse_sample(text, "f", 1));
        if (i % 3 == 1) static_cast<void>(parse_event(text, "f", 1));
        if (i % 3 == 2) static_cast<void>(parse_summary(text, "f"));
        static_cast<void>(parse_comparison(text, "f"));
    }
}

TEST_CASE("five evaluations make a mean, four make none") {
    std::vector<Sample> samples(4);
    for (Sample& s : samples) s.accuracy = 0.5;
    CHECK_FALSE(last_five(samples).accuracy);
    for (int i = 1; i <= 5; ++i) {
        Sample s;
        s.accuracy = i / 10.0;
        samples.push_back(s);
        samples.push_back({});  // not evaluated
    }
    CHECK(*last_five(samples).accuracy == doctest::Approx(0.3));
    CHECK_FALSE(last_five(samples).merged_accuracy);
}

TEST_CASE("staleness is counted in powers of two, and each fate by itself") {
    ExchangeTally tally;
    for (const std::uint64_t steps : {0, 1, 2, 3, 4, 7, 8, 512, 1023, 1024, 1 << 30}) tally.mixed(steps);
    tally.failed(ExchangeTally::Failure::undelivered);
    tally.skipped();
    tally.skipped();
    const Staleness s = tally.staleness();
    const double expected[] = {1, 1, 2, 2, 1, 0, 0, 0, 0, 0, 2, 2};
    for (std::size_t i = 0; i < Staleness::bins; ++i) CHECK(s.counts[i] == expected[i]);
    CHECK(s.max == 1 << 30);
    CHECK(tally.counts().mixed == 11);
    CHECK(tally.counts().undelivered == 1);
    CHECK(tally.counts().declined == 0);
    CHECK(tally.counts().skipped == 2);
    CHECK_FALSE(tally.counts().started);
    CHECK_FALSE(ExchangeTally().staleness().mean);
    Summary summary;
    summary.staleness = s;
    summary.exchange_counts = tally.counts();
    CHECK(value_of(summary, "staleness.2-3") == 2);
    CHECK(value_of(summary, "staleness.1024+") == 2);
    CHECK(value_of(summary, "exchange_counts.skipped") == 2);
}
