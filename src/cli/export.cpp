// grapevine export: a model for other programs.
#include <cstdio>

#include "grapevine/learn/safetensors.hpp"
#include "terminal.hpp"
#include "verb.hpp"

namespace grapevine::cli {

namespace {

int run(const Arguments& a) {
    if (a.positional.empty()) return complain({"export wants a model file", "for example: grapevine export runs/demo/peer-1/final.safetensors -o model.npz"}, usage);
    const auto to = a.get("out");
    if (!to) return complain({"export does not say where to", "--out model.npz, or model.safetensors"}, usage);
    const bool npz = to->ends_with(".npz");
    if (!npz && !to->ends_with(".safetensors")) return complain({"--out " + *to + " ends in neither .npz nor .safetensors", "the name says what is written"}, usage);
    auto loaded = learn::load_checkpoint(a.positional[0]);
    if (const auto* error = std::get_if<learn::Error>(&loaded)) return complain(*error, usage);
    auto& model = std::get<learn::Checkpoint>(loaded);
    std::erase_if(model.tensors, [](const learn::StoredTensor& t) { return t.name.starts_with("opt."); });
    model.states.clear();
    for (const char* of_training : {"batches_taken", "batches_drawn", "augment_drawn", "trees_grown", "elapsed_ms", "part", "parts"}) model.metadata.erase(of_training);
    if (const auto error = npz ? learn::save_npz(*to, model) : learn::save(*to, model)) return complain(*error, failed);
    std::printf("%s: %zu tensors\n", to->c_str(), model.tensors.size());
    return finished;
}

}  // namespace

Verb export_verb() {
    return {"export", "MODEL -o OUT.{npz,safetensors}", "write a model for other programs",
            "Takes a model or a checkpoint (safetensors, npz) and writes its parameters, without the optimiser's state and the place of its\n"
            "training. numpy.load() reads npz, safetensors.numpy.load_file() the other; 'grapevine eval' and 'predict' read both.",
            {{"out", "FILE", "where to; its name says the format", false, false, 'o'}}, 1, run};
}

}  // namespace grapevine::cli
