// A member whose key is allowed, and who then speaks for another. For the tests with real processes.
//
//   impostor ENDPOINT KEY-FILE LIST VICTIM     joins the node there and, once it knows the member of that name, says of it what
//                                              only the victim may say; then something true of itself, which shows that the
//                                              rest was heard before. Until it is killed.
//
// What it has to say it says on stdout, a line each: "joined", "lied".
#include <cstdio>
#include <cstdlib>

#include "admission.hpp"
#include "grapevine/net/transport.hpp"
#include "grapevine/wire/wire.hpp"

using namespace grapevine;
using namespace std::chrono_literals;

namespace {

[[noreturn]] void give_up(const std::string& why) {
    std::printf("%s\n", why.c_str());
    std::exit(1);
}

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

membership::Message told(membership::Book& book, const membership::Record& record, membership::Standing standing) {
    membership::Message message{membership::Gossip{}, {}};
    message.rumors.push_back({*book.intern(record), standing, {}});
    return message;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) give_up("usage: impostor ENDPOINT KEY-FILE LIST VICTIM");
    const auto pair = keys::read_key_file(argv[2]);
    const auto list = keys::read_allow_list(argv[3]);
    if (pair.index() != 0 || list.index() != 0) give_up("no key, or no list");
    node::Admission admission(std::get<0>(pair), std::get<0>(list), argv[3]);
    membership::Book book;  // without a notary: it believes and says anything

    net::Options options;
    options.self = admission.draw_id();
    options.name = "impostor";
    options.keys = admission.for_transport();
    auto opened = net::Transport::open(options);
    if (opened.index() != 0) give_up(std::get<1>(opened).what);
    auto& transport = *std::get<0>(opened);
    transport.greet(argv[1], admission.expected(""));
    PeerId node;
    while (!node) {
        const auto inbound = transport.receive(100ms);
        if (!inbound) continue;
        const auto* hello = std::get_if<net::Hello>(&*inbound);
        if (!hello) give_up("not let in");
        node = hello->who;
        transport.set_run(hello->run);
        transport.know({node, "", argv[1], ""}, hello->key);
    }

    membership::Record self;
    self.contact = transport.contact();
    self.key = admission.key();
    self.signature = admission.sign(self);
    membership::Message join = told(book, self, membership::Standing::alive);
    join.body = membership::Join{};
    transport.send(node, wire::encode(join, book));
    bool joined = false, lied = false;
    for (;;) {
        auto inbound = transport.receive(1s);
        auto* frame = inbound ? std::get_if<net::Frame>(&*inbound) : nullptr;
        if (!frame) continue;
        auto message = wire::decode(std::as_bytes(std::span(frame->bytes)), book);
        const auto* m = message ? std::get_if<membership::Message>(&*message) : nullptr;
        if (!m) continue;
        if (std::holds_alternative<membership::Welcome>(m->body) && !std::exchange(joined, true)) say("joined");
        for (const auto& rumor : m->rumors) {
            const membership::Record of = book.at(rumor.about);
            transport.know(of.contact, admission.transport_key(of.key));
            if (of.contact.name != argv[4] || of.contact.id == options.self || std::exchange(lied, true)) continue;
            membership::Record other = of;  // with its own signature, which does not say this
            other.incarnation += 1;
            other.degraded = true;
            other.failing = 100;
            other.contact.control = other.contact.bulk = "tcp://127.0.0.1:9";
            transport.send(node, wire::encode(told(book, other, membership::Standing::alive), book));
            transport.send(node, wire::encode(told(book, other, membership::Standing::left), book));
            other.signature.clear();
            transport.send(node, wire::encode(told(book, other, membership::Standing::alive), book));
            other.signature = admission.sign(other);  // signed by us, under its key
            transport.send(node, wire::encode(told(book, other, membership::Standing::alive), book));
            other.key = admission.key();              // and under ours
            other.signature = admission.sign(other);
            transport.send(node, wire::encode(told(book, other, membership::Standing::alive), book));
            membership::Record heir = self;           // its name, started anew
            heir.contact.name = of.contact.name;
            heir.generation = of.generation + 1;
            heir.incarnation = 1;
            heir.signature = admission.sign(heir);
            transport.send(node, wire::encode(told(book, heir, membership::Standing::alive), book));
            membership::Record honest = self;
            honest.incarnation = 2;
            honest.contact.name = "liar";
            honest.signature = admission.sign(honest);
            transport.send(node, wire::encode(told(book, honest, membership::Standing::alive), book));
            say("lied");
        }
        if (const auto* ping = std::get_if<membership::Ping>(&m->body)) transport.send(frame->from, wire::encode(membership::Message{membership::Ack{ping->round}, {}}, book));
    }
}
