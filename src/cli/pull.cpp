// grapevine pull: the model out of a running cluster.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>
#include <utility>

#include "grapevine/learn/safetensors.hpp"
#include "grapevine/record/format.hpp"
#include "http.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

constexpr std::chrono::seconds patience = std::chrono::minutes(16);  // longer than the node tries

// What is there beside the file that is to be, until it is whole; gone with this if it never is.
class Beside {
public:
    explicit Beside(const std::string& path) : path_(path), partial_(path + ".partial"), file_(std::fopen(partial_.c_str(), "wb")), fault_(file_ ? 0 : errno) {}
    ~Beside() {
        if (file_) std::fclose(file_);
        if (made_ && !kept_) ::unlink(partial_.c_str());
    }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;

    const std::string& name() const { return partial_; }
    int fault() const { return fault_; }  // errno of what failed; 0: nothing
    bool write(const char* bytes, std::size_t count) {
        if (std::fwrite(bytes, 1, count, file_) != count) fault_ = errno;
        return fault_ == 0;
    }
    bool close() {
        if (fault_ == 0 && (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0)) fault_ = errno;
        std::fclose(std::exchange(file_, nullptr));
        return fault_ == 0;
    }
    bool keep() {
        kept_ = std::rename(partial_.c_str(), path_.c_str()) == 0;
        if (!kept_) fault_ = errno;
        return kept_;
    }

private:
    std::string path_, partial_;
    std::FILE* file_;
    int fault_;
    bool made_ = file_ != nullptr;
    bool kept_ = false;
};

int run(const Arguments& a) {
    const auto to = a.get("out");
    if (!to) return complain({"pull does not say where to", "-o model.safetensors"}, usage);
    if (!to->ends_with(".safetensors")) return complain({"-o " + *to + " does not end in .safetensors", "that is what is written; 'grapevine export' makes other formats of it"}, usage);
    const auto at = node_at(a);
    if (const auto* error = std::get_if<Error>(&at)) return complain(*error, usage);
    const auto& address = std::get<StatusAddress>(at);
    Beside file(*to);
    const auto cannot_write = [&] {
        const int why = file.fault();
        return complain({"cannot write " + *to + ": " + std::strerror(why), why == ENOSPC || why == EFBIG || why == EDQUOT ? "make room on that disk, or write somewhere else" : "check that its directory exists and may be written to"}, failed);
    };
    if (file.fault()) return cannot_write();

    ProgressLine progress;
    const bool merged = a.positional.empty();
    progress.show(merged ? "the node asks others for their models" : "the node asks for the model of " + plain(a.positional[0]));
    std::uint64_t here = 0;
    const Fields wish = merged ? Fields{{"merged", "1"}} : Fields{{"of", a.positional[0]}};
    const auto answer = http_stream(address, "/v1/model", wish, patience, [&](const char* bytes, std::size_t count, std::uint64_t of) {
        here += count;
        progress.show(record::format_bytes(static_cast<double>(here)) + " of " + record::format_bytes(static_cast<double>(of)));
        return file.write(bytes, count);
    });
    progress.clear();
    if (file.fault()) return cannot_write();
    if (!answer && here > 0) return complain({"the model broke off after " + record::format_bytes(static_cast<double>(here)), "has the node ended? Try again, or ask another with --at"}, failed);
    if (!answer || answer->status != 200) {
        const auto refused = understood(address, answer);
        return std::holds_alternative<int>(refused) ? std::get<int>(refused) : failed;
    }
    if (!file.close()) return cannot_write();
    // Read again before it has its name: what lies under it later is a model, and all of one.
    const auto read = learn::load_checkpoint(file.name());
    if (const auto* error = std::get_if<learn::Error>(&read)) return complain({"what came is no model: " + error->what, "is that port a grapevine node's? --at names another"}, failed);
    if (!file.keep()) return cannot_write();
    const auto& model = std::get<learn::Checkpoint>(read);
    const std::uint64_t models = model.number("merged").value_or(1), steps = model.number("step").value_or(0);
    if (a.has("json")) {
        std::printf("%s\n", Json{{"file", *to}, {"bytes", here}, {"models", models}, {"steps", steps}}.dump(2).c_str());
    } else {
        const std::string what = !merged ? "the model of " + plain(a.positional[0]) : models > 1 ? std::to_string(models) + " models merged" : "the model of the only member";
        std::printf("%s: %s, %llu steps, %s\n", to->c_str(), what.c_str(), static_cast<unsigned long long>(steps), record::format_bytes(static_cast<double>(here)).c_str());
    }
    return finished;
}

}  // namespace

Verb pull_verb() {
    return {"pull", "[NODE] -o OUT.safetensors [--at PORT|NAME] [--json]", "takes the model out of a running cluster",
            "The node that is asked brings the models of up to seven others, drawn at random, and hands out their mean with its own;\n"
            "of NODE, a member's name or id, that one's model as it is. Training goes on meanwhile. 'grapevine eval', 'predict' and\n"
            "'export' take the file. Under its name there is never half a model.",
            {{"out", "FILE", "where to", false, false, 'o'}, at_option(), {"json", "", "as JSON"}}, 1, run};
}

}  // namespace grapevine::cli
