#include "support.hpp"

using namespace grapevine::config;

namespace {

struct Row {
    const char* text;
    const char* place;  // line:column
    const char* what;   // a part of it
    const char* hint;   // a part of it
};

void check_all(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Error error = refusal(row.text);
        CAPTURE(error.what);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("run.toml:" + std::string(row.place) + ": "));
        CHECK(contains(error.what, row.what));
        CHECK(contains(error.hint, row.hint));
    }
}

}  // namespace

TEST_CASE("what is not TOML is said with its place, in our words") {
    check_all({
        {"x = ", "1:5", "not TOML", "key = value"},
        {"[train\n", "1:7", "expected ']'", "a section is written [train]"},
        {"name = \"a\nseed = 1", "1:10", "not TOML", "double quotes"},
        {"a = 1\na = 2", "2:5", "cannot redefine", "given before"},
        {"[model]\n[model]", "2:1", "cannot redefine", "given before"},
        {"x = [1,", "1:8", "end-of-file", "a list is written"},
        {"name = \"\xff\"", "1:8", "not TOML", "UTF-8"},
    });
}

TEST_CASE("unknown keys name the nearest that is known here") {
    check_all({
        {"sead = 1", "1:1", "unknown key 'sead'", "did you mean 'seed'?"},
        {"seed = 1\n[train]\n  lerning_rate = 0.1", "3:3", "unknown key 'lerning_rate' in [train]", "did you mean 'learning_rate'?"},
        {"[exchagne]", "1:2", "unknown key 'exchagne'", "did you mean 'exchange'?"},
        {"[exchange]\nperoid = \"1s\"", "2:1", "'peroid' in [exchange]", "'period'"},
        {"[membership]\nlifeguard = { dogpil = true }", "2:15", "'dogpil' in lifeguard", "'dogpile'"},
        {"[metrics]\nzebra = 1", "2:1", "'zebra' in [metrics]", "known here: every, evaluate_every"},
        {"[[group]]\nname = \"a\"\n[[group]]\nname = \"b\"\ncuont = 3", "5:1", "'cuont' in [[group]]", "'count'"},
        {"[[group]]\nstep_time = { dist = \"uniform\", min = \"1ms\", max = \"2ms\", sigma = 2 }", "2:59", "'sigma' in 'step_time'", "known here"},
    });
}

TEST_CASE("files of one's own as data") {
    check_all({
        {"[data]\nformat = \"cvs\"\nfiles = [\"a\"]", "2:10", "'cvs' is no format", "did you mean \"csv\"?"},
        {"[data]\nformat = \"csv\"", "1:1", "does not say which files", "files = ["},
        {"[data]\nset = \"blobs\"\nfiles = [\"a\"]", "2:7", "a set with a name or files of one's own, not both", ""},
        {"[data]\nfiles = \"a.csv\"", "2:9", "wants a list of texts", "[\"train.csv\"]"},
        {"[data]\nfiles = [\"a.csv\", 3]", "2:19", "wants texts, this is the bare number 3", ""},
        {"[data]\nfiles = [\"\"]", "2:10", "wants texts", ""},
        {"[data]\nformat = \"npy\"\nfiles = [\"a.npy\"]", "3:9", "names 1 file; npy wants two, the samples and their labels", "samples.npy"},
        {"[data]\nformat = \"idx\"\nfiles = [\"a\", \"b\"]\ntest_files = [\"a\", \"b\", \"c\"]", "4:14", "names 3 files; idx wants two", ""},
        {"[data]\nfiles = [\"a\"]\ntest_files = [\"b\"]\nheld_out = 0.1", "4:1", "'held_out' belongs to data without test_files", ""},
        {"[data]\nfiles = [\"a\"]\nheld_out = 0", "3:12", "out of range", ""},
        {"[data]\nfiles = [\"a\"]\nheld_out = 0.6", "3:12", "more than half", ""},
        {"[data]\nfiles = [\"a\"]\nnormalize = \"std\"", "3:13", "'std' is no normalize", "known: \"none\", \"standard\" or \"range\""},
        {"[data]\nformat = \"libsvm\"\nfiles = [\"a\"]\nlabel = 1", "4:1", "'label' belongs to format = \"csv\"; this format is \"libsvm\"", ""},
        {"[data]\nfiles = [\"a\"]\nlabel = 0", "3:9", "out of range", "from 1 to 65536"},
        {"[data]\nfiles = [\"a\"]\nlabel = \"\"", "3:9", "'label' in [data] is empty", ""},
        {"[data]\nfiles = [\"a\"]\nheader = \"yes\"", "3:10", "wants true or false", ""},
        {"[data]\nfiles = [\"a\"]\nheader = false\nlabel = \"class\"", "4:9", "a file without a header has no column 'class'", ""},
        {"[data]\nfiles = [\"a\"]\nseparator = \"|\"", "3:13", "'|' is no separator", "\"tab\""},
        {"[data]\nfiles = [\"a\"]\nfeatures = 3", "3:1", "belongs to set = \"blobs\"; these are files of one's own", ""},
        {"[data]\nset = \"blobs\"\nnormalize = \"none\"", "3:1", "'normalize' belongs to format = \"csv\" and the like", ""},
        {"[data]\nfiles = [\"a\"]\nnormalise = \"none\"", "3:1", "unknown key 'normalise' in [data]", "did you mean 'normalize'?"},
    });
}

