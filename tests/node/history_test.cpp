#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "history.hpp"

using grapevine::node::History;
using Json = nlohmann::json;

namespace {

void add(History& history, double t) {
    History::Point point;
    point.t = t;
    point.loss = t / 2;
    history.add(point);
}

// What is in a column; null where it is not known.
std::vector<Json> column(const Json& answer, const std::string& name) {
    std::size_t at = 0;
    while (answer["columns"][at] != name) ++at;
    std::vector<Json> values;
    for (const Json& row : answer["rows"]) {
        CHECK(row.size() == answer["columns"].size());
        values.push_back(row[at]);
    }
    return values;
}

Json all(const History& history) { return Json::parse(history.json({})); }

}  // namespace

TEST_CASE("a history has every sample while it is short, and what is not known is null") {
    History history;
    CHECK(all(history)["rows"].empty());
    CHECK(all(history)["kept"].is_null());
    for (int i = 0; i < 3; ++i) add(history, i);
    CHECK(column(all(history), "n") == std::vector<Json>{0, 1, 2});
    CHECK(column(all(history), "loss") == std::vector<Json>{0, 0.5, 1});
    CHECK(column(all(history), "accuracy") == std::vector<Json>{nullptr, nullptr, nullptr});
}

TEST_CASE("staleness and distance are means of the mixes since the sample before") {
    History history;
    history.mixed(2, 0.1);
    history.mixed(4, 0.3);
    add(history, 0);
    add(history, 1);
    history.mixed(6, std::nullopt);
    add(history, 2);
    CHECK(column(all(history), "staleness") == std::vector<Json>{3, nullptr, 6});
    CHECK(column(all(history), "distance") == std::vector<Json>{0.2, nullptr, nullptr});
}

TEST_CASE("it spans the whole run in bounded space, and ends with the latest sample") {
    History history;
    for (std::size_t n = 1; n <= 5 * History::most; ++n) {
        add(history, static_cast<double>(n - 1));
        if (n % 97 != 0 && n != History::most && n != History::most + 1) continue;
        const Json answer = all(history);
        const auto t = column(answer, "t");
        REQUIRE(t.size() <= History::most + 1);
        CHECK(t.size() >= std::min(n, History::most / 2));
        CHECK(t.front() == 0);
        CHECK(t.back() == n - 1);
        const double stride = answer["stride"];
        for (std::size_t i = 1; i + 1 < t.size(); ++i) CHECK(t[i].get<double>() - t[i - 1].get<double>() == stride);  // even, but for the latest
    }
    CHECK(all(history)["stride"] == 8);
}

TEST_CASE("who asks for what came since gets that, and all of it when points have gone meanwhile") {
    History history;
    for (int i = 0; i < 10; ++i) add(history, i);
    const std::uint64_t seen = all(history)["kept"];
    CHECK(seen == 9);
    add(history, 10);
    add(history, 11);
    Json answer = Json::parse(history.json(seen));
    CHECK(answer["whole"] == false);
    CHECK(column(answer, "n") == std::vector<Json>{10, 11});
    for (std::size_t i = 12; i <= History::most; ++i) add(history, static_cast<double>(i));  // one more than there is room for
    answer = Json::parse(history.json(seen));  // 9 is no longer among the points
    CHECK(answer["whole"] == true);
    CHECK(column(answer, "n").front() == 0);
    add(history, 1000);
    answer = Json::parse(history.json(512));
    CHECK(column(answer, "n") == std::vector<Json>{513});  // the latest, though it will not be kept
    CHECK(Json::parse(history.json(99'999))["whole"] == true);  // a number of another process'
}

TEST_CASE("what is no number is not known") {
    History history;
    History::Point point;
    point.loss = std::numeric_limits<double>::quiet_NaN();
    point.accuracy = std::numeric_limits<double>::infinity();
    history.add(point);
    CHECK(column(all(history), "loss") == std::vector<Json>{nullptr});
    CHECK(column(all(history), "accuracy") == std::vector<Json>{nullptr});
}
