#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grapevine/snapshot.hpp"
#include "grapevine/time.hpp"

namespace grapevine::node {

// What a node can be asked while it runs.
struct ShowMembers {};
struct ShowInfo {};
struct ShowLinks {};
struct MeasureTrip {  // between two members, by name or id; `to` empty: ourselves
    std::string from, to;
    std::uint32_t pings = 5;
};
struct JoinThrough {
    std::vector<std::string> addresses;
};
struct LeaveCluster {};
struct ForceOut {
    std::string who;
};
struct ShowModel {  // as a file: of the member `of`, by name or id, of several members merged, or of this node
    std::string of;
    bool merged = false;
};
using Question = std::variant<ShowMembers, ShowInfo, ShowLinks, MeasureTrip, JoinThrough, LeaveCluster, ForceOut, ShowModel>;

struct Stream {  // bytes that are not copied: the head, then the rest as it lies in memory
    std::string head;
    std::vector<Bytes> rest;
};
struct Answer {
    int status = 200;  // of HTTP
    std::string body;  // JSON
    std::function<Stream()> stream = {};  // in place of the body, where there is one: made on the thread that asked, for it may take a while
};
Answer refusal(int status, const std::string& what, const std::string& hint);

// The way by which the loop's answer reaches the thread that asked. Let go unanswered, it says that the node ends.
class Reply {
public:
    explicit Reply(std::promise<Answer> promise) : promise_(std::move(promise)) {}
    Reply(Reply&& other) noexcept : promise_(std::move(other.promise_)), open_(std::exchange(other.open_, false)) {}
    Reply& operator=(Reply&& other) noexcept;
    ~Reply();
    void give(Answer answer);

private:
    std::promise<Answer> promise_;
    bool open_ = true;
};

// Where other threads ask and the loop answers, when it comes by: nobody but the loop touches the peer.
//
//   a server's thread  --ask()--> [asked] --take()--> loop       (woken by `somebody_asks`)
//                      <------------ Reply::give() ----
class Desk {
public:
    struct Asked {
        Question question;
        Reply reply;
    };

    explicit Desk(std::function<void()> somebody_asks) : somebody_asks_(std::move(somebody_asks)) {}

    Answer ask(Question question, Duration patience);  // from any thread but the loop's
    std::optional<Asked> take();
    void close();  // whoever waits, or comes later, hears that the node ends

private:
    std::function<void()> somebody_asks_;
    std::mutex mutex_;
    std::deque<Asked> asked_;
    bool closed_ = false;
};

}  // namespace grapevine::node
