#pragma once

#include <cmath>
#include <cstdio>
#include <string>

#include "grapevine/time.hpp"

// The little JSON that a trace needs, for what is too much to be built as a tree first.
namespace grapevine::sim {

// With its quotes. Bytes that are no UTF-8 become U+FFFD, so that every reader takes the file.
inline std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size();) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x80) {
            ++i;
            if (c == '"' || c == '\\') out += '\\', out += static_cast<char>(c);
            else if (c >= 0x20 && c != 0x7f) out += static_cast<char>(c);
            else {
                char escape[8];
                std::snprintf(escape, sizeof escape, "\\u%04x", c);
                out += escape;
            }
            continue;
        }
        const std::size_t length = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 0;
        bool whole = length > 0 && i + length <= text.size();
        for (std::size_t k = 1; whole && k < length; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
        if (whole && length > 2) {  // no surrogates, nothing beyond the last plane, nothing longer than it need be
            const auto second = static_cast<unsigned char>(text[i + 1]);
            whole = !(c == 0xe0 && second < 0xa0) && !(c == 0xed && second >= 0xa0) && !(c == 0xf0 && second < 0x90) && !(c == 0xf4 && second >= 0x90);
        }
        if (whole) out.append(text, i, length);
        else out += "\xef\xbf\xbd";
        i += whole ? length : 1;
    }
    return out + '"';
}

// As few digits as read back the same; null for what is no number.
inline std::string json_number(double x) {
    if (!std::isfinite(x)) return "null";
    char text[32];
    for (int digits = 6; digits <= 17; ++digits) {
        std::snprintf(text, sizeof text, "%.*g", digits, x);
        double again = 0;
        if (std::sscanf(text, "%lf", &again) == 1 && again == x) break;
    }
    return text;
}

// Exact: "12.000000345"
inline std::string json_seconds(Instant t) {
    const long long ns = t.time_since_epoch().count();
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%09lld", ns / 1'000'000'000, ns % 1'000'000'000);
    return text;
}

}  // namespace grapevine::sim
