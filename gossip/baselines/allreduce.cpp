#include "allreduce.hpp"

#include <algorithm>
#include <limits>

#include "../encoded.hpp"

namespace grapevine::gossip {

namespace {

// More than a course has, by as much as all can reckon: bucket b's hops are numbered from b times this on.
std::uint32_t hops_of(const Roll& roll) { return 2 * roll.size(); }

constexpr Duration say_again = std::chrono::seconds(1);

using Ranks = std::shared_ptr<const std::vector<std::uint32_t>>;  // ascending; null: nobody

std::uint32_t size_of(const Ranks& ranks) { return ranks ? static_cast<std::uint32_t>(ranks->size()) : 0; }
bool holds(const Ranks& ranks, std::uint32_t rank) { return ranks && std::binary_search(ranks->begin(), ranks->end(), rank); }
std::uint32_t below(const Ranks& ranks, std::uint32_t rank) {
    return ranks ? static_cast<std::uint32_t>(std::lower_bound(ranks->begin(), ranks->end(), rank) - ranks->begin()) : 0;
}

// Place `place` among all ranks from `first` on but these.
std::uint32_t rank_of(const Ranks& without, std::uint32_t first, std::uint32_t place) {
    std::uint32_t rank = first + place;
    if (without)
        for (const std::uint32_t w : *without)
            if (w >= first && w <= rank) ++rank;
    return rank;
}

bool sound(const Ranks& left_out, std::uint32_t size) {
    if (!left_out || left_out->size() + 2 > size) return false;
    return left_out->empty() || (left_out->back() < size && std::adjacent_find(left_out->begin(), left_out->end(), std::greater_equal<>()) == left_out->end());
}

}  // namespace

void Allreduce::enter(Instant now, const Roll& roll, Out& out) {
    gives_up_at_ = overdue_at();
    state_ = Waiting{};
    if (config().backup == 0) return mix(now, roll, nullptr, out);
    look_again(std::min(now + say_again, gives_up_at_), out);
    if (decided_.round < round()) return say_ready(now, roll, out);
    go_to(decided_.round);
    fall_behind(roll, out);
}

void Allreduce::mix(Instant now, const Roll& roll, Ranks left_out, Out& out) {
    std::vector<std::pair<PeerId, Part>> early;
    if (auto* waiting = std::get_if<Waiting>(&state_)) early.swap(waiting->early);
    const std::uint32_t n = roll.size() - size_of(left_out), place = roll.rank - below(left_out, roll.rank);
    // int8 rounds a part again when it travels in a longer run: there only the ring keeps all at the same bits.
    const Algorithm wanted = config().encoding == Encoding::int8 ? Algorithm::ring : config().algorithm;
    const Course course(gossip::chosen(wanted, n, config().size / config().buckets), n, place);
    const double weight = first_of_roll() && !config().sums ? 1 + samples() : 1;
    auto& mixing = state_.emplace<Mixing>();
    mixing.left_out = std::move(left_out);
    mixing.course = course;
    mixing.weight = weight;
    mixing.buckets.resize(config().buckets);
    for (std::uint32_t b = 0; b < config().buckets; ++b) {
        mixing.buckets[b].range = Slice{b, config().buckets}.of({0, config().size});
        mixing.buckets[b].weights.assign(course.parts(), weight);
    }
    if (!in_slices())
        for (std::uint32_t b = 0; b < config().buckets; ++b) begin(roll, b, out);
    for (auto& [from, part] : early) arrived(now, roll, from, std::move(part), out);
}

void Allreduce::sliced(Instant, const Roll& roll, const Slice& slice, Out& out) { begin(roll, slice.index, out); }

void Allreduce::begin(const Roll& roll, std::uint32_t b, Out& out) {
    auto& mixing = std::get<Mixing>(state_);
    mixing.buckets[b].begun = true;
    order(Fold{gathered, model_slot, 0, mixing.weight, mixing.buckets[b].range}, out);
    proceed(roll, b, out);
}

Range Allreduce::range_of(const Mixing& mixing, std::uint32_t b, Run run) const {
    const Range whole = mixing.buckets[b].range;
    if (run.count == 0) return {};
    const Range first = part(whole, run.first, mixing.course.parts()), last = part(whole, run.first + run.count - 1, mixing.course.parts());
    return {first.offset, last.offset + last.count - first.offset};
}

void Allreduce::arrived(Instant, const Roll& roll, PeerId from, Message&& message, Out& out) {
    if (auto* model = std::get_if<RoundModel>(&message)) {
        auto* behind = std::get_if<Behind>(&state_);
        if (!behind || behind->bytes > 0 || from != behind->asked || model->snapshot.range != Range{0, config().size}) return;
        behind->bytes = model->snapshot.bytes.size;
        go_to(model->round);
        held_ = model->snapshot;
        held_round_ = round();
        serve(roll, out);
        order(Combine{model_slot, 0, 1, std::move(model->snapshot)}, out);  // all of it in one order
        return;
    }
    auto* part = std::get_if<Part>(&message);
    if (!part || part->round != round()) return;
    if (auto* waiting = std::get_if<Waiting>(&state_)) {
        if (waiting->early.size() < 2 * std::size_t{roll.size()}) waiting->early.emplace_back(from, std::move(*part));
        return;
    }
    auto* mixing = std::get_if<Mixing>(&state_);
    if (!mixing) return;
    const std::uint32_t b = part->hop / hops_of(roll), number = part->hop % hops_of(roll);
    if (b >= mixing->buckets.size()) return;
    const auto hop = mixing->course.numbered(number);
    if (!hop || !hop->get || from != roll.at(rank_of(mixing->left_out, 0, hop->get->from))) return;
    if (part->snapshot.range != range_of(*mixing, b, hop->get->run) || !(part->snapshot.weight > 0)) return;
    Bucket& bucket = mixing->buckets[b];
    if (bucket.next == mixing->course.hops() || number < mixing->course.at(bucket.next).number) return;  // again
    bucket.inbox.try_emplace(number, std::move(part->snapshot));
    if (bucket.begun) proceed(roll, b, out);
}

// Hop by hop, as far as it goes with what is there.
void Allreduce::proceed(const Roll& roll, std::uint32_t b, Out& out) {
    auto& mixing = std::get<Mixing>(state_);
    const Course& course = mixing.course;
    Bucket& bucket = mixing.buckets[b];
    for (; bucket.next < course.hops(); ++bucket.next) {
        const Hop hop = course.at(bucket.next);
        if (hop.give && bucket.given <= bucket.next) {
            bucket.given = bucket.next + 1;
            if (hop.give->run.count == 0) {
                Snapshot nothing;
                nothing.layout = config().layout;
                ship(roll, b, hop.number, hop.give->to, std::move(nothing), out);
            } else {
                const bool finished = bucket.finished == hop.give->run;
                if (finished) bucket.finished.reset();
                mixing.publishing.push_back({b, hop.number, hop.give->to, bucket.weights[hop.give->run.first], finished});
                order(encoded(config(), gathered, range_of(mixing, b, hop.give->run)), out);
            }
        }
        if (!hop.get) continue;
        const auto here = bucket.inbox.find(hop.number);
        if (here == bucket.inbox.end()) return;
        Snapshot theirs = std::move(here->second);
        bucket.inbox.erase(here);
        mixing.bytes += theirs.bytes.size;
        if (hop.get->run.count > 0) take(roll, mixing, b, *hop.get, std::move(theirs), out);
    }
    ++mixing.through;
    swap_if_complete(roll, out);
}

// Where values are rounded to travel the swap waits for the part that we finished to be taken over as it travels.
void Allreduce::swap_if_complete(const Roll& roll, Out& out) {
    auto& mixing = std::get<Mixing>(state_);
    if (mixing.complete || !mixing.all_through() || (config().encoding && !mixing.publishing.empty())) return;
    mixing.complete = true;
    order(Swap{gathered}, out);
    // Number i of those chosen beside the first has number i of those left out to look after.
    mixing.freezes = roll.rank > 0 && roll.rank - 1 - (below(mixing.left_out, roll.rank) - holds(mixing.left_out, 0)) < size_of(mixing.left_out);
    // int8 would round once more, by other blocks than the parts had.
    const auto encoding = config().encoding == Encoding::int8 ? std::nullopt : config().encoding;
    if (mixing.freezes) order(Publish{model_slot, Range{0, config().size}, encoding}, out);
}

void Allreduce::take(const Roll& roll, Mixing& mixing, std::uint32_t b, const Hop::Get& get, Snapshot theirs, Out& out) {
    Bucket& bucket = mixing.buckets[b];
    if (get.use == Use::copy) {
        if (const std::uint32_t after = bucket.next + 1; after < mixing.course.hops()) {
            const Hop hop = mixing.course.at(after);
            if (hop.give && hop.give->run == get.run) {  // passed on as it came
                bucket.given = after + 1;
                ship(roll, b, hop.number, hop.give->to, theirs, out);
            }
        }
        return void(order(Combine{gathered, 0, 1, std::move(theirs)}, out));
    }
    for (std::uint32_t p = get.run.first; p < get.run.first + get.run.count; ++p) bucket.weights[p] += theirs.weight;
    const double scale = get.use == Use::finish ? 1 / bucket.weights[get.run.first] : 1;  // from a sum to a mean
    if (get.use == Use::finish) bucket.finished = get.run;
    order(Combine{gathered, scale, scale, std::move(theirs)}, out);
}

void Allreduce::ship(const Roll& roll, std::uint32_t bucket, std::uint32_t hop, std::uint32_t to, Snapshot snapshot, Out& out) {
    const auto& mixing = std::get<Mixing>(state_);
    send(roll.at(rank_of(mixing.left_out, 0, to)), Part{roll.hash, round(), bucket * hops_of(roll) + hop, new_ticket(), std::move(snapshot)}, out);
}

void Allreduce::completed(Instant now, const Roll& roll, Completion&& completion, Out& out) {
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    if (const auto* behind = std::get_if<Behind>(&state_)) {
        if (!std::holds_alternative<Combined>(completion.what)) return;
        out.tell(MixedWith{{}, 0, unknown, unknown, behind->bytes, now - entered(), 1});
        return done(now, How::mixed, out);
    }
    auto* mixing = std::get_if<Mixing>(&state_);
    if (!mixing) return;
    if (auto* published = std::get_if<Published>(&completion.what)) {
        if (mixing->publishing.empty()) {  // the finished model
            held_ = std::move(published->snapshot);
            held_round_ = round();
            serve(roll, out);
            return done(now, How::mixed, out);
        }
        const Mixing::Outgoing next = mixing->publishing.front();
        mixing->publishing.erase(mixing->publishing.begin());
        published->snapshot.weight = next.weight;
        // The others take this part as it travels, rounded; so do we, or we would end with another model than they.
        if (config().encoding && next.finished) order(Combine{gathered, 0, 1, published->snapshot}, out);
        ship(roll, next.bucket, next.hop, next.to, std::move(published->snapshot), out);
        swap_if_complete(roll, out);
    } else if (std::holds_alternative<Swapped>(completion.what)) {
        const double places = roll.size() - size_of(mixing->left_out);
        out.tell(MixedWith{{}, 0, unknown, unknown, mixing->bytes, now - entered(), 1.0 - 1.0 / places});
        if (!mixing->freezes) done(now, How::mixed, out);
    }
}

void Allreduce::say_ready(Instant now, const Roll& roll, Out& out) {
    if (roll.rank == 0) count(now, roll, 0, {roll.hash, round(), idle()}, out);
    else out.send(roll.at(0), Ready{roll.hash, round(), idle()});
}

void Allreduce::told(Instant now, const Roll& roll, PeerId from, const Message& message, Out& out) {
    const auto place = std::lower_bound(roll.ids->begin(), roll.ids->end(), from);
    if (config().backup == 0 || place == roll.ids->end() || *place != from) return;
    if (const auto* ready = std::get_if<Ready>(&message)) {
        if (roll.rank == 0) return count(now, roll, static_cast<std::uint32_t>(place - roll.ids->begin()), *ready, out);
        auto asking = std::find_if(asking_.begin(), asking_.end(), [&](const Asking& a) { return a.who == from; });
        if (asking == asking_.end()) asking = asking_.insert(asking_.end(), {from, 0, 0, 0});
        asking->round = std::max(asking->round, ready->round);
        serve(roll, out);
    } else if (const auto* chosen = std::get_if<Chosen>(&message)) {
        if (from == roll.at(0) && sound(chosen->left_out, roll.size())) decided(now, roll, {chosen->round, chosen->left_out}, out);
    }
}

// At the first on the roll.
void Allreduce::count(Instant now, const Roll& roll, std::uint32_t rank, const Ready& ready, Out& out) {
    if (ready.round <= decided_.round) {  // it does not know, or its word was on the way for long
        if (rank != 0) out.send(roll.at(rank), Chosen{roll.hash, decided_.round, decided_.left_out});
        return;
    }
    if (ready.round != decided_.round + 1) return;
    ready_.resize(roll.size(), false);
    if (!ready_[rank]) ++ready_count_;
    ready_[rank] = true;
    somebody_trains_ = somebody_trains_ || !ready.idle;
    const std::uint32_t n = roll.size(), least = n - std::min(config().backup, n - 2);
    if (ready_count_ < (decided_.round == 0 ? n : least) || !somebody_trains_) return;
    auto left_out = std::make_shared<std::vector<std::uint32_t>>();
    for (std::uint32_t r = 0; r < n; ++r)
        if (!ready_[r]) left_out->push_back(r);
    ready_.clear();
    ready_count_ = 0;
    somebody_trains_ = false;
    for (std::uint32_t r = 1; r < n; ++r) out.send(roll.at(r), Chosen{roll.hash, ready.round, left_out});
    decided(now, roll, {ready.round, std::move(left_out)}, out);
}

void Allreduce::decided(Instant now, const Roll& roll, Decision decision, Out& out) {
    if (decision.round <= decided_.round) return;
    decided_ = std::move(decision);
    if (!in_round() || decided_.round < round()) return;  // the next boundary looks at it
    if (std::holds_alternative<Waiting>(state_) && !holds(decided_.left_out, roll.rank)) {
        if (decided_.round == round()) mix(now, roll, decided_.left_out, out);
        return;
    }
    if (std::holds_alternative<Behind>(state_)) return;  // what was asked for will do
    if (const auto* mixing = std::get_if<Mixing>(&state_); mixing && mixing->all_through()) return;
    drop_orders();
    go_to(decided_.round);
    fall_behind(roll, out);
}

void Allreduce::fall_behind(const Roll& roll, Out& out) {
    const Ranks& left_out = decided_.left_out;
    const std::uint32_t beside_first = roll.size() - size_of(left_out) - !holds(left_out, 0);
    const std::uint32_t rank = rank_of(left_out, 1, below(left_out, roll.rank) % beside_first);
    state_ = Behind{roll.at(rank), 0};
    out.send(roll.at(rank), Ready{roll.hash, round(), idle()});
}

void Allreduce::serve(const Roll& roll, Out& out) {
    if (!held_) return;
    for (Asking& a : asking_) {
        if (a.sent >= a.round || held_round_ < a.round) continue;
        a.sent = held_round_;
        a.ticket = new_ticket();
        out.send(a.who, RoundModel{roll.hash, held_round_, a.ticket, *held_});
    }
}

void Allreduce::undelivered(PeerId to, std::uint32_t ticket) {
    for (Asking& a : asking_)
        if (a.who == to && a.ticket == ticket) a.sent = 0;  // it will ask again, if it still wants one
}

void Allreduce::overdue(Instant now, const Roll& roll, Out& out) {
    const auto* mixing = std::get_if<Mixing>(&state_);
    const auto* behind = std::get_if<Behind>(&state_);
    if ((mixing && mixing->all_through()) || (behind && behind->bytes > 0)) return;  // only the learner is late
    if (now < gives_up_at_) {
        look_again(std::min(now + say_again, gives_up_at_), out);
        if (behind) return out.send(behind->asked, Ready{roll.hash, round(), idle()});
        return say_ready(now, roll, out);
    }
    PeerId late = roll.at(0);
    if (behind) late = behind->asked;
    if (mixing) {
        const auto behind_hand = [&](const Bucket& bucket) { return bucket.next < mixing->course.hops(); };
        const Bucket& first = *std::find_if(mixing->buckets.begin(), mixing->buckets.end(), behind_hand);
        if (const auto get = mixing->course.at(first.next).get) late = roll.at(rank_of(mixing->left_out, 0, get->from));
    }
    out.tell(Failed{late, Failure::overdue});
    done(now, How::given_up, out);
}

void Allreduce::abandon() {
    state_ = Waiting{};
    decided_ = {};
    ready_.clear();
    ready_count_ = 0;
    somebody_trains_ = false;
    asking_.clear();
    held_.reset();
    held_round_ = 0;
}

}  // namespace grapevine::gossip
