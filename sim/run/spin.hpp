#pragma once

namespace grapevine::sim {

// Between two looks at something that another thread is about to change. Each kind of processor has a file of its own.
void spin();

}  // namespace grapevine::sim
