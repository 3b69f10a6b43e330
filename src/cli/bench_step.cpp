// bench step: what training takes, beside the most that the registers of a core can do.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "bench.hpp"
#include "grapevine/kernels/cpu.hpp"
#include "grapevine/learn/split.hpp"
#include "grapevine/learn/task.hpp"
#include "grapevine/random.hpp"
#include "grapevine/record/format.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

// One layer's products as a step makes them: there, and back to its weights, and to its input where somebody wants that.
struct Layer {
    std::variant<kernels::Dense, kernels::Convolution> shape;
    bool first = false;  // nobody wants its input's gradient
    std::size_t x = 0, weights = 0, y = 0;

    double operations() const {
        const auto* c = std::get_if<kernels::Convolution>(&shape);
        const double forward = 2.0 * (c ? static_cast<double>(y) * static_cast<double>(c->side * c->side * c->in.channels)
                                        : static_cast<double>(y) * static_cast<double>(std::get<kernels::Dense>(shape).inputs));
        return forward * (first ? 2 : 3);
    }
};

Layer layer_of(const kernels::Dense& d) { return {d, false, d.rows * d.inputs, d.inputs * d.outputs, d.rows * d.outputs}; }
Layer layer_of(const kernels::Convolution& c) { return {c, false, c.rows * c.in.size(), c.weights(), c.rows * c.out().size()}; }

struct Model {
    std::string name, text;  // of its [model]
    std::vector<Layer> layers;
};

Model mlp(std::size_t batch) {
    return {"mlp", "kind = \"mlp\"\nhidden = [256, 128]\n",
            {layer_of(kernels::Dense{batch, 784, 256, true}), layer_of(kernels::Dense{batch, 256, 128, true, true}), layer_of(kernels::Dense{batch, 128, 10, false, true})}};
}

Model cnn(std::size_t batch, const std::vector<std::size_t>& channels) {
    std::string list;
    Model model{"cnn", "", {}};
    kernels::Picture picture{28, 28, 1};
    for (const std::size_t c : channels) {
        list += (list.empty() ? "" : ", ") + std::to_string(c);
        model.layers.push_back(layer_of(kernels::Convolution{.rows = batch, .in = picture, .outputs = c, .relu = true, .x_is_relu = !model.layers.empty()}));
        picture = {picture.height / 2, picture.width / 2, c};
    }
    model.text = "kind = \"cnn\"\nchannels = [" + list + "]\nhidden = [128]\n";
    model.layers.push_back(layer_of(kernels::Dense{batch, picture.size(), 128, true, true}));
    model.layers.push_back(layer_of(kernels::Dense{batch, 128, 10, false, true}));
    return model;
}

