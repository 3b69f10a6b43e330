#include "reference.hpp"

using namespace grapevine::kernels;

TEST_CASE("where no GPU answers, or no module is, there is a reason and no backend") {
    const CudaBackend nowhere = load_cuda_backend(0, Element::float32, "/nowhere/grapevine-cuda.so");
    CHECK(!nowhere.backend);
    CHECK(!nowhere.reason.empty());
    const CudaBackend far = load_cuda_backend(1'000'000);
    CHECK(!far.backend);
    CHECK(!far.reason.empty());
}

TEST_CASE("a backend says who it is") {
    CHECK(make_cpu_backend()->name().find("cpu") != std::string::npos);
    CHECK(make_cpu_backend(1, Products::own)->name() == "cpu (own)");
    CHECK(make_cpu_backend()->name().find(products_library()) != std::string::npos);
}
