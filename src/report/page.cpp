#include "html.hpp"

namespace grapevine::report {
extern const char* const look;  // look.css, embedded by the build

std::string page(const std::string& title, const std::string& body) {
    // The policy says what is true anyway: nothing is fetched, nothing is run.
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
           escape(title) + "</title>\n<style>" + look + "</style></head>\n<body><main>\n" + body + "</main></body></html>\n";
}

}  // namespace grapevine::report
