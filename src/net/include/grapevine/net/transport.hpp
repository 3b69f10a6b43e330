#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "grapevine/net/keys.hpp"
#include "grapevine/peer_id.hpp"
#include "grapevine/snapshot.hpp"
#include "grapevine/time.hpp"

// Bytes between peers, over two planes: control (small frames: pings, offers) and bulk (parcels: parameters).
// Each has its own socket, port and thread, so that a hundred megabytes under way never delay a ping.
namespace grapevine::net {

// Of the protocol, all layers together: raised when a message of the version before would be read wrong. A node says
// in its greeting which versions it speaks, and the answer picks the highest that both do.
struct Versions {
    std::uint16_t lowest = 0, highest = 0;
    friend bool operator==(const Versions&, const Versions&) = default;
};
std::optional<std::uint16_t> common(Versions ours, Versions theirs);
std::string to_string(Versions versions);  // "2", "2 to 4"

inline constexpr std::uint16_t wire_version = 5;  // 1: before members had generations and metadata; 2: other exchanges; 3: before they signed; 4: before sketches, echoes, and clocks in answers to pings
inline constexpr Versions spoken{wire_version, wire_version};
inline constexpr std::size_t max_frame_bytes = 64 * 1024;
inline constexpr std::size_t max_greeting_bytes = 16 * 1024;
inline constexpr std::size_t max_parcel_header_bytes = 4 * 1024;

struct Options {
    PeerId self;                             // drawn at random at every start; never 0
    std::uint64_t run = 0;                   // frames of another run are dropped; 0: not decided yet, see set_run()
    std::string name;                        // goes into contact(), nowhere else
    std::string listen_host = "127.0.0.1";   // of this machine; "*" or "0.0.0.0": all its addresses
    std::uint16_t control_port = 0;          // 0: any free one
    std::uint16_t bulk_port = 0;             // 0: any free one
    std::string advertise_host;              // what others dial; empty: listen_host, or a guess if that is all of them
    std::optional<Keys> keys;                // none: nothing is encrypted, and everybody may connect
    std::string greeting;                    // answered to whoever greets us; at most max_greeting_bytes
    std::uint64_t max_parcel_bytes = std::uint64_t{1} << 30;  // a parcel that claims more is refused unread
    // Parcels half received or not yet taken by receive(), of all senders together; more are refused. Raise it
    // if many partners send at once; it costs memory only then. 0: four of the largest parcel, 64 MiB at least.
    std::uint64_t max_waiting_bytes = 0;
    // Bytes a second that go out and come in, over all peers, which share them evenly; 0: no limit. Parcels wait; control
    // frames are counted and never wait. What comes in is held back by acknowledging later: the first of each parcel, up
    // to a window, comes at the sender's pace.
    double uplink = 0, downlink = 0;
    // Frames a second that one peer may send us, and its burst; the same of all connections together. What is beyond it is
    // dropped before it is looked into (one peer), or not read yet (all). A peer of a small model that exchanges after every
    // step sends some thousand a second; ten thousand members that join at once, a burst of as many frames.
    double frames_per_peer = 10'000, frames_of_all = 50'000;
    double greets_of_all = 1'000;                             // a second; each is answered with the greeting
    // That others have opened, both planes together, those that have said nothing yet too. 0: three quarters of the files
    // that may be open, 49,152 at most. One costs some 4 KB before it has said anything.
    std::size_t connections_of_all = 0;
    std::uint64_t parcels_per_peer = 256;                     // whole ones that wait for receive(); more are refused
    // Parcels to and from processes of this machine and user go over a Unix socket where both sides offer it, not over TCP.
    bool nearby = true;
    double echoes_of_all = 16;                                // a second; each may be of 256 KiB, and goes back as it came
    Duration echo_patience = std::chrono::seconds(15);        // for a round trip of 256 KiB, behind what is on its way
    Duration greet_patience = std::chrono::seconds(3);        // then NoAnswer
    Duration idle = std::chrono::seconds(60);                 // a connection we dialled and nobody used is closed
    Duration stall = std::chrono::seconds(3);                 // a parcel without progress for max(this, 8 round trips) is given up
    Duration half_parcel_patience = std::chrono::seconds(10); // a half-received parcel without progress is dropped
};

// What kept the transport from opening, ready to be shown, and what to do about it.
struct Error {
    std::string what;
    std::string hint;
};

struct Hello {                // an answer to greet()
    std::string endpoint;     // as it was greeted
    PeerId who;
    std::uint64_t run = 0;    // 0: it has not decided yet
    std::string greeting;
    std::uint16_t version = wire_version;  // that it has picked
    std::string key;          // that it holds; empty without keys
};
struct NoAnswer {             // to greet(), for whatever reason
    std::string endpoint;
    std::string why;
};
struct TurnedAway {           // to greet(): somebody answers there, but its keys and ours do not fit, or one of us has none
    std::string endpoint;
    std::string why;          // and what to do
};
struct OtherVersion {         // to greet(): a grapevine answers there, but speaks no version that we do
    std::string endpoint;
    Versions theirs, ours;
};
struct DialledBack {          // an answer to ask_back()
    PeerId by;
    bool reached = false;     // at the address that contact() names
};
struct Echoed {               // the end of an echo()
    PeerId who;
    enum class Came { all, little, nothing } came = Came::nothing;  // little: some bytes, and no more of the long one;
                                                                 // all, too, where it was too busy to say
    Duration took{};          // there and back, of all
};
struct Frame {
    PeerId from;
    std::string bytes;
};
struct Parcel {
    PeerId from;
    std::uint32_t ticket = 0;
    std::string header;
    Bytes body;               // from a pool; goes back to it when the last holder lets go, on any thread
};
struct Undelivered {          // a parcel of ours that we gave up; it may have arrived all the same
    PeerId to;
    std::uint32_t ticket = 0;
};
using Inbound = std::variant<Hello, NoAnswer, OtherVersion, DialledBack, Frame, Parcel, Undelivered, TurnedAway, Echoed>;

// Why something was dropped.
enum class Drop : std::uint8_t {
    not_ours,       // bad magic, too short, too many parts
    too_long,
    other_version,
    other_run,
    other_peer,     // meant for somebody else, such as the node that had this address before
    impostor,       // the sender is not whom its connection, or its key, belongs to
    malformed,      // a parcel that contradicts itself: size, order, offsets
    unknown_peer,   // not in the address book
    queue_full,     // we, or the connection, have too much waiting
    unreachable,    // no connection, and no address to dial
    stalled,        // half a parcel, and then nothing more
    stray,          // the rest of a parcel that was refused or dropped
    too_many,       // more a second than one peer, or all who greet, may send
    banned,         // its key was allowed when it connected, and is no more
    endless,        // a message without an end: its connection is closed
    crowded,        // a connection more than there may be at a time: closed unheard
};
inline constexpr std::size_t drop_reasons = 16;
const char* to_string(Drop reason);

struct PlaneCounters {
    std::uint64_t frames_in = 0, frames_out = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;  // with our headers, without ZeroMQ's and TCP's
    std::uint64_t connections = 0;              // now: dialled by us, or heard on within the last `idle`
};
struct BulkPath {
    PeerId peer;
    Duration round_trip{};    // smoothed, of a chunk and its acknowledgement
    Duration least{};         // of the last seconds: what it is without a queue
    std::uint64_t window = 0; // bytes that may be on their way
    bool nearby = false;      // a process of this machine, and no TCP in between
};
struct Counters {
    PlaneCounters control, bulk;
    std::array<std::uint64_t, drop_reasons> dropped{};  // of what came in and what should have gone out
    std::uint64_t parcels_in = 0, parcels_out = 0, undelivered = 0;
    std::uint64_t body_bytes_out = 0;  // of parcels, without any headers; also of those that were given up on their way
    std::uint64_t buffers_made = 0, buffers_in_use = 0, buffer_bytes = 0;  // of the receiving pool
    std::vector<BulkPath> paths;
    std::uint64_t of(Drop reason) const { return dropped[static_cast<std::size_t>(reason)]; }
};

// Promises little: a frame or parcel may be lost, late or overtaken, but it is whole, it was meant for us, and
// its sender is whoever the connection belongs to. Nothing here blocks but receive() and close(). All calls
// come from one thread, the node's loop, except wake() and counters().
class Transport {
public:
    static std::variant<std::unique_ptr<Transport>, Error> open(Options options);
    ~Transport();  // close(0)
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    Contact contact() const;              // our own, with the ports we really have

