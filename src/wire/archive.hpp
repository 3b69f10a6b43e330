#pragma once

#include <bit>
#include <cereal/cereal.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

// Archives for cereal over bytes in memory: little endian, no lengths believed. cereal's own binary archive
// allocates whatever count it reads (9 bytes made it take 1.9 GiB); this one hands out counts only after holding
// them against the bytes that are left.
namespace grapevine::wire {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

struct Malformed {};  // thrown by Reader, caught in decode() and nowhere else

class Writer : public cereal::OutputArchive<Writer, cereal::AllowEmptyClassElision> {
public:
    explicit Writer(std::string& into) : OutputArchive(this), into_(into) {}
    void write(const void* data, std::size_t size) { into_.append(static_cast<const char*>(data), size); }

private:
    std::string& into_;
};

class Reader : public cereal::InputArchive<Reader, cereal::AllowEmptyClassElision> {
public:
    explicit Reader(std::span<const std::byte> from) : InputArchive(this), from_(from) {}
    void read(void* data, std::size_t size) {
        if (size > from_.size()) throw Malformed{};
        std::memcpy(data, from_.data(), size);
        from_ = from_.subspan(size);
    }
    // `count` elements of `each` bytes at least: there must be that many left, before anything is allocated.
    void expect(std::uint64_t count, std::size_t each) const {
        if (count > from_.size() / each) throw Malformed{};
    }
    bool at_end() const { return from_.empty(); }

private:
    std::span<const std::byte> from_;
};

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

template <Number T>
void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const T& value) {
    archive.write(&value, sizeof value);
}
template <Number T>
void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, T& value) {
    archive.read(&value, sizeof value);
    if constexpr (std::is_floating_point_v<T>)
        if (!std::isfinite(value)) throw Malformed{};
}

inline void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const bool& value) {
    const std::uint8_t byte = value;
    archive.write(&byte, 1);
}
inline void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, bool& value) {
    std::uint8_t byte = 0;
    archive.read(&byte, 1);
    if (byte > 1) throw Malformed{};
    value = byte;
}

// Short text: one byte of length.
inline void CEREAL_SAVE_FUNCTION_NAME(Writer& archive, const std::string& text) {
    archive(static_cast<std::uint8_t>(text.size()));
    archive.write(text.data(), text.size());
}
inline void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, std::string& text) {
    std::uint8_t size = 0;
    archive(size);
    archive.expect(size, 1);
    text.resize(size);
    archive.read(text.data(), size);
}

}  // namespace grapevine::wire
