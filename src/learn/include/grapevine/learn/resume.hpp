#pragma once

#include <optional>

#include "grapevine/learn/batches.hpp"
#include "grapevine/learn/safetensors.hpp"
#include "grapevine/learn/task.hpp"

namespace grapevine::learn {

// Checkpoints of a learner that make_learner() made for this task, between two orders.
//
//     state_of()    the model as to_checkpoint() has it, and what the learner keeps beside it
//     go_on_from()  a learner of the same config, peer, rows and data is then, on the CPU to the bit, where the other was: parameters,
//                   steps (with them the schedule's place), samples behind. All of it is looked at before anything is changed.
//
// What an exchange keeps in slots of its own is not in it: it begins anew, as after joining.
Checkpoint state_of(const Task& task, Learner& learner);
std::optional<Error> go_on_from(const Task& task, Learner& learner, const Checkpoint& from);

// Whether it is between two steps, as state_of() wants it: not so while one is made in slices.
bool between_steps(const Learner& learner);

// What others need to use a model without asking who trained it: of the data their fingerprint, the shape of a row, the names of the
// classes, and how they are normalised (tensors data.scale and data.shift); and the configuration, of which the seed once more for itself.
void describe(const Task& task, const config::Config& config, const std::string& config_text, Checkpoint& to);
// An error if it says that it was trained on other data than the task's.
std::optional<Error> of_other_data(const Task& task, const Checkpoint& from);

// For learners: the place of their batches.
void save_state(const Batches& batches, Checkpoint& to);
std::optional<Error> load_state(const Checkpoint& from, Batches& batches);
const std::vector<std::uint32_t>* rows_of_state(const Checkpoint& from);  // theirs, in their order; null: it holds none
Error not_of_this_run(const std::string& what);

}  // namespace grapevine::learn
