#include "factors.hpp"

#include <array>
#include <cassert>

#include "normals.hpp"
#include "purposes.hpp"

namespace grapevine::learn {

using kernels::DeviceSpan;
using kernels::Element;
using kernels::IndexSpan;

namespace {
constexpr double initial_deviation = 0.1;
}

struct Factors::Places {
    IndexSpan users, items;                            // (rows)
    DeviceSpan user_biases, item_biases, predictions;  // (rows)
    DeviceSpan user_vectors, item_vectors;             // (rows, rank)
    DeviceSpan duser_vectors, ditem_vectors;
    DeviceSpan targets;                                // (rows), floats
};

Factors::Factors(const DataShape& data, std::size_t rank) : users_(data.users), items_(data.items), rank_(rank), mean_(data.mean) {
    assert(users_ > 0 && items_ > 0 && rank_ > 0);
    mean_at_ = table_.add("mean", {1});
    user_biases_ = table_.add("user_biases", {users_});
    item_biases_ = table_.add("item_biases", {items_});
    user_vectors_ = table_.add("user_vectors", {users_, rank_});
    item_vectors_ = table_.add("item_vectors", {items_, rank_});
}

std::vector<float> Factors::initial(std::uint64_t seed) const {
    std::vector<float> block(table_.size());
    block[mean_at_] = mean_;
    const Random random = stream(seed, Purpose::parameters);
    const auto draw = [&](std::uint64_t offset, std::size_t count, Random from) {
        draw_normals(std::span(block).subspan(offset, count), initial_deviation, from);
    };
    draw(user_vectors_, users_ * rank_, random.split(0));
    draw(item_vectors_, items_ * rank_, random.split(1));
    return block;
}

Factors::Places Factors::places(Room& room, Element element, std::size_t rows, bool backward) const {
    Places p;
    p.users = room.indices(rows);
    p.items = room.indices(rows);
    p.user_biases = room.elements(element, rows);
    p.item_biases = room.elements(element, rows);
    p.predictions = room.elements(element, rows);
    p.user_vectors = room.elements(element, rows * rank_);
    p.item_vectors = room.elements(element, rows * rank_);
    p.targets = room.floats(rows);
    if (!backward) return p;
    p.duser_vectors = room.elements(element, rows * rank_);
    p.ditem_vectors = room.elements(element, rows * rank_);
    return p;
}

std::size_t Factors::memory(Element element, std::size_t rows, bool backward) const {
    Room room;
    places(room, element, rows, backward);
    return room.used();
}

DeviceSpan Factors::forward(const Pass& pass) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows, pass.backward);
    kernels::Backend& on = pass.backend;
    const IndexSpan rows = pass.staged.part(0, pass.rows);
    on.take(pass.kept.values, 1, 2, 0, rows, false, p.users);
    on.take(pass.kept.values, 1, 2, 1, rows, false, p.items);
    on.embed(p.users, 1, pass.parameters.part(user_biases_, users_), pass.parameters.part(mean_at_, 1), p.user_biases);  // and the mean
    on.embed(p.items, 1, pass.parameters.part(item_biases_, items_), {}, p.item_biases);
    on.embed(p.users, rank_, pass.parameters.part(user_vectors_, users_ * rank_), {}, p.user_vectors);
    on.embed(p.items, rank_, pass.parameters.part(item_vectors_, items_ * rank_), {}, p.item_vectors);
    on.row_dots(rank_, 1, p.user_vectors, p.item_vectors, p.predictions);
    on.add(p.predictions, p.user_biases, p.predictions);
    on.add(p.predictions, p.item_biases, p.predictions);
    return p.predictions;
}

void Factors::lose(const Pass& pass) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows, pass.backward);
    pass.backend.gather(pass.kept.targets, 1, 1, pass.staged.part(0, pass.rows), {}, p.targets);
    pass.backend.squared_error(p.targets, p.predictions);
}

void Factors::backward(const Pass& pass, std::size_t) const {
    Room room(pass.memory);
    const Places p = places(room, pass.backend.element(), pass.rows, pass.backward);
    kernels::Backend& on = pass.backend;
    on.clear(pass.gradient.part(mean_at_, 1), std::array{kernels::Part{0, 1}});
    on.embed_backward(p.users, 1, p.predictions, pass.gradient.part(user_biases_, users_), {});
    on.embed_backward(p.items, 1, p.predictions, pass.gradient.part(item_biases_, items_), {});
    on.row_dots_backward(rank_, 1, p.user_vectors, p.item_vectors, p.predictions, p.duser_vectors, p.ditem_vectors);
    on.embed_backward(p.users, rank_, p.duser_vectors, pass.gradient.part(user_vectors_, users_ * rank_), {});
    on.embed_backward(p.items, rank_, p.ditem_vectors, pass.gradient.part(item_vectors_, items_ * rank_), {});
}

}  // namespace grapevine::learn
