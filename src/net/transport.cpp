#include "grapevine/net/transport.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

#include "address.hpp"
#include "bulk.hpp"
#include "control.hpp"

// Threads, what they own, and the only ways between them:
//
//        node's thread                       bulk thread                 libzmq
//   ┌─────────────────────────┐   orders   ┌────────────────────────┐
//   │ Transport, Control      │ ─────────▶ │ Bulk                   │
//   │  control socket ◀───────┼────────────┼────────────────────────┼──▶ I/O thread 0
//   │  greetings              │   inbox    │  bulk socket ◀─────────┼──▶ I/O thread 1 (lets go of
//   │                         │ ◀───────── │  Outgoing (per peer)   │     bodies that are sent)
//   └─────────────────────────┘            │  Incoming, Pool        │
//      ▲ wake (any thread)                 └────────────────────────┘
//      ▲ look-ups (a thread each)
//
// Orders are bounded by who gives them: the node. The inbox is bounded by the weight of what waits in it
// (Incoming) and by the parcels we shipped. Everything else waits in libzmq up to its high-water marks, and is
// dropped or, on the bulk plane, held back by the window.
namespace grapevine::net {
namespace {

constexpr int control_io = 0, bulk_io = 1;

// At the usual 1,024 files libzmq's I/O thread spins for ever once accept() fails: 10^4 half-open connections
// would stop a node.
void raise_file_limit() {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

// So many that the node's own files, and what comes in until the watch looks, have room beside them.
std::size_t most_connections() {
    constexpr rlim_t most = 49'152;
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 768;  // of the usual 1,024
    return std::min(files.rlim_cur / 4 * 3, most);
}

// libzmq takes each chunk that comes from malloc, and we give it back soon after. As glibc is set, memory that was so let go of goes
// back to the system at once, and most of receiving was to be given it anew, page by page: 0.50 CPU seconds a GB instead of 0.24.
void keep_freed_memory() {
    mallopt(M_MMAP_THRESHOLD, 4 << 20);   // of blocks that are longer nothing is kept
    mallopt(M_TRIM_THRESHOLD, 16 << 20);  // bytes that each arena keeps at most: as many as wait in a connection's queue
}

std::string endpoint(const std::string& host, std::uint16_t port) {
    return "tcp://" + bracketed(host) + ":" + std::to_string(port);
}

// A name becomes its first address: sockets are bound to addresses, and what we advertise must be dialled by
// others without a look-up.
std::optional<Error> to_address(std::string& host, const char* flag) {
    if (host.empty() || is_wildcard(host) || is_numeric(endpoint(host, 1))) return std::nullopt;
    std::string why;
    const auto found = look_up({host, 1}, why);
    if (found.empty())
        return Error{"cannot look up '" + host + "': " + why, std::string("give ") + flag + " an address of this machine"};
    host = split(found.front())->host;
    return std::nullopt;
}

std::optional<Error> wrong(const Options& options) {
    assert(options.self);
    if (options.greeting.size() > max_greeting_bytes)
        return Error{"the greeting has " + std::to_string(options.greeting.size()) + " bytes, more than " +
                         std::to_string(max_greeting_bytes),
                     "what a newcomer is told must be shorter"};
    if (options.keys && (options.keys->public_key.size() != key_bytes || options.keys->secret_key.size() != key_bytes))
        return Error{"a key that has not 32 bytes", "'grapevine keygen' makes one"};
    if (options.keys && !may_bear(options.keys->public_key, options.self)) return Error{"the id of this peer does not belong to its key", "this is a defect of grapevine"};
    if (options.keys && !zmq_has("curve")) return Error{"this libzmq cannot encrypt: it was built without CURVE", "take the one of the distribution, or leave --key-file out"};
    if (options.control_port != 0 && options.control_port == options.bulk_port)
        return Error{"control and bulk plane cannot share port " + std::to_string(options.control_port),
                     "choose two, or 0 for any free one"};
    return std::nullopt;
}

}  // namespace

const char* to_string(Drop reason) {
    switch (reason) {
        case Drop::not_ours: return "not_ours";
        case Drop::too_long: return "too_long";
        case Drop::other_version: return "other_version";
        case Drop::other_run: return "other_run";
        case Drop::other_peer: return "other_peer";
        case Drop::impostor: return "impostor";
        case Drop::malformed: return "malformed";
        case Drop::unknown_peer: return "unknown_peer";
        case Drop::queue_full: return "queue_full";
        case Drop::unreachable: return "unreachable";
        case Drop::stalled: return "stalled";
        case Drop::stray: return "stray";
        case Drop::too_many: return "too_many";
        case Drop::banned: return "banned";
        case Drop::endless: return "endless";
        case Drop::crowded: return "crowded";
    }
    return "unknown";
}

struct Transport::Inside {
    explicit Inside(const Options& o)
        : options(o),
          self{o.self, o.run},
          context(2),
          keeper(o.keys ? std::make_unique<Gatekeeper>(context, *o.keys) : nullptr),
          control(context, self, control_tally, o, control_io, keeper.get()),
          bulk(context, self, bulk_tally, control_tally, o, inbox, bulk_io, keeper.get()) {}

