#include "fetching.hpp"

#include <algorithm>
#include <cmath>

#include "outer.hpp"
#include "pace.hpp"

namespace grapevine::gossip {

namespace {
constexpr Duration look_every = std::chrono::milliseconds(100);
constexpr Duration busy_for = std::chrono::seconds(1);           // who had no time, or has not caught up itself, is asked again after that
constexpr Duration vain_after = std::chrono::minutes(1);
constexpr Duration first_patience = std::chrono::seconds(5);     // nobody knows yet how long a piece takes
constexpr Duration least_patience = std::chrono::milliseconds(500);
constexpr double quick = 4, slow = 16;                           // seconds; more than most steps take, at whose ends pieces are frozen
constexpr std::uint32_t first_ahead = 32, more_ahead = 3;
constexpr int draws = 32;
constexpr std::uint32_t most_doublings = 4;

void average(double& mean, double value) { mean = mean > 0 ? 0.75 * mean + 0.25 * value : value; }
}  // namespace

bool fetches(const Config& c) {
    if (!c.newcomer || c.donors == 0 || c.size == 0 || !c.trains || c.sums || c.sets) return false;
    return c.kind == Kind::gossip || c.kind == Kind::epidemic || talks(c);
}

Fetching::Fetching(const Config& config, std::uint32_t number, Random random, PeerId only)
    : config_(config), number_(number), random_(random), only_(only), places_((config.size + most_elements - 1) / most_elements), missing_(places_.size()) {}

void Fetching::start(Instant now, const Company& company, Exchange::Out& out) {
    began_ = progress_ = now;
    out.wake(now + look_every, FetchDue{number_});
    ask(now, company, out);
}

void Fetching::peer_up(Instant now, const Company& company, Exchange::Out& out) { ask(now, company, out); }

void Fetching::peer_down(Instant now, PeerId peer, const Company& company, Exchange::Out& out) {
    if (!find(peer)) return;
    part_with(peer, Instant::min());
    ask(now, company, out);
}

void Fetching::woken(Instant now, const Company& company, Exchange::Out& out) {
    if (whole() || vain_) return;
    for (Donor& d : donors_) {
        if (d.asked.empty() || now - d.asked.front().at < patience(d)) continue;
        out.tell(Failed{d.id, Failure::overdue});
        d.silent = true;
        d.doublings = std::min(d.doublings + 1, most_doublings);
        d.ahead = 1;
        while (!d.asked.empty()) release(d, d.asked.back().piece);
    }
    const bool asking = std::any_of(donors_.begin(), donors_.end(), [](const Donor& d) { return !d.asked.empty() || d.silent; });
    vain_ = now - progress_ > (asking ? vain_after : catch_up_within);
    if (vain_) return;
    ask(now, company, out);
    out.wake(now + look_every, FetchDue{number_});
}

void Fetching::received(Instant now, PeerId from, Piece&& piece, const Company& company, Exchange::Out& out) {
    Donor* donor = find(from);
    if (!donor) return;
    const Snapshot& s = piece.snapshot;
    if (piece.piece >= places_.size() || s.range != range(piece.piece) || !fits(s, config_.layout, config_.size) || !std::isfinite(s.samples) || s.samples < 0) {
        out.tell(Failed{from, Failure::other_layout});
        part_with(from, Instant::max());
        return ask(now, company, out);
    }
    out.send(from, PieceCame{number_, piece.piece});
    const auto asked = std::find_if(donor->asked.begin(), donor->asked.end(), [&](const Asked& a) { return a.piece == piece.piece; });
    if (asked != donor->asked.end()) {
        const double took = std::max(seconds(now - asked->at), 1e-6);
        if (donor->doublings == 0) {  // else it may be the answer to an earlier question
            average(donor->took, took);
            average(took_, took);
        }
        if (took < quick) donor->ahead = std::min(donor->ahead + more_ahead, most_ahead);
        else if (took > slow) donor->ahead = std::max(donor->ahead - 1, 1u);
        release(*donor, piece.piece);
    }
    donor->silent = false;
    donor->doublings = 0;
    Place& place = places_[piece.piece];
    if (!place.in) {
        place.in = std::move(piece.snapshot);
        --missing_;
        bytes_ += place.in->bytes.size;
        progress_ = now;
        if (std::find(gave_.begin(), gave_.end(), from) == gave_.end()) gave_.push_back(from);
        no_longer_wanted(piece.piece, out);
    }
    ask(now, company, out);
}

void Fetching::received(Instant now, PeerId from, const NoPiece& none, const Company& company, Exchange::Out& out) {
    Donor* donor = find(from);
    if (!donor || std::none_of(donor->asked.begin(), donor->asked.end(), [&](const Asked& a) { return a.piece == none.piece; })) return;
    release(*donor, none.piece);
    switch (none.why) {
        case Why::leaving:
        case Why::other_layout: part_with(from, Instant::max()); break;
        case Why::busy:
        case Why::catching_up:
        case Why::undelivered:
            if (donor->asked.empty()) part_with(from, now + busy_for);
            else donor->ahead = static_cast<std::uint32_t>(donor->asked.size());
            break;
    }
    ask(now, company, out);
}

// Of those who were asked for it too: what they have not sent yet need not be sent.
void Fetching::no_longer_wanted(std::uint32_t piece, Exchange::Out& out) {
    for (Donor& d : donors_) {
        if (std::none_of(d.asked.begin(), d.asked.end(), [&](const Asked& a) { return a.piece == piece; })) continue;
        release(d, piece);
        out.send(d.id, PieceCame{number_, piece});
    }
}

// Whoever is silent has no place among those who give, but is remembered: its pieces may be on their way. Where nobody gives, all are
// asked once more, and waited for twice as long.
void Fetching::find_donors(Instant now, const Company& company) {
    std::erase_if(resting_, [&](const Resting& r) { return r.until <= now; });
    const auto known = [&](PeerId id) { return find(id) || std::any_of(resting_.begin(), resting_.end(), [&](const Resting& r) { return r.id == id; }); };
    if (only_ && !known(only_)) donors_.push_back({only_, ahead_at_first()});
    auto giving = static_cast<std::size_t>(std::count_if(donors_.begin(), donors_.end(), [](const Donor& d) { return !d.silent; }));
    // Who clips trusts nobody by word alone: of several donors it is likelier that one lies.
    const std::size_t wanted = only_ ? 0 : std::min<std::size_t>(config_.clip == Clip::off ? config_.donors : 1, places_.size());
    for (int i = 0; i < draws && giving < wanted && donors_.size() < company.size(); ++i) {
        const auto drawn = company.draw(random_);
        if (!drawn) break;
        if (known(*drawn)) continue;
        donors_.push_back({*drawn, ahead_at_first()});
        ++giving;
    }
    if (giving == 0)
        for (Donor& d : donors_) d.silent = false;
}

std::uint32_t Fetching::ahead_at_first() const {
    const std::uint64_t donors = std::max<std::uint32_t>(config_.donors, 1);
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>((places_.size() + donors - 1) / donors, 1, first_ahead));
}

