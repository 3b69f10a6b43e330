#include "reference.hpp"

using namespace grapevine;
using namespace grapevine::kernels;

ON_EVERY_BACKEND("sums, sums through ReLU, and masks") {
    for (const std::size_t n : lengths) {
        CAPTURE(n);
        const Values x = held(backend, random_values(n, 1)), y = held(backend, random_values(n, 2)), activations = with_relu(held(backend, random_values(n, 3)));
        Exact sums(n), cut(n), masked(n);
        for (std::size_t i = 0; i < n; ++i) {
            sums[i] = static_cast<double>(x[i]) + y[i];
            cut[i] = std::max(0.0, sums[i]);
            masked[i] = activations[i] == 0 ? 0 : x[i];
        }
        const DeviceSpan a = active(backend, x), b = active(backend, y), to = active(backend, poison(n)), relu = active(backend, poison(n));
        backend.add(a, b, to);
        CHECK(error(backend, to, sums) < allowed_of(backend));
        backend.add_relu(a, b, relu);
        CHECK(error(backend, relu, cut) < allowed_of(backend));
        backend.add(a, b, b);
        CHECK(error(backend, b, sums) < allowed_of(backend));
        backend.mask(active(backend, activations), a);
        CHECK(error(backend, a, masked) == 0);
    }
    const DeviceSpan seen = active(backend, {0, 0});
    backend.add_relu(active(backend, poison(2)), active(backend, {1, 2}), seen);
    for (const float v : back(backend, seen)) CHECK(std::isnan(v));
}

ON_EVERY_BACKEND("the largest of each square, and its gradient to the first of equals") {
    for (const Pooling s : {Pooling{0, {4, 4, 3}}, {1, {2, 2, 1}}, {3, {28, 28, 32}}, {2, {5, 7, 3}}, {2, {14, 14, 17}}, {2, {9, 8, 16}, 3, 2}, {1, {7, 7, 5}, 3, 1}, {2, {6, 6, 64}, 2, 3}}) {
        CAPTURE(s.rows);
        CAPTURE(s.in.height);
        CAPTURE(s.in.channels);
        CAPTURE(s.side);
        CAPTURE(s.stride);
        const Picture in = s.in, out = s.out();
        const Values x = with_relu(held(backend, random_values(s.rows * in.size(), 1))), dy = held(backend, random_values(s.rows * out.size(), 2));  // many are equal: 0
        Exact y(dy.size()), dx(x.size());
        for (std::size_t n = 0; n < s.rows; ++n)
            for (std::size_t i = 0; i < out.height; ++i)
                for (std::size_t j = 0; j < out.width; ++j)
                    for (std::size_t k = 0; k < in.channels; ++k) {
                        const std::size_t to = ((n * out.height + i) * out.width + j) * in.channels + k;
                        std::size_t largest = SIZE_MAX;
                        for (std::size_t a = 0; a < s.side; ++a)
                            for (std::size_t b = 0; b < s.side; ++b) {
                                const std::size_t at = ((n * in.height + i * s.stride + a) * in.width + j * s.stride + b) * in.channels + k;
                                if (largest == SIZE_MAX || x[at] > x[largest]) largest = at;
                            }
                        y[to] = x[largest];
                        dx[largest] += dy[to];
                    }
        const DeviceSpan from = active(backend, x), pooled = active(backend, poison(y.size())), gradient = active(backend, poison(dx.size()));
        backend.pool_largest(s, from, pooled);
        CHECK(error(backend, pooled, y) == 0);
        backend.pool_largest_backward(s, from, pooled, active(backend, dy), gradient);
        CHECK(error(backend, gradient, dx) < allowed_of(backend));
    }
    const DeviceSpan largest = active(backend, Values(1, 0));
    for (std::size_t where = 0; where < 4; ++where) {  // what is no number is not lost among larger ones
        Values square(4, 1);
        square[where] = poison(1)[0];
        backend.pool_largest({1, {2, 2, 1}}, active(backend, square), largest);
        CHECK(std::isnan(back(backend, largest)[0]));
    }
}

