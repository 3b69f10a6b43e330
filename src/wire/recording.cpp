#include "grapevine/wire/recording.hpp"

#include <bit>
#include <type_traits>

#include "archive.hpp"
#include "grapevine/wire/wire.hpp"

namespace grapevine::wire {

namespace {

// The last word of each enumeration: what is above it is no word.
template <class E> constexpr E last_word;
template <> constexpr auto last_word<gossip::Kind> = gossip::Kind::local;
template <> constexpr auto last_word<gossip::Clock> = gossip::Clock::rounds;
template <> constexpr auto last_word<gossip::Graph> = gossip::Graph::file;
template <> constexpr auto last_word<gossip::Form> = gossip::Form::delta;
template <> constexpr auto last_word<gossip::Algorithm> = gossip::Algorithm::halving_doubling;
template <> constexpr auto last_word<gossip::Mode> = gossip::Mode::async;
template <> constexpr auto last_word<gossip::Clip> = gossip::Clip::balance;
template <> constexpr auto last_word<gossip::Failure> = gossip::Failure::clipped;
template <> constexpr auto last_word<membership::Standing> = membership::Standing::left;
template <> constexpr auto last_word<membership::Way> = membership::Way::shut;
template <> constexpr auto last_word<Encoding> = Encoding::top_k;

constexpr std::size_t most_known = std::size_t{1} << 24;

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};
template <class T> struct is_vector : std::false_type {};
template <class T> struct is_vector<std::vector<T>> : std::true_type {};
template <class T> struct is_shared : std::false_type {};
template <class T> struct is_shared<std::shared_ptr<const T>> : std::true_type {};

// Both directions at once: `A` is a Writer or a Reader, and what a Writer sees may be constant.
template <class A, class... T>
void fields(A& a, T&... values);

// Lists of the fields of our structures. Those of the configurations are taken apart by name, so that a new field does not
// compile until it is written down here: and then the version is to be raised.
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::ViewConfig>
void list(A& a, T& v) {
    auto& [active, passive, shuffle, active_walk, passive_walk] = v;
    fields(a, active, passive, shuffle, active_walk, passive_walk);
    if (active > 8 || passive > 32 || shuffle > 8) throw Malformed{};
}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::Config>
void list(A& a, T& c) {
    auto& [period, probe_timeout, indirect, suspicion, alpha, beta, local_health, dogpile, buddy, nacks, confirm, damping, gossip_every, gossip_to, lambda,
           sync_every, sync_bytes, rumor_cap, most_members, forget_dead, rumor_bytes, probing, partial, view] = c;
    fields(a, period, probe_timeout, indirect, suspicion, alpha, beta, local_health, dogpile, buddy, nacks, confirm, damping, gossip_every, gossip_to, lambda,
           sync_every, sync_bytes, rumor_cap, most_members, forget_dead, rumor_bytes, probing, partial, view);
}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::Weighted>
void list(A& a, T& w) {
    auto& [rank, weight] = w;
    fields(a, rank, weight);
}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::Config>
void list(A& a, T& c) {
    auto& [kind, period, every_steps, clock, graph, base, adjacency, form, staleness_weight, consensus, pushes, robust, group_size, rate, momentum, unchecked,
           algorithm, backup, buckets, mode, wait_for, serves, clients, speed_scaled, quasi_global, fragments, clip, encoding, kept, patience, trains, sums, sets,
           order, until_steps, until, newcomer, donors, seed, layout, size, fixed_roll] = c;
    fields(a, kind, period, every_steps, clock, graph, base, adjacency, form, staleness_weight, consensus, pushes, robust, group_size, rate, momentum, unchecked,
           algorithm, backup, buckets, mode, wait_for, serves, clients, speed_scaled, quasi_global, fragments, clip, encoding, kept, patience, trains, sums, sets,
           order, until_steps, until, newcomer, donors, seed, layout, size, fixed_roll);
}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, PeerConfig>
void list(A& a, T& c) {
    auto& [membership, exchange, tally] = c;
    fields(a, membership, exchange, tally);
}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::Record>
void list(A& a, T& r) {
    auto& [contact, incarnation, generation, key, metadata, failing, degraded, outbound, signature] = r;
    fields(a, contact.id, contact.name, contact.control, contact.bulk, incarnation, generation, key, metadata, failing, degraded, outbound, signature);
    if (!membership::within_limits(r)) throw Malformed{};
}
// What is left of parameters: all but their values. How many bytes they had is kept, since a peer checks that they fit.
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Snapshot>
void list(A& a, T& s) {
    fields(a, s.layout, s.encoding, s.range.offset, s.range.count, s.bytes.size, s.weight, s.samples, s.steps);
    if (!fits(s.encoding, s.range.count, s.bytes.size)) throw Malformed{};
}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Trained>
void list(A& a, T& t) { fields(a, t.steps, t.loss, t.samples); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Published>
void list(A& a, T& p) { fields(a, p.snapshot); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Combined>
void list(A& a, T& c) { fields(a, c.distance, c.norm, c.taken); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Folded>
void list(A&, T&) {}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Swapped>
void list(A&, T&) {}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, Sketched>
void list(A& a, T& s) {
    if constexpr (std::is_same_v<A, Writer>) {
        a(static_cast<std::uint16_t>(s.values->size()));
        for (const float x : *s.values) fields(a, x);
    } else {
        std::uint16_t count = 0;
        a(count);
        if (count > Sketcher::longest) throw Malformed{};
        a.expect(count, sizeof(float));
        std::vector<float> values(count);
        for (float& x : values) fields(a, x);
        s.values = std::make_shared<const std::vector<float>>(std::move(values));
    }
}

// Of the timers.
template <class A> void list(A&, const auto& timer) requires std::is_empty_v<std::remove_cvref_t<decltype(timer)>> {}
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::DirectOverdue>
void list(A& a, T& t) { fields(a, t.round); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::NackDue>
void list(A& a, T& t) { fields(a, t.relay); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::SuspicionDue>
void list(A& a, T& t) { fields(a, t.about, t.since); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::SyncDue>
void list(A& a, T& t) { fields(a, t.stamp); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, membership::MeasureOverdue>
void list(A& a, T& t) { fields(a, t.round); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::Due>
void list(A& a, T& t) { fields(a, t.turn); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::FetchDue>
void list(A& a, T& t) { fields(a, t.fetch); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::SketchDue>
void list(A& a, T& t) { fields(a, t.epoch); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::Overdue>
void list(A& a, T& t) { fields(a, t.stamp); }
template <class A, class T> requires std::is_same_v<std::remove_const_t<T>, gossip::AnswerOverdue>
void list(A& a, T& t) { fields(a, t.to, t.round); }

template <class... T> struct is_variant : std::false_type {};
template <class... T> struct is_variant<std::variant<T...>> : std::true_type {};

template <class Variant, std::size_t I = 0>
void read_case(Reader& a, Variant& v, std::uint8_t index) {
    if constexpr (I == std::variant_size_v<Variant>) {
        throw Malformed{};
    } else if (index == I) {
        fields(a, v.template emplace<I>());
    } else {
        read_case<Variant, I + 1>(a, v, index);
    }
}

template <class A, class T>
void field(A& a, T& value) {
    using Plain = std::remove_const_t<T>;
    constexpr bool writes = std::is_same_v<A, Writer>;
    if constexpr (std::is_same_v<Plain, double>) {  // bits: a loss may be no number, and still has to come again as it was
        auto bits = std::bit_cast<std::uint64_t>(value);
        a(bits);
        if constexpr (!writes) value = std::bit_cast<double>(bits);
    } else if constexpr (std::is_arithmetic_v<Plain> || std::is_same_v<Plain, std::string>) {
        a(value);
    } else if constexpr (std::is_enum_v<Plain>) {
        auto word = static_cast<std::uint8_t>(value);
        a(word);
        if (word > static_cast<std::uint8_t>(last_word<Plain>)) throw Malformed{};
        if constexpr (!writes) value = static_cast<Plain>(word);
    } else if constexpr (std::is_same_v<Plain, Duration>) {
        auto count = value.count();
        a(count);
        if constexpr (!writes) value = Duration(count);
    } else if constexpr (std::is_same_v<Plain, Instant>) {
        auto count = value.time_since_epoch().count();
        a(count);
        if constexpr (!writes) value = Instant(Duration(count));
    } else if constexpr (std::is_same_v<Plain, PeerId>) {
        a(value.value);
    } else if constexpr (is_optional<Plain>::value) {
        bool there = value.has_value();
        a(there);
        if constexpr (!writes) there ? void(value.emplace()) : value.reset();
        if (there) fields(a, *value);
    } else if constexpr (is_vector<Plain>::value) {
        auto count = static_cast<std::uint32_t>(value.size());
        a(count);
        if constexpr (!writes) {
            a.expect(count, 4);  // no element of ours is shorter
            value.resize(count);
        }
        for (auto& element : value) fields(a, element);
    } else if constexpr (is_shared<Plain>::value) {
        bool there = value != nullptr;
        a(there);
        if constexpr (writes) {
            if (there) fields(a, *value);
        } else if (there) {
            auto whole = std::make_shared<std::remove_const_t<typename Plain::element_type>>();
            fields(a, *whole);
            value = std::move(whole);
        }
    } else if constexpr (is_variant<Plain>::value) {
        if constexpr (writes) {
            a(static_cast<std::uint8_t>(value.index()));
            std::visit([&](const auto& one) { fields(a, one); }, value);
        } else {
            std::uint8_t index = 0;
            a(index);
            read_case(a, value, index);
        }
    } else {
        list(a, value);
    }
}

template <class A, class... T>
void fields(A& a, T&... values) {
    (field(a, values), ...);
}

void put_text(Writer& a, const std::string& bytes) {
    a(static_cast<std::uint32_t>(bytes.size()));
    a.write(bytes.data(), bytes.size());
}

std::string take_text(Reader& a) {
    std::uint32_t size = 0;
    a(size);
    a.expect(size, 1);
    std::string bytes(size, '\0');
    a.read(bytes.data(), size);
    return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

void put_record(Writer& a, membership::Handle handle, const membership::Book& book) {
    const membership::Record record = book.at(handle);
    fields(a, record);
}

void put_message(Writer& a, const Peer::Message& message, const membership::Book& book) {
    const Snapshot* snapshot = parameters(message);
    put_text(a, encode(message, book));
    a(static_cast<std::uint64_t>(snapshot ? snapshot->bytes.size : 0));
}

Peer::Message take_message(Reader& a, membership::Book& book) {
    const std::string bytes = take_text(a);
    std::uint64_t parameters = 0;
    a(parameters);
    auto message = decode(bytes_of(bytes), book, Bytes{nullptr, parameters, nullptr});
    if (!message) throw Malformed{};
    return std::move(*message);
}

template <class What, class F>
std::optional<What> unless_malformed(F&& read) {
    try {
        return read();
    } catch (const Malformed&) {
        return std::nullopt;
    }
}

}  // namespace

Random Birth::random() const {
    Random random(seed);
    for (const std::uint64_t purpose : splits) random = random.split(purpose);
    return random;
}

std::string encode_birth(const membership::Book& book, membership::Handle self, const PeerConfig& config, std::uint64_t seed,
                         const std::vector<std::uint64_t>& splits, const std::vector<membership::Handle>& known) {
    std::string bytes;
    Writer a(bytes);
    put_record(a, self, book);
    fields(a, config, seed, splits);
    a(static_cast<std::uint32_t>(known.size()));
    for (const membership::Handle h : known) put_record(a, h, book);
    return bytes;
}

std::optional<Birth> decode_birth(std::span<const std::byte> bytes) {
    return unless_malformed<Birth>([&] {
        Reader a(bytes);
        Birth birth;
        fields(a, birth.self, birth.config, birth.seed, birth.splits);
        std::uint32_t count = 0;
        a(count);
        a.expect(count, 16);
        if (count > most_known) throw Malformed{};
        birth.known.resize(count);
        for (membership::Record& record : birth.known) fields(a, record);
        if (!a.at_end()) throw Malformed{};
        return birth;
    });
}

std::string encode_input(Instant at, const Peer::Input& input, const membership::Book& book) {
    std::string bytes;
    Writer a(bytes);
    fields(a, at);
    a(static_cast<std::uint8_t>(input.index()));
    std::visit(Cases{
                   [](const Start&) {},
                   [&](const membership::Met& met) { put_record(a, met.who, book); },
                   [&](const Received<Peer::Message>& received) {
                       fields(a, received.from);
                       put_message(a, received.message, book);
                   },
                   [&](const Woken<Peer::Timer>& woken) { fields(a, woken.timer); },
                   [&](const gossip::Undelivered& u) { fields(a, u.to, u.ticket); },
                   [&](const Completion& c) { fields(a, c.tag, c.samples_behind, c.steps, c.what); },
                   [&](const gossip::Finish& f) { fields(a, f.parting); },
                   [](const membership::Leave&) {},
                   [&](const membership::Describe& d) { fields(a, d.metadata, d.control, d.bulk); },
                   [&](const membership::ForceLeave& f) { fields(a, f.peer); },
                   [&](const membership::Measure& m) { fields(a, m.serial, m.from, m.to); },
                   [&](const gossip::Observed& o) { fields(a, o.loss, o.accuracy); },
                   [&](const membership::Dialable& d) { fields(a, d.yes); },
                   [&](const gossip::Collect& c) { fields(a, c.serial, c.from); },
                   [&](const membership::WallClock& w) { fields(a, w.at_zero); },
                   [&](const membership::Echoed& e) { fields(a, e.peer, e.way); },
               },
               input);
    return bytes;
}

std::optional<Given> decode_input(std::span<const std::byte> bytes, membership::Book& book) {
    return unless_malformed<Given>([&]() -> Given {
        Reader a(bytes);
        Given given;
        std::uint8_t index = 0;
        fields(a, given.at);
        a(index);
        const auto take = [&]<class T>(T value, auto... members) {
            (fields(a, value.*members), ...);
            given.input = std::move(value);
        };
        switch (index) {
            case 0: given.input = Start{}; break;
            case 1: {
                membership::Record record;
                fields(a, record);
                const auto handle = book.intern(record);
                if (!handle) throw Malformed{};
                given.input = membership::Met{*handle};
                break;
            }
            case 2: {
                PeerId from;
                fields(a, from);
                given.input = Received<Peer::Message>{from, take_message(a, book)};
                break;
            }
            case 3: take(Woken<Peer::Timer>{}, &Woken<Peer::Timer>::timer); break;
            case 4: take(gossip::Undelivered{}, &gossip::Undelivered::to, &gossip::Undelivered::ticket); break;
            case 5: take(Completion{}, &Completion::tag, &Completion::samples_behind, &Completion::steps, &Completion::what); break;
            case 6: take(gossip::Finish{}, &gossip::Finish::parting); break;
            case 7: given.input = membership::Leave{}; break;
            case 8: take(membership::Describe{}, &membership::Describe::metadata, &membership::Describe::control, &membership::Describe::bulk); break;
            case 9: take(membership::ForceLeave{}, &membership::ForceLeave::peer); break;
            case 10: take(membership::Measure{}, &membership::Measure::serial, &membership::Measure::from, &membership::Measure::to); break;
            case 11: take(gossip::Observed{}, &gossip::Observed::loss, &gossip::Observed::accuracy); break;
            case 12: take(membership::Dialable{}, &membership::Dialable::yes); break;
            case 13: take(gossip::Collect{}, &gossip::Collect::serial, &gossip::Collect::from); break;
            case 14: take(membership::WallClock{}, &membership::WallClock::at_zero); break;
            case 15: take(membership::Echoed{}, &membership::Echoed::peer, &membership::Echoed::way); break;
            default: throw Malformed{};
        }
        if (!a.at_end()) throw Malformed{};
        return given;
    });
}
static_assert(std::variant_size_v<Peer::Input> == 16, "a new input is to be written and read above");

namespace {

std::uint64_t hash_of(const std::string& bytes) {
    std::uint64_t hash = bytes.size();
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
        hash = Random::mix(hash ^ Random::mix(word));
    }
    return hash;
}

void put_order(Writer& a, const Order& order) {
    fields(a, order.tag);
    a(static_cast<std::uint8_t>(order.what.index()));
    std::visit(Cases{
                   [&](const Train& t) {
                       fields(a, t.steps, t.rate_scale);
                       if (t.drift) fields(a, t.drift->slot, t.drift->weight);
                       if (t.slice) fields(a, t.slice->index, t.slice->count);
                   },
                   [&](const Publish& p) { fields(a, p.slot, p.range.offset, p.range.count, p.encoding, p.kept); },
                   [&](const Combine& c) { fields(a, c.slot, c.ours_weight, c.theirs_weight, c.theirs, c.guard.clip, c.guard.refuse); },
                   [&](const Fold& f) {
                       fields(a, f.to, f.from, f.to_weight, f.from_weight);
                       if (f.range) fields(a, f.range->offset, f.range->count);
                   },
                   [&](const Swap& s) { fields(a, s.slot); },
                   [&](const Sketch& s) { fields(a, s.seed); },
               },
               order.what);
}

void put_event(Writer& a, const Peer::Event& event, const membership::Book& book) {
    a(static_cast<std::uint8_t>(event.index()));
    std::visit(Cases{
                   [&](const membership::Joined& j) { put_record(a, j.record, book); },
                   [&](const membership::Changed& c) { put_record(a, c.record, book); },
                   [&](const membership::ProbeFailed& p) { fields(a, p.peer); },
                   [&](const membership::Suspected& s) { fields(a, s.peer, s.accuser); },
                   [&](const membership::Refuted& r) { fields(a, r.peer); },
                   [&](const membership::Gone& g) { fields(a, g.peer, g.why); },
                   [&](const membership::Reachable& r) { put_record(a, r.record, book); },
                   [&](const membership::Unreachable& u) { fields(a, u.peer); },
                   [](const membership::Departed&) {},
                   [&](const membership::Superseded& s) { fields(a, s.by); },
                   [](const membership::Refused&) {},
                   [&](const membership::Measured& m) { fields(a, m.serial, m.round_trip); },
                   [&](const Order& order) { put_order(a, order); },
                   [&](const gossip::MixedWith& m) {
                       fields(a, m.with, m.staleness, m.distance, m.norm, m.bytes, m.took, m.weight, m.taken, m.group);
                   },
                   [&](const gossip::Failed& f) { fields(a, f.with, f.why, f.group); },
                   [](const gossip::Skipped&) {},
                   [&](const gossip::RollFormed& r) { fields(a, r.epoch, r.size, r.rank); },
                   [&](const gossip::TrainedSome& t) { fields(a, t.steps, t.loss); },
                   [](const gossip::Finished&) {},
                   [&](const gossip::Tallied& t) { fields(a, t.epoch, t.loss, t.accuracy, t.worst_accuracy);
                       if (t.consensus) fields(a, t.consensus->distance, t.consensus->relative);
                   },
                   [&](const gossip::Fetched& f) { fields(a, f.whole, f.donors, f.pieces, f.bytes, f.took); },
                   [&](const gossip::Collected& c) {
                       fields(a, c.serial, c.from);
                       a(c.pieces != nullptr);
                   },
                   [&](const membership::BulkWay& b) { fields(a, b.peer, b.way); },
                   [&](const membership::EchoWanted& e) { fields(a, e.peer); },
               },
               event);
}

}  // namespace

std::vector<std::uint64_t> digests(const Peer::Effects& effects, const membership::Book& book) {
    std::vector<std::uint64_t> all;
    all.reserve(effects.list.size());
    std::string bytes;
    for (const auto& effect : effects.list) {
        bytes.clear();
        Writer a(bytes);
        a(static_cast<std::uint8_t>(effect.index()));
        std::visit(Cases{
                       [&](const Peer::Effects::Send& send) {
                           fields(a, send.to);
                           put_message(a, send.message, book);
                       },
                       [&](const Peer::Effects::Wake& wake) { fields(a, wake.at, wake.timer); },
                       [&](const Peer::Effects::Tell& tell) { put_event(a, tell.event, book); },
                   },
                   effect);
        all.push_back(hash_of(bytes));
    }
    return all;
}

std::string encode_digests(const std::vector<std::uint64_t>& digests) {
    std::string bytes;
    Writer a(bytes);
    fields(a, digests);
    return bytes;
}

std::optional<std::vector<std::uint64_t>> decode_digests(std::span<const std::byte> bytes) {
    return unless_malformed<std::vector<std::uint64_t>>([&] {
        Reader a(bytes);
        std::vector<std::uint64_t> digests;
        fields(a, digests);
        if (!a.at_end()) throw Malformed{};
        return digests;
    });
}

std::uint32_t checksum(std::span<const std::byte> bytes) {
    std::uint32_t hash = 2166136261u;  // FNV-1a: against damage, not against malice
    for (const std::byte b : bytes) hash = (hash ^ static_cast<std::uint32_t>(b)) * 16777619u;
    return hash;
}

}  // namespace grapevine::wire
