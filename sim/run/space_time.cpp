// Gathers a space-time diagram while a run goes on. Held in memory, and so bounded: what is too much for one picture is cut off
// at the instant where it became so, and the picture says it.
#include <algorithm>
#include <map>

#include "grapevine/record/format.hpp"
#include "grapevine/record/run_files.hpp"
#include "grapevine/report/space_time.hpp"
#include "grapevine/sim/run/onlooker.hpp"
#include "grapevine/sim/story.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

namespace {

constexpr std::size_t most_arrows = 4000, most_bars = 40'000, most_marks = 2000;

class Diagram final : public Onlooker {
public:
    Diagram(std::string path, const Window& window, std::string title) : path_(std::move(path)), window_(window) { d_.title = std::move(title); }

    void born(Instant now, std::uint32_t peer, const Birth& birth) override {
        learners_.resize(std::max<std::size_t>(learners_.size(), peer + 1));
        d_.lines.resize(learners_.size());
        d_.lines[peer] = {birth.book.at(birth.self).contact.name, seconds(now), {}};
        mark(now, peer, Mark::Kind::starts, now > Instant{} ? "starts" : "");
    }
    void stopped(Instant now, std::uint32_t peer) override {
        bar_ends(now, peer);
        pause_ends(now, peer);
        d_.lines[peer].ends = seconds(now);
        if (!learners_[peer].left) mark(now, peer, Mark::Kind::crashes, "crashes");
    }
    void paused(Instant now, std::uint32_t peer) override { learners_[peer].paused = now; }
    void resumed(Instant now, std::uint32_t peer) override { pause_ends(now, peer); }

    void order_begun(Instant now, std::uint32_t peer, const Order& order) override {
        const auto* train = std::get_if<Train>(&order.what);
        learners_[peer].order = {now, train ? Bar::Kind::training : Bar::Kind::mixing, train ? "trains " + std::to_string(train->steps) + " steps" : word(order)};
    }
    void order_ended(Instant now, std::uint32_t peer, const Order&) override { bar_ends(now, peer); }

