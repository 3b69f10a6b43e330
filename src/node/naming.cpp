#include "naming.hpp"

#include <algorithm>

#include "grapevine/config/config.hpp"
#include "status_pages.hpp"

namespace grapevine::node {

namespace {

// The lower the likelier meant.
int rank(const Candidate& c, bool absent_first) {
    if (c.standing == membership::Standing::left) return 2;
    const bool doubtful = c.standing != membership::Standing::alive;
    const bool first = absent_first ? doubtful : membership::present(c.standing);
    return first ? 0 : 1;
}

bool starts_id(const Candidate& c, const std::string& digits) { return hex(c.id.value).rfind(digits, 0) == 0; }

}  // namespace

std::variant<PeerId, NotFound> find_member(const std::vector<Candidate>& members, const std::string& who, bool absent_first) {
    if (who.empty()) return NotFound{"no member is named", "'grapevine members' lists them"};
    std::vector<Candidate> meant;
    for (const Candidate& c : members)
        if (c.name == who) meant.push_back(c);
    std::string digits = who;
    std::transform(digits.begin(), digits.end(), digits.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (meant.empty() && digits.size() >= 4 && digits.size() <= 16 && digits.find_first_not_of("0123456789abcdef") == std::string::npos)
        for (const Candidate& c : members)
            if (starts_id(c, digits)) meant.push_back(c);
    if (meant.empty()) {
        std::vector<std::string> known;
        for (const Candidate& c : members) known.push_back(c.name);
        const auto near = config::nearest(who, known);
        return NotFound{"no member '" + who + "' is known here", near ? "did you mean '" + *near + "'?" : "'grapevine members' lists them; an id may be cut to its first four digits"};
    }
    const int best = rank(*std::min_element(meant.begin(), meant.end(), [&](const Candidate& a, const Candidate& b) { return rank(a, absent_first) < rank(b, absent_first); }), absent_first);
    std::erase_if(meant, [&](const Candidate& c) { return rank(c, absent_first) != best; });
    if (meant.size() == 1) return meant.front().id;
    std::string list;
    for (std::size_t i = 0; i < meant.size() && i < 8; ++i)
        list += (list.empty() ? "" : ", ") + hex(meant[i].id.value) + " (" + (meant[i].name == who ? "" : meant[i].name + ", ") +
                status_words[static_cast<std::size_t>(status_of(meant[i].standing, false))] + (meant[i].self ? ", the asked node" : "") + ")";
    if (meant.size() > 8) list += ", ...";
    return NotFound{std::to_string(meant.size()) + " members are meant by '" + who + "'", "give an id in its place: " + list};
}

}  // namespace grapevine::node
