#include <functional>

#include "crowd.hpp"

#include <doctest/doctest.h>

using namespace grapevine;
using namespace std::chrono_literals;

namespace {
void let(const Peer::Input&, const std::function<void()>& step) { step(); }
bool of_membership(const Peer::Input& input) {
    if (const auto* received = std::get_if<Received<Peer::Message>>(&input)) return std::holds_alternative<membership::Message>(received->message);
    const auto* woken = std::get_if<Woken<Peer::Timer>>(&input);
    return woken && std::holds_alternative<membership::Timer>(woken->timer);
}
}  // namespace

TEST_CASE("a peer in a large and calm cluster is small") {
    struct Row {
        gossip::Kind kind;
        double most;  // bytes
    };
    for (const auto& [kind, most] : {Row{gossip::Kind::local, 800}, {gossip::Kind::gossip, 950}, {gossip::Kind::epidemic, 3600}, {gossip::Kind::push_sum, 1900}}) {
        test::counted = {};
        constexpr std::uint32_t peers = 400;
        test::Crowd crowd(peers, test::partial(kind));
        crowd.run_until(Instant(40s), let);
        const double each = sizeof(Peer) + static_cast<double>(test::counted.bytes) / peers;
        CAPTURE(static_cast<int>(kind));
        CHECK(each < most);
    }
}

TEST_CASE("when all is calm membership allocates for hardly more than a new neighbour, and an exchange one block for all its talks") {
    test::Crowd crowd(400, test::partial(gossip::Kind::gossip));
    crowd.run_until(Instant(60s), let);
    std::uint64_t by_membership = 0, by_exchange = 0, offers = 0, steps = 0;
    crowd.run_until(Instant(70s), [&](const Peer::Input& input, const std::function<void()>& step) {
        const bool membership = of_membership(input);
        ++steps;
        offers += std::string(word(input)) == "offer";
        const std::uint64_t before = test::counted.allocations;
        step();
        (membership ? by_membership : by_exchange) += test::counted.allocations - before;
    });
    CHECK(offers > 3000);
    CHECK(by_membership * 1000 < steps);
    CHECK(by_exchange <= 3 * offers);  // of who asks and of who is asked; and what it sent until theirs is there
}
