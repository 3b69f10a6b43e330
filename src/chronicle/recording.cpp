#include "grapevine/chronicle/recording.hpp"

#include <cstring>
#include <filesystem>

#include "grapevine/wire/wire.hpp"

namespace grapevine::chronicle {

namespace {

constexpr char magic[] = "grapevine recording\n";
constexpr std::size_t magic_size = sizeof magic - 1;
constexpr std::size_t frame_head = 9;
constexpr std::size_t most_signatures = 1024;  // of one step: each is a change of the peer's own record

std::span<const std::byte> bytes_of(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

std::string number(std::uint32_t x) {
    std::string bytes(4, '\0');
    for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(x >> (8 * i));
    return bytes;
}

std::uint32_t number_at(const char* bytes) {
    std::uint32_t x = 0;
    for (int i = 0; i < 4; ++i) x |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return x;
}

}  // namespace

Recorder::~Recorder() { end(); }

void Recorder::born(const membership::Book& book, membership::Handle self, const PeerConfig& config, std::uint64_t seed,
                    const std::vector<std::uint64_t>& splits, const std::vector<membership::Handle>& known) {
    book_ = &book;
    file_.put(magic);
    file_.put({static_cast<char>(wire::recording_version), static_cast<char>(wire::version)});
    frame('b', wire::encode_birth(book, self, config, seed, splits, known));
}

void Recorder::given(Instant at, const Peer::Input& input) {
    ++inputs_;
    frame('i', wire::encode_input(at, input, *book_));
}

void Recorder::signed_as(const std::string& signature) { frame('s', signature); }

void Recorder::wanted(const Peer::Effects& effects) { frame('e', wire::encode_digests(wire::digests(effects, *book_))); }

void Recorder::end() {
    if (!begun() || ended_) return;
    ended_ = true;
    frame('z', number(static_cast<std::uint32_t>(inputs_)) + number(static_cast<std::uint32_t>(inputs_ >> 32)));
    file_.flush();
}

void Recorder::frame(char kind, const std::string& body) {
    file_.put(kind + number(static_cast<std::uint32_t>(body.size())) + number(wire::checksum(bytes_of(body))));
    file_.put(body);
}

record::Error Recording::damaged(const std::string& what) const {
    return {"'" + path_ + "' " + what + " after " + std::to_string(inputs_) + " inputs", "was the file copied whole, and was the run that wrote it let end?"};
}

std::variant<Recording, record::Error> Recording::open(const std::string& path) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(path, failed)) return record::Error{"'" + path + "': there is no such file", "'grapevine sim ... --record p3=FILE' writes one"};
    std::ifstream in(path, std::ios::binary);
    if (!in) return record::Error{"'" + path + "' cannot be opened for reading", "may you read it? ls -l shows its permissions"};
    Recording recording(path, std::move(in), std::filesystem::file_size(path, failed));
    char head[magic_size + 2];
    if (!recording.in_.read(head, sizeof head) || std::memcmp(head, magic, magic_size) != 0)
        return record::Error{"'" + path + "' is no recording of a peer", "'grapevine sim ... --record p3=FILE' writes one"};
    recording.left_ -= sizeof head;
    const auto version = static_cast<unsigned char>(head[magic_size]), of_wire = static_cast<unsigned char>(head[magic_size + 1]);
    if (version != wire::recording_version || of_wire != wire::version)
        return record::Error{"'" + path + "' is a recording of version " + std::to_string(version) + " with messages of version " + std::to_string(of_wire) + ", this grapevine plays " +
                                 std::to_string(wire::recording_version) + " with " + std::to_string(wire::version),
                             "play it with the grapevine that wrote it, or record it anew"};
    auto first = recording.frame();
    if (const auto* error = std::get_if<record::Error>(&first)) return *error;
    const Frame& frame = std::get<Frame>(first);
    auto birth = frame.kind == 'b' ? wire::decode_birth(bytes_of(frame.body)) : std::nullopt;
    if (!birth) return recording.damaged("does not say what peer it is of,");
    recording.birth_ = std::move(*birth);
    return recording;
}

std::variant<Recording::Frame, record::Error> Recording::frame() {
    if (ahead_) {
        Frame frame = std::move(*ahead_);
        ahead_.reset();
        return frame;
    }
    char head[frame_head];
    if (left_ < frame_head || !in_.read(head, frame_head)) return damaged("was cut short: it ends");
    left_ -= frame_head;
    const std::uint32_t length = number_at(head + 1);
    if (length > left_) return damaged("was cut short: it ends");  // before so much memory is taken
    Frame frame{head[0], std::string(length, '\0')};
    if (!in_.read(frame.body.data(), length)) return damaged("was cut short: it ends");
    left_ -= length;
    if (wire::checksum(bytes_of(frame.body)) != number_at(head + 5)) return damaged("is damaged: a checksum is wrong");
    return frame;
}

std::variant<std::optional<Recording::Step>, record::Error> Recording::next(membership::Book& book) {
    auto read = frame();
    if (const auto* error = std::get_if<record::Error>(&read)) return *error;
    Frame& first = std::get<Frame>(read);
    if (first.kind == 'z') {
        if (left_ > 0) return damaged("goes on behind its end,");
        if (first.body != number(static_cast<std::uint32_t>(inputs_)) + number(static_cast<std::uint32_t>(inputs_ >> 32))) return damaged("is damaged: it counts its inputs wrong,");
        return std::optional<Step>{};
    }
    auto given = first.kind == 'i' ? wire::decode_input(bytes_of(first.body), book) : std::nullopt;
    if (!given) return damaged("is damaged: what comes cannot be read,");
    ++inputs_;
    Step step{inputs_, std::move(*given), {}, {}};
    auto after = frame();
    for (; !std::holds_alternative<record::Error>(after) && std::get<Frame>(after).kind == 's'; after = frame()) {
        if (std::get<Frame>(after).body.size() != membership::signature_bytes || step.signatures.size() == most_signatures) return damaged("is damaged: a signature is none,");
        step.signatures.push_back(std::move(std::get<Frame>(after).body));
    }
    if (const auto* error = std::get_if<record::Error>(&after)) return *error;
    Frame& second = std::get<Frame>(after);
    if (second.kind == 'e') {
        step.wanted = wire::decode_digests(bytes_of(second.body));
        if (!step.wanted) return damaged("is damaged: what the peer wanted cannot be read,");
    } else {
        ahead_ = std::move(second);
    }
    return std::optional(std::move(step));
}

}  // namespace grapevine::chronicle
