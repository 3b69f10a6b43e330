#include <zlib.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "grapevine/formats/gzip.hpp"
#include "grapevine/formats/idx.hpp"
#include "grapevine/formats/npy.hpp"
#include "support.hpp"

using namespace grapevine::formats;

namespace {

using Shape = std::vector<std::uint64_t>;

// As numpy.save writes it, with another dictionary if you like.
std::string npy(const std::string& dictionary, const std::string& values, int version = 1) {
    std::string header = dictionary + "\n";
    std::string text("\x93NUMPY", 6);
    text += static_cast<char>(version);
    text += '\0';
    for (int i = 0; i < (version == 1 ? 2 : 4); ++i) text += static_cast<char>(header.size() >> (8 * i) & 0xff);
    return text + header + values;
}
std::string of(const std::string& descr, const std::string& shape) { return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }"; }
template <class T> std::string raw(std::initializer_list<T> values) {
    std::string text(values.size() * sizeof(T), '\0');
    std::memcpy(text.data(), values.begin(), text.size());
    return text;
}
Array array(const std::string& bytes) {
    auto read = decode_npy(bytes_of(bytes));
    INFO(complaint(read));
    REQUIRE(std::holds_alternative<Array>(read));
    return std::get<Array>(std::move(read));
}
std::string wrong(const std::string& bytes) { return complaint(decode_npy(bytes_of(bytes))); }

std::string idx(const std::string& head, std::size_t values) { return head + std::string(values, 'x'); }

}  // namespace

TEST_CASE("npy: the types and versions that are read") {
    CHECK(std::get<std::vector<float>>(array(npy(of("<f4", "(2, 1)"), raw<float>({1, -2.5f}))).values) == std::vector<float>{1, -2.5f});
    CHECK(std::get<std::vector<float>>(array(npy(of("<f8", "(2,)"), raw<double>({1, 0.1}))).values) == std::vector<float>{1, 0.1f});
    CHECK(std::get<std::vector<std::uint8_t>>(array(npy(of("|u1", "(3,)"), "\x01\x02\xff")).values) == std::vector<std::uint8_t>{1, 2, 255});
    CHECK(std::get<std::vector<std::int64_t>>(array(npy(of("<i4", "(2,)"), raw<std::int32_t>({-1, 7}))).values) == std::vector<std::int64_t>{-1, 7});
    CHECK(std::get<std::vector<std::int64_t>>(array(npy(of("<i8", "(1,)"), raw<std::int64_t>({INT64_MIN}))).values) == std::vector<std::int64_t>{INT64_MIN});
    CHECK(array(npy(of("<f4", "()"), raw<float>({3}), 2)).shape == Shape{});
    CHECK(array(npy("{'shape':(1,2),'fortran_order':False,\"descr\":\"<f4\"}", raw<float>({3, 4}), 3)).shape == Shape{1, 2});
    CHECK(array(npy(of("<f4", "(0, 5)"), "")).size() == 0);
}

TEST_CASE("npy: what is encoded is decoded again, and aligned") {
    const std::vector<float> values = {1, 2, 3, 4, 5, 6};
    for (const Shape& shape : {Shape{6}, Shape{2, 3}, Shape{1, 2, 3}}) {
        const auto bytes = encode_npy(shape, values);
        CHECK((bytes.size() - 24) % 64 == 0);
        const auto back = decode_npy(bytes);
        REQUIRE(std::holds_alternative<Array>(back));
        CHECK(std::get<Array>(back).shape == shape);
        CHECK(std::get<std::vector<float>>(std::get<Array>(back).values) == values);
    }
    const auto scalar = decode_npy(encode_npy({}, std::vector<float>{7}));
    CHECK(std::get<Array>(scalar).shape.empty());
}

TEST_CASE("npy: every prefix is refused, and so is one byte more") {
    const std::string whole = npy(of("<f4", "(2, 2)"), raw<float>({1, 2, 3, 4}));
    CHECK(wrong(whole).empty());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK(!wrong(whole.substr(0, length)).empty());
    }
    CHECK(has(wrong(whole + "x"), "has 17 bytes of them"));
}

