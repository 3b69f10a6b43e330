#include "insteval.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

// R keeps a package's data in two files. Rdata.rdb: objects one after the other, each four bytes for its length (big-endian, unpacked) and a
// zlib stream; Rdata.rdx: where each of them lies. Objects are written as R Internals, 1.8 "Serialization Formats", has it; of their types
// those are read here that a data frame has.
namespace grapevine::learn {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t most_bytes = 64 << 20;  // of a file, and of what it unpacks to; InstEval has 2.1 million
constexpr int deepest = 64;

struct Unreadable : std::runtime_error {  // stays in this file
    using std::runtime_error::runtime_error;
};

struct Attribute;
struct Value {
    enum class Type { nothing, integers, texts, list, other } type = Type::nothing;
    std::vector<std::int32_t> integers;
    std::vector<std::string> texts;
    std::vector<Value> list;
    std::vector<Attribute> attributes;

    const Value& attribute(const std::string& name) const;
    const Value& member(const std::string& name) const;  // of a list with names
};
struct Attribute {
    std::string key;
    Value value;
};

const Value& Value::attribute(const std::string& name) const {
    for (const auto& [key, value] : attributes)
        if (key == name) return value;
    throw Unreadable("it lacks '" + name + "'");
}

const Value& Value::member(const std::string& name) const {
    const Value& names = attribute("names");
    const auto found = std::find(names.texts.begin(), names.texts.end(), name);
    if (found == names.texts.end() || names.texts.size() != list.size()) throw Unreadable("it holds no '" + name + "'");
    return list[static_cast<std::size_t>(found - names.texts.begin())];
}

class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> bytes) : left_(bytes) {}

    Value read() {
        if (left_.size() < 2 || left_[0] != 'X' || left_[1] != '\n') throw Unreadable("it is no object of R");
        left_ = left_.subspan(2);
        const std::int32_t version = number();
        number(), number();  // who wrote it, and who can read it
        if (version != 2 && version != 3) throw Unreadable("it has version " + std::to_string(version) + " of R's format");
        if (version == 3) take(length(1));  // the name of an encoding
        return item(0);
    }

private:
    std::span<const std::uint8_t> take(std::size_t count) {
        if (count > left_.size()) throw Unreadable("it ends too early");
        const auto taken = left_.first(count);
        left_ = left_.subspan(count);
        return taken;
    }
    std::int32_t number() {
        const auto b = take(4);
        return static_cast<std::int32_t>(std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | std::uint32_t{b[3]});
    }
    // Of what takes so many bytes each at least.
    std::size_t length(std::size_t each) {
        const std::int32_t n = number();
        if (n < 0 || static_cast<std::size_t>(n) > left_.size() / each) throw Unreadable("it claims more values than it has");
        return static_cast<std::size_t>(n);
    }
    std::string text() {
        const std::int32_t kind = number();
        constexpr std::int32_t character = 9;
        if ((kind & 0xff) != character) throw Unreadable("it has no text where one belongs");
        const auto before = left_;
        if (number() == -1) return {};  // R's NA
        left_ = before;
        const auto bytes = take(length(1));
        return {bytes.begin(), bytes.end()};
    }

    void attributes(std::int32_t flags, Value& of, int depth) {
        if ((flags & 0x200) == 0) return;
        for (;;) {  // a list of pairs: a name, a value, and the rest
            const std::int32_t pair = number();
            constexpr std::int32_t end = 254, pairs = 2;
            if ((pair & 0xff) == end) return;
            if ((pair & 0xff) != pairs || (pair & 0x400) == 0 || (pair & 0x200) != 0) throw Unreadable("its attributes are no list of names and values");
            std::string name = symbol();
            Value value = item(depth + 1);
            of.attributes.push_back({std::move(name), std::move(value)});
        }
    }
    std::string symbol() {
        const std::int32_t flags = number();
        constexpr std::int32_t fresh = 1, again = 255;
        if ((flags & 0xff) == fresh) return symbols_.emplace_back(text());
        if ((flags & 0xff) != again) throw Unreadable("it has no name where one belongs");
        const std::int32_t packed = flags >> 8, which = packed != 0 ? packed : number();
        if (which < 1 || static_cast<std::size_t>(which) > symbols_.size()) throw Unreadable("it refers to a name that is not there");
        return symbols_[static_cast<std::size_t>(which) - 1];
    }

    Value item(int depth) {
        if (depth > deepest) throw Unreadable("it is nested too deeply");
        const std::int32_t flags = number();
        Value v;
        switch (flags & 0xff) {
            case 254: return v;
            case 10:  // truth values
            case 13: {
                const std::size_t n = length(4);
                v.type = Value::Type::integers;
                v.integers.resize(n);
                for (auto& i : v.integers) i = number();
                break;
            }
            case 14:  // doubles: nobody asks for them
                v.type = Value::Type::other;
                take(8 * length(8));
                break;
            case 16: {
                const std::size_t n = length(8);
                v.type = Value::Type::texts;
                for (std::size_t i = 0; i < n; ++i) v.texts.push_back(text());
                break;
            }
            case 19: {
                const std::size_t n = length(4);
                v.type = Value::Type::list;
                for (std::size_t i = 0; i < n; ++i) v.list.push_back(item(depth + 1));
                break;
            }
            default: throw Unreadable("it holds a value of type " + std::to_string(flags & 0xff) + ", which a data frame has not");
        }
        attributes(flags, v, depth);
        return v;
    }

    std::span<const std::uint8_t> left_;
    std::vector<std::string> symbols_;
};

