#include "section.hpp"

namespace grapevine::config {
namespace {

// float32 is what travels; the word is there so that a file can say so.
void read_encoding(Section& section) {
    const Value* value = section.value("encoding");
    if (!value) return;
    const std::vector<std::string> known{"float32"}, later{"bf16", "int8", "top-k"};
    if (!std::holds_alternative<Table>(value->is)) {
        section.pick("encoding", known, later);
        return;
    }
    Section encoding = section.table("encoding", "encoding");
    if (encoding.pick("kind", known, later)) encoding.finish();
    if (!encoding.has("kind")) encoding.fault("kind", "'encoding' does not say its kind", "encoding = { kind = \"float32\" }");
}

void read_rhythm(Section& section, Config& config) {
    Exchange& exchange = config.exchange;
    const std::string kind = to_string(exchange.kind);
    const bool steps = config.model.kind != ModelKind::average;
    Duration period{};
    std::uint32_t every = 0;
    const bool has_period = section.longer_than_zero("period", period, "250ms");
    const bool has_steps = section.integer("every_steps", every, 1, 1'000'000'000);
    const bool has_clock = section.choice("clock", exchange.clock, clocks);
    if (section.has("period") && section.has("every_steps"))
        section.fault("every_steps", "an exchange is due by 'period' or by 'every_steps', not by both", "keep one of the two");
    if (section.has("every_steps") && !steps)
        section.fault("every_steps", "the model \"average\" makes no steps, so 'every_steps' never comes", "period = \"1s\"");
    if (has_period) exchange.period = period;
    if (has_steps) exchange.every_steps = every;
    if (!has_period && !has_steps) {
        if (exchange.kind == ExchangeKind::gossip) exchange.period = std::chrono::milliseconds(250);
        else if (steps) exchange.every_steps = 1;
        else
            section.fault("kind", "the model \"average\" makes no steps, so " + kind + " needs a period",
                          exchange.kind == ExchangeKind::dpsgd ? "add period = \"1s\" and clock = \"rounds\"" : "add period = \"1s\"");
    }
    if (has_clock && !exchange.period)
        section.fault("clock", "'clock' has no meaning with 'every_steps': an exchange starts after that many steps",
                      has_steps ? "take 'clock' out, or write period = \"250ms\" instead of 'every_steps'" : "add period = \"250ms\"");
    if (exchange.kind == ExchangeKind::dpsgd && exchange.period && exchange.clock != Clock::rounds)
        section.fault(has_clock ? "clock" : "period", "dpsgd with a period goes in lock step: its clock can only be \"rounds\"",
                      "add clock = \"rounds\", or write every_steps = 1 instead of 'period'");
}

}  // namespace

void read_exchange(Section& file, Config& config) {
    Section section = file.table("exchange", "[exchange]");
    Exchange& exchange = config.exchange;
    section.choice("kind", exchange.kind, exchange_kinds, words(later_exchange_kinds));
    const std::string here = "this exchange is \"" + std::string(to_string(exchange.kind)) + "\"";

    if (exchange.kind == ExchangeKind::local || exchange.kind == ExchangeKind::single) {
        section.belongs({"period", "every_steps", "clock", "patience", "encoding"}, "exchanges that exchange something", here);
    } else {
        read_rhythm(section, config);
        Duration patience{};
        if (section.longer_than_zero("patience", patience, "10s")) exchange.patience = patience;
        read_encoding(section);
    }
    if (exchange.kind == ExchangeKind::dpsgd) {
        if (const Value* graph = section.value("graph"))
            if (const auto* text = std::get_if<std::string>(&graph->is); text && text->starts_with("file:"))
                section.fault("graph", "a graph from a file is known but not available in this version", "here are \"ring\" or \"matching\"");
        section.choice("graph", exchange.graph, graphs, words(later_graphs));
    } else {
        section.belongs({"graph"}, "kind = \"dpsgd\"", here);
    }

    section.belongs({"pushes"}, "kind = \"epidemic\"", here);
    section.belongs({"robust"}, "kind = \"push-sum\"", here);
    section.belongs({"rate", "momentum"}, "kind = \"outer\"", here);
    section.belongs({"size"}, "kind = \"group\" and \"outer\"", here);
    section.belongs({"mode", "wait_for", "server"}, "kind = \"parameter-server\"", here);
    section.belongs({"clients"}, "kind = \"fedavg\"", here);
    section.later({"form", "speed_scaled", "quasi_global", "fragments", "clip"});
    section.finish();
}

}  // namespace grapevine::config
