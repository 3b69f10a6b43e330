#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "grapevine/company.hpp"
#include "grapevine/membership/book.hpp"

namespace grapevine::membership {

// Up to N members and, of each, how many shuffles ago it was last known to be there. Inline: no view allocates.
template <std::size_t N>
class Handles {
public:
    static constexpr std::size_t capacity = N;
    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    bool full() const { return count_ == N; }
    Handle operator[](std::size_t i) const { return who(entries_[i]); }
    std::uint8_t age(std::size_t i) const { return static_cast<std::uint8_t>(entries_[i]); }
    class Iterator {
    public:
        explicit Iterator(const std::uint32_t* at) : at_(at) {}
        Handle operator*() const { return who(*at_); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        friend bool operator==(Iterator, Iterator) = default;

    private:
        const std::uint32_t* at_;
    };
    Iterator begin() const { return Iterator(entries_.data()); }
    Iterator end() const { return Iterator(entries_.data() + count_); }

    void push_back(Handle who, std::uint8_t age = 0) {
        assert(count_ < N);
        set(count_++, who, age);
    }
    void set(std::size_t i, Handle who, std::uint8_t age) { entries_[i] = who << 8 | age; }
    void remove(std::size_t i) { entries_[i] = entries_[--count_]; }  // the last takes its place
    void clear() { count_ = 0; }
    void grow_older() {
        for (std::size_t i = 0; i < count_; ++i)
            if (age(i) < 255) ++entries_[i];
    }

private:
    static Handle who(std::uint32_t entry) { return entry >> 8; }
    std::array<std::uint32_t, N> entries_{};  // a handle, and in the lowest byte its age
    std::uint8_t count_ = 0;
};

struct ViewConfig {
    std::uint8_t active = 5;        // neighbours, kept symmetric; at most 8. Who is probed and told news
    std::uint8_t passive = 30;      // others one has heard of; at most 32. Spare neighbours, and partners to draw
    std::uint8_t shuffle = 8;       // members in a shuffle, oneself among them; at most 8
    std::uint8_t active_walk = 6;   // steps that a newcomer is led before somebody takes it as a neighbour
    std::uint8_t passive_walk = 3;  // steps from the end at which it is remembered on the way
    friend bool operator==(const ViewConfig&, const ViewConfig&) = default;
};

using Sample = Handles<8>;

// Messages. Whoever may be unknown to the receiver says who it is by its own record.
struct Enter { Handle newcomer; };                          // "I am new: lead me in". Answered with a ShuffleAnswer, so
                                                            // that it knows somebody whatever becomes of its walks
struct ForwardJoin { Handle newcomer; std::uint8_t walk; }; // a newcomer led on
struct Neighbour { Handle asker; bool urgent; };            // "be my neighbour"; urgent: I have few, make room
struct NeighbourAnswer { bool yes; };
struct Disconnect { std::optional<Handle> instead; };       // "you are not my neighbour (any more); here is one with room"
struct Shuffle { Handle origin; Sample sample; };           // "whom I know, tell me whom you do"
struct ShuffleAnswer { Sample sample; };
using ViewMessage = std::variant<Enter, ForwardJoin, Neighbour, NeighbourAnswer, Disconnect, Shuffle, ShuffleAnswer>;

// Where a view writes what it wants. Its owner wraps the messages and tells the transport whom it may need.
class ViewOut {
public:
    virtual void send(Handle to, const ViewMessage& message) = 0;   // maybe to somebody in neither view
    virtual void answer(PeerId to, const ViewMessage& message) = 0; // to somebody whose record we do not have, but who just wrote
    virtual void known(Handle who) = 0;    // in one of the views from now on (or there with a newer record)
    virtual void up(Handle who) = 0;       // a neighbour; after known
    virtual void down(PeerId who) = 0;     // no longer a neighbour, and not because it is dead
    virtual void unknown(PeerId who) = 0;  // in neither view any more

protected:
    ~ViewOut() = default;
};

// A few of the others, for clusters too large to know them all. HyParView (Leitao, Pereira, Rodrigues 2007): the
// active view is five neighbours, links that both ends keep, along which the detector probes and news runs; the passive
// view is of others one has heard of: spares for when neighbours die, and partners for exchanges.
//
//                     it asked and there is room, or it said yes
//     heard of ---> passive ------------------------------------> active ---> dead or left: gone
//                    |  ^                                           |
//                    |  +-------------------------------------------+
//                    v      evicted for another, told by Disconnect
//     gone: silent for two rounds, pushed out by younger entries, or forgotten
//
// Four things differ from the paper.
// - A shuffle does not walk. It goes straight to the oldest entry of the passive view (CYCLON: Voulgaris, Gavidia, van
//   Steen 2005): two messages instead of eight, views at least as even, and it finds out whether that one still lives.
//   Entries carry their age, so that the dead, who tell of themselves no more, fade from all views.
// - Who is evicted is told for whom. That one has room, and so gets into a link: nobody else's degree changes.
// - A contact leads newcomers on and evicts nobody for them: thousands at once would only push each other out.
// - Where few neighbours are left several spares are asked at once, and those that were silent are not quite forgotten.
//
// There is no time in here: `repair` is called once a round (a probe period), `shuffle` every few. Every third round
// keeps partners even; a newcomer does better to shuffle each round for its first thirty.
class PartialView final : public Company {
public:
    PartialView(const Book& book, Handle self, const ViewConfig& config, Random random);