TEST_CASE("a key of another kind says where it belongs") {
    check_all({
        {"[exchange]\ngraph = \"ring\"", "2:1", "'graph' belongs to kind = \"dpsgd\" and robust push-sum; this exchange is \"gossip\"", "change the kind"},
        {"[exchange]\nkind = \"local\"\nperiod = \"1s\"", "3:1", "'period' belongs to", "change the kind"},
        {"[exchange]\nkind = \"dpsgd\"\npushes = 2", "3:1", "belongs to kind = \"epidemic\"; this exchange is \"dpsgd\"", ""},
        {"[model]\nkind = \"logistic\"\nhidden = [3]", "3:1", "'hidden' belongs to kind = \"mlp\" and \"cnn\"; this model is \"logistic\"", ""},
        {"[model]\nchannels = [8]", "2:1", "'channels' belongs to kind = \"cnn\"; this model is \"mlp\"", ""},
        {"[model]\nkind = \"svm\"\nresidual = true", "3:1", "'residual' belongs to kind = \"cnn\"; this model is \"svm\"", ""},
        {"[train]\nprecision = \"bf17\"", "2:13", "'bf17'", "\"bf16\""},
        {"[model]\nkind = \"average\"\n[train]\nprecision = \"bf16\"", "4:1", "'precision' belongs to models that train", ""},
        {"[model]\nkind = \"gru\"\n[data]\nset = \"blobs\"", "4:7", "reads texts, and these data are none", "kjv"},
        {"[data]\nset = \"kjv\"", "2:7", "does not read texts", "transformer"},
        {"[model]\nkind = \"gru\"\n[data]\nsplit = { kind = \"shards\" }", "4:9", "no classes to be split by", "contiguous"},
        {"[model]\nkind = \"transformer\"\nheads = 3", "3:9", "does not divide into 3 heads", "multiple"},
        {"[model]\nkind = \"gru\"\nheads = 2", "3:1", "'heads' belongs to kind = \"transformer\"; this model is \"gru\"", ""},
        {"[model]\nwidth = 2", "2:1", "'width' belongs to kind = \"gru\" and \"transformer\"; this model is \"mlp\"", ""},
        {"[model]\nkind = \"gru\"\n[data]\ndirectory = \"x\"", "4:1", "'directory' belongs to other sets that lie in files", ""},
        {"[train]\noptimizer = \"adamw\"\nmomentum = 0.9", "3:1", "'momentum' belongs to optimizer = \"momentum\" and \"nesterov\"; this optimizer is \"adamw\"", ""},
        {"[train]\noptimizer = \"momentum\"\nbeta2 = 0.9", "3:1", "'beta2' belongs to optimizer = \"adamw\"; this optimizer is \"momentum\"", ""},
        {"[model]\nkind = \"kmeans\"\n[train]\nschedule = { kind = \"constant\" }", "4:1", "'schedule' belongs to models that follow a gradient", ""},
        {"[model]\nkind = \"kmeans\"\n[data]\naugment = { shift = 1 }", "4:1", "'augment' belongs to models that learn from pictures; this model is \"kmeans\"", ""},
        {"[train]\nschedule = { kind = \"constant\", steps = 5 }", "2:33", "'steps' belongs to kind = \"cosine\"; this schedule is \"constant\"", ""},
        {"[train]\nschedule = { kind = \"cosine\", steps = 5, factor = 0.5 }", "2:42", "'factor' belongs to kind = \"step\"; this schedule is \"cosine\"", ""},
        {"[model]\nkind = \"mlp\"\nk = 3", "3:1", "'k' belongs to kind = \"kmeans\"; this model is \"mlp\"", ""},
        {"[model]\nkind = \"kmeans\"\n[train]\nlearning_rate = 1", "4:1", "'learning_rate' belongs to models that follow a gradient", ""},
        {"[model]\nkind = \"kmeans\"\ntrees = 3", "3:1", "'trees' belongs to kind = \"forest\"; this model is \"kmeans\"", ""},
        {"[model]\nkind = \"forest\"\n[data]\nbatch = 3", "4:1", "'batch' belongs to models that learn from some rows at a time", ""},
        {"[model]\nkind = \"forest\"\ntrees = 9\nplaces = 8", "3:9", "a peer's 9 trees do not fit into 8 places", ""},
        {"[model]\nkind = \"forest\"\ndepth = 16\nplaces = 10000", "4:10", "more than 2^30 numbers", "less depth"},
        {"until_steps = 9\n[model]\nkind = \"forest\"", "1:15", "grows 8 trees", ""},
        {"[model]\nkind = \"average\"\nnoise = 1", "3:1", "belongs to kind = \"quadratic\"", ""},
        {"[model]\ninitial = \"delta\"", "2:1", "\"average\" and \"quadratic\"", ""},
        {"[data]\nfeatures = 3", "2:1", "belongs to set = \"blobs\"; this set is \"fashion-mnist\"", ""},
        {"[model]\nkind = \"average\"\n[data]\nbatch = 3\n[exchange]\nperiod = \"1s\"", "3:2", "'data' belongs to models that learn from data", ""},
        {"[train]\nmomentum = 0.9", "2:1", "this optimizer is \"sgd\"", ""},
        {"[data]\nsplit = { kind = \"iid\", classes = 2 }", "2:25", "'classes' belongs to kind = \"shards\"", ""},
        {"[data]\nshards = \"mine\"", "2:10", "'mine'", "\"auto\""},
        {"[data]\nshards = true", "2:10", "shards", ""},
        {"[model]\nkind = \"forest\"\n[data]\nshards = \"auto\"", "4:10", "begins with all of its rows", "\"all\""},
        {"[data]\nsplit = \"contiguous\"\nshards = \"auto\"", "3:10", "'split' is \"contiguous\"", "one of the two"},
        {"[data]\nshards = \"private\"", "2:10", "private data are files of one's own", ""},
        {"[model]\nkind = \"skipgram\"\n[data]\nformat = \"words\"\nfiles = [\"a\"]\nshards = \"private\"", "6:10", "mean another thing in each", ""},
        {"[model]\nkind = \"average\"\n[data]\nshards = \"all\"\n[exchange]\nperiod = \"1s\"", "3:2", "models that learn from data", ""},
        {"[data]\nvalidation = 0.6", "2:14", "out of range", "from 0 to 0.5"},
        {"[compare.alreduce]\nevery_steps = 20", "1:1", "does not say its kind", "[compare.allreduce]"},
        {"[compare.\"a/b\"]\nkind = \"local\"", "1:10", "cannot name a method", ""},
        {"[compare.allreduce]\nform = \"delta\"", "2:1", "'form' belongs to", ""},
        {"[compare.allreduce]\nrte = 1", "2:1", "unknown key 'rte' in [compare.allreduce]", ""},
        {"[model]\nkind = \"average\"\n[exchange]\nperiod = \"1s\"\n[compare.local]\nlearning_rate = 1", "6:1", "learning_rate", ""},
        {"[data]\nsplit = { kind = \"iid\", alpha = 1 }", "2:25", "'alpha' belongs to the dirichlet kinds", ""},
        {"[membership]\nkind = \"static\"\nperiod = \"1s\"", "3:1", "belongs to kind = \"swim\"", ""},
        {"[membership]\nover = \"1s\"", "2:1", "belongs to start = \"join\"", ""},
        {"[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"*\"\nfactor = 2", "5:1", "belongs to kind = \"slow\"; this event is \"crash\"", ""},
        {"[membership]\nkind = \"static\"\n[[event]]\nat = \"1s\"\nkind = \"join\"", "5:8", "nobody would hear of who comes later", "\"swim\""},
        {"[membership]\nkind = \"static\"\n[[event]]\nat = \"1s\"\nkind = \"restart\"\nnodes = \"*\"", "5:8", "nobody would hear of who comes later", "\"swim\""},
        {"[[expect]]\nmetric = \"loss\"\nat_most = 1\nwithin = 0.1", "4:1", "belongs to 'equals'", ""},
    });
}

