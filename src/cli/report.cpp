// grapevine report: a page of a run or a comparison.
#include <cstdio>

#include "grapevine/record/comparison.hpp"
#include "grapevine/record/run_files.hpp"
#include "grapevine/report/report.hpp"
#include "tensorboard.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"report wants a directory", "the one that was given to --out"}, usage);
    const std::string& directory = a.positional[0];
    std::string page;
    switch (record::what_is_in(directory)) {
        case record::Holds::nothing: return complain({directory + " holds neither a run nor a comparison", "give the directory that was given to --out"}, usage);
        case record::Holds::run: {
            const auto loaded = record::load_run(directory);
            if (const auto* error = std::get_if<record::Error>(&loaded)) return complain({error->what, error->hint}, failed);
            page = report::page_of_run(std::get<record::Run>(loaded));
            if (const auto events = a.get("tensorboard"))
                if (const auto error = write_event_file(*events, std::get<record::Run>(loaded).samples)) return complain(*error, failed);
            break;
        }
        case record::Holds::comparison: {
            if (a.has("tensorboard")) return complain({"--tensorboard is for a run, and " + directory + " holds a comparison", "give one of its runs: SCENE/METHOD/seed-N"}, usage);
            const auto loaded = record::load_comparison(directory);
            if (const auto* error = std::get_if<record::Error>(&loaded)) return complain({error->what, error->hint}, failed);
            const auto& comparison = std::get<record::Comparison>(loaded);
            page = report::page_of_comparison(comparison, record::load_runs(directory, comparison));
            break;
        }
    }
    const std::string path = a.get("out").value_or(directory + "/report.html");
    if (const auto error = record::replace_file(path, page)) return complain({error->what, error->hint}, failed);
    std::printf("%s\n", path.c_str());
    return finished;
}

}  // namespace

Verb report_verb() {
    return {"report", "DIR [-o FILE] [--tensorboard DIR]", "one self-contained HTML page of a run or a comparison",
            "Curves, members, events and configuration, with nothing fetched from a network. Writes DIR/report.html.",
            {{"out", "FILE", "write there instead", false, true, 'o'}, {"tensorboard", "DIR", "also write an event file of the run for TensorBoard there", false, true}}, 1, run};
}

}  // namespace grapevine::cli
