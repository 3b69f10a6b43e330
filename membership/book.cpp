#include "grapevine/membership/book.hpp"

#include "grapevine/random.hpp"

namespace grapevine::membership {

std::optional<Handle> Book::intern(const Record& record) {
    const std::uint64_t key = Random::mix(record.contact.id.value ^ Random::mix(record.incarnation + 1));
    const auto found = newest_of_.find(key);
    if (found != newest_of_.end())
        for (Handle h = found->second;; h = same_key_[h]) {
            if (records_[h] == record) return h;
            if (same_key_[h] == h) break;
        }
    if (records_.size() >= limit) return std::nullopt;
    const auto handle = static_cast<Handle>(records_.size());
    records_.push_back(record);
    ids_.push_back(record.contact.id);
    incarnations_.push_back(record.incarnation);
    same_key_.push_back(found != newest_of_.end() ? found->second : handle);
    newest_of_[key] = handle;
    return handle;
}

}  // namespace grapevine::membership