TEST_CASE("what is planned and not built has an answer of its own") {
    check_all({
        {"[model]\nkind = \"pca\"", "2:8", "known but not available in this version", "\"logistic\", \"mlp\""},
        {"[data]\nsplit = \"quantity\"", "2:9", "known but not available", "\"iid\""},
        {"[train]\noptimizer = \"adam\"", "2:13", "is no optimizer", "did you mean \"adamw\"?"},
        {"[membership]\nkind = \"partail\"", "2:8", "", "\"partial\""},
        {"until_samples = 5", "1:1", "'until_samples' is known but not available", "take it out"},
    });
}

TEST_CASE("keys of an exchange belong to the kinds that have them") {
    check_all({
        {"[exchange]\nkind = \"epidemic\"\nform = \"delta\"", "3:1", "belongs to kind = \"gossip\"", "take the line out"},
        {"[exchange]\npushes = 3", "2:1", "belongs to kind = \"epidemic\"; this exchange is \"gossip\"", "take the line out"},
        {"[exchange]\nkind = \"allreduce\"\nclip = \"balance\"", "3:1", "belongs to kind = \"gossip\", \"epidemic\" and \"dpsgd\"", ""},
        {"[exchange]\nkind = \"push-sum\"\nquasi_global = 0.9", "3:1", "'quasi_global' belongs to kind = \"gossip\"", ""},
        {"[exchange]\nkind = \"epidemic\"\nfragments = 4", "3:1", "'fragments' belongs to kind = \"gossip\" and \"dpsgd\"", ""},
        {"[exchange]\nkind = \"dpsgd\"\ndonors = 4", "3:1", "'donors' belongs to kind = \"gossip\", \"epidemic\" and \"outer\"", ""},
        {"[exchange]\ndonors = 65", "2:10", "out of range", "from 0 to 64"},
        {"[exchange]\ndonors = -1", "2:10", "out of range", "from 0 to 64"},
        {"[exchange]\ndonors = \"all\"", "2:10", "", "from 0 to 64"},
        {"[exchange]\ndonor = 4", "2:1", "", "donors"},
        {"[exchange]\nkind = \"dpsgd\"\nspeed_scaled = true", "3:1", "'speed_scaled' belongs to kind = \"gossip\"", ""},
        {"[exchange]\nkind = \"group\"\nstaleness_weight = 0.1", "3:1", "'staleness_weight' belongs to kind = \"gossip\"", ""},
        {"[exchange]\nkind = \"dpsgd\"\nconsensus = 0.1", "3:1", "'consensus' belongs to kind = \"gossip\"", ""},
        {"[exchange]\nkind = \"outer\"\nrate = 0", "3:8", "", ""},
        {"[exchange]\nkind = \"outer\"\nsize = \"many\"", "3:8", "", "\"all\""},
        {"[exchange]\nkind = \"fedavg\"\nclients = 1.5", "3:11", "1 at most", "0.25"},
        {"[exchange]\nkind = \"dpsgd\"\ngraph = \"base-1\"", "3:9", "a B of 2 or more", "base-2"},
        {"[exchange]\nkind = \"dpsgd\"\ngraph = \"file:\"", "3:9", "has no name", ""},
        {"[exchange]\nencoding = { kind = \"top-k\", kept = 2 }", "2:37", "1 at most", ""},
        {"[exchange]\nencoding = { kind = \"int8\", kept = 0.1 }", "2:29", "belongs to kind = \"top-k\"", ""},
        {"[exchange]\nkind = \"parameter-server\"\nmode = \"async\"\nwait_for = 3", "4:12", "waits for nobody", ""},
        {"[exchange]\nperiod = \"1s\"\nconsensus = 0.1", "3:13", "goes by a period", "every_steps"},
        {"[exchange]\nkind = \"epidemic\"\nspeed_scaled = true", "3:1", "belongs to kind = \"gossip\"", ""},
        {"[exchange]\nkind = \"fedavg\"\nserver = \"gpu[4]\"\n[[group]]\nname = \"gpu\"\ncount = 4", "3:10", "no peer of this run is called 'gpu[4]'", "gpu[0]"},
        {"[exchange]\nkind = \"parameter-server\"\nserver = \"alice\"\n[[group]]\nname = \"gpu\"\ncount = 4", "3:10", "no peer of this run", "gpu[0]"},
    });
}

