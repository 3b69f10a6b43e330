#include "figures.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace grapevine::learn {
namespace {

struct Column {
    double sum = 0, squares = 0;  // of the differences to the first value: a large mean takes no digits away
    double first = 0, least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
};

}  // namespace

Figures figures_of(const Rows& train, config::DataFiles::Normalize how) {
    using Normalize = config::DataFiles::Normalize;
    if (how == Normalize::none) return {{1}, {0}};
    const std::size_t columns = train.pictures() ? 1 : train.features();
    std::vector<Column> all(columns);
    std::visit([&](const auto& values) {
        for (std::size_t c = 0; c < columns; ++c) all[c].first = static_cast<double>(values[c]);
        for (std::size_t i = 0; i < values.size(); i += columns)
            for (std::size_t c = 0; c < columns; ++c) {
                const auto value = static_cast<double>(values[i + c]);
                Column& column = all[c];
                column.sum += value - column.first;
                column.squares += (value - column.first) * (value - column.first);
                column.least = std::min(column.least, value);
                column.most = std::max(column.most, value);
            }
    }, train.values);
    const double count = static_cast<double>(train.count) * static_cast<double>(train.features()) / static_cast<double>(columns);
    Figures figures;
    for (const Column& c : all) {
        const double apart = c.sum / count, mean = c.first + apart, deviation = std::sqrt(std::max(0.0, c.squares / count - apart * apart));
        const double width = how == Normalize::standard ? deviation : c.most - c.least;
        const double scale = c.most > c.least && width > 0 ? 1 / width : 0;
        figures.scale.push_back(static_cast<float>(scale));
        figures.shift.push_back(static_cast<float>(-(how == Normalize::standard ? mean : c.least) * scale));
    }
    return figures;
}

Dataset normalised(Rows&& rows, const Figures& figures) {
    Dataset set;
    set.features = rows.features();
    if (rows.pictures()) set.picture = {rows.shape[0], rows.shape[1], rows.shape.size() > 2 ? rows.shape[2] : 1};
    if (figures.scale.size() == 1 && (rows.pictures() || set.features > 1 || std::holds_alternative<std::vector<std::uint8_t>>(rows.values))) {
        set.normalisation = {figures.scale[0], figures.shift[0]};
        std::visit([&](auto& values) { set.values = std::move(values); }, rows.values);
        return set;
    }
    assert(figures.scale.size() == set.features);
    std::vector<float> floats(rows.count * set.features);
    std::visit([&](const auto& values) {
        for (std::size_t i = 0; i < values.size(); i += set.features)
            for (std::size_t c = 0; c < set.features; ++c)
                floats[i + c] = static_cast<float>(static_cast<double>(values[i + c]) * figures.scale[c] + figures.shift[c]);
    }, rows.values);
    set.values = std::move(floats);
    return set;
}

}  // namespace grapevine::learn
