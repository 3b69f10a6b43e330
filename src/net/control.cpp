#include "control.hpp"

#include <algorithm>
#include <random>

namespace grapevine::net {
namespace {

constexpr Duration tidy_period = std::chrono::seconds(1);
constexpr std::size_t most_calls = 64;
constexpr Duration look_within = std::chrono::seconds(1);  // why nobody answers
constexpr int frames_at_once = 64;  // so that a flood of rubbish does not keep take() from returning

const std::string nobody = "nobody answered: is a node running there, and does a firewall let us through?";

std::uint64_t draw_token() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Control::Control(zmq::context_t& context, const Self& self, Tally& tally, const Options& options, int io_thread, const Gatekeeper* keeper)
    : self_(self),
      tally_(tally),
      links_(context, self.id,
             {.name = "control", .io_thread = io_thread, .max_message = static_cast<int>(max_frame_bytes + 1024),
              .max_queued_out = 512, .max_queued_in = 256, .idle = options.idle}, keeper),
      keys_(options.keys),
      greeting_(options.greeting),
      greet_patience_(options.greet_patience),
      rates_(options) {}

void Control::greet(const std::string& endpoint, const std::vector<std::string>& keys, Instant now) {
    Greeting& greeting = greetings_[endpoint];
    greeting.keys.clear();
    greeting.knocked = false;
    for (const std::string& key : keys)
        if (greeting.keys.size() < most_candidates) greeting.keys.push_back(to_key_text(key));
    greeting.token = draw_token();
    greeting.deadline = now + greet_patience_;
    const auto where = split(endpoint);
    if (!where) give_up(endpoint, "this is no address; write tcp://HOST:PORT");
    else if (is_numeric(endpoint)) reach(endpoint, {endpoint}, "", now);
    else lookups_.start(endpoint, *where);
}

void Control::reach(const std::string& endpoint, const std::vector<std::string>& numeric, const std::string& why, Instant now) {
    const auto place = greetings_.find(endpoint);
    if (place == greetings_.end()) return;  // it took so long that it was given up
    Greeting& greeting = place->second;
    if (!keys_ || numeric.empty()) return dial(endpoint, numeric, {}, why, now);
    greeting.knocked = true;
    knocks_.start({endpoint, numeric, greeting.keys, false}, keys_, greeting.deadline - now);
    greeting.deadline += 2 * look_within;  // the knock's own comes first
}

void Control::dial(const std::string& endpoint, const std::vector<std::string>& numeric, const KeyText& key, const std::string& why, Instant now) {
    Greeting& greeting = greetings_.at(endpoint);
    const std::string frame = Writer(header(Kind::greet, {})).u64(greeting.token).u16(spoken.lowest).u16(spoken.highest).take();
    for (const std::string& address : numeric)
        if (const auto route = links_.dial(address, now, key); route && put(*route, frame, now))
            greeting.dialled.push_back(address);
    if (greeting.dialled.empty())
        give_up(endpoint, why.empty() ? "it cannot be dialled" : "its name cannot be looked up: " + why);
}

void Control::opened(const Knocks::Answer& answer, Instant now) {
    const auto place = greetings_.find(answer.endpoint);
    if (place == greetings_.end() || !place->second.knocked) return;
    switch (answer.outcome) {
        case Knocks::Outcome::in:
            if (!keys_) return give_up(answer.endpoint, "somebody listens there and does not answer: is it a node?");
            place->second.deadline = std::max(place->second.deadline, now + look_within);
            return dial(answer.endpoint, {answer.address}, answer.key, "", now);
        case Knocks::Outcome::turned_away: return end(answer.endpoint, TurnedAway{answer.endpoint, answer.why});
        case Knocks::Outcome::silence: return give_up(answer.endpoint, nobody);
    }
}

void Control::give_up(const std::string& endpoint, const std::string& why) { end(endpoint, NoAnswer{endpoint, why}); }

void Control::end(const std::string& endpoint, Inbound how) {
    for (const std::string& address : greetings_[endpoint].dialled) links_.hang_up_unless_known(address);
    greetings_.erase(endpoint);
    failed_.push_back(std::move(how));
}

void Control::send(PeerId to, std::string_view bytes, Instant now) { send(Kind::frame, to, bytes, now); }

void Control::send(Kind kind, PeerId to, std::string_view bytes, Instant now) {
    if (bytes.size() > max_frame_bytes) return tally_.drop(Drop::too_long);
    const std::string frame = Writer(header(kind, to)).text(bytes).take();
    // A connection that a peer had opened may be gone; then it is tried once more, and that dials.
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto route = links_.route(to, now);
        if (!route) return tally_.drop(links_.knows(to) ? Drop::unreachable : Drop::unknown_peer);
        switch (links_.send(*route, frame, nullptr, now)) {
            case Links::Sent::yes:
                Tally::add(tally_.frames_out);
                Tally::add(tally_.bytes_out, frame.size());
                return;
            case Links::Sent::full: return tally_.drop(Drop::queue_full);
            case Links::Sent::gone: links_.hang_up_route(*route); break;
        }
    }
    tally_.drop(Drop::unreachable);
}

bool Control::put(const Route& route, const std::string& frame, Instant now) {
    if (links_.send(route, frame, nullptr, now) != Links::Sent::yes) return false;
    Tally::add(tally_.frames_out);
    Tally::add(tally_.bytes_out, frame.size());
    return true;
}

std::optional<Inbound> Control::take(Instant now) {
    if (now >= next_tidy_) {
        next_tidy_ = now + tidy_period;
        links_.tidy(now);
        rates_.tidy(now);
        tally_.connections = links_.connections();
    }
    for (const DialBack::Trial& trial : dial_back_.expire(now)) tell_tried(trial, false, now);
    while (const auto found = lookups_.take()) reach(found->endpoint, found->endpoints, found->why, now);
    while (const auto answer = knocks_.take()) opened(*answer, now);
    if (auto ended = expired(now)) return ended;
    for (int i = 0; i < frames_at_once; ++i) {
        if (!rates_.may_read(now)) return std::nullopt;
        Links::Arrived arrived;
        const Links::Take taken = links_.take(arrived);
        if (taken == Links::Take::nothing) return std::nullopt;
        rates_.read(now);
        Tally::add(tally_.frames_in);
        Tally::add(tally_.bytes_in, arrived.size());
        if (taken == Links::Take::banned) {
            tally_.drop(Drop::banned);
            continue;
        }
        if (taken == Links::Take::garbage || arrived.two_parts) {
            tally_.drop(Drop::not_ours);
            continue;
        }
        if (auto inbound = handle(arrived, now)) return inbound;
    }
    return std::nullopt;
}

std::optional<Inbound> Control::expired(Instant now) {
    for (auto& [endpoint, greeting] : greetings_)
        if (now >= greeting.deadline) {
            if (keys_ || greeting.knocked || greeting.dialled.empty()) {
                give_up(std::string(endpoint), nobody);
                break;
            }
            greeting.knocked = true;
            greeting.deadline = now + 2 * look_within;
            knocks_.start({endpoint, greeting.dialled, {}, true}, {}, look_within);
        }
    if (failed_.empty()) return std::nullopt;
    std::optional<Inbound> ended(std::move(failed_.front()));
    failed_.pop_front();
    return ended;
}

Instant Control::due() const {
    Instant earliest = failed_.empty() ? std::min({next_tidy_, dial_back_.due(), rates_.due()}) : Instant::min();
    for (const auto& [endpoint, greeting] : greetings_) earliest = std::min(earliest, greeting.deadline);
    return earliest;
}

std::optional<Inbound> Control::handle(const Links::Arrived& arrived, Instant now) {
    Reader reader(arrived.bytes());
    const auto header = read_header(reader);
    if (!header) return dropped(Drop::not_ours);
    if (header->kind == Kind::greet) {
        if (!rates_.greet(now)) return dropped(Drop::too_many);
        greeted(arrived, *header, reader, now);
        return std::nullopt;
    }
    if (header->kind == Kind::other_version) return other_version(arrived, read_versions(reader, *header));
    if (!speaks(header->version)) return other_version(arrived, {header->version, header->version});
    if (header->kind == Kind::welcome) return welcomed(arrived, *header, reader, now);
    if (header->kind != Kind::frame && header->kind != Kind::call && header->kind != Kind::try_me && header->kind != Kind::tried)
        return dropped(Drop::not_ours);
    if (header->run != self_.run || header->run == 0) return dropped(Drop::other_run);
    if (header->to != self_.id) return dropped(Drop::other_peer);
    if (!links_.belongs(arrived, header->from)) return dropped(Drop::impostor);
    if (reader.rest().size() > max_frame_bytes) return dropped(Drop::too_long);
    if (!rates_.frame(header->from, now)) return dropped(Drop::too_many);
    links_.heard(arrived, header->from, now);
    if (header->kind == Kind::frame) return Frame{header->from, std::string(reader.rest())};
    return of_run(*header, reader, links_.key_over(arrived), now);
}

// What the transports of one run say to each other.
std::optional<Inbound> Control::of_run(const Header& header, Reader reader, const KeyText& key, Instant now) {
    if (header.kind == Kind::call) {
        if (calls_.size() < most_calls) calls_.push_back(header.from);
        return std::nullopt;
    }
    const std::uint64_t token = reader.u64();
    if (header.kind == Kind::try_me) {
        if (!reader.ok() || reader.rest().size() > DialBack::longest_endpoint) return dropped(Drop::malformed);
        try_out(header.from, token, std::string(reader.rest()), key, now);
        return std::nullopt;
    }
    const bool reached = reader.u8() != 0;
    if (!reader.done()) return dropped(Drop::malformed);
    if (!dial_back_.answered(header.from, token, now)) return std::nullopt;
    return DialledBack{header.from, reached};
}

std::optional<PeerId> Control::take_call() {
    if (calls_.empty()) return std::nullopt;
    const PeerId peer = calls_.front();
    calls_.pop_front();
    return peer;
}

void Control::ask_back(PeerId who, const std::string& our_endpoint, Instant now) {
    const std::uint64_t token = draw_token();
    dial_back_.ask(who, token, now);
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(token >> (8 * i) & 0xff));
    send(Kind::try_me, who, bytes + our_endpoint, now);
}

