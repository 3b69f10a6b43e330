// Whether parameters get through to members that answer pings: what an echo on the bulk plane says of it.
#include "node.hpp"

namespace grapevine::node {

// Who we join through has been asked, and whoever the peer is in doubt about. What is wrong is said once, by the event that follows.
void Node::echoed(const net::Echoed& echo) {
    using enum net::Echoed::Came;
    const membership::Way way = echo.came == all ? membership::Way::open : echo.came == little ? membership::Way::narrow : membership::Way::shut;
    step(membership::Echoed{echo.who, way});
}

}  // namespace grapevine::node