ON_EVERY_BACKEND("the mean of a picture, and its gradient") {
    struct Sizes {
        std::size_t rows, pixels, channels;
    };
    for (const Sizes s : {Sizes{0, 4, 3}, {1, 1, 1}, {3, 49, 64}, {5, 6, 17}, {2, 784, 5}})
        for (const bool relu : {false, true}) {
            CAPTURE(s.pixels);
            CAPTURE(s.channels);
            CAPTURE(relu);
            Values x = held(backend, random_values(s.rows * s.pixels * s.channels, 1));
            if (relu) x = with_relu(x);
            const Values dy = held(backend, random_values(s.rows * s.channels, 2));
            Exact y(dy.size()), dx(x.size());
            for (std::size_t i = 0; i < x.size(); ++i) {
                const std::size_t to = i / (s.pixels * s.channels) * s.channels + i % s.channels;
                y[to] += x[i] / static_cast<double>(s.pixels);
                dx[i] = relu && x[i] == 0 ? 0 : dy[to] / static_cast<double>(s.pixels);
            }
            const DeviceSpan from = active(backend, x), mean = active(backend, poison(y.size())), gradient = active(backend, poison(dx.size()));
            backend.pool_mean(s.rows, s.pixels, from, mean);
            CHECK(error(backend, mean, y) < allowed_of(backend));
            backend.pool_mean_backward(s.rows, s.pixels, relu ? from : DeviceSpan{}, relu, active(backend, dy), gradient);
            CHECK(error(backend, gradient, dx) < allowed_of(backend));
        }
}

ON_EVERY_BACKEND("rows are normalised, there and back") {
    struct Sizes {
        std::size_t rows, width;
    };
    for (const Sizes s : {Sizes{0, 5}, {1, 5}, {3, 7}, {65, 129}, {257, 64}, {4, 1000}})
        for (const float mean : {0.f, 30.f}) {  // far from 0 squares cancel, unless the mean is taken away first
            CAPTURE(s.rows);
            CAPTURE(s.width);
            CAPTURE(mean);
            Values x = random_values(s.rows * s.width, 1);
            for (float& v : x) v += mean;
            x = held(backend, x);
            const Values gain = random_values(s.width, 2), bias = random_values(s.width, 3), dy = held(backend, random_values(x.size(), 4));
            Exact y(x.size()), dx(x.size()), dgain(s.width), dbias(s.width), exact(2 * s.rows);
            Values statistics(2 * s.rows);
            for (std::size_t i = 0; i < s.rows; ++i) {
                const auto width = static_cast<double>(s.width);
                const std::size_t row = i * s.width;
                double sum = 0, squares = 0, d = 0, along = 0;
                for (std::size_t j = 0; j < s.width; ++j) sum += x[row + j];
                for (std::size_t j = 0; j < s.width; ++j) squares += (x[row + j] - sum / width) * (x[row + j] - sum / width);
                const double inverse = 1 / std::sqrt(squares / width + 1e-5);
                exact[2 * i] = sum / width;
                exact[2 * i + 1] = inverse;
                const auto normal = [&](std::size_t j) { return (x[row + j] - sum / width) * inverse; };
                for (std::size_t j = 0; j < s.width; ++j) {
                    y[row + j] = gain[j] * normal(j) + bias[j];
                    d += static_cast<double>(dy[row + j]) * gain[j];
                    along += dy[row + j] * gain[j] * normal(j);
                    dgain[j] += dy[row + j] * normal(j);
                    dbias[j] += dy[row + j];
                }
                for (std::size_t j = 0; j < s.width; ++j) dx[row + j] = inverse * (static_cast<double>(dy[row + j]) * gain[j] - d / width - normal(j) * along / width);
            }
            for (std::size_t i = 0; i < exact.size(); ++i) statistics[i] = static_cast<float>(exact[i]);
            const DeviceSpan from = active(backend, x), gains = on(backend, gain), kept = on(backend, poison(statistics.size())), to = active(backend, poison(y.size()));
            backend.normalise(from, gains, on(backend, bias), kept, to);
            CHECK(error(backend, to, y) < allowed_of(backend));
            if (mean != 0) CHECK(error(backend, kept, exact) < allowed_of(backend));  // else means of about 0 have no relative error
            const DeviceSpan gradient = active(backend, poison(dx.size())), of_gain = on(backend, poison(s.width)), of_bias = on(backend, poison(s.width));
            backend.normalise_backward(from, gains, on(backend, statistics), active(backend, dy), gradient, of_gain, of_bias);
            CHECK(error(backend, gradient, dx) < allowed_of(backend));
            CHECK(error(backend, of_gain, dgain) < allowed_of(backend));
            CHECK(error(backend, of_bias, dbias) < allowed_of(backend));
        }
}

