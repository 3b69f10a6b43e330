// What an input says, as a word and as integers.
#include "grapevine/peer/peer.hpp"

namespace grapevine {

namespace {

const char* word(const membership::Message& message) {
    return std::visit(Cases{
                          [](const membership::Join&) { return "join"; },
                          [](const membership::Welcome&) { return "welcome"; },
                          [](const membership::NameTaken&) { return "name-taken"; },
                          [](const membership::Sync&) { return "sync"; },
                          [](const membership::Known&) { return "known"; },
                          [](const membership::Want&) { return "want"; },
                          [](const membership::Records&) { return "records"; },
                          [](const membership::Ping&) { return "ping"; },
                          [](const membership::Ack&) { return "ack"; },
                          [](const membership::PingRequest&) { return "ping-request"; },
                          [](const membership::Nack&) { return "nack"; },
                          [](const membership::Gossip&) { return "gossip"; },
                          [](const membership::ViewMessage& v) {
                              static constexpr const char* words[] = {"enter", "forward-join", "neighbour", "neighbour-answer",
                                                                      "disconnect", "shuffle", "shuffle-answer"};
                              return words[v.index()];
                          },
                          [](const membership::MeasureRequest&) { return "measure-request"; },
                          [](const membership::MeasureReport&) { return "measure-report"; },
                      },
                      message.body);
}

const char* word(const gossip::Message& message) {
    return std::visit(Cases{
                          [](const gossip::Offer&) { return "offer"; },
                          [](const gossip::Accept&) { return "accept"; },
                          [](const gossip::Decline&) { return "decline"; },
                          [](const gossip::Half&) { return "half"; },
                          [](const gossip::RoundModel&) { return "round-model"; },
                          [](const gossip::Push&) { return "push"; },
                          [](const gossip::Part&) { return "part"; },
                          [](const gossip::Serving&) { return "serving"; },
                          [](const gossip::Handout&) { return "handout"; },
                          [](const gossip::Handin&) { return "handin"; },
                          [](const gossip::Ready&) { return "ready"; },
                          [](const gossip::Chosen&) { return "chosen"; },
                          [](const gossip::RollProposal&) { return "roll-proposal"; },
                          [](const gossip::RollYes&) { return "roll-yes"; },
                          [](const gossip::RollNo&) { return "roll-no"; },
                          [](const gossip::RollInForce&) { return "roll-in-force"; },
                          [](const gossip::Tally&) { return "tally"; },
                          [](const gossip::Moments&) { return "moments"; },
                          [](const gossip::PieceWanted&) { return "piece-wanted"; },
                          [](const gossip::Piece&) { return "piece"; },
                          [](const gossip::NoPiece&) { return "no-piece"; },
                          [](const gossip::PieceCame&) { return "piece-came"; },
                      },
                      message);
}

using Integers = std::vector<std::uint64_t>;

void put(Integers& into, std::initializer_list<std::uint64_t> values) { into.insert(into.end(), values); }
std::uint64_t count(Duration d) { return static_cast<std::uint64_t>(d.count()); }

void put(Integers& into, const Snapshot& s) {
    put(into, {s.layout, static_cast<std::uint64_t>(s.encoding), s.range.offset, s.range.count, s.bytes.size, s.steps});
}

void put(Integers& into, const membership::Sample& sample, const membership::Book& book) {
    for (std::size_t i = 0; i < sample.size(); ++i) put(into, {book.id(sample[i]).value, sample.age(i)});
}

void put(Integers& into, const membership::ViewMessage& message, const membership::Book& book) {
    into.push_back(message.index());
    const auto id = [&](membership::Handle h) { return book.id(h).value; };
    std::visit(Cases{
                   [&](const membership::Enter& m) { put(into, {id(m.newcomer)}); },
                   [&](const membership::ForwardJoin& m) { put(into, {id(m.newcomer), m.walk}); },
                   [&](const membership::Neighbour& m) { put(into, {id(m.asker), m.urgent}); },
                   [&](const membership::NeighbourAnswer& m) { put(into, {m.yes}); },
                   [&](const membership::Disconnect& m) { put(into, {m.instead ? id(*m.instead) : 0}); },
                   [&](const membership::Shuffle& m) {
                       into.push_back(id(m.origin));
                       put(into, m.sample, book);
                   },
                   [&](const membership::ShuffleAnswer& m) { put(into, m.sample, book); },
               },
               message);
}

void put(Integers& into, const membership::Message& message, const membership::Book& book) {
    into.push_back(message.body.index());
    std::visit(Cases{
                   [&](const membership::Welcome& w) { put(into, {w.part, w.parts}); },
                   [&](const membership::Sync& s) { put(into, {s.digest}); },
                   [&](const membership::Known& k) {
                       into.push_back(k.buckets->bits);
                       into.insert(into.end(), k.buckets->hashes.begin(), k.buckets->hashes.end());
                   },
                   [&](const membership::Want& w) {
                       into.push_back(w.bits);
                       into.insert(into.end(), w.mask.words().begin(), w.mask.words().end());
                   },
                   [&](const membership::Ping& p) { put(into, {p.round, p.asker.value, p.deaf}); },
                   [&](const membership::Ack& a) { put(into, {a.round}); },
                   [&](const membership::PingRequest& p) { put(into, {p.round, p.target.value, p.deaf}); },
                   [&](const membership::Nack& n) { put(into, {n.round}); },
                   [&](const membership::ViewMessage& v) { put(into, v, book); },
                   [&](const membership::MeasureRequest& m) { put(into, {m.serial, m.target.value}); },
                   [&](const membership::MeasureReport& m) { put(into, {m.serial, m.answered, m.nanoseconds}); },
                   [](const membership::Join&) {},
                   [](const membership::NameTaken&) {},
                   [](const membership::Records&) {},
                   [](const membership::Gossip&) {},
               },
               message.body);
    for (const auto& r : message.rumors)
        put(into, {book.id(r.about).value, book.incarnation(r.about), static_cast<std::uint64_t>(r.standing), r.accuser.value});
}

void put(Integers& into, const gossip::Message& message) {
    into.push_back(message.index());
    std::visit(Cases{
                   [&](const gossip::Offer& o) { put(into, {o.round}); },
                   [&](const gossip::Accept& a) { put(into, {a.round}); },
                   [&](const gossip::Decline& d) { put(into, {d.round, static_cast<std::uint64_t>(d.why)}); },
                   [&](const gossip::Half& h) {
                       put(into, {h.round, h.answer, h.ticket});
                       put(into, h.snapshot);
                   },
                   [&](const gossip::RoundModel& m) {
                       put(into, {m.roll, m.round, m.ticket});
                       put(into, m.snapshot);
                   },
                   [&](const gossip::Push& p) {
                       put(into, {p.round, p.ticket});
                       put(into, p.snapshot);
                   },
                   [&](const gossip::Part& p) {
                       put(into, {p.roll, p.round, p.hop, p.ticket});
                       put(into, p.snapshot);
                   },
                   [&](const gossip::Serving& s) { put(into, {s.round}); },
                   [&](const gossip::Handout& h) {
                       put(into, {h.round, h.ticket});
                       put(into, h.snapshot);
                   },
                   [&](const gossip::Handin& h) {
                       put(into, {h.round, h.ticket});
                       put(into, h.snapshot);
                   },
                   [&](const gossip::Ready& r) { put(into, {r.roll, r.round, r.idle}); },
                   [&](const gossip::Chosen& c) {
                       put(into, {c.roll, c.round});
                       for (const std::uint32_t rank : *c.left_out) into.push_back(rank);
                   },
                   [&](const gossip::RollProposal& p) {
                       put(into, {p.epoch, p.hash});
                       for (const PeerId id : *p.ids) into.push_back(id.value);
                   },
                   [&](const gossip::RollYes& y) { put(into, {y.epoch, y.hash}); },
                   [&](const gossip::RollNo& n) { put(into, {n.epoch, n.hash}); },
                   [&](const gossip::RollInForce& f) { put(into, {f.epoch, f.hash}); },
                   [&](const gossip::Tally& t) { put(into, {t.epoch, t.answer, static_cast<std::uint64_t>(t.elapsed), t.sketches}); },
                   [&](const gossip::PieceWanted& w) { put(into, {w.fetch, w.piece, w.range.offset, w.range.count}); },
                   [&](const gossip::Piece& p) {
                       put(into, {p.fetch, p.piece, p.ticket});
                       put(into, p.snapshot);
                   },
                   [&](const gossip::NoPiece& n) { put(into, {n.fetch, n.piece, static_cast<std::uint64_t>(n.why)}); },
                   [&](const gossip::PieceCame& c) { put(into, {c.fetch, c.piece}); },
                   [&](const gossip::Moments& m) { put(into, {m.epoch, m.answer}); },
               },
               message);
}

void put(Integers& into, const Peer::Timer& timer) {
    into.push_back(timer.index());
    std::visit(Cases{
                   [&](const membership::Timer& t) {
                       into.push_back(t.index());
                       if (const auto* d = std::get_if<membership::DirectOverdue>(&t)) put(into, {d->round});
                       if (const auto* n = std::get_if<membership::NackDue>(&t)) put(into, {n->relay});
                       if (const auto* s = std::get_if<membership::SuspicionDue>(&t))
                           put(into, {s->about.value, count(s->since.time_since_epoch())});
                   },
                   [&](const gossip::Timer& t) {
                       into.push_back(t.index());
                       if (const auto* d = std::get_if<gossip::Due>(&t)) put(into, {d->turn});
                       if (const auto* o = std::get_if<gossip::Overdue>(&t)) put(into, {o->stamp});
                       if (const auto* a = std::get_if<gossip::AnswerOverdue>(&t)) put(into, {a->to.value, a->round});
                       if (const auto* f = std::get_if<gossip::FetchDue>(&t)) put(into, {f->fetch});
                   },
               },
               timer);
}

}  // namespace

const char* word(const Order& order) {
    static constexpr const char* words[] = {"train", "publish", "combine", "fold", "swap", "sketch"};
    static_assert(std::size(words) == std::variant_size_v<decltype(order.what)>);
    return words[order.what.index()];
}

const char* word(const Peer::Message& message) {
    return std::visit([](const auto& m) { return word(m); }, message);
}

const char* word(const Peer::Input& input) {
    return std::visit(Cases{
                          [](const Start&) { return "start"; },
                          [](const membership::Met&) { return "met"; },
                          [](const Received<Peer::Message>& r) { return word(r.message); },
                          [](const Woken<Peer::Timer>&) { return "woken"; },
                          [](const gossip::Undelivered&) { return "undelivered"; },
                          [](const Completion& c) {
                              static constexpr const char* words[] = {"trained", "published", "combined", "folded", "swapped", "sketched"};
                              static_assert(std::size(words) == std::variant_size_v<decltype(c.what)>);
                              return words[c.what.index()];
                          },
                          [](const gossip::Finish&) { return "finish"; },
                          [](const membership::Leave&) { return "leave"; },
                          [](const membership::Describe&) { return "describe"; },
                          [](const membership::ForceLeave&) { return "force-leave"; },
                          [](const membership::Measure&) { return "measure"; },
                          [](const gossip::Observed&) { return "observed"; },
                          [](const membership::Dialable&) { return "dialable"; },
                          [](const gossip::Collect&) { return "collect"; },
                          [](const membership::WallClock&) { return "wall-clock"; },
                          [](const membership::Echoed&) { return "echoed"; },
                      },
                      input);
}

void integers(const Peer::Input& input, const membership::Book& book, std::vector<std::uint64_t>& into) {
    into.push_back(input.index());
    std::visit(Cases{
                   [](const Start&) {},
                   [&](const membership::Met& met) { into.push_back(book.id(met.who).value); },
                   [&](const Received<Peer::Message>& received) {
                       into.push_back(received.message.index());
                       if (const auto* m = std::get_if<membership::Message>(&received.message)) {
                           put(into, *m, book);
                       } else {
                           put(into, std::get<gossip::Message>(received.message));
                       }
                   },
                   [&](const Woken<Peer::Timer>& woken) { put(into, woken.timer); },
                   [&](const gossip::Undelivered& u) { put(into, {u.to.value, u.ticket}); },
                   [&](const Completion& c) { put(into, {c.tag, c.steps, c.what.index()}); },
                   [](const gossip::Finish&) {},
                   [](const membership::Leave&) {},
                   [&](const membership::Describe& d) { into.push_back(d.metadata.size()); },
                   [&](const membership::ForceLeave& f) { into.push_back(f.peer.value); },
                   [&](const membership::Measure& m) { put(into, {m.serial, m.from.value, m.to.value}); },
                   [](const gossip::Observed&) {},
                   [&](const membership::Dialable& d) { into.push_back(d.yes); },
                   [&](const gossip::Collect& c) { put(into, {c.serial, c.from.value}); },
                   [&](const membership::WallClock& w) { into.push_back(static_cast<std::uint64_t>(w.at_zero)); },
                   [&](const membership::Echoed& e) { put(into, {e.peer.value, static_cast<std::uint64_t>(e.way)}); },
               },
               input);
}

}  // namespace grapevine
