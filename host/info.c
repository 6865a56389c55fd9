#include "info.h"

#include <stdio.h>

#include "nanolase.h"
#include "version.h"

nl_status nl_info(void)
{
    nl_backend *backend;
    printf("nanolase %s (%s)\n", NL_VERSION, NL_COMMIT);
    printf("MPI in this build: %s\n", nl_ranks_build());
    printf("CUDA in this build: %s\n", nl_backend_cuda_build());
    if (nl_backend_open_cuda(0, &backend) == NL_OK) {
        printf("CUDA device: %s\n", backend->device);
        nl_backend_close(backend);
    } else {
        printf("CUDA device: none (%s)\n", nl_error_message());
    }
    NL_TRY(nl_backend_open_cpu(0, &backend));
    printf("CPU: %s, %d threads\n", backend->device, backend->threads);
    nl_backend_close(backend);
    printf("methods: %s", nl_tableau_chebyshev(1)->name);
    for (int i = 0; i < nl_tableau_count(); i++)
        printf(" %s", nl_tableau_at(i)->name);
    printf("\n");
    return NL_OK;
}