Bytes unpack(std::span<const std::uint8_t> packed) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 32) != Z_OK) throw Unreadable("zlib does not start");  // of zlib or gzip
    struct End {
        z_stream* stream;
        ~End() { inflateEnd(stream); }
    } const end{&stream};
    Bytes out;
    stream.next_in = const_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    int state = Z_OK;
    while (state == Z_OK) {
        const std::size_t had = out.size();
        if (had >= most_bytes) throw Unreadable("it unpacks to more than 64 MiB");
        out.resize(had + (std::size_t{1} << 18));
        stream.next_out = out.data() + had;
        stream.avail_out = static_cast<uInt>(out.size() - had);
        state = inflate(&stream, Z_NO_FLUSH);
        out.resize(out.size() - stream.avail_out);
    }
    if (state != Z_STREAM_END) throw Unreadable("it cannot be unpacked");
    return out;
}

Bytes read_file(const std::string& path) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    std::ifstream file(path, std::ios::binary);
    if (failed || !file) throw Unreadable("it cannot be read");
    if (size > most_bytes) throw Unreadable("it has more than 64 MiB");
    return {std::istreambuf_iterator<char>(file), {}};
}

// A column of names, as numbers from 0, and how many names there are.
std::size_t factor(const Value& column, std::size_t rows, std::vector<std::int32_t>& to) {
    const std::size_t levels = column.attribute("levels").texts.size();
    if (column.integers.size() != rows) throw Unreadable("its columns are not of one length");
    to.reserve(rows);
    for (const std::int32_t i : column.integers) {
        if (i < 1 || static_cast<std::size_t>(i) > levels) throw Unreadable("it has a row that names nobody");
        to.push_back(i - 1);
    }
    return levels;
}

}  // namespace

std::variant<Evaluations, Error> read_insteval(const std::string& directory) {
    const std::string where = directory.empty() ? "/usr/lib/R/site-library/lme4/data" : directory;
    const std::string hint = "apt-get install r-cran-lme4 (or say in [data] directory where its Rdata.rdb is, or take set = \"ratings\")";
    std::string path = where + "/Rdata.rdx";
    try {
        std::error_code ignored;
        if (!std::filesystem::exists(path, ignored)) return Error{path + " is missing", hint};
        const Value index = Reader(unpack(read_file(path))).read();
        const std::vector<std::int32_t>& at = index.member("variables").member("InstEval").integers;

        path = where + "/Rdata.rdb";
        const Bytes objects = read_file(path);
        if (at.size() != 2 || at[0] < 0 || at[1] < 4 || static_cast<std::size_t>(at[0]) + static_cast<std::size_t>(at[1]) > objects.size())
            throw Unreadable("it ends before InstEval does");
        const Value frame = Reader(unpack(std::span(objects).subspan(static_cast<std::size_t>(at[0]) + 4, static_cast<std::size_t>(at[1]) - 4))).read();
        const std::vector<std::int32_t>& ratings = frame.member("y").integers;
        Evaluations e;
        e.students = factor(frame.member("s"), ratings.size(), e.student);
        e.lecturers = factor(frame.member("d"), ratings.size(), e.lecturer);
        for (const std::int32_t r : ratings) {
            if (r < 1 || r > 5) throw Unreadable("it has a rating that is not from 1 to 5");
            e.ratings.push_back(static_cast<float>(r));
        }
        if (e.ratings.empty()) throw Unreadable("InstEval is empty");
        return e;
    } catch (const Unreadable& what) {
        return Error{path + " is damaged: " + what.what(), hint};
    }
}

}  // namespace grapevine::learn