ON_EVERY_BACKEND("GELU and its gradient, small and large") {
    for (const std::size_t n : lengths)
        for (const float height : {0.01f, 1.f, 10.f}) {
            CAPTURE(n);
            CAPTURE(height);
            Values x = random_values(n, 1);
            for (float& v : x) v *= height;
            x = held(backend, x);
            const Values dy = held(backend, random_values(n, 2));
            Exact y(n), dx(n);
            for (std::size_t i = 0; i < n; ++i) {
                const double v = x[i], root = std::sqrt(2 / 3.14159265358979323846), t = std::tanh(root * (v + 0.044715 * v * v * v));
                y[i] = 0.5 * v * (1 + t);
                dx[i] = dy[i] * (0.5 * (1 + t) + 0.5 * v * (1 - t * t) * root * (1 + 3 * 0.044715 * v * v));
            }
            const DeviceSpan from = active(backend, x), to = active(backend, poison(n)), gradient = active(backend, poison(n));
            backend.gelu(from, to);
            CHECK(error(backend, to, y) < allowed_of(backend));
            backend.gelu_backward(from, active(backend, dy), gradient);
            CHECK(error(backend, gradient, dx) < allowed_of(backend));
        }
}

ON_EVERY_BACKEND("words become rows of a table, with their places or without, and gradients go back there") {
    struct Sizes {
        std::size_t words, vocabulary, width, length;  // length 0: no places
    };
    for (const Sizes s : {Sizes{0, 5, 3, 0}, {0, 5, 3, 2}, {1, 1, 1, 1}, {60, 7, 17, 20}, {60, 7, 17, 0}, {128, 256, 64, 32}}) {
        CAPTURE(s.words);
        CAPTURE(s.width);
        CAPTURE(s.length);
        const Values table = random_values(s.vocabulary * s.width, 1), places = random_values(s.length * s.width, 2), dy = held(backend, random_values(s.words * s.width, 3));
        const Indices words = random_indices(s.words, s.vocabulary, 4);
        Exact y(dy.size()), dtable(table.size()), dplaces(places.size());
        for (std::size_t i = 0; i < s.words; ++i)
            for (std::size_t j = 0; j < s.width; ++j) {
                const std::size_t from = static_cast<std::size_t>(words[i]) * s.width + j, at = i * s.width + j;
                y[at] = table[from];
                dtable[from] += dy[at];
                if (s.length == 0) continue;
                const std::size_t place = i % s.length * s.width + j;
                y[at] += places[place];
                dplaces[place] += dy[at];
            }
        const IndexSpan chosen = on(backend, words);
        const DeviceSpan to = active(backend, poison(y.size())), gradient = active(backend, dy);
        backend.embed(chosen, s.width, on(backend, table), s.length ? on(backend, places) : DeviceSpan{}, to);
        CHECK(error(backend, to, y) < allowed_of(backend));
        const DeviceSpan of_table = on(backend, poison(table.size())), of_places = s.length ? on(backend, poison(places.size())) : DeviceSpan{};
        backend.embed_backward(chosen, s.width, gradient, of_table, of_places);
        CHECK(error(backend, of_table, dtable) < allowed_of(backend));
        if (s.length) CHECK(error(backend, of_places, dplaces) < allowed_of(backend));
    }
}