TEST_CASE("pictures, steps and schedules that cannot be are refused") {
    check_all({
        {"[model]\nkind = \"cnn\"\nchannels = []", "3:12", "a cnn without convolutions is an mlp", "kind = \"mlp\""},
        {"[model]\nkind = \"cnn\"\nchannels = 8", "3:12", "wants a list of numbers", "channels = [32, 64]"},
        {"[model]\nkind = \"cnn\"\nchannels = [8, 0]", "3:16", "from 1 to 16384 channels", "channels = [32, 64]"},
        {"[model]\nkind = \"cnn\"\nchannels = [16384, 16384]", "3:12", "more than 2^30 parameters", "fewer"},
        {"[model]\nkind = \"cnn\"\nresidual = 1", "3:12", "", "true"},
        {"[model]\nkind = \"cnn\"\n[data]\nset = \"blobs\"", "4:7", "a cnn looks at pictures, and blobs are none", "fashion-mnist"},
        {"[data]\nset = \"blobs\"\naugment = { shift = 1 }", "3:11", "blobs are no pictures", "take the line out"},
        {"[data]\naugment = { shift = 128 }", "2:21", "out of range", "from 0 to 127"},
        {"[data]\naugment = { miror = true }", "2:13", "unknown key 'miror' in augment", "did you mean 'mirror'?"},
        {"[data]\naugment = true", "2:11", "", ""},
        {"[train]\noptimizer = \"adamw\"\nbeta1 = 1", "3:9", "forgets nothing", "beta1 = 0.9"},
        {"[train]\noptimizer = \"adamw\"\nbeta2 = 1", "3:9", "forgets nothing", "beta2 = 0.999"},
        {"[train]\noptimizer = \"adamw\"\nepsilon = 0", "3:11", "out of range", "greater than 0"},
        {"[train]\ngradient_clip = -1", "2:17", "out of range", "at least 0"},
        {"[train]\ngradient_clip = 1\n[exchange]\nkind = \"allreduce\"\nbuckets = 2", "5:11", "never has its gradient as a whole", "buckets = 1"},
        {"[train]\ngradient_clip = 1\n[compare.allreduce]\nbuckets = 2", "4:11", "never has its gradient as a whole", "buckets = 1"},
        {"[train]\nschedule = \"cosine\"", "2:12", "", ""},
        {"[train]\nschedule = { steps = 5 }", "2:12", "does not say its kind", "kind = \"cosine\""},
        {"[train]\nschedule = { kind = \"cosin\", steps = 5 }", "2:21", "is no kind in schedule", "did you mean \"cosine\"?"},
        {"[train]\nschedule = { kind = \"cosine\" }", "2:12", "after how many steps the rate is down", "steps = 10000"},
        {"[train]\nschedule = { kind = \"cosine\", steps = 5, warmup = 5 }", "2:39", "still rises then", "more than 'warmup'"},
        {"[train]\nschedule = { kind = \"cosine\", steps = 5, floor = 1.5 }", "2:50", "out of range", "from 0 to 1"},
        {"[train]\nschedule = { kind = \"step\", factor = 0.5 }", "2:12", "after how many steps the rate changes", "every = 1000"},
        {"[train]\nschedule = { kind = \"step\", every = 0 }", "2:37", "out of range", "from 1"},
        {"[train]\nschedule = { kind = \"step\", every = 5, factor = 0 }", "2:49", "out of range", "greater than 0"},
        {"[train]\nschedule = { kind = \"constant\", warm_up = 5 }", "2:33", "unknown key 'warm_up' in schedule", "did you mean 'warmup'?"},
    });
}