    // Machines change their addresses: a laptop that is carried about, a lease that ran out. Where contact() was guessed it names
    // another from now on (moved). Where it was said (listen_host, advertise_host) it stays, and while it is no address of this
    // machine nobody can dial us (cut_off). What we dial ourselves goes on in either case. Cheap enough for every second.
    enum class Whereabouts { as_before, moved, cut_off };
    Whereabouts look_around();

    void set_run(std::uint64_t run);
    void set_greeting(std::string greeting);
    void allow(const std::vector<std::string>& keys);  // in place of Keys::allowed; the connections of others end
    void limit_parcels(std::uint64_t bytes);           // in place of max_parcel_bytes, from the next parcel on

    // To an address ("tcp://host:port", a name or numeric) before we know its peer. Ends in a Hello, NoAnswer or
    // OtherVersion, once however often the same address was greeted meanwhile; with keys also in TurnedAway. `keys`: whose
    // it may be, at most most_candidates; each is tried.
    void greet(const std::string& endpoint, const std::vector<std::string>& keys = {});

    // Asks a peer in the address book to dial us where contact() says, and tell us whether that went: a node behind a router
    // cannot know otherwise. Ends in a DialledBack, or in nothing where the peer does not answer.
    void ask_back(PeerId who);

    // Sends bytes over the bulk plane to a peer in the address book, who sends them back: a few, then as many as a full chunk has, which
    // fill packets of full size. Ends in an Echoed, once however often the same peer was asked meanwhile. Who is asked need not know us.
    void echo(PeerId who);

    // The address book. A peer is dialled when first sent to; until then its entry costs no socket. Endpoints
    // are numeric ("tcp://10.0.0.7:7470", "tcp://[::1]:7470"): a book that others fill must not make us wait for
    // name servers of their choice. Empty ones mean it can only dial us; who ships to it asks it to. Frames are taken from anybody of our
    // run, parcels only from who is in the book.
    // With keys a peer without one is never heard, nor dialled.
    void know(const Contact& peer, const std::string& key = {});
    void forget(PeerId peer);             // parcels to it become Undelivered

    void send(PeerId to, std::string bytes);  // what cannot be sent is dropped and counted

    // The body is not copied: its memory must not change until its owner is let go, which happens on a thread of
    // the transport. Parcels to one peer arrive in order; peers share the link chunk by chunk. A parcel that
    // arrives is not reported, one that is given up is Undelivered.
    void ship(PeerId to, std::uint32_t ticket, std::string header, Bytes body);

    // The next that came in; nothing after `patience` (counted in whole milliseconds, rounded up), or early if
    // somebody called wake().
    std::optional<Inbound> receive(Duration patience);
    void wake();                          // from any thread

    Counters counters() const;            // from any thread

    // Lets control frames that were sent, such as a leave, get out for as long as `linger`; parcels are
    // abandoned. Only counters() may be called after it.
    void close(Duration linger);

private:
    struct Inside;
    explicit Transport(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

}  // namespace grapevine::net
