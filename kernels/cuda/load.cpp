#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "grapevine/kernels/cuda.hpp"
#include "module.hpp"

namespace grapevine::kernels {
namespace {

constexpr const char* module_name = "grapevine-cuda.so";

// Empty if one answers. The driver is never unloaded: it has threads of its own by then.
std::string why_no_device(int device) {
    void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!driver) return "no NVIDIA driver (libcuda.so.1) on this machine";
    using Init = int(unsigned);
    using Count = int(int*);
    auto* const init = reinterpret_cast<Init*>(dlsym(driver, "cuInit"));
    auto* const count = reinterpret_cast<Count*>(dlsym(driver, "cuDeviceGetCount"));
    if (!init || !count) return "libcuda.so.1 has no cuInit or no cuDeviceGetCount";
    if (const int status = init(0); status != 0)
        return "the NVIDIA driver does not start: cuInit says " + std::to_string(status);
    int devices = 0;
    if (const int status = count(&devices); status != 0)
        return "the NVIDIA driver does not count its devices: cuDeviceGetCount says " + std::to_string(status);
    if (devices == 0) return "the NVIDIA driver knows no device";
    if (device < 0 || device >= devices)
        return "device " + std::to_string(device) + " asked for, but there are " + std::to_string(devices);
    return {};
}

std::vector<std::filesystem::path> places(const std::string& module) {
    if (!module.empty()) return {module};
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto here = program.parent_path();
    return {here / module_name, here / "../lib/grapevine" / module_name,
            here / "../../kernels/cuda" / module_name};  // the last in a build tree
}

}  // namespace

CudaBackend load_cuda_backend(int device, Element element, const std::string& module) {
    if (auto reason = why_no_device(device); !reason.empty()) return {nullptr, std::move(reason)};

    std::string tried;
    for (const auto& place : places(module)) {
        std::error_code error;
        if (!std::filesystem::exists(place, error)) {
            tried += (tried.empty() ? "" : ", ") + place.string();
            continue;
        }
        void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);  // never unloaded: backends live in it
        if (!library) return {nullptr, std::string("the CUDA module cannot be loaded: ") + dlerror()};
        auto* const ask = reinterpret_cast<CudaModuleFunction*>(dlsym(library, cuda_module_symbol));
        const CudaModule* found = ask ? ask() : nullptr;
        if (!found) return {nullptr, place.string() + " is no CUDA module of grapevine"};
        if (found->abi != cuda_module_abi)
            return {nullptr, place.string() + " was built for another grapevine: its ABI is " +
                                 std::to_string(found->abi) + ", ours " + std::to_string(cuda_module_abi)};
        try {
            return {std::unique_ptr<Backend>(found->make(device, element)), {}};
        } catch (const DeviceFailure& failure) {
            return {nullptr, failure.what()};
        }
    }
    return {nullptr, "a device answers, but the CUDA module is at none of: " + tried};
}

}  // namespace grapevine::kernels