void Fetching::ask(Instant now, const Company& company, Exchange::Out& out) {
    if (whole() || vain_) return;
    find_donors(now, company);
    // In turn, so that each of them has its share of what is left.
    for (bool more = true; more;) {
        more = false;
        for (Donor& d : donors_) {
            if (d.silent || d.asked.size() >= d.ahead) continue;
            auto piece = open_piece();
            if (!piece && d.took > 0) piece = oldest_of_others(now, d);
            if (!piece) continue;
            ask(now, d, *piece, out);
            more = true;
        }
    }
}

void Fetching::ask(Instant now, Donor& donor, std::uint32_t piece, Exchange::Out& out) {
    donor.asked.push_back({piece, now});
    ++places_[piece].asked;
    out.send(donor.id, PieceWanted{number_, piece, range(piece)});
}

std::optional<std::uint32_t> Fetching::open_piece() const {
    for (std::size_t i = 0; i < places_.size(); ++i)
        if (!places_[i].in && places_[i].asked == 0) return static_cast<std::uint32_t>(i);
    return std::nullopt;
}

// One that has been out for much longer than it would take here.
std::optional<std::uint32_t> Fetching::oldest_of_others(Instant now, const Donor& idle) const {
    const Asked* oldest = nullptr;
    for (const Donor& d : donors_)
        for (const Asked& a : d.asked)
            if (&d != &idle && !places_[a.piece].in && places_[a.piece].asked == 1 && (!oldest || a.at < oldest->at)) oldest = &a;
    if (!oldest || now - oldest->at < from_seconds(1.5 * idle.took)) return std::nullopt;
    return oldest->piece;
}

void Fetching::release(Donor& donor, std::uint32_t piece) {
    if (std::erase_if(donor.asked, [&](const Asked& a) { return a.piece == piece; }) > 0) --places_[piece].asked;
}

void Fetching::part_with(PeerId donor, Instant rests_until) {
    Donor& d = *find(donor);
    while (!d.asked.empty()) release(d, d.asked.back().piece);
    std::erase_if(donors_, [&](const Donor& x) { return x.id == donor; });
    resting_.push_back({donor, rests_until});
    if (only_ && (rests_until == Instant::min() || rests_until == Instant::max())) vain_ = true;  // it is gone, or gives nothing
}

Fetching::Donor* Fetching::find(PeerId id) {
    const auto donor = std::find_if(donors_.begin(), donors_.end(), [&](const Donor& d) { return d.id == id; });
    return donor == donors_.end() ? nullptr : &*donor;
}

Duration Fetching::patience(const Donor& donor) const {
    const double took = donor.took > 0 ? donor.took : took_;
    return (took > 0 ? least_patience + from_seconds(3 * took) : first_patience) * (1 << donor.doublings);
}

Fetched Fetching::summary(Instant now) const {
    return {whole(), static_cast<std::uint32_t>(gave_.size()), static_cast<std::uint32_t>(places_.size() - missing_), bytes_, now - began_};
}

std::vector<Snapshot> Fetching::take() {
    std::vector<Snapshot> pieces;
    pieces.reserve(places_.size());
    for (Place& place : places_) pieces.push_back(std::move(*place.in));
    return pieces;
}

}  // namespace grapevine::gossip
