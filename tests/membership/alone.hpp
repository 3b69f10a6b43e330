// One membership, alone, and records to tell it of.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "grapevine/membership/membership.hpp"

namespace grapevine::membership::test {

using namespace std::chrono_literals;

inline Record record(std::uint64_t id, std::uint32_t incarnation = 0, const char* name = "n") {
    return {{PeerId{id}, name, "tcp://10.0.0.1:7470", "tcp://10.0.0.1:7471"}, incarnation};
}
inline Record named(std::uint64_t id, const char* name, std::uint64_t generation, const char* key = "") {
    Record r = record(id, 0, name);
    r.generation = generation;
    r.key = key;
    return r;
}
inline double ms(Duration d) { return seconds(d) * 1e3; }

// Peer 1, and the others from 2 on.
struct Alone {
    Book book;
    Handle self;
    Config config;
    std::optional<Membership> members;
    Membership::Effects effects;
    Instant now{};

    explicit Alone(std::uint64_t others, Config given = {}, Record me = record(1, 0, "me"), Notary* notary = nullptr)
        : book(most_handles, notary), self(*book.intern(book.sealed(me))), config(given) {
        std::vector<Handle> known;
        for (std::uint64_t i = 2; i < 2 + others; ++i) known.push_back(other(i));
        members.emplace(book, self, config, Random(7), known);
        give(Start{});
    }
    void give(Membership::Input input) {
        effects.list.clear();
        members->step(now, std::move(input), effects);
    }
    template <class E>
    int told() const {
        int count = 0;
        for (const auto& e : effects.list)
            if (const auto* t = std::get_if<Membership::Effects::Tell>(&e)) count += std::holds_alternative<E>(t->event);
        return count;
    }
    template <class Body>
    int sent() const {
        int count = 0;
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e)) count += std::holds_alternative<Body>(s->message.body);
        return count;
    }
    const Message* sent_to(PeerId peer) const {
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && s->to == peer) return &s->message;
        return nullptr;
    }
    // The probe of this period: doubtful links are pinged before it.
    std::optional<PeerId> pinged() const {
        std::optional<PeerId> last;
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e); s && std::holds_alternative<Ping>(s->message.body)) last = s->to;
        return last;
    }
    std::uint32_t round_of_ping() const {
        std::uint32_t round = 0;
        for (const auto& e : effects.list)
            if (const auto* s = std::get_if<Membership::Effects::Send>(&e))
                if (const auto* ping = std::get_if<Ping>(&s->message.body)) round = ping->round;
        return round;
    }
    std::optional<PeerId> probe() {  // one period on
        now += 1s;
        give(Woken<Timer>{ProbeDue{}});
        return pinged();
    }
    void answer(PeerId from) {  // the ping that was just sent to it
        give(Received<Message>{from, Message{Ack{round_of_ping()}, {}}});
    }
    Handle other(std::uint64_t id, std::uint32_t incarnation = 0) { return *book.intern(record(id, incarnation, "o")); }
    void live_for(Duration d) {  // with something to do now and then: who has nothing for long thinks that it was stopped
        for (const Instant until = now + d; now < until; now += 1s) give(Received<Message>{PeerId{2}, Message{Gossip{}, {}}});
    }
    void hear(Rumor rumor, PeerId from = PeerId{2}) { hear(Gossip{}, rumor, from); }
    void hear(decltype(Message::body) body, Rumor rumor, PeerId from) {
        Message message{std::move(body), {}};
        message.rumors.push_back(rumor);
        give(Received<Message>{from, message});
    }
    // Suspected by one, and then held for dead by it: a verdict alone would only be a suspicion.
    void hear_dead(Handle about, PeerId from = PeerId{2}) {
        hear({about, Standing::suspect, from}, from);
        hear({about, Standing::dead, {}}, from);
    }
    Standing standing(std::uint64_t id) { return members->roster().find(PeerId{id})->standing; }
    std::uint32_t own_incarnation() { return book.incarnation(members->self()); }
};

}  // namespace grapevine::membership::test
