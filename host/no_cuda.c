/* Stands in for the CUDA backend in a build without nvcc. */
#include "nanolase/backend.h"

static nl_status refuse(nl_backend **out)
{
    *out = 0;
    return nl_fail(NL_ERR_NO_CUDA, "this build has no CUDA; install the CUDA Toolkit (nvcc) and run `make` again, or "
                                   "use -b cpu");
}

nl_status nl_backend_open_cuda(int device, nl_backend **out)
{
    (void)device;
    return refuse(out);
}

nl_status nl_backend_open_cuda_single(int device, nl_backend **out)
{
    (void)device;
    return refuse(out);
}

const char *nl_backend_cuda_build(void)
{
    return "no (built without nvcc)";
}
