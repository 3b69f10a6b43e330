#include "with_server.hpp"

namespace grapevine::gossip {

WithServer::WithServer(const Config& config, PeerId self, Random random) : common_(config, self) {
    if (config.serves) role_.emplace<Server>(random);
}

void WithServer::step(Instant now, Input&& input, const Company& company, Out& out) {
    auto* server = std::get_if<Server>(&role_);
    auto* worker = std::get_if<Worker>(&role_);
    std::visit(Cases{
                   [&](Start&) {
                       if (server) server->start(now, common_, company, out);
                       else worker->start(now, common_, out);
                   },
                   [&](PeerUp& up) {
                       if (common_.halted) return;
                       if (server) server->peer_up(now, common_, up.peer, out);
                       else worker->peer_up(now, common_, up.peer, out);
                   },
                   [&](PeerDown& down) {
                       if (common_.halted) return;
                       if (server) server->peer_down(now, common_, down.peer, out);
                       else worker->peer_down(now, common_, down.peer, out);
                   },
                   [&](Received<Message>& received) {
                       if (common_.halted) return;
                       if (server) {
                           const auto* serving = std::get_if<Serving>(&received.message);
                           if (!serving || common_.self < received.from)
                               return server->received(now, common_, received.from, std::move(received.message), company, out);
                           worker = &role_.emplace<Worker>();  // it serves, and we do no longer
                       }
                       worker->received(now, common_, received.from, std::move(received.message), company, out);
                   },
                   [&](Woken<Timer>& woken) {
                       if (common_.halted) return;
                       if (const auto* due = std::get_if<Due>(&woken.timer)) {
                           if (due->turn == finish_turn) return common_.conclude(out);
                           if (!server) return;
                           if (due->turn == ask_turn) server->ask(now, common_, out);
                           else server->due(now, common_, *due, out);
                       } else if (const auto* overdue = std::get_if<Overdue>(&woken.timer)) {
                           if (server) server->overdue(now, common_, *overdue, out);
                           else worker->overdue(now, common_, out);
                       }
                   },
                   [&](Undelivered& u) {
                       if (common_.halted) return;
                       if (server) server->undelivered(now, common_, u, out);
                       else worker->undelivered(u, out);
                   },
                   [&](Completion& completion) {
                       common_.samples = completion.samples_behind;
                       if (const auto* trained = std::get_if<Trained>(&completion.what)) {
                           common_.training.ended(now, *trained);
                           out.tell(TrainedSome{trained->steps, trained->loss});
                           if (common_.halted) return;
                           if (server) server->trained(now, common_, *trained, out);
                           else worker->trained(now, common_, *trained, out);
                       } else if (!common_.halted) {
                           if (server) server->completed(now, common_, std::move(completion), out);
                           else worker->completed(now, common_, std::move(completion), out);
                       }
                   },
                   [&](Finish& finish) {
                       if (common_.finishing || common_.halted) return;
                       common_.finishing = true;
                       common_.training.stop();
                       out.wake(now + (finish.parting ? part_within : finish_within), Due{finish_turn});
                       if (server) server->finish(now, common_, out);
                       else worker->finish(now, common_, out);
                   },
                   [&](Halt&) {
                       common_.halted = true;
                       common_.training.stop();
                       if (server) server->halt();
                       else worker->halt(out);
                   },
               },
               input);
}

}  // namespace grapevine::gossip
