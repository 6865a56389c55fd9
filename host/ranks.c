/* Which rank this process is, and how ranks agree. */
#define _GNU_SOURCE
#include "nanolase/ranks.h"

#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport.h"

static nl_ranks now = {0, 1, 0, 1};
static bool agreed;

/* Environment variables by which launchers tell each process its place. */
static const struct {
    const char *rank, *count;
} launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, /* Open MPI's mpirun */
    {"PMI_RANK", "PMI_SIZE"},                         /* MPICH's and Intel's, and srun --mpi=pmi2 */
    {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},   /* MVAPICH's */
    {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"},            /* srun --mpi=pmix */
};

nl_ranks nl_ranks_launched(void)
{
    nl_ranks launched = {0, 1, 0, 1};
    for (size_t k = 0; k < sizeof launchers / sizeof *launchers && launched.count == 1; k++) {
        const char *rank = getenv(launchers[k].rank), *count = getenv(launchers[k].count);
        if (rank && count && atoi(count) > 1) {
            launched.rank = atoi(rank);
            launched.count = atoi(count);
        }
    }
    return launched;
}

nl_status nl_ranks_start(void)
{
    return nl_ranks_launched().count > 1 ? nl_transport_open(&now) : NL_OK;
}

void nl_ranks_finish(void)
{
    if (now.count > 1)
        nl_transport_close();
    now = (nl_ranks){0, 1, 0, 1};
}

nl_ranks nl_ranks_now(void)
{
    return now;
}

bool nl_ranks_is_first(void)
{
    return now.rank == 0;
}

/* ---- agreeing ---- */

typedef struct verdict {
    nl_status status;
    char message[1000];
} verdict;

nl_status nl_ranks_agree(nl_status mine)
{
    if (!nl_ranks_any(mine != NL_OK))
        return NL_OK;
    agreed = true;
    if (now.count == 1)
        return mine;
    verdict my = {.status = mine}, *all = calloc((size_t)now.count, sizeof *all);
    if (!all)
        nl_transport_abort(nl_status_exit_code(NL_ERR_MEMORY));
    snprintf(my.message, sizeof my.message, "%s", nl_error_message());
    nl_transport_gather(&my, sizeof my, all);
    int first = 0;
    while (all[first].status == NL_OK)
        first++;
    my = all[first];
    free(all);
    return nl_fail(my.status, "%s", my.message);
}

bool nl_ranks_have_agreed(void)
{
    return agreed || now.count == 1;
}

void nl_ranks_abort(int exit_code)
{
    if (now.count > 1)
        nl_transport_abort(exit_code);
}

bool nl_ranks_any(bool mine)
{
    bool all[now.count], any = false;
    if (now.count == 1)
        return mine;
    nl_transport_gather(&mine, sizeof mine, all);
    for (int r = 0; r < now.count; r++)
        any |= all[r];
    return any;
}

void nl_ranks_broadcast(void *data, size_t bytes)
{
    if (now.count > 1)
        nl_transport_broadcast(data, bytes);
}

/* ---- processors ---- */

/* Launchers may bind ranks to processors; those bound to the same ones share them. */
int nl_ranks_threads(int wanted)
{
    typedef struct place {
        char host[256];
        cpu_set_t processors;
    } place;
    if (wanted > 0 || now.count == 1)
        return wanted;
    place mine = {.host = ""}, *all = calloc((size_t)now.count, sizeof *all);
    int sharers = 0;
    if (!all)
        nl_transport_abort(nl_status_exit_code(NL_ERR_MEMORY));
    gethostname(mine.host, sizeof mine.host - 1);
    sched_getaffinity(0, sizeof mine.processors, &mine.processors);
    nl_transport_gather(&mine, sizeof mine, all);
    for (int r = 0; r < now.count; r++)
        sharers += memcmp(&mine, &all[r], sizeof mine) == 0;
    free(all);
    return omp_get_max_threads() > sharers ? omp_get_max_threads() / sharers : 1;
}
