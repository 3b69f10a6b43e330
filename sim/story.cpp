#include "grapevine/sim/story.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

namespace {

std::string when(Instant now) {
    char text[32];
    std::snprintf(text, sizeof text, "%10.3f", seconds(now) * 1e3);
    return text;
}

std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return text;
}

const char* word_of(membership::Standing standing) {
    static constexpr const char* words[] = {"alive", "suspect", "dead", "left"};
    return words[static_cast<int>(standing)];
}

std::string said(const membership::Message& m, const membership::Book& book, const NameOf& name) {
    std::string text = std::visit(Cases{
                                      [](const membership::Ping& p) { return " round=" + std::to_string(p.round); },
                                      [](const membership::Ack& a) { return " round=" + std::to_string(a.round); },
                                      [&](const membership::PingRequest& p) { return " round=" + std::to_string(p.round) + " of " + name(p.target); },
                                      [](const membership::Nack& n) { return " round=" + std::to_string(n.round); },
                                      [](const membership::Welcome& w) { return " " + std::to_string(w.part + 1) + "/" + std::to_string(w.parts); },
                                      [](const auto&) { return std::string(); },
                                  },
                                  m.body);
    for (const auto& r : m.rumors) {
        text += " [" + name(book.id(r.about)) + " " + word_of(r.standing);
        if (book.incarnation(r.about)) text += " inc=" + std::to_string(book.incarnation(r.about));
        if (r.standing == membership::Standing::suspect) text += " says " + name(r.accuser);
        text += "]";
    }
    return text;
}

// One number for an offer and what is pushed upon it.
std::string round_of(std::uint32_t round) { return " round=" + std::to_string(std::min(round, gossip::push_of(round))); }

std::string said(const gossip::Message& m, const membership::Book&, const NameOf&) {
    return std::visit(Cases{
                          [](const gossip::Offer& o) { return " round=" + std::to_string(o.round); },
                          [](const gossip::Accept& a) { return round_of(a.round); },
                          [](const gossip::Decline& d) {
                              static constexpr const char* why[] = {"leaving", "busy", "other layout"};
                              return round_of(d.round) + ", " + why[static_cast<int>(d.why)];
                          },
                          [](const gossip::Half& h) { return " round=" + std::to_string(h.round) + " steps=" + std::to_string(h.snapshot.steps); },
                          [](const gossip::RoundModel& r) { return " round=" + std::to_string(r.round); },
                          [](const gossip::Push& p) { return round_of(p.round); },
                          [](const gossip::Part& r) {
                              return " round=" + std::to_string(r.round) + " hop=" + std::to_string(r.hop) + " elements " +
                                     std::to_string(r.snapshot.range.offset) + "+" + std::to_string(r.snapshot.range.count);
                          },
                          [](const gossip::Serving& s) { return " round=" + std::to_string(s.round); },
                          [](const gossip::Handout& h) { return " round=" + std::to_string(h.round); },
                          [](const gossip::Handin& h) { return " round=" + std::to_string(h.round); },
                          [](const gossip::Ready& r) { return " round=" + std::to_string(r.round); },
                          [](const gossip::Chosen& c) { return " round=" + std::to_string(c.round) + " without " + std::to_string(c.left_out->size()); },
                          [](const gossip::RollProposal& p) { return " epoch=" + std::to_string(p.epoch) + " of " + std::to_string(p.size) + (p.ids->empty() ? "" : ", " + std::to_string(p.ids->size()) + " named"); },
                          [](const gossip::RollYes& y) { return " epoch=" + std::to_string(y.epoch); },
                          [](const gossip::RollNo& n) { return " epoch=" + std::to_string(n.epoch); },
                          [](const gossip::RollInForce& f) { return " epoch=" + std::to_string(f.epoch); },
                          [](const gossip::Tally& t) { return " epoch=" + std::to_string(t.epoch) + " weight=" + number(t.weight); },
                          [](const gossip::PieceWanted& w) { return " piece=" + std::to_string(w.piece); },
                          [](const gossip::Piece& p) { return " piece=" + std::to_string(p.piece) + " steps=" + std::to_string(p.snapshot.steps); },
                          [](const gossip::NoPiece& n) {
                              static constexpr const char* why[] = {"leaving", "busy", "other layout", "catching up", "undelivered"};
                              return " piece=" + std::to_string(n.piece) + ", " + why[static_cast<int>(n.why)];
                          },
                          [](const gossip::PieceCame& c) { return " piece=" + std::to_string(c.piece); },
                          [](const gossip::Moments& m) { return " epoch=" + std::to_string(m.epoch) + " weight=" + number(m.weight); },
                      },
                      m);
}

}  // namespace