TEST_CASE("npy: headers that are none, or are not for us") {
    const std::string four = raw<float>({1});
    CHECK(has(wrong(npy(of(">f4", "(1,)"), four)), "of the type '>f4'"));
    CHECK(has(wrong(npy(of("<c8", "(1,)"), four)), "of the type '<c8'"));
    CHECK(has(wrong(npy(of("|O", "(1,)"), four)), "of the type '|O'"));
    CHECK(has(wrong(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", four)), "column by column"));
    CHECK(has(wrong(npy(of("<f4", "(1,)"), four, 4)), "version 4"));
    for (const std::string bad : {"", "{}", "{", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
                                  "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': 1}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
                                  "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "{'descr"}) {
        CAPTURE(bad);
        CHECK(has(wrong(npy(bad, four)), "header is none that numpy writes"));
    }
}

TEST_CASE("npy: sizes that the file cannot hold take no memory") {
    for (const std::string shape : {"(4294967296, 4294967296)", "(2147483649,)", "(18446744073709551615, 2)"}) CHECK(has(wrong(npy(of("<f4", shape), "")), "more than 2^31"));
    CHECK(has(wrong(npy(of("|u1", "(2147483648,)"), "x")), "and has 1 bytes"));   // as many as may be claimed, but they are not there
    CHECK(has(wrong(npy(of("<f4", "(99999999999999999999999999,)"), "")), "header is none"));
    CHECK(wrong(npy(of("|u1", "(1, 1, 1, 1, 1, 1, 1, 1)"), "x")).empty());
    CHECK(has(wrong(npy(of("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "x")), "header is none"));
    const std::string dictionary = of("|u1", "(1,)");
    CHECK(wrong(npy(dictionary + std::string(most_npy_header - dictionary.size() - 1, ' '), "x", 2)).empty());
    CHECK(has(wrong(npy(dictionary + std::string(most_npy_header - dictionary.size(), ' '), "x", 2)), "longer than 64 KiB"));
}

TEST_CASE("what is not finite is found, by row") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    CHECK(!not_finite(array(npy(of("<f4", "(2, 2)"), raw<float>({1, 2, 3, 4})))));
    CHECK(not_finite(array(npy(of("<f4", "(2, 2)"), raw<float>({1, 2, 3, nan}))))->what == "number 2 of row 2 is NaN");
    CHECK(not_finite(array(npy(of("<f8", "(2, 1)"), raw<double>({1, 1e300}))))->what == "number 1 of row 2 is infinite");
}

TEST_CASE("idx: bytes of one to four dimensions") {
    const std::string head("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12);
    const auto read = decode_idx(bytes_of(idx(head, 6)));
    REQUIRE(std::holds_alternative<Array>(read));
    CHECK(std::get<Array>(read).shape == Shape{2, 3});
    CHECK(std::get<Array>(read).row_size() == 3);
    for (std::size_t length = 0; length < 18; ++length) CHECK(has(complaint(decode_idx(bytes_of(idx(head, 6).substr(0, length)))), "ends too early"));
    CHECK(has(complaint(decode_idx(bytes_of(idx(head, 7)))), "more in it"));
    CHECK(has(complaint(decode_idx(bytes_of(std::string("\0\0\x0d\x01\0\0\0\x01", 8) + "abcd"))), "does not begin"));
    CHECK(has(complaint(decode_idx(bytes_of(std::string("\0\0\x08\x05", 4) + std::string(40, '\1')))), "does not begin"));
    CHECK(has(complaint(decode_idx(bytes_of(std::string("\0\0\x08\x02\0\0\0\0\0\0\0\x03", 12)))), "a dimension is 0"));
    CHECK(has(complaint(decode_idx(bytes_of(std::string("\0\0\x08\x01\x80\0\0\0", 8)))), "claims 2147483648 values and has 0"));
    CHECK(has(complaint(decode_idx(bytes_of(std::string("\0\0\x08\x01\x80\0\0\1", 8)))), "more than 2 GiB"));
    CHECK(has(complaint(decode_idx(bytes_of(std::string("\0\0\x08\x04", 4) + std::string(16, '\xff')))), "more than 2 GiB"));
}

TEST_CASE("gzip: what was packed, as much as may be and no more") {
    const std::string text(100'000, 'a');
    std::string packed(1000, '\0');
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<unsigned>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<unsigned>(packed.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    CHECK(is_gzip(bytes_of(packed)));
    const auto whole = gunzip(bytes_of(packed), text.size());
    REQUIRE(std::holds_alternative<std::vector<std::byte>>(whole));
    CHECK(std::get<0>(whole).size() == text.size());
    CHECK(has(complaint(gunzip(bytes_of(packed), text.size() - 1)), "more than 99999 bytes"));
    for (std::size_t length = 0; length < packed.size(); ++length) {
        CAPTURE(length);
        CHECK(!complaint(gunzip(bytes_of(packed.substr(0, length)), text.size())).empty());
    }
    CHECK(has(complaint(gunzip(bytes_of(packed + "x"), text.size())), "after its end"));
    packed[packed.size() - 7] ^= 1;
    CHECK(!complaint(gunzip(bytes_of(packed), text.size())).empty());
}