TEST_CASE("durations and rates carry their unit, and no sign") {
    check_all({
        {"until = 90", "1:9", "wants a duration with its unit, this is the bare number 90", "\"90s\""},
        {"until = 1.5", "1:9", "this is the bare number 1.5", "until = \"90s\""},
        {"until = \"90\"", "1:9", "'90' is no duration", "until = \"90s\""},
        {"until = \"-90s\"", "1:9", "no duration", "no sign"},
        {"until = \"5m\"", "1:9", "no duration", "\"5min\" or \"5ms\""},
        {"until = \"5sec\"", "1:9", "no duration", "ns, us, ms, s, min, h or d"},
        {"until = \"0s\"", "1:9", "longer than nothing", "\"90s\""},
        {"[exchange]\nperiod = \"0ms\"", "2:10", "longer than nothing", "\"250ms\""},
        {"[[group]]\nuplink = 100", "2:10", "wants a rate with its unit", "\"100Mbit\""},
        {"[[group]]\nuplink = \"100mbit\"", "2:10", "no rate", "did you mean \"100Mbit\"?"},
        {"[[group]]\nuplink = \"-1MB\"", "2:10", "no rate", "without sign"},
        {"[[group]]\ndownlink = \"0MB\"", "2:12", "more than nothing", "leave the key out"},
    });
}

TEST_CASE("numbers have a range") {
    check_all({
        {"seed = 9007199254740992", "1:8", "out of range", "from 0 to 9007199254740991"},
        {"seed = -1", "1:8", "-1, out of range", "from 0"},
        {"seed = 1.5", "1:8", "wants a whole number", "without a point"},
        {"seed = \"1\"", "1:8", "wants a whole number", "without quotes"},
        {"until_steps = 0", "1:15", "out of range", "from 1"},
        {"name = \"\"", "1:8", "from 1 to 200", "name ="},
        {"[data]\nbatch = 0", "2:9", "out of range", "from 1"},
        {"[train]\nlearning_rate = 0", "2:17", "out of range", "greater than 0"},
        {"[train]\nlearning_rate = -0.1", "2:17", "out of range", "at least 0"},
        {"[train]\nlearning_rate = nan", "2:17", "out of range", ""},
        {"[train]\nlearning_rate = inf", "2:17", "out of range", ""},
        {"[train]\ncompute = \"surogate\"", "2:11", "'surogate' is no compute in [train]", "did you mean \"surrogate\"?"},
        {"[model]\nkind = \"average\"\n[train]\ncompute = \"none\"", "4:1", "'compute' belongs to models that follow a gradient on data", ""},
        {"[model]\nkind = \"kmeans\"\n[train]\ncompute = \"real\"", "4:1", "this model is \"kmeans\"", ""},
        {"[train]\noptimizer = \"momentum\"\nmomentum = 1", "3:12", "never comes to rest", "0.9"},
        {"[train]\noptimizer = \"momentum\"\nmomentum = 1.1", "3:12", "out of range", "from 0 to 1"},
        {"[model]\nhidden = []", "2:10", "without hidden layers", "logistic"},
        {"[model]\nhidden = [0]", "2:11", "from 1 to", "hidden = [128, 64]"},
        {"[model]\nhidden = [1000000, 1000000]", "2:10", "2^30 parameters", ""},
        {"[data]\nsplit = { kind = \"dirichlet-per-peer\", alpha = 0 }", "2:48", "out of range", "greater than 0"},
        {"[data]\nset = \"blobs\"\nfeatures = 1000000\ntrain_samples = 1000000", "4:17", "2^31 numbers", "fewer"},
        {"[membership]\nindirect = -1", "2:12", "out of range", "from 0 to 64"},
        {"[membership]\nsuspicion = { beta = 0.5 }", "2:22", "out of range", "1"},
        {"[membership]\nperiod = \"100ms\"\nprobe_timeout = \"100ms\"", "3:17", "shorter than the membership's period, 100ms", "\"50ms\""},
        {"[metrics]\nevaluate_peers = 0", "2:18", "out of range", "from 1"},
        {"until = \"10d\"\n[metrics]\nevery = \"1ms\"", "3:9", "ten million samples", "every ="},
        {"[[group]]\ncount = 0", "2:9", "out of range", "from 1"},
        {"[[group]]\nstep_time = \"0s\"", "2:13", "no time at all", "10ms"},
        {"[[group]]\nstep_time = { dist = \"uniform\", min = \"2ms\", max = \"1ms\" }", "2:52", "less than 'min'", ""},
        {"[[group]]\nstep_time = { dist = \"lognormal\", median = \"2ms\" }", "2:13", "does not say its 'sigma'", "sigma = 1.0"},
        {"[[group]]\nstep_time = { median = \"2ms\" }", "2:13", "does not say its 'dist'", "lognormal"},
        {"[[group]]\nstep_time = { dist = \"log-normal\", median = \"2ms\", sigma = 1 }", "2:22", "'log-normal' is no dist", "did you mean \"lognormal\"?"},
        {"[[link]]\nbetween = [\"*\", \"*\"]\nloss = 1.01", "3:8", "out of range", "from 0 to 1"},
        {"[[link]]\nbetween = [\"*\", \"*\"]\nduplicate = -0.1", "3:13", "out of range", "from 0 to 1"},
    });
}