std::string short_name(PeerId id) { return id ? "p" + std::to_string(id.value) : "nobody"; }

std::string text_of(const Peer::Message& message, const membership::Book& book, const NameOf& name_of) {
    return std::string(word(message)) + std::visit([&](const auto& m) { return said(m, book, name_of); }, message);
}

std::string text_of(const Peer::Event& event, const NameOf& name) {
    return std::visit(
        Cases{
            [&](const membership::Joined& j) { return "sees " + name(j.peer) + " join"; },
            [&](const membership::Changed& c) { return "sees " + name(c.peer) + " change"; },
            [](const membership::Reachable&) { return std::string(); },
            [](const membership::Unreachable&) { return std::string(); },
            [&](const membership::BulkWay& b) {
                if (b.way == membership::Way::open) return "mixes with " + name(b.peer) + " again";
                return b.way == membership::Way::doubtful ? "skips " + name(b.peer) + " for a while" : "cannot reach the bulk plane of " + name(b.peer);
            },
            [](const membership::EchoWanted&) { return std::string(); },
            [&](const membership::Superseded& s) { return "is superseded by " + name(s.by); },
            [](const membership::Refused&) { return std::string("is refused: its name is taken"); },
            [](const membership::Measured& m) { return "measured " + (m.round_trip ? number(seconds(*m.round_trip) * 1e3) + " ms" : std::string("nothing")); },
            [&](const membership::ProbeFailed& f) { return "gets no answer from " + name(f.peer); },
            [&](const membership::Suspected& s) { return "suspects " + name(s.peer) + " (says " + name(s.accuser) + ")"; },
            [&](const membership::Refuted& r) { return "trusts " + name(r.peer) + " again"; },
            [&](const membership::Gone& g) { return "holds " + name(g.peer) + " for " + word_of(g.why); },
            [](const membership::Departed&) { return std::string("has left"); },
            [&](const gossip::MixedWith& m) {
                return "mixed with " + (m.with ? name(m.with) : std::string("all")) + ", weight " + number(m.weight) + ", staleness " +
                       std::to_string(m.staleness);
            },
            [&](const gossip::Failed& f) {
                static constexpr const char* why[] = {"declined", "overdue", "undelivered", "partner gone", "other layout", "no graph", "too far off"};
                return "gives up on " + (f.with ? name(f.with) : std::string("all")) + ": " + why[static_cast<int>(f.why)];
            },
            [](const gossip::Skipped&) { return std::string("is still exchanging: skips one"); },
            [](const gossip::RollFormed& r) {
                return "is number " + std::to_string(r.rank) + " of " + std::to_string(r.size) + " on roll " + std::to_string(r.epoch);
            },
            [](const gossip::TrainedSome& t) { return "trained " + std::to_string(t.steps) + " steps"; },
            [](const gossip::Finished&) { return std::string("has finished"); },
            [](const gossip::Tallied& t) {
                return "knows the cluster's loss of epoch " + std::to_string(t.epoch) + ": " + (t.loss ? number(*t.loss) : "none") +
                       (t.accuracy ? ", accuracy " + number(*t.accuracy) + ", worst " + number(t.worst_accuracy.value_or(0)) : std::string()) +
                       (t.consensus ? ", consensus distance " + number(t.consensus->distance) : std::string());
            },
            [](const gossip::Fetched& f) {
                return f.whole ? "has the model, " + std::to_string(f.pieces) + " pieces of " + std::to_string(f.donors) : std::string("was given no model");
            },
            [&](const gossip::Collected& c) { return (c.pieces ? "has the model of " : "was not given the model of ") + name(c.from); },
            [](const Order&) { return std::string(); },
        },
        event);
}

void Story::handed(Instant now, std::uint32_t peer, const Peer::Input& input, Instant) {
    if (const auto* received = std::get_if<Received<Peer::Message>>(&input))
        out_ << when(now) << "  " << short_name(received->from) << " -> " << short_name(id_of(peer)) << "  " << text_of(received->message, *book_) << '\n';
}

void Story::told(Instant now, std::uint32_t peer, const Peer::Event& event) {
    if (const std::string text = text_of(event); !text.empty()) out_ << when(now) << "  " << short_name(id_of(peer)) << "        " << text << '\n';
}

}  // namespace grapevine::sim