    void sent(Instant now, const Parcel& parcel) override {
        const Passage& p = parcel.passage;
        if (!shows(now) || p.to >= d_.lines.size()) return;
        const auto* exchanged = std::get_if<gossip::Message>(&parcel.message);
        report::SpaceTime::Arrow arrow;
        arrow.kind = parcel.plane == Plane::bulk ? Arrow::Kind::parameters : exchanged ? Arrow::Kind::exchange : Arrow::Kind::membership;
        arrow.from = p.from;
        arrow.to = p.to;
        arrow.sent = seconds(now);
        arrow.taken = true;
        arrow.under_way = parcel.copies > 0;
        arrow.word = word(parcel.message);
        arrow.title = arrow.word + ", " + d_.lines[p.from].name + " to " + d_.lines[p.to].name + ", " + record::format_bytes(static_cast<double>(parcel.payload + parcel.control)) +
                      ", sent at " + std::to_string(seconds(now)) + " s" + (parcel.copies == 0 ? ", lost" : "");
        for (int copy = 0; copy < std::max(parcel.copies, 1); ++copy) {
            if (copy < parcel.copies) under_way_[{p.from, p.serial + static_cast<std::uint32_t>(copy)}] = d_.arrows.size();
            d_.arrows.push_back(arrow);
        }
        if (d_.arrows.size() >= most_arrows) full(now);
    }
    void arrived(Instant now, const Passage& passage, bool taken) override {
        const auto found = under_way_.find({passage.from, passage.serial});
        if (found == under_way_.end()) return;
        Arrow& arrow = d_.arrows[found->second];
        arrow.arrives = seconds(now);
        arrow.taken = taken;
        arrow.title += ", there at " + std::to_string(seconds(now)) + " s" + (taken ? "" : ": nobody is there any more");
        under_way_.erase(found);
    }
    void told(Instant now, std::uint32_t peer, const Peer::Event& event) override {
        const auto name = [&](PeerId id) { return id && index_of(id) < d_.lines.size() ? d_.lines[index_of(id)].name : std::string("nobody"); };
        if (const auto* suspected = std::get_if<membership::Suspected>(&event)) mark(now, peer, Mark::Kind::suspects, "suspects " + name(suspected->peer));
        else if (const auto* refuted = std::get_if<membership::Refuted>(&event)) mark(now, peer, Mark::Kind::trusts, "trusts " + name(refuted->peer) + " again");
        else if (const auto* gone = std::get_if<membership::Gone>(&event))
            mark(now, peer, Mark::Kind::buries, "holds " + name(gone->peer) + (gone->why == membership::Standing::dead ? " for dead" : " for gone"));
        else if (std::holds_alternative<membership::Departed>(event)) {
            learners_[peer].left = true;
            mark(now, peer, Mark::Kind::leaves, "has left");
        }
    }
    void happened(const record::RunEvent& event) override {
        if (event.peer.empty() && shows(Instant(from_seconds(event.t))) && d_.faults.size() < most_marks) d_.faults.push_back({event.t, event.kind});
    }
    void ended(Instant now) override {
        for (std::uint32_t peer = 0; peer < learners_.size(); ++peer) {
            bar_ends(now, peer);
            pause_ends(now, peer);
        }
        d_.from = seconds(window_.from);
        d_.to = seconds(std::min({window_.to, now, full_at_.value_or(Instant::max())}));
        if (d_.to <= d_.from) d_.to = d_.from + 1e-3;
        fault_ = record::replace_file(path_, report::svg_of(d_));
        if (fault_) fault_->hint = "is the directory there, may you write to it, and is there room on the disk?";
    }
    std::optional<record::Error> fault() const override { return fault_; }
    std::string note() const override { return d_.note; }

private:
    using Bar = report::SpaceTime::Bar;
    using Arrow = report::SpaceTime::Arrow;
    using Mark = report::SpaceTime::Mark;
    struct Learner {
        struct Begun {
            Instant at;
            Bar::Kind kind;
            std::string title;
        };
        std::optional<Begun> order;
        std::optional<Instant> paused;
        bool left = false;
    };

    bool shows(Instant now) const { return window_.holds(now) && !full_at_; }
    void full(Instant now) {
        if (full_at_) return;
        full_at_ = now;
        d_.note = "It ends at " + record::format_seconds(seconds(now)) + ", where there is more than one picture can hold: --from and --to show another part.";
    }
    void bar_ends(Instant now, std::uint32_t peer) {
        auto& order = learners_[peer].order;
        if (!order) return;
        bar(peer, order->kind, order->at, now, order->title);
        order.reset();
    }
    void pause_ends(Instant now, std::uint32_t peer) {
        auto& paused = learners_[peer].paused;
        if (!paused) return;
        bar(peer, Bar::Kind::paused, *paused, now, "paused");
        paused.reset();
    }
    void bar(std::uint32_t peer, Bar::Kind kind, Instant from, Instant to, std::string title) {
        if (to < window_.from || from > window_.to || full_at_) return;
        d_.bars.push_back({kind, peer, seconds(from), seconds(to), std::move(title) + ", " + std::to_string(seconds(from)) + " to " + std::to_string(seconds(to)) + " s"});
        if (d_.bars.size() >= most_bars) full(to);
    }
    void mark(Instant now, std::uint32_t peer, Mark::Kind kind, std::string text) {
        if (!shows(now)) return;
        d_.marks.push_back({kind, peer, seconds(now), std::move(text)});
        if (d_.marks.size() >= most_marks) full(now);
    }

    std::string path_;
    Window window_;
    report::SpaceTime d_;
    std::vector<Learner> learners_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> under_way_;  // by sender and serial: the arrow
    std::optional<Instant> full_at_;
    std::optional<record::Error> fault_;
};

}  // namespace

std::unique_ptr<Onlooker> space_time_diagram(const std::string& path, const Window& window, const std::string& title) {
    return std::make_unique<Diagram>(path, window, title);
}

}  // namespace grapevine::sim