TEST_CASE("words and types are checked with their nearest") {
    check_all({
        {"[exchange]\nkind = \"gosip\"", "2:8", "'gosip' is no kind in [exchange]", "did you mean \"gossip\"?"},
        {"[exchange]\nkind = \"fedagv\"", "2:8", "no kind", "did you mean \"fedavg\"?"},
        {"[exchange]\nkind = 3", "2:8", "one of the words", "kind = \"gossip\""},
        {"[exchange]\nclock = \"fixd\"", "2:9", "no clock", "\"fixed\""},
        {"[data]\nset = \"fashion_mnist\"", "2:7", "no set", "did you mean \"fashion-mnist\"?"},
        {"[data]\nsplit = 3", "2:9", "wants a word or a table", "split = \"iid\""},
        {"[train]\ntarget = 0.8", "2:10", "wants one table", ""},
        {"[train]\ntarget = { metric = \"acuracy\", at_least = 0.8 }", "2:21", "no metric", "\"accuracy\""},
        {"[train]\ntarget = { at_least = 0.8, at_most = 1 }", "2:38", "not both", "keep one"},
        {"[train]\ntarget = { metric = \"loss\" }", "2:10", "does not say what is to be reached", "at_least"},
        {"[[train]]", "1:1", "wants one table", "write [train], not [[train]]"},
        {"[group]\ncount = 3", "1:1", "wants a list of tables", "[[group]]"},
        {"group = [3]", "1:10", "wants tables", "[[group]]"},
        {"[membership]\nlifeguard = \"yes\"", "2:13", "wants true, false or a table", "local_health"},
        {"[membership]\nsuspicion = \"of\"", "2:13", "no suspicion", "\"off\""},
        {"[membership]\nsuspicion = true", "2:13", "wants a table or \"off\"", "alpha"},
        {"[train]\ntarget = { metric = \"loss\", at_most = 1, stop = \"yes\" }", "2:49", "wants true or false", "without quotes"},
        {"seed = 2020-01-01", "1:8", "this is a date", ""},
    });
}

TEST_CASE("what contradicts itself is refused") {
    check_all({
        {"[exchange]\nperiod = \"1s\"\nevery_steps = 3", "3:15", "not by both", "keep one"},
        {"[exchange]\nkind = \"dpsgd\"\nperiod = \"1s\"", "3:10", "lock step", "clock = \"rounds\""},
        {"[exchange]\nkind = \"dpsgd\"\nperiod = \"1s\"\nclock = \"fixed\"", "4:9", "lock step", "clock = \"rounds\""},
        {"[exchange]\nevery_steps = 3\nclock = \"poisson\"", "3:9", "no meaning with 'every_steps'", "take 'clock' out"},
        {"[exchange]\nkind = \"dpsgd\"\nclock = \"rounds\"", "3:9", "no meaning", "period"},
        {"[model]\nkind = \"average\"\n[exchange]\nevery_steps = 1", "4:15", "makes no steps", "period"},
        {"[model]\nkind = \"average\"\n[exchange]\nkind = \"allreduce\"", "4:8", "needs a period", "add period"},
        {"until_steps = 5\n[model]\nkind = \"average\"", "1:15", "makes no steps", "until"},
        {"[model]\nkind = \"quadratic\"\na = -1", "3:5", "makes a valley a hill", "a = 1.0"},
        {"[model]\nkind = \"quadratic\"\nb = [1, 2]\n[[group]]\ncount = 3", "4:1", "lists 2 numbers for 3 peers", "one number for all"},
    });
}

