#include "grapevine/membership/book.hpp"

#include "grapevine/random.hpp"

namespace grapevine::membership {

bool within_limits(const Record& record) {
    const Contact& c = record.contact;
    return c.id && c.name.size() <= longest_name && c.control.size() <= longest_endpoint && c.bulk.size() <= longest_endpoint &&
           record.key.size() <= longest_key && record.metadata.size() <= longest_metadata && record.failing <= 100;
}

std::uint64_t Book::key_of(const Record& record) const {
    return Random::mix(record.contact.id.value ^ Random::mix(record.incarnation + 1));
}

std::optional<Handle> Book::intern(const Record& record) {
    const std::uint64_t key = key_of(record);
    const auto found = newest_of_.find(key);
    if (found != newest_of_.end())
        for (Handle h = found->second;; h = same_key_[h]) {
            if (records_[h] == record) return h;
            if (same_key_[h] == h) break;
        }
    if (size() >= limit_) return std::nullopt;
    Handle handle;
    if (free_.empty()) {
        handle = static_cast<Handle>(records_.size());
        records_.emplace_back();
        ids_.emplace_back();
        incarnations_.emplace_back();
        failing_.emplace_back();
        degraded_.emplace_back();
        same_key_.emplace_back();
        namesake_.emplace_back();
    } else {
        handle = free_.back();
        free_.pop_back();
    }
    records_[handle] = record;
    ids_[handle] = record.contact.id;
    incarnations_[handle] = record.incarnation;
    failing_[handle] = record.failing;
    degraded_[handle] = record.degraded;
    same_key_[handle] = found != newest_of_.end() ? found->second : handle;
    newest_of_[key] = handle;
    namesake_[handle] = handle;
    if (record.generation > 0) {
        const auto [bearer, first] = bearer_of_.try_emplace(record.contact.name, handle);
        if (!first) {
            namesake_[handle] = namesake_[bearer->second];
            namesake_[bearer->second] = handle;
        }
    }
    return handle;
}

void Book::keep_only(const std::vector<bool>& marked) {
    newest_of_.clear();
    bearer_of_.clear();
    free_.clear();
    for (Handle h = 0; h < records_.size(); ++h) {
        if (h >= marked.size() || !marked[h]) {
            records_[h] = {};
            free_.push_back(h);
            continue;
        }
        const auto newest = newest_of_.try_emplace(key_of(records_[h]), h).first;
        same_key_[h] = newest->second;  // itself: none
        newest->second = h;
        namesake_[h] = h;
        if (records_[h].generation == 0) continue;
        const auto [bearer, first] = bearer_of_.try_emplace(records_[h].contact.name, h);
        if (first) continue;
        namesake_[h] = namesake_[bearer->second];
        namesake_[bearer->second] = h;
    }
}

}  // namespace grapevine::membership
