#include "hostlist.hpp"

#include <algorithm>
#include <charconv>

namespace grapevine::node {

namespace {

constexpr std::size_t longest_number = 9;  // digits
constexpr std::uint32_t tasks_of_a_node = 1024;

std::optional<std::uint32_t> number(std::string_view digits) {
    std::uint32_t value = 0;
    if (digits.empty() || digits.size() > longest_number) return std::nullopt;
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return wrong == std::errc{} && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

bool plain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
}

std::string padded(std::uint32_t n, std::size_t width) {
    const std::string digits = std::to_string(n);
    return digits.size() >= width ? digits : std::string(width - digits.size(), '0') + digits;
}

// What a pair of brackets stands for; nothing if it cannot be read, or stands for too much.
std::optional<std::vector<std::string>> numbers_in(std::string_view ranges) {
    std::vector<std::string> found;
    for (;;) {
        const std::string_view range = ranges.substr(0, ranges.find(','));
        const std::size_t dash = range.find('-');
        const auto low = number(range.substr(0, dash));
        const auto high = dash == std::string_view::npos ? low : number(range.substr(dash + 1));
        if (!low || !high || *high < *low || *high - *low >= most_hosts - found.size()) return std::nullopt;
        const std::size_t width = std::min(dash, range.size());
        for (std::uint32_t n = *low; n <= *high; ++n) found.push_back(padded(n, width));
        if (range.size() == ranges.size()) return found;
        ranges.remove_prefix(range.size() + 1);
    }
}

// The end of an item: a comma outside of brackets, or that of the list.
std::size_t end_of_item(std::string_view list) {
    bool inside = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (list[i] == '[') inside = true;
        if (list[i] == ']') inside = false;
        if (list[i] == ',' && !inside) return i;
    }
    return list.size();
}

std::optional<std::vector<std::string>> hosts_in(std::string_view item) {
    std::vector<std::string> hosts{""};
    while (!item.empty()) {
        std::vector<std::string> parts;
        std::size_t taken = 0;
        if (item[0] == '[') {
            const std::size_t close = item.find(']');
            if (close == std::string_view::npos) return std::nullopt;
            auto numbers = numbers_in(item.substr(1, close - 1));
            if (!numbers) return std::nullopt;
            parts = std::move(*numbers);
            taken = close + 1;
        } else {
            taken = std::min(item.find('['), item.size());
            parts.emplace_back(item.substr(0, taken));
            if (!std::all_of(parts[0].begin(), parts[0].end(), plain)) return std::nullopt;
        }
        if (parts.size() > most_hosts / hosts.size()) return std::nullopt;
        std::vector<std::string> longer;
        for (const std::string& host : hosts)
            for (const std::string& part : parts) {
                if (host.size() + part.size() > longest_host) return std::nullopt;
                longer.push_back(host + part);
            }
        hosts = std::move(longer);
        item.remove_prefix(taken);
    }
    if (hosts.front().empty()) return std::nullopt;
    return hosts;
}

}  // namespace

std::variant<std::vector<std::string>, config::Error> expand_hostlist(std::string_view list) {
    const auto shown = [](std::string_view text) { return "'" + std::string(text.substr(0, 60)) + (text.size() > 60 ? "..." : "") + "'"; };
    if (list.size() > longest_hostlist) return config::Error{"the list of hosts has " + std::to_string(list.size()) + " bytes", "up to " + std::to_string(longest_hostlist) + " are read"};
    std::vector<std::string> all;
    for (;;) {
        const std::string_view item = list.substr(0, end_of_item(list));
        auto hosts = hosts_in(item);
        if (!hosts || hosts->size() > most_hosts - all.size())
            return config::Error{shown(item) + " in a list of hosts cannot be read", "as Slurm writes them: node[001-004,7],gpu-a; up to " + std::to_string(most_hosts) + " hosts"};
        std::move(hosts->begin(), hosts->end(), std::back_inserter(all));
        if (item.size() == list.size()) return all;
        list.remove_prefix(item.size() + 1);
    }
}

std::optional<std::uint32_t> most_tasks(std::string_view counts) {
    if (counts.size() > longest_hostlist) return std::nullopt;
    std::uint32_t most = 0;
    for (;;) {
        const std::string_view item = counts.substr(0, counts.find(','));
        const std::size_t bracket = std::min(item.find('('), item.size());
        const auto tasks = number(item.substr(0, bracket));
        if (!tasks || *tasks > tasks_of_a_node) return std::nullopt;
        if (bracket < item.size()) {
            const std::string_view times = item.substr(bracket);
            if (times.size() < 4 || !times.starts_with("(x") || times.back() != ')' || !number(times.substr(2, times.size() - 3))) return std::nullopt;
        }
        most = std::max(most, *tasks);
        if (item.size() == counts.size()) return most > 0 ? std::optional(most) : std::nullopt;
        counts.remove_prefix(item.size() + 1);
    }
}

}  // namespace grapevine::node
