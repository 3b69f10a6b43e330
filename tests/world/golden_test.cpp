// Stories of whole clusters. A file in tests/golden says what to look at, then what to do, then what happened;
// the test does it again and compares. GRAPEVINE_REWRITE=1 writes what happens now: then explain the difference
// in the commit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cluster.hpp"

using namespace grapevine;
using namespace grapevine::test;

namespace {

Duration ms(const std::string& text) { return std::chrono::milliseconds(std::stoll(text)); }

// Commands, one a line:
//   cluster KEY=VALUE ...    peers, exchange, graph, period, every_steps, latency, step, joins, partial, static, trains,
//                            until_steps, elements, rate, seed, algorithm, backup; durations in ms
//   run MS | crash P | leave P | join P | slow P FACTOR | cut A|B | heal | finish P | values
// and "show WORD ..." keeps only the lines that contain one of the words.
class Story {
public:
    std::string play(std::istream& commands) {
        std::string line;
        while (std::getline(commands, line)) {
            std::istringstream words(line);
            std::string verb;
            words >> verb;
            if (verb.empty() || verb[0] == '#') continue;
            std::vector<std::string> rest;
            for (std::string w; words >> w;) rest.push_back(w);
            obey(verb, rest);
        }
        flush();
        return told_.str();
    }

private:
    void obey(const std::string& verb, const std::vector<std::string>& words) {
        if (verb == "cluster") return build(words);
        if (verb == "show") {
            show_ = words;
            return;
        }
        if (verb == "run") return cluster_->run_for(ms(words.at(0)));
        flush();
        told_ << "> " << verb;
        for (const auto& w : words) told_ << ' ' << w;
        told_ << '\n';
        const auto peer = [&] { return static_cast<std::uint32_t>(std::stoul(words.at(0))) - 1; };
        if (verb == "crash") cluster_->world().crash(peer());
        else if (verb == "leave") cluster_->world().leave(peer());
        else if (verb == "join") cluster_->join(peer());
        else if (verb == "slow") cluster_->world().slow(peer(), std::stod(words.at(1)));
        else if (verb == "finish") cluster_->world().finish(peer());
        else if (verb == "cut") {
            std::vector<int> side;
            for (const char c : words.at(0)) side.push_back(c - 'a');
            cluster_->world().network().partition(side);
        } else if (verb == "heal") cluster_->world().network().heal();
        else if (verb == "values") {
            for (std::uint32_t i = 0; i < cluster_->world().size(); ++i)
                if (cluster_->world().up(i)) told_ << "  p" << i + 1 << " = " << cluster_->value(i) << '\n';
        } else FAIL("no such command: " << verb);
    }

    void build(const std::vector<std::string>& words) {
        std::map<std::string, std::string> keys;
        for (const auto& w : words) keys[w.substr(0, w.find('='))] = w.find('=') == std::string::npos ? "1" : w.substr(w.find('=') + 1);
        ClusterOptions o;
        o.story = &raw_;
        o.exchange.kind = gossip::Kind::local;
        for (const auto& [key, value] : keys) {
            if (key == "peers") o.peers = static_cast<std::uint32_t>(std::stoul(value));
            else if (key == "seed") o.seed = std::stoull(value);
            else if (key == "exchange")
                o.exchange.kind = value == "gossip" ? gossip::Kind::gossip : value == "dpsgd" ? gossip::Kind::dpsgd
                                : value == "allreduce" ? gossip::Kind::allreduce : gossip::Kind::local;
            else if (key == "algorithm") o.exchange.algorithm = value == "ring" ? gossip::Algorithm::ring : gossip::Algorithm::halving_doubling;
            else if (key == "backup") o.exchange.backup = static_cast<std::uint32_t>(std::stoul(value));
            else if (key == "graph") o.exchange.graph = value == "ring" ? gossip::Graph::ring : gossip::Graph::matching;
            else if (key == "clock") o.exchange.clock = value == "rounds" ? gossip::Clock::rounds : gossip::Clock::fixed;
            else if (key == "period") o.exchange.period = ms(value);
            else if (key == "every_steps") o.exchange.every_steps = static_cast<std::uint32_t>(std::stoul(value));
            else if (key == "until_steps") o.exchange.until_steps = std::stoull(value);
            else if (key == "latency") o.latency = ms(value);
            else if (key == "step") o.step_seconds = std::stod(value) / 1e3;
            else if (key == "joins") o.joins = true;
            else if (key == "partial") o.membership.partial = true;
            else if (key == "static") o.membership.probing = false;
            else if (key == "trains") o.exchange.trains = value == "1";
            else if (key == "elements") o.dimension = std::stoul(value);
            else if (key == "rate") o.rate = std::stod(value);
            else FAIL("no such key: " << key);
        }
        cluster_.emplace(o);
    }

    void flush() {
        std::istringstream lines(raw_.str());
        raw_.str("");
        for (std::string line; std::getline(lines, line);) {
            bool shown = show_.empty();
            for (const auto& w : show_) shown = shown || line.find(w) != std::string::npos;
            if (shown) told_ << line << '\n';
        }
    }

    std::ostringstream raw_, told_;
    std::vector<std::string> show_;
    std::optional<Cluster> cluster_;
};

}  // namespace

TEST_CASE("golden stories are told as they were") {
    const bool rewrite = std::getenv("GRAPEVINE_REWRITE") != nullptr;
    int stories = 0;
    std::vector<std::filesystem::path> paths;
    for (const auto& file : std::filesystem::directory_iterator(GRAPEVINE_GOLDEN))
        if (file.path().extension() == ".txt") paths.push_back(file.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        ++stories;
        std::ifstream in(path);
        std::string text((std::istreambuf_iterator<char>(in)), {});
        const std::string mark = "\n----\n";
        const std::size_t end = text.find(mark);
        REQUIRE_MESSAGE(end != std::string::npos, path.string() << " has no line of four dashes between what to do and what happened");
        std::istringstream commands(text.substr(0, end));
        const std::string told = Story().play(commands);
        if (rewrite) {
            std::ofstream(path) << text.substr(0, end) << mark << told;
        } else {
            CHECK_MESSAGE(told == text.substr(end + mark.size()), path.string());
        }
    }
    CHECK(stories >= 5);
}