    Options options;
    Self self;
    Tally control_tally, bulk_tally;
    Inbox inbox;
    Bell bell;
    std::atomic<bool> woken{false};
    zmq::context_t context;
    std::unique_ptr<Gatekeeper> keeper;  // null without keys
    Watch watch{context};
    Control control;
    Bulk bulk;
    bool guessed = false;     // what others dial
    bool bulk_first = false;  // they take turns, so that neither starves the other
    bool closed = false;
    std::set<PeerId> callers;  // peers that only they can dial us

    std::optional<Inbound> from_bulk() {
        auto inbound = inbox.take();
        if (!inbound) return std::nullopt;
        if (const auto* parcel = std::get_if<Parcel>(&*inbound)) bulk.taken(*parcel);
        return inbound;
    }
    std::optional<Inbound> next() {
        bulk_first = !bulk_first;
        if (bulk_first)
            if (auto inbound = from_bulk()) return inbound;
        auto inbound = control.take(now());
        while (const auto caller = control.take_call()) bulk.tell(Bulk::Call{*caller});
        if (inbound) return inbound;
        return bulk_first ? std::nullopt : from_bulk();
    }
};

std::variant<std::unique_ptr<Transport>, Error> Transport::open(Options options) {
    if (auto error = wrong(options)) return *std::move(error);
    if (auto error = to_address(options.listen_host, "--listen")) return *std::move(error);
    if (auto error = to_address(options.advertise_host, "--advertise")) return *std::move(error);
    raise_file_limit();
    keep_freed_memory();
    auto inside = std::make_unique<Inside>(options);
    if (auto error = inside->control.links().listen(options.listen_host, options.control_port)) return *std::move(error);
    if (auto error = inside->bulk.listen(options.listen_host, options.bulk_port)) return *std::move(error);
    inside->guessed = options.advertise_host.empty() && is_wildcard(options.listen_host);
    if (options.advertise_host.empty())
        inside->options.advertise_host = is_wildcard(options.listen_host) ? guess_own_host() : options.listen_host;
    inside->control.links().watched_by(inside->watch);
    inside->bulk.watched_by(inside->watch);
    inside->watch.start(options.connections_of_all != 0 ? options.connections_of_all : most_connections());
    inside->bulk.start();
    return std::unique_ptr<Transport>(new Transport(std::move(inside)));
}

Transport::Transport(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

Transport::~Transport() { close(Duration::zero()); }

Contact Transport::contact() const {
    const std::string& host = inside_->options.advertise_host;
    return {inside_->self.id, inside_->options.name, endpoint(host, inside_->control.links().port()),
            endpoint(host, inside_->bulk.port())};
}

Transport::Whereabouts Transport::look_around() {
    Options& o = inside_->options;
    if (!inside_->guessed) {
        const std::string& host = o.listen_host;
        return is_wildcard(host) || on_this_machine(host) ? Whereabouts::as_before : Whereabouts::cut_off;
    }
    const bool alone = o.advertise_host.starts_with("127.");  // there was no network when it was guessed
    if (!alone && on_this_machine(o.advertise_host)) return Whereabouts::as_before;
    const std::string guess = guess_own_host();
    if (guess == o.advertise_host) return Whereabouts::as_before;
    if (guess.starts_with("127.")) return Whereabouts::cut_off;
    o.advertise_host = guess;
    return Whereabouts::moved;
}

void Transport::set_run(std::uint64_t run) { inside_->self.run = run; }

void Transport::set_greeting(std::string greeting) {
    assert(greeting.size() <= max_greeting_bytes);
    inside_->control.set_greeting(std::move(greeting));
}

void Transport::greet(const std::string& endpoint, const std::vector<std::string>& keys) { inside_->control.greet(endpoint, keys, now()); }

void Transport::ask_back(PeerId who) { inside_->control.ask_back(who, contact().control, now()); }

void Transport::echo(PeerId who) {
    if (inside_->callers.contains(who)) inside_->control.call(who, now());
    inside_->bulk.tell(Bulk::Echo{who});
}

void Transport::know(const Contact& peer, const std::string& key) {
    const KeyText text = key.empty() ? KeyText() : to_key_text(key);
    inside_->control.links().know(peer.id, peer.control, text);
    inside_->bulk.tell(Bulk::Know{peer.id, peer.bulk, text});
    if (peer.bulk.empty()) inside_->callers.insert(peer.id);
    else inside_->callers.erase(peer.id);
}

void Transport::allow(const std::vector<std::string>& keys) {
    assert(inside_->keeper);
    inside_->keeper->allow(keys);
    inside_->control.links().hang_up_on_the_banned();
    inside_->bulk.tell(Bulk::HangUp{});
}

void Transport::limit_parcels(std::uint64_t bytes) {
    inside_->options.max_parcel_bytes = bytes;
    inside_->bulk.tell(Bulk::Limit{bytes});
}

void Transport::forget(PeerId peer) {
    inside_->control.links().forget(peer);
    inside_->bulk.tell(Bulk::Forget{peer});
    inside_->callers.erase(peer);
}

void Transport::send(PeerId to, std::string bytes) { inside_->control.send(to, bytes, now()); }

void Transport::ship(PeerId to, std::uint32_t ticket, std::string header, Bytes body) {
    assert(header.size() <= max_parcel_header_bytes);
    assert(body.size <= inside_->options.max_parcel_bytes);
    if (inside_->callers.contains(to)) inside_->control.call(to, now());
    inside_->bulk.tell(Bulk::Ship{to, ticket, std::move(header), std::move(body)});
}

std::optional<Inbound> Transport::receive(Duration patience) {
    Inside& in = *inside_;
    const Instant deadline = now() + patience;
    zmq_pollitem_t items[] = {{in.control.links().socket(), 0, ZMQ_POLLIN, 0},
                              {nullptr, in.inbox.bell().fd(), ZMQ_POLLIN, 0},
                              {nullptr, in.control.bell().fd(), ZMQ_POLLIN, 0},
                              {nullptr, in.bell.fd(), ZMQ_POLLIN, 0},
                              {nullptr, in.control.knocks().bell().fd(), ZMQ_POLLIN, 0}};
    for (;;) {
        if (auto inbound = in.next()) return inbound;
        if (in.woken.exchange(false)) return std::nullopt;
        const Instant at = now();
        if (at >= deadline) return std::nullopt;
        // What is over the rate of all stays in the sockets: each connection waits its turn there, and its sender with it.
        items[0].events = in.control.reads(at) ? ZMQ_POLLIN : 0;
        zmq_poll(items, 5, milliseconds_up(std::min(deadline, in.control.due()) - at));
        // A bell is silenced before what it rings for is looked at: a ring too many costs a look, one too few
        // would cost the message.
        if (items[1].revents) in.inbox.bell().silence();
        if (items[2].revents) in.control.bell().silence();
        if (items[3].revents) in.bell.silence();
        if (items[4].revents) in.control.knocks().bell().silence();
    }
}

void Transport::wake() {
    inside_->woken = true;
    inside_->bell.ring();
}

Counters Transport::counters() const {
    const Inside& in = *inside_;
    Counters counters;
    counters.control = in.control_tally.plane();
    counters.bulk = in.bulk_tally.plane();
    for (std::size_t i = 0; i < drop_reasons; ++i) counters.dropped[i] = in.control_tally.dropped[i] + in.bulk_tally.dropped[i];
    counters.dropped[static_cast<std::size_t>(Drop::endless)] += in.watch.endless();
    counters.dropped[static_cast<std::size_t>(Drop::crowded)] += in.watch.crowded();
    counters.parcels_in = in.bulk_tally.parcels_in;
    counters.parcels_out = in.bulk_tally.parcels_out;
    counters.body_bytes_out = in.bulk_tally.body_bytes_out;
    counters.undelivered = in.bulk_tally.undelivered;
    const Pool::Count buffers = in.bulk.buffers();
    counters.buffers_made = buffers.made;
    counters.buffers_in_use = buffers.in_use;
    counters.buffer_bytes = buffers.bytes;
    counters.paths = in.bulk.paths();
    return counters;
}

void Transport::close(Duration linger) {
    if (std::exchange(inside_->closed, true)) return;
    inside_->watch.stop();
    inside_->bulk.stop();
    inside_->control.links().close(linger);
    inside_->context.close();  // returns when the frames are out, or the linger is over
}

}  // namespace grapevine::net