// Dials, and greets: who answers has to be the asker. The connection is the one that frames to it would take, if there is one.
void Control::try_out(PeerId asker, std::uint64_t token, std::string endpoint, const KeyText& key, Instant now) {
    const std::uint64_t ours = draw_token();
    const auto trial = dial_back_.begin(asker, token, ours, endpoint, now);
    if (!trial) return;
    const auto route = links_.dial(endpoint, now, key);
    const std::string greet = Writer(header(Kind::greet, {})).u64(ours).u16(spoken.lowest).u16(spoken.highest).take();
    if (route && put(*route, greet, now)) return;
    dial_back_.end(ours);
    tell_tried(*trial, false, now);
}

void Control::tell_tried(const DialBack::Trial& trial, bool reached, Instant now) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(trial.theirs >> (8 * i) & 0xff));
    send(Kind::tried, trial.asker, bytes + static_cast<char>(reached), now);
    links_.hang_up_unless_known(trial.endpoint);
}

std::optional<Inbound> Control::dropped(Drop reason) {
    tally_.drop(reason);
    return std::nullopt;
}

// Whatever its run, and whatever its version.
void Control::greeted(const Links::Arrived& arrived, const Header& theirs, Reader reader, Instant now) {
    const std::uint64_t token = reader.u64();
    if (!reader.ok()) return tally_.drop(Drop::not_ours);
    const auto version = common(spoken, read_versions(reader, theirs));
    Header answer = header(version ? Kind::welcome : Kind::other_version, {});
    if (version) answer.version = *version;
    else tally_.drop(Drop::other_version);
    Writer writer(answer);
    if (version) writer.u64(token).text(greeting_);
    else writer.u16(spoken.lowest).u16(spoken.highest);
    if (!put(arrived.route, writer.take(), now)) tally_.drop(Drop::queue_full);
}

