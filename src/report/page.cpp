#include "html.hpp"

namespace grapevine::report {
namespace {

// Colours that colour-blind eyes tell apart, one set for light and one for dark; on paper always the light.
constexpr const char* style = R"css(
:root{--bg:#fbfbfa;--card:#fff;--ink:#1d2129;--soft:#626a76;--line:#dfe2e6;--grid:#eceef1;--good:#15803d;--bad:#c0262d;
--c0:#0b6bcb;--c1:#d9730d;--c2:#138a5e;--c3:#a6338f;--c4:#8a6d00;--c5:#c0262d;--c6:#4a5568;--c7:#0f8f9c;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--bg:#14171c;--card:#1b1f26;--ink:#e6e8eb;--soft:#9aa3af;--line:#323843;--grid:#272c35;--good:#4ade80;--bad:#ff7b7b;
--c0:#63b3ff;--c1:#ffa657;--c2:#4cd09a;--c3:#e58bd3;--c4:#e0c050;--c5:#ff7b7b;--c6:#b0bac8;--c7:#56d4e0}}
@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--grid:#ddd;--good:#15803d;--bad:#c0262d;
--c0:#0b6bcb;--c1:#d9730d;--c2:#138a5e;--c3:#a6338f;--c4:#8a6d00;--c5:#c0262d;--c6:#4a5568;--c7:#0f8f9c;color-scheme:light}
figure,.tile,tr,h2{break-inside:avoid}h2{break-after:avoid}details pre{max-height:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:36px 0 12px}
h3{font-size:15px;margin:20px 0 8px}
p{margin:6px 0;max-width:80ch}.soft,.note{color:var(--soft)}.note{font-size:13px;font-weight:400}
.good{color:var(--good)}.bad{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px;margin:20px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px;display:flex;flex-direction:column;min-width:0}
.tile .name{color:var(--soft);font-size:13px}.tile .value{font-size:22px;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(440px,100%),1fr));gap:16px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px 8px;min-width:0}
figcaption{font-size:14px;margin-bottom:4px}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;color:var(--soft);margin-top:2px}
.legend i{display:inline-block;width:18px;height:0;border-top:3px solid;vertical-align:middle;margin-right:6px}
.legend i.dashed{border-top-style:dashed}.legend i.target{border-top:2px dotted var(--soft)}
.legend em{font-style:normal;color:var(--ink);font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;overflow:visible;font-size:11px;font-variant-numeric:tabular-nums}
@media (max-width:560px){svg{font-size:14px}}
.grid path{stroke:var(--grid)}.axis path{stroke:var(--soft);fill:none}.axis text,.bars text{fill:var(--soft)}.bars .label{fill:var(--ink)}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.line.dashed{stroke-dasharray:5 4}
.band{stroke:none;opacity:.16}.target{stroke:var(--soft);stroke-dasharray:2 4;fill:none}
.mark path{stroke:var(--soft);opacity:.55;stroke-dasharray:3 3}.mark.bad path{stroke:var(--bad)}.mark.good path{stroke:var(--good)}
.mark .wide{stroke-width:9;stroke-dasharray:none;opacity:0}.mark:hover path{opacity:1}.mark:hover .wide{opacity:.18}
.whisker{stroke:var(--ink);fill:none;opacity:.75}
)css";

}  // namespace

std::string page(const std::string& title, const std::string& body) {
    std::string colours;
    for (int i = 0; i < 8; ++i) {
        const std::string c = ".c" + std::to_string(i), v = "var(--c" + std::to_string(i) + ")";
        colours += ".line" + c + "{stroke:" + v + "}.band" + c + ",.dot" + c + ",.bar" + c + "{fill:" + v + "}.legend i" + c + "{border-color:" + v + "}";
    }
    constexpr const char* tables = R"css(
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:6px 12px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}td.wrap{white-space:normal}
tbody tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:500;font-size:13px}
.n{text-align:right;font-variant-numeric:tabular-nums}
.two{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(440px,100%),1fr));gap:16px;align-items:start}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow:auto;font:13px/1.45 ui-monospace,"DejaVu Sans Mono",monospace;max-height:480px}
summary{cursor:pointer;font-size:18px;font-weight:700;margin:36px 0 12px}
)css";
    // The policy says what is true anyway: nothing is fetched, nothing is run.
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
           escape(title) + "</title>\n<style>" + style + colours + tables + "</style></head>\n<body><main>\n" + body + "</main></body></html>\n";
}

}  // namespace grapevine::report