// As large as Fashion-MNIST, drawn: what is measured does not depend on what is in it.
learn::Sets pictures() {
    auto set = std::make_shared<learn::Dataset>();
    set->features = 784;
    set->classes = 10;
    set->picture = {28, 28, 1};
    set->normalisation = {1.f / 255, 0};
    Random random(1);
    std::vector<std::uint8_t> bytes(std::size_t{60'000} * 784);
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.below(256));
    set->values = std::move(bytes);
    set->labels.resize(60'000);
    for (std::int32_t& l : set->labels) l = static_cast<std::int32_t>(random.below(10));
    learn::Sets sets;
    sets.train = sets.test = set;
    return sets;
}

struct Measured {
    std::string name;
    double samples_per_second = 0, samples_per_cpu_second = 0;  // medians
    double operations_per_sample = 0;                           // of products
    double products_per_second = 0;                             // operations of products alone
};

double operations_of(const Model& model) {
    double sum = 0;
    for (const Layer& l : model.layers) sum += l.operations();
    return sum;
}

double products_alone(const Model& model, int threads) {
    const auto backend = kernels::make_cpu_backend(threads);
    std::size_t largest = 0;
    for (const Layer& l : model.layers) largest = std::max({largest, l.x, l.weights, l.y});
    const kernels::DeviceSpan x = backend->allocate(largest), w = backend->allocate(largest), y = backend->allocate(largest), dx = backend->allocate(largest), dw = backend->allocate(largest), b = backend->allocate(4096);
    std::vector<float> values(largest);
    Random random(2);
    for (float& v : values) v = static_cast<float>(random.normal());
    for (const kernels::DeviceSpan& span : {x, w, y}) backend->upload(std::span<const float>(values), span);
    const auto all = [&] {
        for (const Layer& l : model.layers) {
            const kernels::DeviceSpan in = x.part(0, l.x), weights = w.part(0, l.weights), out = y.part(0, l.y), gradient = dw.part(0, l.weights), to = l.first ? kernels::DeviceSpan{} : dx.part(0, l.x);
            if (const auto* c = std::get_if<kernels::Convolution>(&l.shape)) {
                backend->convolve(*c, in, weights, b.part(0, c->outputs), out);
                backend->convolve_backward(*c, in, weights, out, to, gradient, b.part(0, c->outputs));
            } else {
                const auto& d = std::get<kernels::Dense>(l.shape);
                backend->dense(d, in, weights, b.part(0, d.outputs), out);
                backend->dense_backward(d, in, weights, out, to, gradient, b.part(0, d.outputs));
            }
        }
    };
    all();  // compiled when first asked for
    return operations_of(model) / best_seconds_of(0.5, all);
}

std::variant<Measured, Error> measure(const Model& model, std::uint32_t batch, int threads, double seconds, const learn::Sets& sets) {
    auto read = config::read_text("seed = 1\n[model]\n" + model.text + "[data]\nset = \"fashion-mnist\"\nbatch = " + std::to_string(batch) +
                                      "\n[train]\noptimizer = \"sgd\"\nlearning_rate = 0.01\n[exchange]\nkind = \"single\"\n", "bench");
    if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
    const auto config = std::get<config::Config>(std::move(read));
    auto prepared = learn::prepare(config, &sets);
    if (auto* error = std::get_if<learn::Error>(&prepared)) return std::move(*error);
    const auto task = std::get<std::shared_ptr<const learn::Task>>(prepared);
    const auto learner = learn::make_learner(config, 0, 1, task, learn::split(*sets.train, {}, 1, config.seed)[0], kernels::make_cpu_backend(threads));
    learner->carry_out({0, Train{20}});

    const auto began = std::chrono::steady_clock::now();
    const auto wall = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
    std::vector<double> real, cpu;
    while (real.size() < 3 || wall() < seconds) {
        const double start = wall();
        double samples = 0;
        const double spent = seconds_of([&] { samples = std::get<Trained>(learner->carry_out({0, Train{20}}).what).samples; });
        real.push_back(samples / (wall() - start));
        cpu.push_back(samples / spent);
    }
    const auto median = [](std::vector<double>& v) {
        std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
        return v[v.size() / 2];
    };
    return Measured{model.name, median(real), median(cpu), operations_of(model) / batch, products_alone(model, threads)};
}

}  // namespace

int bench_step(const Arguments& a) {
    if (const auto error = unknown_device(a)) return complain(*error, usage);
    const auto number = [&](const char* name, double least, double most, double otherwise) -> std::variant<double, Error> {
        auto read = a.number(name, least, most);
        if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
        return std::get<std::optional<double>>(read).value_or(otherwise);
    };
    const auto batch = number("batch", 1, 60'000, 64), threads = number("threads", 1, 1024, 1), seconds = number("seconds", 0, 3600, 3);
    for (const auto* read : {&batch, &threads, &seconds})
        if (const auto* error = std::get_if<Error>(read)) return complain(*error, usage);
    const auto rows = static_cast<std::size_t>(std::get<double>(batch));
    const int workers = static_cast<int>(std::get<double>(threads));
    std::vector<std::size_t> channels;
    std::string list = a.get("channels").value_or("32,64");
    for (std::size_t at = 0; at <= list.size();) {
        const std::size_t comma = std::min(list.find(',', at), list.size());
        const std::string word = list.substr(at, comma - at);
        if (word.empty() || word.size() > 4 || word.find_first_not_of("0123456789") != std::string::npos || word == "0" || channels.size() == 4)
            return complain({"--channels " + list + " are no convolutions of a picture of 28 x 28", "up to four numbers: 32,64"}, usage);
        channels.push_back(std::stoul(word));
        at = comma + 1;
    }
    std::vector<Model> models = {mlp(rows), cnn(rows, channels)};
    for (Model& m : models) m.layers.front().first = true;
    if (const auto only = a.get("model")) {
        std::erase_if(models, [&](const Model& m) { return m.name != *only; });
        if (models.empty()) return complain({"--model " + *only + " is not measured", "mlp or cnn"}, usage);
    }

    const auto& stop = stop_on_interrupt();
    ProgressLine line;
    const auto progress = [&](const std::string& text) {
        if (!a.has("quiet")) line.show(text);
    };
    progress("registers ...");
    double operations = 0;
    const double peak_seconds = best_seconds_of(0.3, [&] { operations = static_cast<double>(kernels::fill_registers(1'000'000)); }), peak = operations / peak_seconds;
    const learn::Sets sets = pictures();
    std::vector<Measured> all;
    for (const Model& m : models) {
        progress(m.name + " ...");
        auto measured = measure(m, static_cast<std::uint32_t>(rows), workers, std::get<double>(seconds), sets);
        if (const auto* error = std::get_if<Error>(&measured)) return complain(*error, failed);
        all.push_back(std::get<Measured>(std::move(measured)));
        if (stop.load()) {
            line.clear();
            return complain({"interrupted", ""}, failed);
        }
    }
    line.clear();
    const std::string backend = kernels::make_cpu_backend(workers)->name();
    if (a.has("json")) {
        std::printf("{\"version\": \"%s\", \"backend\": \"%s\", \"batch\": %zu, \"peak_flops_per_second\": %.0f, \"models\": [", version(), backend.c_str(), rows, peak);
        for (std::size_t i = 0; i < all.size(); ++i)
            std::printf("%s\n  {\"model\": \"%s\", \"samples_per_second\": %.1f, \"samples_per_cpu_second\": %.1f, \"flops_per_sample\": %.0f, \"products_flops_per_second\": %.0f, \"products_peak_ratio\": %.4f, "
                        "\"step_peak_ratio\": %.4f}",
                        i ? "," : "", all[i].name.c_str(), all[i].samples_per_second, all[i].samples_per_cpu_second, all[i].operations_per_sample, all[i].products_per_second, all[i].products_per_second / peak,
                        all[i].samples_per_cpu_second * all[i].operations_per_sample / peak);
        std::printf("\n]}\n");
        return finished;
    }
    std::printf("%s, batch %zu; floor: multiplying and adding in registers, one thread: %s FLOP/s\n\n", backend.c_str(), rows, record::format_count(peak).c_str());
    std::printf("  %-6s %12s %12s %14s %14s %10s %10s\n", "model", "samples/s", "a CPU second", "FLOP a sample", "products", "of peak", "whole step");
    for (const Measured& m : all)
        std::printf("  %-6s %12s %12s %14s %12s/s %10s %10s\n", m.name.c_str(), record::format_count(m.samples_per_second).c_str(), record::format_count(m.samples_per_cpu_second).c_str(),
                    record::format_count(m.operations_per_sample).c_str(), record::format_count(m.products_per_second).c_str(), record::format_percent(m.products_per_second / peak).c_str(),
                    record::format_percent(m.samples_per_cpu_second * m.operations_per_sample / peak).c_str());
    std::printf("\na convolution counts as it is written down, two for each weight and output; by squares of four outputs it takes fewer, so a cnn may pass its floor\n");
    return finished;
}

}  // namespace grapevine::cli
