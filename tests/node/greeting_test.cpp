#include "greeting.hpp"

#include <doctest/doctest.h>

#include <string>

// What keeps two files from being one run.
using namespace grapevine;

namespace {

config::Config read(const std::string& text) {
    auto config = config::read_text(text, "a file");
    if (const auto* error = std::get_if<config::Error>(&config)) FAIL(error->what);
    return std::get<config::Config>(std::move(config));
}

std::string conflict(const std::string& ours, const std::string& theirs) { return node::conflict(read(ours), read(theirs)); }

struct Section {
    const char *title, *head;  // what both have in it
    const char *ours, *theirs;
    const char* said;
};

}  // namespace

TEST_CASE("what belongs to the run is compared, key by key, and said with both sides") {
    const char *adamw = "optimizer = \"adamw\"", *skipgram = "kind = \"skipgram\"";
    for (const auto& [title, head, ours, theirs, said] : {
             Section{"train", "", "optimizer = \"momentum\"", "optimizer = \"nesterov\"", "another optimizer: ours is momentum, theirs nesterov"},
             Section{"train", "", "learning_rate = 0.5", "learning_rate = 0.05", "another learning_rate: ours is 0.5, theirs 0.05"},
             Section{"train", "optimizer = \"momentum\"", "", "momentum = 0.5", "another momentum: ours is 0.9, theirs 0.5"},
             Section{"train", adamw, "beta1 = 0.8", "", "another beta1: ours is 0.8, theirs 0.9"},
             Section{"train", adamw, "", "beta2 = 0.99", "another beta2: ours is 0.999, theirs 0.99"},
             Section{"train", adamw, "epsilon = 0.001", "epsilon = 0.01", "another epsilon: ours is 0.001, theirs 0.01"},
             Section{"train", "", "weight_decay = 0.01", "", "another weight_decay: ours is 0.01, theirs 0.0"},
             Section{"train", "", "gradient_clip = 1", "", "another gradient_clip: ours is 1.0, theirs 0.0"},
             Section{"train", "", "schedule = { kind = \"cosine\", steps = 50 }", "schedule = { kind = \"cosine\", steps = 60 }", "another schedule: ours is { kind = \"cosine\", steps = 50, "},
             Section{"train", "", "", "schedule = { kind = \"constant\", warmup = 7 }", "another schedule"},
             Section{"train", "", "precision = \"bf16\"", "", "another precision: ours is bf16, theirs float32"},
             Section{"data", "", "augment = { shift = 2 }", "", "another augment: ours is { shift = 2, mirror = false }, theirs without it"},
             Section{"data", "", "", "validation = 0.1", "another validation: ours is without it, theirs 0.1"},
             Section{"model", "kind = \"transformer\"", "heads = 8", "", "another heads: ours is 8, theirs 4"},
             Section{"model", "kind = \"gru\"", "", "length = 64", "another length: ours is 128, theirs 64"},
             Section{"model", "kind = \"cnn\"", "residual = true", "residual = true\nhidden = [16]", "another hidden: ours is [], theirs [16]"},
             Section{"model", skipgram, "", "window = 4", "another window: ours is 5, theirs 4"},
             Section{"model", skipgram, "negatives = 6", "", "another negatives: ours is 6, theirs 5"},
             Section{"model", skipgram, "subsample = 0", "", "another subsample: ours is 0.0, theirs 0.001"},
             Section{"model", "kind = \"forest\"", "trees = 4", "", "another trees: ours is 4, theirs 8"},
             Section{"exchange", "", "fragments = 2", "", "another [exchange]: ours is fragments = 2, theirs without that"},
         }) {
        const std::string begin = std::string("[") + title + "]\n" + head + "\n";
        CHECK(conflict(begin + ours, begin + theirs).substr(0, std::string(said).size()) == said);
        CHECK(conflict(begin + theirs, begin + ours).starts_with(std::string(said).substr(0, std::string(said).find(':'))));
        CHECK(conflict(begin + ours, begin + ours) == "");
        CHECK(conflict(begin + theirs, begin + theirs) == "");
    }
    CHECK(conflict("seed = 2", "seed = 3") == "another seed: ours is 2, theirs 3");
}

TEST_CASE("what belongs to a peer keeps nobody away") {
    CHECK(conflict("name = \"a\"\n[data]\nbatch = 32\nsplit = \"contiguous\"\ndirectory = \"/a\"", "until = \"5s\"\n[metrics]\nevaluate_every = \"5s\"") == "");
    CHECK(conflict("[train]\norder = \"1ms\"\npace = \"1s\"", "[train]\ntarget = { metric = \"accuracy\", at_least = 0.9 }") == "");
    CHECK(conflict("[model]\nkind = \"average\"\ninitial = 3", "[model]\nkind = \"average\"\ninitial = 4") == "");
    CHECK(conflict("[model]\nkind = \"quadratic\"\na = 2", "[model]\nkind = \"quadratic\"\nb = 3\nnoise = 0") == "");
}
