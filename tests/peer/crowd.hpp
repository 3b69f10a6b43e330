// Many peers on one clock and as little besides as can be, to see what they themselves cost: a message takes 20 ms and none
// is lost, an order to the learner takes no time. Counts what is allocated within them.
#pragma once

#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "counted_memory.hpp"
#include "grapevine/peer/peer.hpp"

namespace grapevine::test {


class Crowd {
public:
    using Watch = std::function<void(const Peer::Input&, const std::function<void()>& step)>;

    Crowd(std::uint32_t peers, PeerConfig config) : config_(std::move(config)) {
        config_.exchange.layout = 1;
        config_.exchange.size = 4;
        for (std::uint32_t i = 0; i < peers; ++i) {
            membership::Record record;
            record.contact = {PeerId{i + 1ull}, "peer-" + std::to_string(i), "tcp://10.0.0.1:7470", "tcp://10.0.0.1:7471"};
            handles_.push_back(*book_.intern(record));
        }
        peers_.reserve(peers);
        Random random(1);
        for (std::uint32_t i = 0; i < peers; ++i) {
            std::vector<membership::Handle> known;
            for (int k = 0; k < 30; ++k)
                if (const auto other = random.below(peers); other != i) known.push_back(handles_[other]);
            counted.on = true;
            peers_.emplace_back(book_, handles_[i], config_, Random(2).split(i), known);
            counted.on = false;
            put(Instant{}, i, Start{});
        }
    }

    // `watch` is handed every input with the step that takes it, and has to let it happen.
    void run_until(Instant end, const Watch& watch) {
        while (!agenda_.empty() && agenda_.top().at <= end) {
            const Entry entry = agenda_.top();
            agenda_.pop();
            Peer::Input input = std::move(inputs_[entry.place]);
            inputs_[entry.place] = Start{};
            free_.push_back(entry.place);
            effects_.list.clear();
            watch(input, [&] {
                counted.on = true;
                peers_[entry.to].step(entry.at, std::move(input), effects_);
                counted.on = false;
            });
            for (auto& effect : effects_.list) carry_out(entry, std::move(effect));
        }
    }
    const std::vector<Peer>& peers() const { return peers_; }

private:
    struct Entry {
        Instant at;
        std::uint64_t number;
        std::uint32_t to, place;
        friend bool operator<(const Entry& a, const Entry& b) { return std::tie(a.at, a.number) > std::tie(b.at, b.number); }
    };

    void put(Instant at, std::uint32_t to, Peer::Input&& input) {
        std::uint32_t place;
        if (free_.empty()) {
            place = static_cast<std::uint32_t>(inputs_.size());
            inputs_.push_back(std::move(input));
        } else {
            place = free_.back();
            free_.pop_back();
            inputs_[place] = std::move(input);
        }
        agenda_.push({at, number_++, to, place});
    }
    void carry_out(const Entry& cause, Peer::Effects::Effect&& effect) {
        if (auto* send = std::get_if<Peer::Effects::Send>(&effect)) {
            put(cause.at + std::chrono::milliseconds(20), static_cast<std::uint32_t>(send->to.value - 1),
                Received<Peer::Message>{PeerId{cause.to + 1ull}, std::move(send->message)});
        } else if (const auto* wake = std::get_if<Peer::Effects::Wake>(&effect)) {
            put(std::max(wake->at, cause.at), cause.to, Woken<Peer::Timer>{wake->timer});
        } else if (const auto* order = std::get_if<Order>(&std::get<Peer::Effects::Tell>(effect).event)) {
            put(cause.at, cause.to, done(*order));
        }
    }
    Completion done(const Order& order) {
        Completion done;
        done.tag = order.tag;
        done.what = std::visit(Cases{
                                   [](const Train& train) { return decltype(done.what)(Trained{train.steps, 0, 0}); },
                                   [&](const Publish& publish) {
                                       static constexpr float values[4]{};
                                       Snapshot snapshot;
                                       snapshot.layout = config_.exchange.layout;
                                       snapshot.range = publish.range;
                                       snapshot.bytes = {reinterpret_cast<const std::byte*>(values), publish.range.count * sizeof(float), nullptr};
                                       return decltype(done.what)(Published{snapshot});
                                   },
                                   [](const Combine&) { return decltype(done.what)(Combined{0.1, 1, 1}); },
                                   [](const Fold&) { return decltype(done.what)(Folded{}); },
                                   [](const Swap&) { return decltype(done.what)(Swapped{}); },
                                   [&](const Sketch&) { return decltype(done.what)(Sketched{std::make_shared<const std::vector<float>>(Sketcher::length(config_.exchange.size))}); },
                               },
                               order.what);
        return done;
    }

    PeerConfig config_;
    membership::Book book_;
    std::vector<membership::Handle> handles_;
    std::vector<Peer> peers_;
    std::priority_queue<Entry> agenda_;
    std::vector<Peer::Input> inputs_;
    std::vector<std::uint32_t> free_;
    std::uint64_t number_ = 0;
    Peer::Effects effects_;
};

inline PeerConfig partial(gossip::Kind kind) {
    PeerConfig config;
    config.membership.partial = true;
    config.exchange.kind = kind;
    config.exchange.period = std::chrono::seconds(1);
    config.exchange.form = gossip::Form::delta;  // as a file means it that does not say
    config.exchange.trains = false;
    return config;
}

}  // namespace grapevine::test