std::optional<Inbound> Control::welcomed(const Links::Arrived& arrived, const Header& header, Reader reader, Instant now) {
    const std::uint64_t token = reader.u64();
    const std::string* address = links_.dialled(arrived.route);
    for (auto greeting = greetings_.begin(); address && reader.ok() && greeting != greetings_.end(); ++greeting) {
        const auto& dialled = greeting->second.dialled;
        if (greeting->second.token != token || std::find(dialled.begin(), dialled.end(), *address) == dialled.end()) continue;
        const std::string key = from_key_text(*links_.key_of(arrived.route));
        if (keys_ && !may_bear(key, header.from)) return dropped(Drop::impostor);
        links_.met(arrived, header.from, now);
        Hello hello{greeting->first, header.from, header.run, std::string(reader.rest()), header.version, key};
        greetings_.erase(greeting);
        return hello;
    }
    if (address && reader.ok())
        if (const auto trial = dial_back_.welcomed(header.from, token, *address)) {
            tell_tried(*trial, true, now);
            return std::nullopt;
        }
    // Late, or the second answer of a host with several addresses.
    return std::nullopt;
}

std::optional<Inbound> Control::other_version(const Links::Arrived& arrived, Versions theirs) {
    tally_.drop(Drop::other_version);
    const std::string* address = links_.dialled(arrived.route);
    for (auto greeting = greetings_.begin(); address && greeting != greetings_.end(); ++greeting) {
        const auto& dialled = greeting->second.dialled;
        if (std::find(dialled.begin(), dialled.end(), *address) == dialled.end()) continue;
        OtherVersion refused{greeting->first, theirs, spoken};
        const std::string endpoint = *address;
        greetings_.erase(greeting);
        links_.hang_up_unless_known(endpoint);
        return refused;
    }
    return std::nullopt;
}

}  // namespace grapevine::net
