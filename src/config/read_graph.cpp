#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <numeric>
#include <tuple>

#include "grapevine/random.hpp"
#include "section.hpp"
#include "units.hpp"

// graph = "ring", "base-3", "file:PATH". A graph's file has an edge a line: two ranks, and if one edge has it then all have
// it, a weight.
namespace grapevine::config {
namespace {

constexpr std::uint32_t most_ranks = 10'000'000;
constexpr double rounding = 1e-9;  // by which the weights of a rank may be more than 1

template <class T> bool number(const std::string& word, T& out) {
    const auto read = std::from_chars(word.data(), word.data() + word.size(), out);
    return read.ec == std::errc() && read.ptr == word.data() + word.size();
}

std::vector<std::string> words_of(std::string line) {
    line = line.substr(0, line.find('#'));
    std::vector<std::string> words{""};
    for (const char c : line) {
        if (c != ' ' && c != '\t' && c != '\r' && c != ',') words.back() += c;
        else if (!words.back().empty()) words.emplace_back();
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

// Who lies in one piece with whom.
class Pieces {
public:
    explicit Pieces(std::uint32_t n) : of_(n) { std::iota(of_.begin(), of_.end(), 0u); }
    std::uint32_t find(std::uint32_t i) {
        while (of_[i] != i) i = of_[i] = of_[of_[i]];
        return i;
    }
    void join(std::uint32_t i, std::uint32_t j) { of_[find(i)] = find(j); }

private:
    std::vector<std::uint32_t> of_;
};

// Of one piece: whether every edge joins two of unlike colour, with two colours in all. Each rank stands here twice, once in
// each; whoever can come back to itself in the other colour, along an odd number of edges, joins its two.
bool in_two_halves(const std::vector<Edge>& edges, std::uint32_t ranks) {
    Pieces coloured(2 * ranks);
    for (const Edge& e : edges) {
        coloured.join(2 * e.a, 2 * e.b + 1);
        coloured.join(2 * e.a + 1, 2 * e.b);
    }
    return coloured.find(0) != coloured.find(1);
}

// The edges of a file's text, a < b, ascending; or what is wrong: the line (0: all of it), why, and what to do.
struct Wrong {
    std::size_t line;
    std::string why, hint;
};
std::variant<std::vector<Edge>, Wrong> edges_of(const std::string& text) {
    std::vector<Edge> edges;
    std::optional<bool> weighted;
    std::uint32_t line = 0, ranks = 0;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t to = std::min(text.find('\n', from), text.size());
        const std::string of_line = text.substr(from, to - from);
        const std::vector<std::string> words = words_of(of_line);
        from = to + 1, ++line;
        if (words.empty()) continue;
        Edge edge{0, 0, 0, line};
        if (words.size() > 3 || words.size() < 2 || !number(words[0], edge.a) || !number(words[1], edge.b))
            return Wrong{line, in_quotes(of_line) + " is no edge", "two ranks from 0 on, and a weight or none: 0 1 0.25"};
        for (const std::uint32_t rank : {edge.a, edge.b})
            if (rank >= most_ranks) return Wrong{line, "there is no rank " + std::to_string(rank), "ranks count from 0, and there are at most " + std::to_string(most_ranks)};
        if (edge.a == edge.b) return Wrong{line, "an edge from " + std::to_string(edge.a) + " to itself", "take the line out: what the edges leave of 1 is a rank's own weight"};
        if (words.size() == 3 && (!number(words[2], edge.weight) || !(edge.weight > 0 && edge.weight <= 1)))
            return Wrong{line, in_quotes(words[2]) + " is no weight", "greater than 0, 1 at most"};
        if (weighted.value_or(words.size() == 3) != (words.size() == 3))
            return Wrong{line, *weighted ? "this edge has no weight, those before it have" : "this edge has a weight, those before it have none", "weights for all edges, or for none"};
        weighted = words.size() == 3;
        if (edge.a > edge.b) std::swap(edge.a, edge.b);
        ranks = std::max(ranks, edge.b + 1);
        edges.push_back(edge);
    }
    if (edges.empty()) return Wrong{0, "holds no edges", "an edge a line: 0 1"};
    std::sort(edges.begin(), edges.end(), [](const Edge& x, const Edge& y) { return std::tie(x.a, x.b, x.line) < std::tie(y.a, y.b, y.line); });
    for (std::size_t i = 1; i < edges.size(); ++i)
        if (edges[i].a == edges[i - 1].a && edges[i].b == edges[i - 1].b)
            return Wrong{edges[i].line, "the edge between " + std::to_string(edges[i].a) + " and " + std::to_string(edges[i].b) + " stands in line " + std::to_string(edges[i - 1].line) + " already",
                         "an edge goes both ways: once is enough"};
    Pieces pieces(ranks);
    for (const Edge& e : edges) pieces.join(e.a, e.b);
    for (std::uint32_t rank = 1; rank < ranks; ++rank)
        if (pieces.find(rank) != pieces.find(0)) return Wrong{0, "no way leads from 0 to " + std::to_string(rank), "models of pieces that are not connected never meet: add an edge between them"};

    std::vector<double> sums(ranks, 0);  // of weights, or without them how many neighbours there are
    std::vector<Edge> as_written = edges;
    std::sort(as_written.begin(), as_written.end(), [](const Edge& x, const Edge& y) { return x.line < y.line; });
    for (const Edge& e : as_written)
        for (const std::uint32_t rank : {e.a, e.b}) {
            sums[rank] += *weighted ? e.weight : 1;
            if (*weighted && sums[rank] > 1 + rounding) return Wrong{e.line, "with this edge the weights of " + std::to_string(rank) + " make more than 1", "less: what they leave of 1 is its own weight"};
        }
    const bool all_given_away = *weighted && std::all_of(sums.begin(), sums.end(), [](double sum) { return sum >= 1 - rounding; });
    if (all_given_away && in_two_halves(edges, ranks))
        return Wrong{0, "every rank gives all of its weight away, and all edges lead from one half of the ranks to the other", "the halves swap their models for ever: make one weight smaller"};
    if (!*weighted)
        for (Edge& e : edges) e.weight = 1 / (1 + std::max(sums[e.a], sums[e.b]));
    return edges;
}

std::uint64_t hash_of(const std::vector<Edge>& edges) {
    std::uint64_t h = edges.size();
    for (const Edge& e : edges) {
        h = Random::mix(h ^ ((std::uint64_t{e.a} << 32) | e.b));
        h = Random::mix(h ^ std::bit_cast<std::uint64_t>(e.weight));
    }
    return h;
}

void read_edges(Section& section, Exchange& exchange) {
    std::string said;
    std::uint64_t expected = 0;
    const bool checks = section.has("graph_hash") && section.text("graph_hash", said);
    if (checks) {
        const auto read = std::from_chars(said.data(), said.data() + said.size(), expected, 16);
        if (said.size() != 16 || read.ec != std::errc() || read.ptr != said.data() + said.size())
            return section.fault("graph_hash", in_quotes(said) + " is no hash", "take the line out: grapevine writes it itself");
    }
    exchange.graph_hash = expected;
    if (!section.reading().may_open_files) return;  // whoever runs it must have the file
    const Place place = section.place_of("graph");
    std::error_code failed;
    // What is typed starts where we are.
    const std::filesystem::path here = place.line == 0 ? std::filesystem::path() : std::filesystem::path(section.reading().files.at(place.file)).parent_path();
    exchange.graph_file = std::filesystem::absolute(here / exchange.graph_file, failed).lexically_normal().string();
    Error why;
    const auto text = read_bytes(exchange.graph_file, why);
    if (!text) return section.fault("graph", "graph file: " + why.what, "the path starts at the configuration's directory");
    auto edges = edges_of(*text);
    if (const auto* wrong = std::get_if<Wrong>(&edges))
        return section.fault("graph", exchange.graph_file + (wrong->line > 0 ? ":" + std::to_string(wrong->line) : "") + ": " + wrong->why, wrong->hint);
    exchange.edges = std::get<std::vector<Edge>>(std::move(edges));
    exchange.graph_hash = hash_of(exchange.edges);
    if (checks && exchange.graph_hash != expected)
        section.fault("graph_hash", exchange.graph_file + " is not the graph that this run had", "take graph_hash out if the other is meant");
}

}  // namespace

void read_graph(Section& section, Exchange& exchange) {
    std::string name;
    const bool named = section.has("graph") && section.text("graph", name);
    if (named && name.starts_with("file:")) {
        exchange.graph = Graph::file;
        exchange.graph_file = name.substr(5);
        if (exchange.graph_file.empty()) return section.fault("graph", "the graph's file has no name", "graph = \"file:graph.txt\"");
        return read_edges(section, exchange);
    }
    section.belongs({"graph_hash"}, "graph = \"file:PATH\"", "this graph is " + in_double_quotes(named ? name : "ring"));
    if (!named) return;
    if (name.starts_with("base-")) {
        const std::string digits = name.substr(5);
        if (!digits.empty() && digits.size() <= 3 && digits.find_first_not_of("0123456789") == std::string::npos && std::stoul(digits) >= 2) {
            exchange.graph = Graph::base;
            exchange.base = static_cast<std::uint32_t>(std::stoul(digits));
            return;
        }
        return section.fault("graph", "a graph base-B wants a B of 2 or more, at most 999", "graph = \"base-2\"");
    }
    std::vector<std::string> known = words(graphs);
    const auto index = section.pick("graph", known, {});
    if (index) exchange.graph = graphs[*index].value;
}

}  // namespace grapevine::config
