#include "support.hpp"

using namespace grapevine;
using namespace grapevine::learn;

namespace {

TensorTable perceptron(std::size_t features, const std::vector<std::uint32_t>& hidden, std::size_t classes) {
    config::Config config;
    config.model.kind = hidden.empty() ? config::ModelKind::logistic : config::ModelKind::mlp;
    config.model.hidden = hidden;
    DataShape data;
    data.features = features, data.classes = classes;
    return std::get<std::shared_ptr<const Model>>(make_model(config, data))->table();
}

std::uint64_t layout(std::size_t features, std::vector<std::uint32_t> hidden, std::size_t classes) {
    return perceptron(features, hidden, classes).layout();
}

}  // namespace

TEST_CASE("tensors start on 256 bytes, and the table says itself in words") {
    const std::vector<std::uint32_t> hidden = {128};
    const TensorTable table = perceptron(784, hidden, 10);
    CHECK(table.describe() == "w1 784x128, b1 128, w2 128x10, b2 10");
    for (const Tensor& t : table.tensors()) CHECK(t.offset % 64 == 0);
    CHECK(table.size() == 784 * 128 + 128 + 128 * 10 + 10);  // all but the last happen to fill their space
    CHECK(perceptron(5, {}, 3).size() == 64 + 3);
    REQUIRE(table.find("b2"));
    CHECK(table.find("b2")->size() == 10);
    CHECK(!table.find("b3"));
}

TEST_CASE("another shape, name, role or order is another layout") {
    CHECK(layout(784, {128}, 10) == layout(784, {128}, 10));
    CHECK(layout(784, {128}, 10) != layout(784, {129}, 10));
    CHECK(layout(784, {128}, 10) != layout(784, {128}, 11));
    CHECK(layout(784, {128, 64}, 10) != layout(784, {64, 128}, 10));
    CHECK(layout(784, {}, 10) != layout(784, {10}, 10));

    const auto one = [](const char* name, std::vector<std::uint64_t> shape, Tensor::Role role) {
        TensorTable table;
        table.add(name, std::move(shape), role);
        return table.layout();
    };
    const auto base = one("x", {2, 3}, Tensor::Role::average);
    CHECK(base != one("y", {2, 3}, Tensor::Role::average));
    CHECK(base != one("x", {3, 2}, Tensor::Role::average));
    CHECK(base != one("x", {6}, Tensor::Role::average));
    CHECK(base != one("x", {2, 3}, Tensor::Role::local));
    CHECK(base != one("x", {2, 3}, Tensor::Role::sum));
    CHECK(base != one("x", {2, 3}, Tensor::Role::set));
}

TEST_CASE("the layout's hash does not change from version to version: peers compare it") {
    CHECK(layout(784, {128, 64}, 10) == 0x66c754333865e10aULL);
}
