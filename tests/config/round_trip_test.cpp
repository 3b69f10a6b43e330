#include "support.hpp"

using namespace grapevine;
using namespace grapevine::config;

TEST_CASE("what is written reads as the same") {
    const std::string texts[] = {
        "",
        everything,
        "name = \"quote \\\" back \\\\ \u00e9\"",
        "[model]\nkind = \"average\"\ndimension = 3\ninitial = \"delta\"\n[train]\ntarget = { metric = \"consensus_distance\", at_most = 1e-9 }\n[exchange]\nkind = \"dpsgd\"\nperiod = \"1s\"\nclock = \"rounds\"\ngraph = \"matching\"",
        "[model]\nkind = \"quadratic\"\na = \"index\"\nb = [0.1, 1e-300, -7]\ninitial = -0.5\n[exchange]\nkind = \"allreduce\"\nevery_steps = 8",
        "[model]\nkind = \"kmeans\"\nk = 3\n[train]\norder = \"5ms\"\n[exchange]\nform = \"delta\"\n[metrics]\ntally = \"250ms\"",
        "[model]\nkind = \"forest\"\ntrees = 3\ndepth = 5\nplaces = 12\n[data]\nset = \"blobs\"\n[exchange]\nkind = \"epidemic\"\npushes = 1",
        "[model]\nkind = \"logistic\"\n[data]\ndirectory = \"/data\"\nsplit = \"contiguous\"\n[exchange]\nkind = \"local\"\n[membership]\nkind = \"static\"",
        "[model]\nkind = \"factors\"\nrank = 3\n[data]\nusers = 9\nitems = 8\nrank = 7\nnoise = 0.25\ntrain_samples = 100\ntest_samples = 10\nsplit = \"contiguous\"",
        "[model]\nkind = \"factors\"\n[data]\nset = \"insteval\"\ndirectory = \"/data\"\nvalidation = 0.25",
        "[model]\nkind = \"factors\"\n[data]\nformat = \"ratings\"\nfiles = [\"/data/a.csv\", \"/data/b.csv\"]\nheader = true\nseparator = \";\"\nheld_out = 0.2",
        "[model]\nkind = \"skipgram\"\nrank = 30\nwindow = 4\nnegatives = 7\nvocabulary = 100\nsubsample = 0\n[data]\ntopics = 3\nwords = 5\ntrain_samples = 1000\ntest_samples = 500",
        "[model]\nkind = \"skipgram\"\n[data]\nset = \"kjv-words\"",
        "[model]\nkind = \"skipgram\"\n[data]\nformat = \"words\"\nfiles = [\"/data/a.txt\"]\ntest_files = [\"/data/b.txt\"]",
        "[exchange]\nkind = \"fedavg\"\nserver = \"gpu[1]\"\nclients = 0.5\n[[group]]\nname = \"gpu\"\ncount = 2",
        "[exchange]\nkind = \"parameter-server\"\nserver = \"alice\"\nwait_for = 3",
        "[exchange]\ndonors = 0",
        "[exchange]\nkind = \"outer\"\ndonors = 64",
        "[data]\nformat = \"csv\"\nfiles = [\"/data/a.csv\", \"/data/b.csv\"]\ntest_files = [\"/data/c.csv\"]\nnormalize = \"range\"\nlabel = \"class\"\nheader = true\nseparator = \";\"",
        "[data]\nformat = \"csv\"\nfiles = [\"/data/a.csv\"]\nlabel = 3\nheader = false\nheld_out = 0.25\ndirectory = \"/elsewhere\"",
        "[data]\nformat = \"npy\"\nfiles = [\"/data/x.npy\", \"/data/y.npy\"]\nnormalize = \"none\"",
        "[data]\nformat = \"libsvm\"\nfiles = [\"/data/a9a\"]",
        "[data]\nsplit = { kind = \"shards\", classes = 3 }\nvalidation = 0.125\n[compare.allreduce]\nlearning_rate = 0.03\n[compare.\"every-20.a\"]\nkind = \"allreduce\"\nevery_steps = 20\nbackup = 4\n[compare.local]",
        "[train]\ncompute = \"surrogate\"",
        "[data]\nshards = \"auto\"",
        "[model]\nkind = \"kmeans\"\n[data]\nshards = \"all\"",
        "[data]\nformat = \"csv\"\nfiles = [\"/data/a.csv\"]\nshards = \"private\"",
        "[model]\nkind = \"gru\"\nwidth = 48\nlayers = 3\nlength = 20\n[data]\nformat = \"text\"\nfiles = [\"/data/a.txt\", \"/data/b.txt\"]\nheld_out = 0.05\nsplit = \"contiguous\"",
        "[model]\nkind = \"transformer\"\nwidth = 48\nheads = 6\nlayers = 1\nlength = 77",
        "[model]\nkind = \"svm\"\n[data]\naugment = { shift = 3 }\n[train]\noptimizer = \"adamw\"\nbeta1 = 0.85\nbeta2 = 0.95\nepsilon = 1e-6\ngradient_clip = 0.25\nschedule = { kind = \"constant\", warmup = 7 }",
        "[model]\nkind = \"cnn\"\nchannels = [8, 16, 16]\nhidden = [32]\n[data]\naugment = { shift = 2, mirror = true }\n[train]\nschedule = { kind = \"cosine\", steps = 900, floor = 0.05, warmup = 10 }",
        "[model]\nkind = \"cnn\"\nresidual = true\n[data]\naugment = { mirror = true }\n[train]\nschedule = { kind = \"step\", every = 300, factor = 0.1 }\n[exchange]\nkind = \"allreduce\"\nbuckets = 4",
        "[model]\nkind = \"logistic\"\n[train]\ncompute = \"none\"\npace = \"1ms\"",
        "[train]\noptimizer = \"nesterov\"\nprecision = \"bf16\"\n[exchange]\nkind = \"single\"\n[membership]\nsuspicion = \"off\"\nlifeguard = false",
        "[[group]]\nname = \"g\"\ncount = 9\n[[event]]\nat = \"1s\"\nkind = \"pause\"\nnodes = \"g:2\"\n[[event]]\nat = \"1s\"\nkind = \"pause\"\nnodes = \"g\"\nfor = \"1s\"\nevery = \"3s\"\ntimes = 4\ntimers = \"run\"\n"
        "[[event]]\nat = \"2s\"\nkind = \"one-way\"\nfrom = \"g[1]\"\nto = [\"*\", \"g:50%\"]\nfor = \"1s\"\n[[event]]\nat = \"2s\"\nkind = \"cut\"\nbetween = [\"g:1\", [\"g[2]\", \"g[3]\"]]\n"
        "[[event]]\nat = \"2s\"\nkind = \"loss\"\nnodes = \"g:1\"\nloss = 0.25\n[[event]]\nat = \"2s\"\nkind = \"loss\"\nbetween = [\"g\", \"*\"]\nloss = 1\nfor = \"9s\"\n[[event]]\nat = \"3s\"\nkind = \"liar\"\nnodes = \"g:1\"\nsends = \"sign-flip\"",
        "[[group]]\nstep_time = { dist = \"shifted-exponential\", min = \"1ms\", mean = \"2ms\" }\n[[group]]\nname = \"b\"\nstep_time = { dist = \"weibull\", scale = \"1s\", shape = 0.6 }\n"
        "[[group]]\nname = \"c\"\nstep_time = { dist = \"normal\", mean = \"1s\", stddev = \"3ns\" }\n[[group]]\nname = \"d\"\nstep_time = { dist = \"exponential\", mean = \"0.1s\" }\n"
        "[[group]]\nname = \"e\"\nstep_time = { dist = \"constant\", value = \"7us\" }\nuplink = \"3.3Mbit\"\n",
    };
    for (const std::string& text : texts) {
        CAPTURE(text);
        const Config config = accepted(text);
        const std::string written = to_toml(config);
        CAPTURE(written);
        CHECK(accepted(written) == config);
        CHECK(to_toml(accepted(written)) == written);
        CHECK_FALSE(check(config));
    }
}

TEST_CASE("a newcomer is sent the run without the simulated world") {
    const Config config = accepted(everything);
    const std::string written = to_toml(config, false);
    CHECK_FALSE(contains(written, "[[group]]"));
    CHECK_FALSE(contains(written, "over = "));
    Config expected = config;
    expected.groups.clear(), expected.links.clear(), expected.events.clear(), expected.expects.clear(), expected.sweep = {}, expected.metrics.views.reset();
    expected.membership.start_full = true, expected.membership.start_over = Duration::zero();
    CHECK(accepted(written) == expected);
}

TEST_CASE("a flag that contradicts the file is found") {
    Config config = accepted("[exchange]\nkind = \"dpsgd\"\nperiod = \"1s\"\nclock = \"rounds\"");
    CHECK_FALSE(check(config));
    config.exchange.clock = Clock::fixed;
    REQUIRE(check(config, "the flags"));
    CHECK(check(config, "the flags")->what.starts_with("the flags: dpsgd with a period"));
}