TEST_CASE("groups that are named exist") {
    const std::string groups = "[[group]]\nname = \"gpu\"\ncount = 2\n[[group]]\nname = \"cpu\"\n";  // five lines
    const auto after = [&](const char* text) { return refusal(groups + text); };
    const auto check = [&](const char* text, const char* place, const char* what, const char* hint) {
        CAPTURE(text);
        const Error error = after(text);
        CAPTURE(error.what);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("run.toml:" + std::string(place)));
        CHECK(contains(error.what, what));
        CHECK(contains(error.hint, hint));
    };
    check("[[link]]\nbetween = [\"gup\", \"*\"]", "7:12", "no group 'gup'", "did you mean \"gpu\"?");
    check("[[link]]\nfrom = \"cpu\"\nto = \"tpux\"", "8:6", "no group 'tpux'", "groups: \"gpu\" or \"cpu\"");
    check("[[link]]\nlatency = \"1ms\"", "6:1", "between whom", "between =");
    check("[[link]]\nbetween = [\"gpu\"]", "7:11", "list of two", "between =");
    check("[[link]]\nbetween = [\"gpu\", \"cpu\"]\nfrom = \"gpu\"", "7:11", "not both", "keep one");
    check("[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"gup:2\"", "9:9", "no group 'gup'", "did you mean \"gpu\"?");
    check("[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"gpu:3\"", "9:9", "more than the 2", "fewer");
    check("[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"cpu[1]\"", "9:9", "more than the 1", "[0]");
    check("[[event]]\nat = \"1s\"\nkind = \"crash\"\nnodes = \"gpu:0\"", "9:9", "selects nobody", "\"gpu:2\"");
    check("[[event]]\nat = \"1s\"\nkind = \"crash\"", "6:1", "whom", "nodes =");
    check("[[event]]\nkind = \"crash\"\nnodes = \"*\"", "6:1", "when", "at =");
    check("[[event]]\nat = \"1s\"\nnodes = \"*\"", "6:1", "its kind", "crash");
    check("[[event]]\nat = \"1s\"\nkind = \"join\"", "6:1", "of which group", "group = \"gpu\"");
    check("[[event]]\nat = \"1s\"\nkind = \"join\"\ngroup = \"cpus\"", "9:9", "no group 'cpus'", "\"cpu\"");
    check("[[event]]\nat = \"1s\"\nkind = \"slow\"\nnodes = \"*\"", "6:1", "how slow", "factor");
    check("[[event]]\nat = \"1s\"\nkind = \"partition\"\nsides = [[\"gpu\"]]", "9:9", "at least two", "sides =");
    check("[[event]]\nat = \"1s\"\nkind = \"partition\"\nsides = [[\"gpu\"], [\"x\"]]", "9:20", "no group 'x'", "groups:");
    check("[[group]]\nname = \"gpu\"", "7:8", "two groups 'gpu'", "name of its own");
    check("[[group]]\nname = \"g u\"", "7:8", "cannot name a group", "letters");
}

TEST_CASE("each kind of event has its keys") {
    const std::string three = "[[event]]\nat = \"1s\"\nkind = ";
    const auto check = [&](const std::string& rest, const char* place, const char* what, const char* hint) {
        CAPTURE(rest);
        const Error error = refusal(three + rest);
        CAPTURE(error.what);
        CAPTURE(error.hint);
        CHECK(error.what.starts_with("run.toml:" + std::string(place) + ": "));
        CHECK(contains(error.what, what));
        CHECK(contains(error.hint, hint));
    };
    check("\"pause\"", "1:1", "whom it happens to", "nodes =");
    check("\"pause\"\nnodes = \"*\"\nevery = \"5s\"", "5:9", "must end first", "for =");
    check("\"pause\"\nnodes = \"*\"\nfor = \"5s\"\nevery = \"5s\"", "6:9", "longer than 'for', 5s", "every = \"10s\"");
    check("\"pause\"\nnodes = \"*\"\nfor = \"5s\"\ntimes = 3", "6:1", "'times' belongs to a pause with 'every'", "");
    check("\"pause\"\nnodes = \"*\"\nfor = \"5s\"\nevery = \"9s\"\ntimes = 0", "7:9", "out of range", "from 1");
    check("\"pause\"\nnodes = \"*\"\ntimers = \"runs\"", "5:10", "no timers", "did you mean \"run\"?");
    check("\"pause\"\nnodes = \"*\"\nfro = \"5s\"", "5:1", "unknown key 'fro'", "did you mean 'for'?");
    check("\"crash\"\nnodes = \"*\"\ntimers = \"run\"", "5:1", "'timers' belongs to kind = \"pause\"; this event is \"crash\"", "");
    check("\"crash\"\nnodes = \"*\"\nfor = \"1s\"", "5:1", "\"loss\" and \"clock\"", "");
    check("\"one-way\"\nto = \"*\"", "1:1", "does not say 'from' whom", "from = \"gpu:2\"");
    check("\"one-way\"\nfrom = \"*\"", "1:1", "does not say 'to' whom", "");
    check("\"one-way\"\nfrom = \"*\"\nto = []", "5:6", "empty", "from =");
    check("\"one-way\"\nfrom = \"*\"\nto = [\"*\", 3]", "5:12", "selected by a text", "\"gpu\"");
    check("\"one-way\"\nfrom = \"*\"\nto = \"*:0\"", "5:6", "selects nobody", "");
    check("\"one-way\"\nnodes = \"*\"\nfrom = \"*\"\nto = \"*\"", "4:1", "'nodes' belongs to", "");
    check("\"cut\"", "1:1", "between whom", "between =");
    check("\"cut\"\nbetween = [\"*\"]", "4:11", "two ends", "between =");
    check("\"cut\"\nbetween = \"*\"", "4:11", "two ends", "between =");
    check("\"loss\"\nloss = 0.1", "1:1", "whom it happens to", "nodes =");
    check("\"loss\"\nnodes = \"*\"", "1:1", "how much is lost", "loss = 0.3");
    check("\"loss\"\nnodes = \"*\"\nloss = 1.1", "5:8", "out of range", "from 0 to 1");
    check("\"liar\"\nnodes = \"*\"", "1:1", "what it sends", "sends = ");
    check("\"liar\"\nnodes = \"*\"\nsends = \"nothing\"", "5:9", "", "");
    check("\"crash\"\nnodes = \"*\"\nsends = \"huge\"", "5:1", "belongs to kind = \"liar\"", "");
    check("\"loss\"\nnodes = \"*\"\nbetween = [\"*\", \"*\"]\nloss = 0.1", "5:11", "not both", "keep one");
    check("\"one-way\"\nfrom = \"g[2]\"\nto = \"*\"\n[[group]]\nname = \"g\"\ncount = 2", "4:8", "more than the 2", "[0]");
    check("\"cut\"\nbetween = [\"g:3\", \"*\"]\n[[group]]\nname = \"g\"\ncount = 2", "4:11", "more than the 2", "fewer");
}

