#pragma once

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "grapevine/record/growing_file.hpp"
#include "grapevine/wire/recording.hpp"

// A file with all that one peer was told, in order: grapevine replay plays it into a fresh one.
//
//   "grapevine recording\n"  version of the recording, of the wire (a byte each)
//   then frames: kind (a byte), length and checksum of the body (four bytes each, little endian), body
//     b  what the peer was built from; first, once
//     i  an input                 e  the digests of what the peer wanted of it
//     z  the end, with the number of inputs: without it the file was cut short
namespace grapevine::chronicle {

class Recorder {
public:
    explicit Recorder(const std::string& path) : file_(path) {}
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    void born(const membership::Book& book, membership::Handle self, const PeerConfig& config, std::uint64_t seed,
              const std::vector<std::uint64_t>& splits, const std::vector<membership::Handle>& known);  // first
    void given(Instant at, const Peer::Input& input);         // before the peer's step
    void signed_as(const std::string& signature);             // in it, where there is a notary: who plays it has no secret key
    void wanted(const Peer::Effects& effects);                // after it
    void end();                                               // nothing comes any more
    bool begun() const { return book_ != nullptr; }
    std::optional<record::Error> fault() const { return file_.fault(); }

private:
    void frame(char kind, const std::string& body);
    record::GrowingFile file_;
    const membership::Book* book_ = nullptr;
    std::uint64_t inputs_ = 0;
    bool ended_ = false;
};

class Recording {
public:
    // Reads what the peer was built from. A file that is no recording, or of another version, or damaged is an error.
    static std::variant<Recording, record::Error> open(const std::string& path);

    const wire::Birth& birth() const { return birth_; }

    struct Step {
        std::uint64_t number;  // of the input, from 1
        wire::Given given;
        std::vector<std::string> signatures;  // that the notary made in it
        std::optional<std::vector<std::uint64_t>> wanted;  // digests; nothing where the peer's process ended in that very step
    };
    // The next step; nothing at the end. Records that its messages bring go into the book.
    std::variant<std::optional<Step>, record::Error> next(membership::Book& book);

private:
    Recording(const std::string& path, std::ifstream in, std::uint64_t left) : path_(path), in_(std::move(in)), left_(left) {}
    struct Frame {
        char kind = 0;
        std::string body;
    };
    std::variant<Frame, record::Error> frame();
    record::Error damaged(const std::string& what) const;

    std::string path_;
    std::ifstream in_;
    std::uint64_t left_;  // bytes of the file
    wire::Birth birth_;
    std::uint64_t inputs_ = 0;
    std::optional<Frame> ahead_;
};

}  // namespace grapevine::chronicle
