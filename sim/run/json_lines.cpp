// All that happens, an object a line. docs/simulator.md has the schema.
#include "grapevine/chronicle/chronicle.hpp"
#include "grapevine/record/format.hpp"
#include "grapevine/record/growing_file.hpp"
#include "grapevine/sim/run/onlooker.hpp"
#include "grapevine/sim/world.hpp"
#include "json_text.hpp"

namespace grapevine::sim {

namespace {

class JsonLines final : public Onlooker {
public:
    JsonLines(const std::string& path, const Window& window, std::uint64_t most_bytes) : file_(path), window_(window), most_bytes_(most_bytes) {}

    void born(Instant now, std::uint32_t peer, const Birth& birth) override {
        if (names_.size() <= peer) names_.resize(peer + 1);
        names_[peer] = birth.book.at(birth.self).contact.name;
        line(now, "born", ",\"peer\":" + quoted(names_[peer]) + ",\"number\":" + std::to_string(peer + 1));
    }
    void stopped(Instant now, std::uint32_t peer) override { line(now, "stopped", of(peer)); }
    void paused(Instant now, std::uint32_t peer) override { line(now, "paused", of(peer)); }
    void resumed(Instant now, std::uint32_t peer) override { line(now, "resumed", of(peer)); }

    void sent(Instant now, const Parcel& parcel) override {
        if (!shows(now)) return;
        line(now, "sent", between(parcel.passage) + ",\"word\":" + quoted(word(parcel.message)) + ",\"plane\":\"" + (parcel.plane == Plane::bulk ? "bulk" : "control") +
                              "\",\"bytes_payload\":" + std::to_string(parcel.payload) + ",\"bytes_control\":" + std::to_string(parcel.control) +
                              ",\"copies\":" + std::to_string(parcel.copies));
    }
    void arrived(Instant now, const Passage& passage, bool taken) override {
        if (shows(now)) line(now, "arrived", between(passage) + ",\"taken\":" + (taken ? "true" : "false"));
    }
    void told(Instant now, std::uint32_t peer, const Peer::Event& event) override {
        if (!shows(now)) return;
        if (const auto e = chronicle::event_of(seconds(now), name(peer), event, [&](PeerId id) { return name(index_of(id)); })) happened(*e);
    }
    void order_begun(Instant now, std::uint32_t peer, const Order& order) override {
        if (shows(now)) line(now, "order_begun", of(peer) + said(order));
    }
    void order_ended(Instant now, std::uint32_t peer, const Order& order) override {
        if (shows(now)) line(now, "order_ended", of(peer) + said(order));
    }

    void happened(const record::RunEvent& event) override { line(Instant(from_seconds(event.t)), "event", ",\"event\":" + record::to_json(event)); }
    void sampled(const record::Sample& sample) override { line(Instant(from_seconds(sample.t)), "sample", ",\"sample\":" + record::to_json(sample)); }
    void ended(Instant) override { file_.flush(); }
    std::optional<record::Error> fault() const override { return file_.fault(); }
    std::string note() const override { return note_; }

private:
    bool shows(Instant now) const { return window_.holds(now) && note_.empty(); }
    void line(Instant now, const char* what, const std::string& rest) {
        if (!shows(now)) return;
        file_.put("{\"t\":" + json_seconds(now) + ",\"what\":\"" + what + "\"" + rest + "}\n");
        if (file_.bytes() > most_bytes_)
            note_ = "it ends at " + record::format_seconds(seconds(now)) + ", where " + record::format_bytes(static_cast<double>(most_bytes_)) +
                    " were full: --from and --to show another part, --trace-limit allows more";
    }
    std::string name(std::uint32_t peer) const { return peer < names_.size() ? names_[peer] : "?"; }
    std::string of(std::uint32_t peer) const { return ",\"peer\":" + quoted(name(peer)); }
    std::string between(const Passage& p) const {
        return ",\"id\":\"" + std::to_string(p.from + 1) + "." + std::to_string(p.serial) + "\",\"from\":" + quoted(name(p.from)) + ",\"to\":" + quoted(name(p.to));
    }
    static std::string said(const Order& order) {
        const auto* train = std::get_if<Train>(&order.what);
        return std::string(",\"order\":\"") + word(order) + "\",\"tag\":" + std::to_string(order.tag) + (train ? ",\"steps\":" + std::to_string(train->steps) : "");
    }

    record::GrowingFile file_;
    Window window_;
    std::uint64_t most_bytes_;
    std::vector<std::string> names_;
    std::string note_;
};

}  // namespace

std::unique_ptr<Onlooker> json_lines_trace(const std::string& path, const Window& window, std::uint64_t most_bytes) {
    return std::make_unique<JsonLines>(path, window, most_bytes);
}

}  // namespace grapevine::sim
