#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "events.hpp"
#include "grapevine/record/format.hpp"
#include "html.hpp"

namespace grapevine::report {
namespace {

constexpr std::size_t most_rows = 300;
constexpr std::size_t most_marks = 120;
constexpr double same_news = 30;  // s: one death is heard by all within that
constexpr double same_deed = 1;   // s: who crashes with others has one row with them
constexpr std::size_t most_names = 4;

bool one_of(const std::string& word, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
}

std::string moment(double t) {
    char text[40];
    std::snprintf(text, sizeof text, "%.3f s", std::clamp(t, -1e12, 1e12));
    return text;
}

struct News {
    const record::RunEvent* first = nullptr;
    double last = 0;
    std::size_t times = 0;           // seen by so many; if it is about nobody, so many did it
    std::vector<std::string> names;  // of the first of those
};

// Rare events in order. The same kind about the same peer, seen by others soon after, is the same news; so is
// what several peers do at once.
std::vector<News> news_of(const record::Run& run) {
    std::vector<News> all;
    std::map<std::pair<std::string, std::string>, std::size_t> open;
    for (const record::RunEvent& event : run.events) {
        if (is_routine(event.kind)) continue;
        const auto key = std::pair(event.kind, event.about);
        const auto known = open.find(key);
        if (known != open.end() && event.t - all[known->second].last < (event.about.empty() ? same_deed : same_news)) {
            News& news = all[known->second];
            news.last = std::max(news.last, event.t);
            ++news.times;
            if (news.names.size() < most_names) news.names.push_back(event.peer);
        } else {
            open[key] = all.size();
            all.push_back({&event, event.t, 1, {event.peer}});
        }
    }
    return all;
}

// "a, b, c, d and 12 more"
std::string names_of(const News& news) {
    std::string text;
    for (const std::string& name : news.names) text += (text.empty() ? "" : ", ") + name;
    if (news.times > news.names.size()) text += " and " + std::to_string(news.times - news.names.size()) + " more";
    return text;
}

std::string words_of(const News& news) {
    const std::string who = news.first->about.empty() ? names_of(news) : news.first->about;
    return news.first->kind + (who.empty() ? "" : " " + who);
}

std::string fields_of(const record::RunEvent& event) {
    std::string out;
    std::size_t n = 0;
    for (const auto& [name, value] : event.fields) {
        if (++n > 8) break;
        if (!out.empty()) out += ", ";
        out += escape(name, 60) + " ";
        if (const auto* x = std::get_if<double>(&value)) out += record::format_short(*x);
        else if (const auto* truth = std::get_if<bool>(&value)) out += *truth ? "yes" : "no";
        else out += escape(std::get<std::string>(value), 120);
    }
    return out;
}

const char* class_of(Mark::Tone tone) { return tone == Mark::Tone::bad ? "bad" : tone == Mark::Tone::good ? "good" : ""; }

}  // namespace

bool is_routine(const std::string& kind) {
    return one_of(kind, {"mixed", "declined", "timed_out", "undelivered", "partner_gone", "other_layout", "clipped", "suspected", "refuted"});
}

Mark::Tone tone_of(const std::string& kind) {
    if (one_of(kind, {"crashed", "dead", "partitioned", "slow"})) return Mark::Tone::bad;
    if (one_of(kind, {"joined", "started", "healed", "slow_ended"})) return Mark::Tone::good;
    return Mark::Tone::neutral;
}

std::vector<Mark> marks_of(const record::Run& run) {
    std::vector<Mark> marks;
    if (run.samples.empty()) return marks;
    const double end = run.samples.back().t;
    struct Together {
        double t;
        std::vector<const News*> news;
    };
    const auto all = news_of(run);
    std::map<long long, Together> places;  // a hundredth of the width each
    for (const News& news : all) {
        const double t = news.first->t;
        if (!(end > 0) || !(t >= 0) || t > end || t == 0) continue;  // what begins the run needs no line
        auto& place = places.try_emplace(std::llround(t / end * most_marks), Together{t, {}}).first->second;
        place.news.push_back(&news);
    }
    for (const auto& [index, together] : places) {
        Mark mark{together.t, record::format_seconds(together.t) + ":", Mark::Tone::neutral};
        for (std::size_t i = 0; i < together.news.size(); ++i) {
            if (i == 8) {
                mark.title += "\nand " + std::to_string(together.news.size() - i) + " more";
                break;
            }
            mark.title += "\n" + words_of(*together.news[i]);
        }
        for (const News* news : together.news) {
            const auto tone = tone_of(news->first->kind);
            if (tone == Mark::Tone::bad || mark.tone == Mark::Tone::neutral) mark.tone = tone;
            if (tone == Mark::Tone::bad) break;
        }
        marks.push_back(std::move(mark));
    }
    return marks;
}

std::string event_table(const record::Run& run) {
    const auto all = news_of(run);
    if (all.empty()) return "<p class=\"soft\">Nobody came, went or failed.</p>\n";
    std::vector<std::vector<std::string>> rows;
    for (const News& news : all) {
        if (rows.size() == most_rows) break;
        const record::RunEvent& event = *news.first;
        const char* tone = class_of(tone_of(event.kind));
        std::string when = moment(event.t);
        if (news.times > 1 && news.last > event.t) when += " to " + moment(news.last);
        rows.push_back({when, std::string("<span class=\"") + tone + "\">" + escape(event.kind, 60) + "</span>",
                        escape(event.about.empty() ? names_of(news) : event.about, 200),
                        event.about.empty() ? ""
                        : news.times > 1    ? std::to_string(news.times) + " peers"
                                            : escape(event.peer, 80),
                        news.times > 1 && event.about.empty() ? "" : fields_of(event)});
    }
    std::string out = table({{"when", true}, {"what"}, {"who"}, {"seen by"}, {"more"}}, rows);
    if (all.size() > rows.size())
        out += "<p class=\"note\">The first " + std::to_string(rows.size()) + " of " + std::to_string(all.size()) +
               "; events.jsonl holds them all.</p>\n";
    return out;
}

std::string event_counts(const record::Run& run) {
    struct Count {
        std::size_t n = 0;
        double first = 0, last = 0;
    };
    std::map<std::string, Count> counts;
    for (const record::RunEvent& event : run.events) {
        const auto known = counts.find(event.kind);
        if (known == counts.end() && counts.size() >= 40) continue;
        Count& count = known == counts.end() ? counts[event.kind] : known->second;
        if (count.n++ == 0) count.first = event.t;
        count.last = event.t;
    }
    if (counts.empty()) return "";
    std::vector<std::vector<std::string>> rows;
    for (const auto& [kind, count] : counts)
        rows.push_back({escape(kind, 60), std::to_string(count.n), record::format_seconds(count.first), record::format_seconds(count.last)});
    std::string out = table({{"event"}, {"times", true}, {"first", true}, {"last", true}}, rows);
    if (run.events_in_file > run.events.size())
        out += "<p class=\"note\">Of the first " + std::to_string(run.events.size()) + " of " + std::to_string(run.events_in_file) + " events.</p>\n";
    return out;
}

}  // namespace grapevine::report
