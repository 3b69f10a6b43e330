#include "reference.hpp"

using namespace grapevine;
using namespace grapevine::kernels;

ON_EVERY_BACKEND("memory starts at zero, and what goes up comes back") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const DeviceSpan span = backend.allocate(n);
        CHECK(back(backend, span) == Values(n, 0));
        const Values values = random_values(n, n);
        backend.upload(values, span);
        CHECK(back(backend, span) == values);
    }
}

ON_EVERY_BACKEND("activations come back as the numbers they are") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values values = random_values(n, n);
        CHECK(back(backend, active(backend, values)) == held(backend, values));
        if (n < 15) continue;
        const Values whole = held(backend, values);
        CHECK(back(backend, active(backend, values).part(7, 6)) == Values(whole.begin() + 7, whole.begin() + 13));
    }
}

ON_EVERY_BACKEND("scratch is as large as was asked for, each time") {
    for (const std::size_t n : {10, 100'000, 5}) {
        const DeviceSpan span = backend.scratch(n);
        CHECK(span.size == n);
        const Values values = random_values(n, n);
        backend.upload(values, span);
        CHECK(back(backend, span) == values);
    }
}

ON_EVERY_BACKEND("clear makes parts of a block zero") {
    const DeviceSpan block = on(backend, poison(300));
    const Part parts[] = {{0, 1}, {63, 129}, {300, 0}};
    backend.clear(block, parts);
    const Values now = back(backend, block);
    for (const Part& p : parts)
        for (std::size_t i = p.offset; i < p.offset + p.count; ++i) CHECK(now[i] == 0);
}

ON_EVERY_BACKEND("a shadow follows its parameters, whoever writes them") {
    const std::size_t n = 1000;
    const Values x = random_values(n, 1), y = random_values(n, 2);
    const DeviceSpan block = on(backend, x), shadow = backend.shadow(block);
    REQUIRE(shadow.size == n);
    CHECK(back(backend, shadow) == held(backend, x));
    CHECK(back(backend, backend.shadow(block.part(64, 100))) == back(backend, shadow.part(64, 100)));
    const auto follows = [&] { CHECK(back(backend, backend.shadow(block)) == held(backend, back(backend, block))); };
    backend.upload(Values(y.begin(), y.begin() + 128), block.part(64, 128));
    follows();
    backend.mix(0.25f, block, 0.5f, y);
    follows();
    backend.axpby(0.5f, on(backend, y), 1, block);
    follows();
    backend.step({}, on(backend, Values{0.1f, 1, 1, 0}), {}, on(backend, y), {}, {}, block);
    follows();
}

ON_EVERY_BACKEND("gather brings rows together and normalises them") {
    const std::size_t table_rows = 50;
    for (const std::size_t width : {std::size_t{1}, std::size_t{7}, std::size_t{784}})
        for (const std::size_t stride : {width, width + 3}) {
            std::vector<std::uint8_t> bytes(table_rows * stride);
            for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
            const Values floats = random_values(table_rows * stride, width);
            const Table of_bytes = backend.keep(bytes), of_floats = backend.keep(floats);
            for (const Indices& rows : {Indices{}, Indices{49, 0, 7, 7, 31}}) {
                CAPTURE(width);
                CAPTURE(stride);
                Exact from_bytes, from_floats;
                for (const std::int32_t r : rows)
                    for (std::size_t f = 0; f < width; ++f) {
                        const std::size_t at = static_cast<std::size_t>(r) * stride + f;
                        from_bytes.push_back(0.25 * bytes[at] - 1.5);
                        from_floats.push_back(0.25 * floats[at] - 1.5);
                    }
                const DeviceSpan to = active(backend, poison(rows.size() * width));
                const IndexSpan chosen = on(backend, rows);
                backend.gather(of_bytes, width, stride, chosen, {0.25f, -1.5f}, to);
                CHECK(error(backend, to, from_bytes) < allowed_of(backend));
                backend.gather(of_floats, width, stride, chosen, {0.25f, -1.5f}, to);
                CHECK(error(backend, to, from_floats) < allowed_of(backend));
            }
        }
}

ON_EVERY_BACKEND("pictures are moved and turned over on their way, and what comes in at the edges is the table's zero") {
    for (const Picture picture : {Picture{28, 28, 1}, Picture{5, 7, 3}, Picture{1, 1, 1}}) {
        CAPTURE(picture.width);
        const std::size_t table_rows = 9;
        std::vector<std::uint8_t> bytes(table_rows * picture.size());
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
        const Values floats = random_values(bytes.size(), 1);
        const Table of_bytes = backend.keep(bytes), of_floats = backend.keep(floats);
        struct Move {
            int down, right;
            bool mirrored;
        };
        const std::vector<Move> moves = {{0, 0, false}, {0, 0, true}, {2, -1, false}, {-3, 2, true}, {1, 1, true}, {-1, 0, false}, {40, 0, false}};
        for (const std::size_t count : {moves.size(), std::size_t{0}}) {
            Indices rows, how;
            Exact from_bytes, from_floats;
            for (std::size_t i = 0; i < count; ++i) {
                const Move& m = moves[i];
                rows.push_back(static_cast<std::int32_t>((i * 4) % table_rows));
                how.push_back((m.down + 128) | (m.right + 128) << 8 | static_cast<int>(m.mirrored) << 16);
                for (int r = 0; r < static_cast<int>(picture.height); ++r)
                    for (int c = 0; c < static_cast<int>(picture.width); ++c)
                        for (std::size_t k = 0; k < picture.channels; ++k) {
                            const int row = r - m.down, moved = c - m.right, column = m.mirrored ? static_cast<int>(picture.width) - 1 - moved : moved;
                            const bool inside = row >= 0 && row < static_cast<int>(picture.height) && moved >= 0 && moved < static_cast<int>(picture.width);
                            const std::size_t at = static_cast<std::size_t>(rows[i]) * picture.size() +
                                                   (inside ? (static_cast<std::size_t>(row) * picture.width + static_cast<std::size_t>(column)) * picture.channels + k : 0);
                            from_bytes.push_back((inside ? 0.25 * bytes[at] : 0) - 1.5);
                            from_floats.push_back((inside ? 0.25 * floats[at] : 0) - 1.5);
                        }
            }
            const DeviceSpan to = active(backend, poison(count * picture.size()));
            backend.gather_moved(of_bytes, picture, on(backend, rows), on(backend, how), {0.25f, -1.5f}, to);
            CHECK(error(backend, to, from_bytes) < allowed_of(backend));
            backend.gather_moved(of_floats, picture, on(backend, rows), on(backend, how), {0.25f, -1.5f}, to);
            CHECK(error(backend, to, from_floats) < allowed_of(backend));
        }
    }
}

ON_EVERY_BACKEND("take brings whole numbers together, row by row or place by place") {
    std::vector<std::uint8_t> bytes(1000);
    Indices numbers(1000);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
        numbers[i] = static_cast<std::int32_t>(i * 1'000'003);
    }
    const Table of_bytes = backend.keep(bytes), of_indices = backend.keep(numbers);
    for (const std::size_t width : {1, 5, 64})
        for (const std::size_t skip : {0, 1})
            for (const Indices& rows : {Indices{}, Indices{0, 13, 2, 2}})
                for (const bool by_place : {false, true}) {
                    const std::size_t stride = 65;
                    Indices from_bytes(rows.size() * width), from_indices(rows.size() * width);
                    for (std::size_t i = 0; i < rows.size(); ++i)
                        for (std::size_t f = 0; f < width; ++f) {
                            const std::size_t to = by_place ? f * rows.size() + i : i * width + f, at = static_cast<std::size_t>(rows[i]) * stride + skip + f;
                            from_bytes[to] = bytes[at];
                            from_indices[to] = numbers[at];
                        }
                    const auto taken = [&](const Table& table) {
                        const DeviceSpan memory = backend.allocate(rows.size() * width);
                        backend.take(table, width, stride, skip, on(backend, rows), by_place, {reinterpret_cast<std::int32_t*>(memory.data), memory.size});
                        Values bits(memory.size);
                        backend.download(memory, bits);
                        Indices out(bits.size());
                        if (!out.empty()) std::memcpy(out.data(), bits.data(), out.size() * sizeof(std::int32_t));
                        return out;
                    };
                    CAPTURE(width);
                    CAPTURE(skip);
                    CAPTURE(by_place);
                    CHECK(taken(of_bytes) == from_bytes);
                    CHECK(taken(of_indices) == from_indices);
                }
}

