#include "grapevine/chronicle/recording.hpp"
#include "grapevine/sim/run/onlooker.hpp"
#include "grapevine/sim/story.hpp"
#include "grapevine/sim/world.hpp"

namespace grapevine::sim {

namespace {

class RecorderOf final : public Onlooker {
public:
    RecorderOf(std::string peer, const std::string& path) : wanted_(std::move(peer)), recorder_(path) {}

    void born(Instant, std::uint32_t peer, const Birth& birth) override {
        if (peer_ || (wanted_ != short_name(id_of(peer)) && wanted_ != birth.book.at(birth.self).contact.name)) return;
        peer_ = peer;
        recorder_.born(birth.book, birth.self, birth.config, birth.seed, birth.splits, birth.known);
    }
    void handed(Instant, std::uint32_t peer, const Peer::Input& input, Instant shown) override {
        if (peer == peer_) recorder_.given(shown, input);
    }
    void answered(Instant, std::uint32_t peer, const Peer::Effects& effects) override {
        if (peer == peer_) recorder_.wanted(effects);
    }
    void ended(Instant) override { recorder_.end(); }
    std::optional<record::Error> fault() const override { return recorder_.fault(); }
    std::string note() const override { return peer_ ? "" : "no peer '" + wanted_ + "' has started: there is nothing in it"; }

private:
    std::string wanted_;
    chronicle::Recorder recorder_;
    std::optional<std::uint32_t> peer_;
};

}  // namespace

std::unique_ptr<Onlooker> recorder_of(const std::string& peer, const std::string& path) { return std::make_unique<RecorderOf>(peer, path); }

}  // namespace grapevine::sim
