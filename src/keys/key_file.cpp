#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lines.hpp"

namespace grapevine::keys {

std::optional<std::string_view> Lines::next() {
    while (!rest_.empty()) {
        const std::size_t end = rest_.find('\n');
        std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        ++number_;
        line = line.substr(0, line.find('#'));
        constexpr std::string_view space = " \t\r";
        const std::size_t first = line.find_first_not_of(space);
        if (first == std::string_view::npos) continue;
        return line.substr(first, line.find_last_not_of(space) - first + 1);
    }
    return std::nullopt;
}

std::string shown(std::string_view text) {
    std::string clean;
    for (const char c : text.substr(0, 40)) clean.push_back(c >= 0x20 && c < 0x7f ? c : '?');
    return text.size() > 40 ? clean + "..." : clean;
}

std::variant<std::string, Error> whole_file(const std::string& path, std::size_t most, const char* what_it_is) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe is no wait for ever
    if (fd < 0) return Error{"cannot read '" + path + "': " + std::strerror(errno), std::string("name ") + what_it_is};
    struct stat s {};
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(fd);
        return Error{"'" + path + "' is no file", std::string("name ") + what_it_is};
    }
    std::string text(most + 1, '\0');
    std::size_t size = 0;
    for (ssize_t n = 1; n != 0 && size <= most;) {
        n = read(fd, text.data() + size, text.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int why = errno;
            close(fd);
            return Error{"cannot read '" + path + "': " + std::strerror(why), "is the disk well?"};
        }
        size += static_cast<std::size_t>(n);
    }
    close(fd);
    if (size > most) return Error{"'" + path + "' has more than " + std::to_string(most) + " bytes", std::string("name ") + what_it_is};
    text.resize(size);
    return text;
}

namespace {

constexpr const char* hint = "'grapevine keygen -o FILE' writes one";

std::optional<std::string> bytes_of(std::string_view text) {
    if (text.size() != 2 * key_bytes) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int byte = 0;
        for (const char c : text.substr(i, 2)) {
            const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0) return std::nullopt;
            byte = byte << 4 | digit;
        }
        bytes.push_back(static_cast<char>(byte));
    }
    return bytes;
}

}  // namespace

std::variant<Pair, Error> parse_key_file(const std::string& text, const std::string& name) {
    if (text.size() > most_key_file_bytes) return Error{"'" + name + "' has more than " + std::to_string(most_key_file_bytes) + " bytes", hint};
    std::optional<std::string> secret, given;
    Lines lines(text);
    while (const auto line = lines.next()) {
        const std::string where = name + ":" + std::to_string(lines.number()) + ": ";
        const std::size_t sign = line->find('=');
        const auto trimmed = [](std::string_view word) {
            const std::size_t first = word.find_first_not_of(" \t");
            return first == std::string_view::npos ? std::string_view() : word.substr(first, word.find_last_not_of(" \t") - first + 1);
        };
        const std::string_view what = trimmed(line->substr(0, sign)), value = sign == std::string_view::npos ? "" : trimmed(line->substr(sign + 1));
        // A secret under a word that is misspelt is one all the same: no more of a line is shown than cannot be one.
        if (what != "secret" && what != "public") return Error{where + (what.size() <= 16 ? "'" + shown(what) + "'" : "what stands here") + " belongs into no key file", hint};
        std::optional<std::string>& into = what == "secret" ? secret : given;
        if (into) return Error{where + "a second " + std::string(what) + " key", "a key file is one node's: 'grapevine keygen' for each"};
        into = bytes_of(value);
        if (!into) return Error{where + "the " + std::string(what) + " key is not 64 digits of 0-9 and a-f", hint};  // and is not shown
    }
    if (!secret) return Error{"'" + name + "' holds no secret key", given ? "that of a public key alone belongs into an --allow list" : hint};
    Pair pair = from_seed(*secret);
    if (given && *given != pair.public_key) return Error{"'" + name + "': the public key is not that of the secret one", "one of them was changed; copy the file anew, or 'grapevine keygen' makes another"};
    return pair;
}

std::variant<Pair, Error> read_key_file(const std::string& path) {
    auto text = whole_file(path, most_key_file_bytes, "a file that 'grapevine keygen' wrote");
    if (const auto* error = std::get_if<Error>(&text)) return *error;
    return parse_key_file(std::get<std::string>(text), path);
}

std::optional<Error> write_key_file(const std::string& path, const Pair& pair) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) return Error{"'" + path + "' is there already, and a key that is gone is gone for good", "choose another name, or move the file away"};
    if (fd < 0) return Error{"cannot write '" + path + "': " + std::strerror(errno), "does its directory exist, and may you write there?"};
    const std::string text = "# A key of grapevine. Who can read this file is this node: keep it to yourself. Others need the public key only.\nsecret = " +
                             to_text(pair.seed) + "\npublic = " + to_text(pair.public_key) + "\n";
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t n = write(fd, text.data() + written, text.size() - written);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        written += static_cast<std::size_t>(n);
    }
    const bool kept = written == text.size() && fsync(fd) == 0;
    if (close(fd) == 0 && kept) return std::nullopt;
    unlink(path.c_str());
    return Error{"cannot write '" + path + "'", "is the disk full?"};
}

bool read_by_others(const std::string& path) {
    struct stat s {};
    return stat(path.c_str(), &s) == 0 && (s.st_mode & 077) != 0;
}

}  // namespace grapevine::keys