ON_EVERY_BACKEND("a step of a GRU, there and back") {
    for (const Gru s : {Gru{0, 4}, {1, 1}, {5, 7}, {64, 33}, {32, 128}})
        for (const float height : {1.f, 40.f}) {  // gates that are all but shut
            CAPTURE(s.rows);
            CAPTURE(s.width);
            CAPTURE(height);
            const std::size_t w = s.width, n = s.rows * w;
            Values from_input = random_values(3 * n, 1);
            for (float& v : from_input) v *= height;
            from_input = held(backend, from_input);
            const Values from_state = held(backend, random_values(3 * n, 2)), state = held(backend, random_values(n, 3)), dnext = held(backend, random_values(n, 4));
            Exact next(n), kept(4 * n), dinput(3 * n), dhidden(3 * n), dstate(n);
            const auto sigma = [](double x) { return 1 / (1 + std::exp(-x)); };
            for (std::size_t i = 0; i < s.rows; ++i)
                for (std::size_t j = 0; j < w; ++j) {
                    const auto at = [&](std::size_t part, std::size_t parts) { return (i * parts + part) * w + j; };
                    const double hn = from_state[at(2, 3)], h = state[at(0, 1)], d = dnext[at(0, 1)];
                    const double r = sigma(static_cast<double>(from_input[at(0, 3)]) + from_state[at(0, 3)]), z = sigma(static_cast<double>(from_input[at(1, 3)]) + from_state[at(1, 3)]);
                    const double candidate = std::tanh(from_input[at(2, 3)] + r * hn);
                    next[at(0, 1)] = (1 - z) * candidate + z * h;
                    kept[at(0, 4)] = r, kept[at(1, 4)] = z, kept[at(2, 4)] = candidate, kept[at(3, 4)] = hn;
                    const double dcandidate = d * (1 - z) * (1 - candidate * candidate);
                    dinput[at(0, 3)] = dhidden[at(0, 3)] = dcandidate * hn * r * (1 - r);
                    dinput[at(1, 3)] = dhidden[at(1, 3)] = d * (h - candidate) * z * (1 - z);
                    dinput[at(2, 3)] = dcandidate;
                    dhidden[at(2, 3)] = dcandidate * r;
                    dstate[at(0, 1)] = d * z;
                }
            const DeviceSpan h = active(backend, state), to = active(backend, poison(n)), memory = active(backend, poison(4 * n));
            backend.gru(s, active(backend, from_input), active(backend, from_state), h, memory, to);
            CHECK(error(backend, to, next) < allowed_of(backend));
            CHECK(error(backend, memory, kept) < allowed_of(backend));
            if (height != 1 && backend.element() == Element::bf16) continue;  // 1 - n^2 of an n near 1: nothing is left of it in bf16
            const DeviceSpan of_input = active(backend, poison(3 * n)), of_state = active(backend, poison(3 * n)), past = active(backend, poison(n));
            backend.gru_backward(s, h, memory, active(backend, dnext), of_input, of_state, past);
            CHECK(error(backend, of_input, dinput) < allowed_of(backend));
            CHECK(error(backend, of_state, dhidden) < allowed_of(backend));
            CHECK(error(backend, past, dstate) < allowed_of(backend));
        }
}

ON_EVERY_BACKEND("rows times rows, and their gradients") {
    struct Sizes {
        std::size_t rows, group, width;
    };
    for (const Sizes s : {Sizes{0, 3, 4}, {1, 1, 1}, {7, 6, 33}, {64, 1, 32}, {20, 11, 128}}) {
        CAPTURE(s.rows);
        CAPTURE(s.group);
        CAPTURE(s.width);
        const std::size_t n = s.rows * s.group;
        const Values a = held(backend, random_values(s.rows * s.width, 1)), b = held(backend, random_values(n * s.width, 2)), ddots = held(backend, random_values(n, 3));
        Exact dots(n), da(a.size()), db(b.size());
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < s.width; ++j) {
                const std::size_t row = i / s.group * s.width + j, at = i * s.width + j;
                dots[i] += static_cast<double>(a[row]) * b[at];
                da[row] += static_cast<double>(ddots[i]) * b[at];
                db[at] = static_cast<double>(ddots[i]) * a[row];
            }
        const DeviceSpan left = active(backend, a), right = active(backend, b), to = active(backend, poison(n)), gradient = active(backend, ddots);
        backend.row_dots(s.width, s.group, left, right, to);
        CHECK(error(backend, to, dots) < allowed_of(backend));
        const DeviceSpan of_left = active(backend, poison(da.size())), of_right = active(backend, poison(db.size()));
        backend.row_dots_backward(s.width, s.group, left, right, gradient, of_left, of_right);
        CHECK(error(backend, of_left, da) < allowed_of(backend));
        CHECK(error(backend, of_right, db) < allowed_of(backend));
    }
}
