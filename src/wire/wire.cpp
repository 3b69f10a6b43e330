#include "grapevine/wire/wire.hpp"

#include <array>
#include <cassert>

#include "archive.hpp"

namespace grapevine {

// How each kind of message is written: its fields in order, once for both directions. cereal finds these by
// argument-dependent lookup.
template <class A> void serialize(A& a, PeerId& id) { a(id.value); }
template <class A> void serialize(A& a, Range& r) { a(r.offset, r.count); }

namespace membership {
template <class A> void serialize(A&, Join&) {}
template <class A> void serialize(A& a, Welcome& m) { a(m.part, m.parts); }
template <class A> void serialize(A&, NameTaken&) {}
template <class A> void serialize(A& a, Sync& m) { a(m.digest); }
void save(wire::Writer& a, const Known& m) {
    a(m.buckets->bits);
    for (const std::uint32_t hash : m.buckets->hashes) a(hash);
}
void load(wire::Reader& a, Known& m) {
    Buckets buckets;
    a(buckets.bits);
    if (buckets.bits > Buckets::most_bits) throw wire::Malformed{};
    a.expect(std::uint64_t{1} << buckets.bits, sizeof(std::uint32_t));
    buckets.hashes.resize(std::size_t{1} << buckets.bits);
    for (std::uint32_t& hash : buckets.hashes) a(hash);
    m.buckets = std::make_shared<const Buckets>(std::move(buckets));
}
template <class A> void serialize(A& a, Want& m) {
    a(m.bits);
    if (m.bits > Buckets::most_bits) throw wire::Malformed{};
    for (std::uint64_t& word : m.mask.words()) a(word);
}
template <class A> void serialize(A&, Records&) {}
template <class A> void serialize(A& a, Ping& m) { a(m.round, m.asker, m.deaf); }
template <class A> void serialize(A& a, Ack& m) { a(m.round, m.clock); }
template <class A> void serialize(A& a, PingRequest& m) { a(m.round, m.target, m.deaf); }
template <class A> void serialize(A& a, Nack& m) { a(m.round); }
template <class A> void serialize(A&, Gossip&) {}
template <class A> void serialize(A& a, MeasureRequest& m) { a(m.serial, m.target); }
template <class A> void serialize(A& a, MeasureReport& m) { a(m.serial, m.answered, m.nanoseconds); }
}  // namespace membership

// Parameters: all but the values.
template <class A> void serialize(A& a, Snapshot& s) {
    std::uint8_t encoding = static_cast<std::uint8_t>(s.encoding);
    a(s.layout, encoding, s.range, s.weight, s.samples, s.steps);
    if (encoding > static_cast<std::uint8_t>(Encoding::top_k)) throw wire::Malformed{};
    s.encoding = static_cast<Encoding>(encoding);
}

namespace gossip {
template <class A> void serialize(A& a, Offer& m) { a(m.round, m.pace); }
template <class A> void serialize(A& a, Accept& m) { a(m.round, m.pace); }
template <class A> void serialize(A& a, Decline& m) {
    std::uint8_t why = static_cast<std::uint8_t>(m.why);
    a(m.round, why);
    if (why > static_cast<std::uint8_t>(Why::other_layout)) throw wire::Malformed{};
    m.why = static_cast<Why>(why);
}
template <class A> void serialize(A& a, Half& m) { a(m.round, m.answer, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, RoundModel& m) { a(m.roll, m.round, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, Push& m) { a(m.round, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, Part& m) { a(m.roll, m.round, m.hop, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, Serving& m) { a(m.round); }
template <class A> void serialize(A& a, Handout& m) { a(m.round, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, Handin& m) { a(m.round, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, Ready& m) { a(m.roll, m.round, m.idle); }
void save(wire::Writer& a, const Chosen& m) {
    a(m.roll, m.round, static_cast<std::uint32_t>(m.left_out->size()));
    for (const std::uint32_t rank : *m.left_out) a(rank);
}
void load(wire::Reader& a, Chosen& m) {
    std::uint32_t count = 0;
    a(m.roll, m.round, count);
    a.expect(count, sizeof(std::uint32_t));
    std::vector<std::uint32_t> ranks(count);
    for (std::uint32_t& rank : ranks) a(rank);
    m.left_out = std::make_shared<const std::vector<std::uint32_t>>(std::move(ranks));
}
void save(wire::Writer& a, const RollProposal& m) {
    a(m.epoch, static_cast<std::uint32_t>(m.ids->size()));
    for (const PeerId id : *m.ids) a(id);
    a(m.hash, m.size);
}
void load(wire::Reader& a, RollProposal& m) {
    std::uint32_t count = 0;
    a(m.epoch, count);
    a.expect(count, sizeof(PeerId::value));
    std::vector<PeerId> ids(count);
    for (PeerId& id : ids) a(id);
    a(m.hash, m.size);
    m.ids = std::make_shared<const std::vector<PeerId>>(std::move(ids));
}
template <class A> void serialize(A& a, RollYes& m) { a(m.epoch, m.hash); }
template <class A> void serialize(A& a, RollNo& m) { a(m.epoch, m.hash); }
template <class A> void serialize(A& a, RollInForce& m) { a(m.epoch, m.hash); }
template <class A> void serialize(A& a, Tally& m) {
    bool known = m.worst.has_value();
    double worst = m.worst.value_or(0);
    a(m.epoch, m.answer, m.elapsed, m.weight, m.loss, m.accuracy, known, worst, m.peers, m.sent, m.sketches);
    if (known) m.worst = worst;
}
void save(wire::Writer& a, const Moments& m) {
    a(m.epoch, m.answer, m.weight, m.squares, static_cast<std::uint16_t>(m.mean ? m.mean->size() : 0));
    if (m.mean)
        for (const float x : *m.mean) a(x);
}
void load(wire::Reader& a, Moments& m) {
    std::uint16_t count = 0;
    a(m.epoch, m.answer, m.weight, m.squares, count);
    if (count > Sketcher::longest) throw wire::Malformed{};
    a.expect(count, sizeof(float));
    if (count == 0) return;
    std::vector<float> mean(count);
    for (float& x : mean) a(x);
    m.mean = std::make_shared<const std::vector<float>>(std::move(mean));
}
template <class A> void serialize(A& a, PieceWanted& m) { a(m.fetch, m.piece, m.range); }
template <class A> void serialize(A& a, Piece& m) { a(m.fetch, m.piece, m.ticket, m.snapshot); }
template <class A> void serialize(A& a, NoPiece& m) {
    std::uint8_t why = static_cast<std::uint8_t>(m.why);
    a(m.fetch, m.piece, why);
    if (why > static_cast<std::uint8_t>(Why::undelivered)) throw wire::Malformed{};
    m.why = static_cast<Why>(why);
}
template <class A> void serialize(A& a, PieceCame& m) { a(m.fetch, m.piece); }
}  // namespace gossip

namespace wire {

namespace {

// A closed set of cases: the number of the case, then its fields.
template <class Variant>
void write_case(Writer& a, const Variant& v) {
    a(static_cast<std::uint8_t>(v.index()));
    std::visit([&](const auto& m) { a(m); }, v);
}

template <class Variant, std::size_t I = 0>
void read_case(Reader& a, Variant& v, std::uint8_t index) {
    if constexpr (I == std::variant_size_v<Variant>) {
        throw Malformed{};
    } else if (index == I) {
        std::variant_alternative_t<I, Variant> m;
        a(m);
        v = std::move(m);
    } else {
        read_case<Variant, I + 1>(a, v, index);
    }
}

template <class Variant>
void read_case(Reader& a, Variant& v) {
    std::uint8_t index = 0;
    a(index);
    read_case<Variant, 0>(a, v, index);
}

constexpr std::uint8_t degraded_bit = 0x80;  // beside a percentage
// A generation has 56 bits; above it is what else there is to say: bit 56 for outbound, bit 57 for a signature at the end.
constexpr std::uint64_t outbound_bit = std::uint64_t{1} << 56, signed_bit = std::uint64_t{1} << 57;

void write_record(Writer& a, const membership::Record& record) {
    assert(membership::within_limits(record));
    const Contact& c = record.contact;
    const std::uint64_t flags = (record.outbound ? outbound_bit : 0) | (record.signature.empty() ? 0 : signed_bit);
    a(record.incarnation, record.generation | flags, static_cast<std::uint8_t>(record.failing | (record.degraded ? degraded_bit : 0)), c.id, c.name,
      c.control, c.bulk, record.key, record.metadata);
    a.write(record.signature.data(), record.signature.size());
}

void read_record(Reader& a, membership::Record& record) {
    std::uint8_t links = 0;
    Contact& c = record.contact;
    a(record.incarnation, record.generation, links, c.id, c.name, c.control, c.bulk, record.key, record.metadata);
    record.failing = links & ~degraded_bit;
    record.degraded = links & degraded_bit;
    record.outbound = record.generation & outbound_bit;
    record.signature.clear();
    if (record.generation & signed_bit) {
        record.signature.resize(membership::signature_bytes);
        a.read(record.signature.data(), record.signature.size());
    }
    record.generation &= ~(outbound_bit | signed_bit);
    if (!membership::within_limits(record)) throw Malformed{};
}

void write_rumors(Writer& a, const membership::RumorList& rumors, const membership::Book& book) {
    a(static_cast<std::uint8_t>(rumors.size()));
    for (const membership::Rumor& r : rumors) {
        a(static_cast<std::uint8_t>(r.standing), r.accuser);
        write_record(a, book.at(r.about));
    }
}

struct Told {
    membership::Record record;
    membership::Standing standing;
    PeerId accuser;
};

// Into memory of our own first: the book must not take half of a message that turns out to be malformed.
std::size_t read_rumors(Reader& a, std::array<Told, membership::RumorList::capacity>& told) {
    std::uint8_t count = 0;
    a(count);
    if (count > told.size()) throw Malformed{};
    for (std::size_t i = 0; i < count; ++i) {
        std::uint8_t standing = 0;
        a(standing, told[i].accuser);
        read_record(a, told[i].record);
        if (standing > static_cast<std::uint8_t>(membership::Standing::left)) throw Malformed{};
        told[i].standing = static_cast<membership::Standing>(standing);
    }
    return count;
}

// Messages of the partial view carry members, which are records here and handles there. Read into memory of our own
// first, as rumors are.
struct View {
    std::uint8_t kind = 0;
    std::uint8_t flag = 0;  // walk, urgent, yes, or whether there is one instead
    std::uint8_t count = 0; // of the records that follow, each with an age
    std::array<membership::Record, 9> records;
    std::array<std::uint8_t, 9> ages{};
};

void write_view(Writer& a, const membership::ViewMessage& message, const membership::Book& book) {
    using namespace membership;
    const auto put = [&](std::uint8_t flag, std::initializer_list<Handle> single, const Sample& sample = {}) {
        a(static_cast<std::uint8_t>(message.index()), flag, static_cast<std::uint8_t>(single.size() + sample.size()));
        for (const Handle h : single) {
            a(std::uint8_t{0});
            write_record(a, book.at(h));
        }
        for (std::size_t i = 0; i < sample.size(); ++i) {
            a(sample.age(i));
            write_record(a, book.at(sample[i]));
        }
    };
    std::visit(Cases{
                   [&](const Enter& m) { put(0, {m.newcomer}); },
                   [&](const ForwardJoin& m) { put(m.walk, {m.newcomer}); },
                   [&](const Neighbour& m) { put(m.urgent, {m.asker}); },
                   [&](const NeighbourAnswer& m) { put(m.yes, {}); },
                   [&](const Disconnect& m) { m.instead ? put(1, {*m.instead}) : put(0, {}); },
                   [&](const Shuffle& m) { put(0, {m.origin}, m.sample); },
                   [&](const ShuffleAnswer& m) { put(0, {}, m.sample); },
               },
               message);
}

void read_view(Reader& a, View& view) {
    a(view.kind, view.flag, view.count);
    // of each kind: the most its flag may be, the fewest and the most records
    static constexpr struct { std::uint8_t flag, fewest, most; } limits[] = {{0, 1, 1}, {255, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 1}, {0, 1, 9}, {0, 0, 8}};
    if (view.kind >= std::size(limits)) throw Malformed{};
    const auto& limit = limits[view.kind];
    if (view.flag > limit.flag || view.count < limit.fewest || view.count > limit.most) throw Malformed{};
    if (view.kind == 4 && view.count != view.flag) throw Malformed{};
    for (std::size_t i = 0; i < view.count; ++i) {
        a(view.ages[i]);
        read_record(a, view.records[i]);
    }
}

membership::ViewMessage view_message(const View& view, membership::Book& book) {
    using namespace membership;
    std::array<Handle, 9> handles{};
    Sample sample;
    for (std::size_t i = 0; i < view.count; ++i) {
        const auto handle = book.intern(view.records[i]);
        const bool sampled = view.kind >= (i == 0 ? 6 : 5);
        if (!handle && !sampled) throw Malformed{};
        if (!handle) continue;
        if (sampled) sample.push_back(*handle, view.ages[i]);
        else handles[i] = *handle;
    }
    switch (view.kind) {
        case 0: return Enter{handles[0]};
        case 1: return ForwardJoin{handles[0], view.flag};
        case 2: return Neighbour{handles[0], view.flag != 0};
        case 3: return NeighbourAnswer{view.flag != 0};
        case 4: return Disconnect{view.flag ? std::optional(handles[0]) : std::nullopt};
        case 5: return Shuffle{handles[0], sample};
        default: return ShuffleAnswer{sample};
    }
}

constexpr std::uint8_t view_case = std::variant_size_v<decltype(membership::Message::body)> - 1;

void write_body(Writer& a, const membership::Message& message, const membership::Book& book) {
    a(static_cast<std::uint8_t>(message.body.index()));
    std::visit(Cases{
                   [&](const membership::ViewMessage& m) { write_view(a, m, book); },
                   [&](const auto& m) { a(m); },
               },
               message.body);
}

// All bodies but those of the view.
template <std::size_t I = 0>
void read_body(Reader& a, decltype(membership::Message::body)& body, std::uint8_t index) {
    if constexpr (I == view_case) {
        throw Malformed{};
    } else if (index == I) {
        std::variant_alternative_t<I, decltype(membership::Message::body)> m;
        a(m);
        body = std::move(m);
    } else {
        read_body<I + 1>(a, body, index);
    }
}

Peer::Message read(Reader& a, membership::Book& book, const Bytes& parameters) {
    std::uint8_t half = 0;
    a(half);
    if (half == 0) {
        membership::Message message;
        std::uint8_t index = 0;
        a(index);
        View view;
        if (index == view_case) read_view(a, view);
        else read_body(a, message.body, index);
        std::array<Told, membership::RumorList::capacity> told;
        const std::size_t count = read_rumors(a, told);
        if (!a.at_end() || parameters.size > 0) throw Malformed{};
        for (std::size_t i = 0; i < count; ++i) {
            const auto handle = book.intern(told[i].record);
            if (!handle) continue;  // the rest may be true
            message.rumors.push_back({*handle, told[i].standing, told[i].accuser});
        }
        if (index == view_case) message.body = view_message(view, book);
        return message;
    }
    if (half != 1) throw Malformed{};
    gossip::Message message;
    read_case(a, message);
    if (!a.at_end()) throw Malformed{};
    if (Snapshot* s = gossip::parameters(message)) {
        if (!fits(s->encoding, s->range.count, parameters.size) || s->weight < 0 || s->samples < 0) throw Malformed{};
        s->bytes = parameters;
    } else if (parameters.size > 0) {
        throw Malformed{};
    }
    return message;
}

}  // namespace

std::string signed_part(const membership::Record& record) {
    membership::Record unsigned_record = record;
    unsigned_record.signature.clear();
    std::string bytes;
    Writer a(bytes);
    write_record(a, unsigned_record);
    return bytes;
}

std::string encode(const Peer::Message& message, const membership::Book& book) {
    std::string bytes;
    bytes.reserve(control_size(message, book));
    Writer a(bytes);
    a(static_cast<std::uint8_t>(message.index()));
    if (const auto* m = std::get_if<membership::Message>(&message)) {
        write_body(a, *m, book);
        write_rumors(a, m->rumors, book);
    } else {
        write_case(a, std::get<gossip::Message>(message));
    }
    return bytes;
}

std::optional<Peer::Message> decode(std::span<const std::byte> bytes, membership::Book& book, const Bytes& parameters) {
    try {
        Reader a(bytes);
        return read(a, book, parameters);
    } catch (const Malformed&) {
        return std::nullopt;
    }
}

namespace {
constexpr std::size_t snapshot_size = 8 + 1 + 8 + 8 + 8 + 8 + 8;

std::size_t size_of(const membership::ViewMessage& message, const membership::Book& book) {
    using namespace membership;
    const auto size = [&](Handle h) { return 1 + book.wire_bytes(h) - 9; };  // an age; neither standing nor accuser
    const auto all = [&](const Sample& sample) {
        std::size_t bytes = 0;
        for (const Handle h : sample) bytes += size(h);
        return bytes;
    };
    return 3 + std::visit(Cases{
                              [&](const Enter& m) { return size(m.newcomer); },
                              [&](const ForwardJoin& m) { return size(m.newcomer); },
                              [&](const Neighbour& m) { return size(m.asker); },
                              [&](const NeighbourAnswer&) { return std::size_t{0}; },
                              [&](const Disconnect& m) { return m.instead ? size(*m.instead) : 0; },
                              [&](const Shuffle& m) { return size(m.origin) + all(m.sample); },
                              [&](const ShuffleAnswer& m) { return all(m.sample); },
                          },
                          message);
}

std::size_t size_of(const membership::Message& m, const membership::Book& book) {
    return std::visit(Cases{
                          [](const membership::Join&) -> std::size_t { return 0; },
                          [](const membership::Welcome&) -> std::size_t { return 4; },
                          [](const membership::NameTaken&) -> std::size_t { return 0; },
                          [](const membership::Sync&) -> std::size_t { return 8; },
                          [](const membership::Known& k) -> std::size_t { return 1 + 4 * k.buckets->hashes.size(); },
                          [](const membership::Want&) -> std::size_t { return 33; },
                          [](const membership::Records&) -> std::size_t { return 0; },
                          [](const membership::Ping&) -> std::size_t { return 13; },
                          [](const membership::Ack&) -> std::size_t { return 12; },
                          [](const membership::PingRequest&) -> std::size_t { return 13; },
                          [](const membership::Nack&) -> std::size_t { return 4; },
                          [](const membership::Gossip&) -> std::size_t { return 0; },
                          [](const membership::MeasureRequest&) -> std::size_t { return 12; },
                          [](const membership::MeasureReport&) -> std::size_t { return 13; },
                          [&](const membership::ViewMessage& v) -> std::size_t { return size_of(v, book); },
                      },
                      m.body);
}

std::size_t size_of(const gossip::Message& m) {
    return std::visit(Cases{
                          [](const gossip::Offer&) -> std::size_t { return 8; },
                          [](const gossip::Accept&) -> std::size_t { return 8; },
                          [](const gossip::Decline&) -> std::size_t { return 5; },
                          [](const gossip::Half&) -> std::size_t { return 9 + snapshot_size; },
                          [](const gossip::RoundModel&) -> std::size_t { return 20 + snapshot_size; },
                          [](const gossip::Push&) -> std::size_t { return 8 + snapshot_size; },
                          [](const gossip::Part&) -> std::size_t { return 24 + snapshot_size; },
                          [](const gossip::Serving&) -> std::size_t { return 8; },
                          [](const gossip::Handout&) -> std::size_t { return 12 + snapshot_size; },
                          [](const gossip::Handin&) -> std::size_t { return 12 + snapshot_size; },
                          [](const gossip::Ready&) -> std::size_t { return 17; },
                          [](const gossip::Chosen& c) -> std::size_t { return 20 + 4 * c.left_out->size(); },
                          [](const gossip::RollProposal& p) -> std::size_t { return 24 + 8 * p.ids->size(); },
                          [](const gossip::RollYes&) -> std::size_t { return 16; },
                          [](const gossip::RollNo&) -> std::size_t { return 16; },
                          [](const gossip::RollInForce&) -> std::size_t { return 16; },
                          [](const gossip::Tally&) -> std::size_t { return 63; },
                          [](const gossip::PieceWanted&) -> std::size_t { return 24; },
                          [](const gossip::Piece&) -> std::size_t { return 12 + snapshot_size; },
                          [](const gossip::NoPiece&) -> std::size_t { return 9; },
                          [](const gossip::PieceCame&) -> std::size_t { return 8; },
                          [](const gossip::Moments& g) -> std::size_t { return 23 + (g.mean ? sizeof(float) * g.mean->size() : 0); },
                      },
                      m);
}
}  // namespace

std::size_t control_size(const Peer::Message& message, const membership::Book& book) {
    if (const auto* m = std::get_if<membership::Message>(&message)) {
        std::size_t size = 2 + size_of(*m, book) + 1;
        for (const auto& r : m->rumors) size += book.wire_bytes(r.about);
        return size;
    }
    return 2 + size_of(std::get<gossip::Message>(message));
}

}  // namespace wire
}  // namespace grapevine
