// Preloaded before a program: its wall clock is off by the seconds that the file CLOCK_JUMP names says, from one look to the next.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <sys/time.h>

namespace {

long offset() {
    static const char* const path = std::getenv("CLOCK_JUMP");
    static thread_local bool reading = false;  // opening a file may look at the clock itself
    long by = 0;
    if (!path || reading) return 0;
    reading = true;
    if (std::FILE* file = std::fopen(path, "r")) {
        if (std::fscanf(file, "%ld", &by) != 1) by = 0;
        std::fclose(file);
    }
    reading = false;
    return by;
}

template <class F>
F* next(const char* name) { return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name)); }

}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* t) noexcept {
    static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
    const int result = real(which, t);
    if (result == 0 && which == CLOCK_REALTIME) t->tv_sec += offset();
    return result;
}

extern "C" int gettimeofday(timeval* __restrict t, void* __restrict zone) noexcept {
    static auto* const real = next<int(timeval*, void*)>("gettimeofday");
    const int result = real(t, zone);
    if (result == 0) t->tv_sec += offset();
    return result;
}

extern "C" time_t time(time_t* t) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