    void remember(Handle who) { passive_.push_back(who); }  // before the start, and as many as are passive: whom to know then
    void start(ViewOut& out);
    void join(Handle contact, ViewOut& out);  // again for each contact; retried by repair while there is no neighbour
    void acquaint(Handle who, ViewOut& out);      // somebody who is said to be there: a spare
    // Somebody was held for dead and is not: a cut has healed, and it may be our only way to the other side. A
    // neighbour gives way for it, and one of its own for us.
    void reunite(Handle who, ViewOut& out);
    void receive(PeerId from, const ViewMessage& message, ViewOut& out);
    void repair(ViewOut& out);
    void shuffle(ViewOut& out);
    void member_down(PeerId peer, ViewOut& out);  // dead or left: the owner's verdict
    void forget(PeerId peer, ViewOut& out);       // it left an exchange unanswered: no spare. Neighbours are the detector's
    void renew(Handle record, ViewOut& out);      // a newer record of somebody, from a rumor
    void self_is(Handle record) { self_ = record; }  // a newer one of our own
    // Somebody probes us that is no neighbour of ours: it missed our Disconnect, or we its answer.
    void stranger_pinged(PeerId from, ViewOut& out);

    const Handles<8>& active() const { return active_; }
    const Handles<32>& passive() const { return passive_; }
    template <class F>
    void each_other(F f) const {  // handle that is kept besides
        for (const Handle h : sent_) f(h);
        if (!search_) return;
        for (std::size_t i = 0; i < search_->asked_count; ++i) f(search_->asked[i].who);
        for (const Handle h : search_->seeds) f(h);
        for (const Handle h : search_->lost) f(h);
    }
    bool neighbour(PeerId peer) const { return place(active_, peer).has_value(); }
    bool room() const { return active_.size() < config_.active; }  // for one more neighbour

    // Company: both views. Who has been drawn may be dead; if it does not answer: forget.
    std::size_t size() const override { return active_.size() + passive_.size(); }
    bool contains(PeerId peer) const override { return neighbour(peer) || place(passive_, peer); }
    std::optional<PeerId> draw(Random& random) const override;
    std::vector<PeerId> all() const override;

private:
    struct Asked {
        Handle who;
        std::uint8_t rounds = 0;
        bool make_room = false;  // a newcomer led to us: somebody gives way for it
    };
    // Of who looks for neighbours, or leads newcomers in. Most have all they want and do neither.
    struct Search {
        std::array<Asked, 6> asked;
        std::uint8_t asked_count = 0, turn = 0, losses = 0;
        Handles<3> seeds, lost;   // whom to turn to when nobody is left; the last to have gone or fallen silent
        std::uint32_t joins = 0;  // that came of late; halves every round
    };
    struct Searching : std::unique_ptr<Search> {  // copied with the view
        Searching() = default;
        Searching(const Searching& other) : std::unique_ptr<Search>(other ? std::make_unique<Search>(*other) : nullptr) {}
        Searching(Searching&&) = default;
        Searching& operator=(Searching&&) = default;
    };
    Search& search() {
        if (!search_) search_.reset(new Search);
        return *search_;
    }

    template <std::size_t N>
    std::optional<std::size_t> place(const Handles<N>& list, PeerId peer) const {
        for (std::size_t i = 0; i < list.size(); ++i)
            if (book_->id(list[i]) == peer) return i;
        return std::nullopt;
    }
    std::size_t asked_count() const { return search_ ? search_->asked_count : 0; }
    std::optional<Handle> handle_of(PeerId peer) const;
    Handle either(std::size_t i) const { return i < active_.size() ? active_[i] : passive_[i - active_.size()]; }
    bool few() const { return active_.size() < (config_.active + 1u) / 2; }

    void lead_in(Handle newcomer, ViewOut& out);
    void lead_on(PeerId from, const ForwardJoin& join, ViewOut& out);
    void asked_by(const Neighbour& request, ViewOut& out);
    void answered(PeerId from, bool yes, ViewOut& out);
    void dismissed(PeerId from, const Disconnect& disconnect, ViewOut& out);
    void exchange(const Shuffle& shuffle, ViewOut& out);

    void start_shuffle(bool after_silence, ViewOut& out);
    void ask(Handle who, bool make_room, bool urgent, ViewOut& out);
    std::optional<Asked> take_asked(PeerId peer);
    void link(Handle who, ViewOut& out);                       // evicts if it must
    void unlink(std::size_t place, ViewOut& out);              // to the passive view
    void hear(Handle who, std::uint8_t age, Sample* sent, ViewOut& out);
    std::size_t oldest();                                      // in the passive view
    void drop_passive(PeerId peer, ViewOut& out);
    void fell_silent(Handle who, ViewOut& out);
    void lose(Handle who);
    template <std::size_t N>
    bool renew_in(Handles<N>& list, Handle record);
    void pick(Sample& into, std::size_t most, PeerId except);  // from the passive view
    std::optional<Handle> next_hop(PeerId from, PeerId about);

    const Book* book_;
    Random random_;
    Searching search_;
    Handle self_;
    ViewConfig config_;
    bool awaiting_ = false;     // our last shuffle has no answer yet,
    std::uint8_t awaited_ = 0;  // for so many rounds
    Handles<8> active_;
    Sample sent_;               // by our last shuffle, its receiver first: these give way to the answer
    Handles<32> passive_;
};
static_assert(sizeof(PartialView) <= 256, "a simulation holds a million");

}  // namespace grapevine::membership
