#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "frame.hpp"

// The other side of the wire, without our transport's manners: what a stranger, or a broken or hostile node,
// could send.
namespace grapevine::net {

class Raw {
public:
    // Announces the name that a peer of this id would. `mark` tells several connections of one id apart.
    Raw(const std::string& endpoint, PeerId as, const std::string& mark = "12345678") : socket_(context_, zmq::socket_type::dealer) {
        std::string name = "V";
        for (int i = 0; i < 8; ++i) name.push_back(static_cast<char>((as.value >> (8 * i)) & 0xff));
        socket_.set(zmq::sockopt::routing_id, name + mark);
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::sndtimeo, 5000);
        socket_.connect(endpoint);
    }
    // A name of the stranger's choice; empty: none.
    struct Named { std::string name; };
    Raw(const std::string& endpoint, const Named& named) : socket_(context_, zmq::socket_type::dealer) {
        if (!named.name.empty()) socket_.set(zmq::sockopt::routing_id, named.name);
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::sndtimeo, 5000);
        socket_.connect(endpoint);
    }

    bool send(const std::vector<std::string>& parts) {
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (zmq_send(socket_.handle(), parts[i].data(), parts[i].size(), i + 1 < parts.size() ? ZMQ_SNDMORE : 0) < 0) return false;
        return true;
    }
    // The first part of the next message; empty if none comes in time.
    std::string receive(int patience_ms) {
        socket_.set(zmq::sockopt::rcvtimeo, patience_ms);
        std::string first;
        for (bool more = true, is_first = true; more; is_first = false) {
            zmq::message_t part;
            if (zmq_msg_recv(part.handle(), socket_.handle(), 0) < 0) return first;
            if (is_first) first.assign(part.data<char>(), part.size());
            more = part.more();
        }
        return first;
    }

private:
    zmq::context_t context_{1};
    zmq::socket_t socket_;
};

}  // namespace grapevine::net
