#include "local.hpp"

namespace grapevine::gossip {

void Local::step(Instant now, Input&& input, const Company&, Out& out) {
    if (const auto* completion = std::get_if<Completion>(&input)) {
        if (const auto* trained = std::get_if<Trained>(&completion->what)) {
            training_.ended(now, *trained);
            out.tell(TrainedSome{trained->steps, trained->loss});
        }
    } else if (auto* received = std::get_if<Received<Message>>(&input)) {
        if (const auto* offer = std::get_if<Offer>(&received->message)) out.send(received->from, Decline{offer->round, Why::leaving});
        return;
    } else if (std::holds_alternative<Finish>(input)) {
        training_.stop();
        return out.tell(Finished{});
    } else if (std::holds_alternative<Halt>(input)) {
        training_.stop();
    } else if (!std::holds_alternative<Start>(input)) {
        return;
    }
    training_.begin(config_, now, ~std::uint64_t{0}, [&](Train t) { out.tell(Order{++tag_, t}); });
}

}  // namespace grapevine::gossip
