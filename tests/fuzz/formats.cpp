// Data of people's own as bytes: csv, npy, idx, libsvm, zip and gzip, by the first byte. What is taken holds together; what is refused
// says why.
#include "fuzz.hpp"
#include "grapevine/formats/csv.hpp"
#include "grapevine/formats/gzip.hpp"
#include "grapevine/formats/idx.hpp"
#include "grapevine/formats/libsvm.hpp"
#include "grapevine/formats/npy.hpp"
#include "grapevine/formats/zip.hpp"

using namespace grapevine;
using namespace grapevine::formats;

namespace {

template <class T>
const T* taken(const std::variant<T, Fault>& read) {
    if (const auto* fault = std::get_if<Fault>(&read)) assert(!fault->what.empty() && !fault->hint.empty());
    return std::get_if<T>(&read);
}

void look_at(const std::variant<Array, Fault>& read) {
    const Array* array = taken(read);
    if (!array) return;
    std::visit([&](const auto& values) { assert(values.size() == array->size()); }, array->values);
    (void)not_finite(*array);
    (void)shape_text(array->shape);
}

std::string text_of(const std::vector<std::byte>& bytes) { return fuzz::text_of(bytes); }

}  // namespace

std::vector<std::string> fuzz::seeds() {
    const auto npy = encode_npy(std::vector<std::uint64_t>{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    const std::string content = "content";
    const std::vector<ZipEntry> entries = {{"a.npy", npy}, {"b", std::as_bytes(std::span(content))}};
    // printf 'hello hello hello hello\n' | gzip -n
    const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27,
                                    0xb9, 0x00, 0x00, 0x88, 0x59, 0x0b, 0x18, 0x00, 0x00, 0x00};
    return {
        std::string(1, 0) + "height,width,\"the class\"\r\n1.5,-2,cat\r\n3e1,\"4\",\"d\"\"og\"\r\n0,7,cat\r\n",
        std::string(1, 0) + "1;2;a\n3;4;b\n",
        std::string(1, 1) + ::text_of(npy),
        std::string(1, 2) + std::string("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12) + "abcdef",
        std::string(1, 3) + "+1 1:0.5 3:2 # first\n-1 2:-1e-3\n0 7:1 9:2\n",
        std::string(1, 4) + ::text_of(*encode_zip(entries)),
        std::string(1, 5) + std::string(reinterpret_cast<const char*>(packed), sizeof packed),
    };
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto bytes = fuzz::bytes_of(data + 1, size - 1);
    switch (data[0] % 6) {
        case 0: {
            const auto read = decode_csv(bytes);
            if (const Sheet* sheet = taken(read)) {
                assert(sheet->values.size() == sheet->rows * sheet->columns && sheet->labels.rows() == sheet->rows);
                for (const auto label : sheet->labels.of_row()) assert(label < sheet->labels.words().size());
            }
            break;
        }
        case 1: look_at(decode_npy(bytes)); break;
        case 2: look_at(decode_idx(bytes)); break;
        case 3: {
            const auto read = decode_libsvm(bytes);
            if (const Sparse* sparse = taken(read)) {
                assert(sparse->labels.rows() == sparse->rows() && (sparse->ends.empty() || sparse->ends.back() == sparse->values.size()));
                if (sparse->columns < 1000) assert(sparse->dense(sparse->columns).size() == sparse->rows() * sparse->columns);
            }
            break;
        }
        case 4: {
            const auto read = decode_zip(bytes);
            std::size_t all = 0;
            if (const auto* entries = taken(read))
                for (const ZipEntry& e : *entries) all += e.content.size();
            assert(all <= bytes.size());
            break;
        }
        default: {
            const auto read = gunzip(bytes, 1 << 20);
            if (const auto* unpacked = taken(read)) assert(unpacked->size() <= 1 << 20);
        }
    }
    return 0;
}
