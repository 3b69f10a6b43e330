// What people ask of a running node, and what they want of it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "log.hpp"
#include "naming.hpp"
#include "node.hpp"

namespace grapevine::node {

namespace {

using Json = nlohmann::ordered_json;

constexpr Duration greeting_patience = std::chrono::seconds(5);  // the transport's own is shorter
constexpr std::size_t most_trips = 8, most_addresses = 32, longest_address = 200;
constexpr std::uint32_t most_silent = 2;                         // then there is no answer to be had

Answer answer(const Json& j) { return {200, j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"}; }

}  // namespace

std::variant<PeerId, Answer> Node::member_called(const std::string& who, bool absent_first) const {
    std::vector<Candidate> members;
    const auto& m = peer_->members();
    members.push_back({id_, options_.name, membership::Standing::alive, true});
    for (const auto& e : m.roster().entries()) members.push_back({book_.id(e.record), std::string(book_.name(e.record)), e.standing, false});
    auto found = find_member(members, who, absent_first);
    if (const auto* id = std::get_if<PeerId>(&found)) return *id;
    const auto& not_found = std::get<NotFound>(found);
    return refusal(not_found.what.starts_with("no member") ? 404 : 409, not_found.what, not_found.hint);
}

void Node::asked(Desk::Asked&& asked) {
    Reply& reply = asked.reply;
    std::visit(Cases{
                   [&](const ShowMembers&) { reply.give({200, reporter_->members(view())}); },
                   [&](const ShowInfo&) { reply.give({200, reporter_->info(view())}); },
                   [&](const ShowLinks&) { reply.give({200, reporter_->links(view())}); },
                   [&](const MeasureTrip& wish) {
                       auto from = member_called(wish.from);
                       if (auto* refused = std::get_if<Answer>(&from)) return reply.give(std::move(*refused));
                       std::variant<PeerId, Answer> to = id_;
                       if (!wish.to.empty()) to = member_called(wish.to);
                       if (auto* refused = std::get_if<Answer>(&to)) return reply.give(std::move(*refused));
                       PeerId a = std::get<PeerId>(from), b = std::get<PeerId>(to);
                       if (a == b) return reply.give(refusal(409, "a round trip is between two members", wish.to.empty() ? "this node is the one that was asked: name another" : "name another"));
                       if (wish.to.empty()) std::swap(a, b);  // we ping it
                       for (const PeerId id : {a, b})
                           if (id != id_ && !peer_->members().roster().contains(id))
                               return reply.give(refusal(409, "'" + (id == b && wish.to.empty() ? wish.from : id == a ? wish.from : wish.to) + "' is not there: dead, or it has left", "'grapevine members' shows who is"));
                       if (trips_.size() >= most_trips) return reply.give(refusal(503, "too many round trips are being measured", "try again"));
                       trips_.push_back({a, b, 0, std::clamp<std::uint32_t>(wish.pings, 1, 20), 0, 0, {}, std::move(reply)});
                       measure_next(trips_.size() - 1);
                   },
                   [&](const JoinThrough& wish) {
                       if (wish.addresses.empty()) return reply.give(refusal(400, "no address to join through", "address=HOST:PORT, once or more often"));
                       if (wish.addresses.size() > most_addresses) return reply.give(refusal(400, "too many addresses", "one that answers is enough"));
                       if (phase_ != Phase::running) return reply.give(refusal(409, "this node is about to leave", ""));
                       Greeted greeted{{}, now() + greeting_patience, std::move(reply)};
                       for (std::string address : wish.addresses) {
                           if (address.find("://") == std::string::npos) address = "tcp://" + address;
                           if (address.size() > longest_address) return greeted.reply.give(refusal(400, "an address is too long", "HOST:PORT"));
                           if (std::none_of(greeted.seeds.begin(), greeted.seeds.end(), [&](const auto& s) { return s.first == address; }))
                               greeted.seeds.emplace_back(address, std::nullopt);
                       }
                       for (const auto& [address, outcome] : greeted.seeds) greet(address);
                       greeted_.push_back(std::move(greeted));
                   },
                   [&](const ShowModel& wish) { model_wanted(wish, std::move(reply)); },
                   [&](const LeaveCluster&) {
                       told_to_leave_ = true;
                       leave_asked_.push_back(std::move(reply));
                   },
                   [&](const ForceOut& wish) {
                       const auto found = member_called(wish.who, true);
                       if (const auto* refused = std::get_if<Answer>(&found)) return reply.give(*refused);
                       const PeerId id = std::get<PeerId>(found);
                       if (id == id_) return reply.give(refusal(409, "that is this node itself", "'grapevine leave' makes it leave"));
                       const auto* entry = peer_->members().roster().find(id);
                       const std::string name = std::string(book_.name(entry->record));
                       const auto was = status_of(entry->standing, book_.degraded(entry->record));
                       log(Level::info, "members", name + " is held for left from now on: somebody said so here");
                       step(membership::ForceLeave{id});
                       reply.give(answer({{"name", name}, {"id", hex(id.value)}, {"was", status_words[static_cast<std::size_t>(was)]}, {"status", "left"}}));
                   },
               },
               asked.question);
}

// ---- round trips ---------------------------------------------------------------------------------------

void Node::measure_next(std::size_t i) {
    Trip& trip = trips_[i];
    trip.serial = ++serial_;
    ++trip.sent;
    step(membership::Measure{trip.serial, trip.from, trip.to});
}

void Node::measured(const membership::Measured& m) {
    const auto at = std::find_if(trips_.begin(), trips_.end(), [&](const Trip& t) { return t.serial == m.serial; });
    if (at == trips_.end()) return;
    Trip& trip = *at;
    trip.silent = m.round_trip ? 0 : trip.silent + 1;
    if (m.round_trip) trip.taken.push_back(seconds(*m.round_trip));
    if (trip.sent < trip.wanted && trip.silent < most_silent) return measure_next(static_cast<std::size_t>(at - trips_.begin()));
    const auto who = [&](PeerId id) {
        const auto* entry = peer_->members().roster().find(id);
        const std::string name = id == id_ ? options_.name : entry ? std::string(book_.name(entry->record)) : "";
        return Json{{"name", name}, {"id", hex(id.value)}};
    };
    const auto& t = trip.taken;
    const auto known = [&](double x) { return t.empty() ? Json(nullptr) : Json(x); };
    trip.reply.give(answer({{"from", who(trip.from)}, {"to", who(trip.to)}, {"pings", trip.sent}, {"answered", t.size()},
                            {"min", known(t.empty() ? 0 : *std::min_element(t.begin(), t.end()))},
                            {"mean", known(std::accumulate(t.begin(), t.end(), 0.0) / static_cast<double>(std::max<std::size_t>(t.size(), 1)))},
                            {"max", known(t.empty() ? 0 : *std::max_element(t.begin(), t.end()))}, {"round_trips", t}}));
    trips_.erase(at);
}

// ---- joining ---------------------------------------------------------------------------------------------

void Node::greeted(const std::string& endpoint, const std::string& who, const std::string& why_not) {
    for (Greeted& g : greeted_)
        for (auto& [address, outcome] : g.seeds)
            if (seed_of(address).address == endpoint && !outcome) outcome = {who, why_not};
}

void Node::answer_what_is_due() {
    go_on_pulling();
    while (!measured_.empty()) {
        const auto told = std::exchange(measured_, {});
        for (const auto& m : told) measured(m);
    }
    for (std::size_t i = 0; i < greeted_.size();) {
        Greeted& g = greeted_[i];
        const bool all = std::all_of(g.seeds.begin(), g.seeds.end(), [](const auto& s) { return s.second.has_value(); });
        if (!all && now() < g.until) {
            ++i;
            continue;
        }
        Json seeds = Json::array();
        std::size_t joined = 0;
        for (const auto& [address, outcome] : g.seeds) {
            const bool fine = outcome && outcome->why_not.empty();
            joined += fine;
            seeds.push_back({{"address", address}, {"joined", fine}, {"name", fine ? Json(outcome->who) : Json(nullptr)},
                             {"why_not", fine ? Json(nullptr) : Json(outcome ? outcome->why_not : "no answer")}});
        }
        g.reply.give(answer({{"joined", joined}, {"seeds", seeds}}));
        greeted_.erase(greeted_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

// The loop is over: who asked for that is told so, all others that they came too late.
void Node::answer_at_the_end() {
    desk_.close();
    for (Reply& reply : leave_asked_) reply.give(answer({{"name", options_.name}, {"left", phase_ == Phase::gone}}));
    leave_asked_.clear();
    trips_.clear();
    greeted_.clear();
    pulls_.clear();
}

}  // namespace grapevine::node