TEST_CASE("expects name a metric, one moment and one bound") {
    check_all({
        {"[[expect]]\nat_least = 1", "1:1", "what is measured", "metric ="},
        {"[[expect]]\nmetric = \"acuracy\"\nat_least = 1", "2:10", "no metric", "did you mean \"accuracy\"?"},
        {"[[expect]]\nmetric = \"membership.false_positive\"\nat_most = 1", "2:10", "no metric", "membership.false_positives"},
        {"[[expect]]\nmetric = \"loss\"", "1:1", "does not say what it expects", "at_least"},
        {"[[expect]]\nmetric = \"loss\"\nat_least = 1\nat_most = 2", "4:11", "one bound", "two [[expect]]"},
        {"[[expect]]\nmetric = \"loss\"\nat_most = 1\nat = \"1s\"\nby = \"2s\"", "5:6", "one moment", "two [[expect]]"},
        {"until = \"5s\"\n[[expect]]\nmetric = \"loss\"\nat_most = 1\nby = \"6s\"", "5:6", "ends at 5s", "longer 'until'"},
        {"[[expect]]\nmetric = \"loss\"\nat_most = 1\nby = \"6s\"\nratio_over = \"1s\"", "4:6", "a mean over samples", "'from'"},
        {"[[expect]]\nmetric = \"time.waiting\"\nat_most = 1\nby = \"6s\"", "4:6", "has no meaning", "take 'by' out"},
    });
}

TEST_CASE("what is no file includes none, and opens none") {
    check_all({
        {"include = [\"base.toml\"]", "1:1", "cannot include", "from a file"},
        {"[[group]]\nstep_time = { dist = \"trace\", file = \"/etc/passwd\" }", "2:38", "cannot name other files", "from a file"},
    });
}

TEST_CASE("models that learn from ratings or words take what belongs to them") {
    const std::string factors = "[model]\nkind = \"factors\"\n", skipgram = "[model]\nkind = \"skipgram\"\n";
    const std::string by_class = factors + "[data]\nsplit = \"dirichlet-per-class\"", shards = skipgram + "[data]\nsplit = { kind = \"shards\" }";
    const std::string pictures = factors + "[data]\nset = \"fashion-mnist\"", words = factors + "[data]\nset = \"topics\"", window = factors + "window = 3";
    const std::string hidden = skipgram + "hidden = [3]", large = skipgram + "rank = 4096\nvocabulary = 1000000", table = skipgram + "[data]\nformat = \"csv\"\nfiles = [\"a\"]";
    const std::string topics = factors + "[data]\ntopics = 3", features = factors + "[data]\nfeatures = 3", normalize = factors + "[data]\nfiles = [\"a\"]\nnormalize = \"none\"";
    const std::string header = skipgram + "[data]\nfiles = [\"a\"]\nheader = true", subsample = skipgram + "subsample = 2", one = skipgram + "vocabulary = 1", samples = factors + "[data]\nset = \"insteval\"\ntrain_samples = 3";
    check_all({
        {by_class.c_str(), "4:9", "'dirichlet-per-class' goes by classes, and there are none of ratings", "contiguous"},
        {shards.c_str(), "4:9", "'shards' goes by classes, and there are none of words", "contiguous"},
        {pictures.c_str(), "4:7", "'fashion-mnist' is no set", "\"insteval\""},
        {words.c_str(), "4:7", "'topics' is no set", "\"ratings\""},
        {"[data]\nset = \"ratings\"", "2:7", "'ratings' is no set", "fashion-mnist"},
        {window.c_str(), "3:1", "'window' belongs to kind = \"skipgram\"", ""},
        {hidden.c_str(), "3:1", "'hidden' belongs to kind = \"mlp\"", ""},
        {"[model]\nrank = 3", "2:1", "'rank' belongs to kind = \"factors\" and \"skipgram\"", ""},
        {large.c_str(), "4:14", "2^30 parameters", "fewer words"},
        {table.c_str(), "4:10", "'skipgram' learns nothing from files of format \"csv\"", "format = \"words\""},
        {"[data]\nformat = \"ratings\"\nfiles = [\"a\"]", "2:10", "'mlp' learns nothing from files of format \"ratings\"", "kind = \"factors\""},
        {topics.c_str(), "4:1", "'topics' belongs to set = \"topics\"", ""},
        {features.c_str(), "4:1", "'features' belongs to set = \"blobs\"", ""},
        {"[data]\nset = \"blobs\"\nusers = 3", "3:1", "'users' belongs to set = \"ratings\"", ""},
        {normalize.c_str(), "5:1", "'normalize' belongs to formats of samples", ""},
        {header.c_str(), "5:1", "'header' belongs to format = \"csv\" and \"ratings\"", ""},
        {subsample.c_str(), "3:13", "out of range", "from 0 to 1"},
        {one.c_str(), "3:14", "out of range", "from 2"},
        {samples.c_str(), "5:1", "'train_samples' belongs to sets that are generated", ""},
    });
}