ON_EVERY_BACKEND("what is repeated reads memory as it is then, also when the recipe is an old one") {
    const std::size_t n = 100;
    const DeviceSpan x = on(backend, Values(n, 1)), y = on(backend, Values(n, 0));
    const Recipe recipe{1, reinterpret_cast<std::uintptr_t>(x.data), reinterpret_cast<std::uintptr_t>(y.data)};
    const auto add = [&](std::uint32_t count) { backend.repeat(recipe, count, [&](std::uint32_t) { backend.axpby(1, x, 1, y); }); };
    add(3);
    CHECK(back(backend, y) == Values(n, 3));
    backend.upload(Values(n, 10), x);
    add(3);
    CHECK(back(backend, y) == Values(n, 33));
    add(2);
    CHECK(back(backend, y) == Values(n, 53));
    add(0);
    add(3);
    CHECK(back(backend, y) == Values(n, 83));
}

ON_EVERY_BACKEND("each step of what is repeated has its own arguments") {
    const DeviceSpan from = on(backend, Values{1, 2, 3, 4, 5}), to = on(backend, Values(5, 0));
    const auto move = [&](std::uint32_t s) { backend.axpby(2, from.part(s, 1), 0, to.part(4 - s, 1)); };
    for (int again = 0; again < 2; ++again) {
        backend.repeat({2}, 5, move);
        CHECK(back(backend, to) == Values{10, 8, 6, 4, 2});
    }
}
