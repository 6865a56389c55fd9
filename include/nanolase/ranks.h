/*
 * Ranks: the processes that an MPI launcher (mpirun, srun) has started together to share one run. All make the same
 * calls in the same order; what is marked `together` waits until every rank has called it. A process on its own is rank
 * 0 of 1, for which nothing here does anything.
 */
#ifndef NL_RANKS_H
#define NL_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "nanolase/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nl_ranks {
    int rank, count;
    int host_rank, host_count; /* among the ranks of this machine */
} nl_ranks;

/* What the launcher's environment says, before the ranks know of each other: rank and count. */
nl_ranks nl_ranks_launched(void);

/* Together: joins the others, where there are any. NL_ERR_USAGE where this build has no MPI, or not the launcher's. */
nl_status nl_ranks_start(void);
/* Together: no rank may speak to another afterwards. */
void nl_ranks_finish(void);
nl_ranks nl_ranks_now(void);
bool nl_ranks_is_first(void);

/* Together: NL_OK where all ranks say so, else the status of the first that does not, with its message. */
nl_status nl_ranks_agree(nl_status mine);
/* Whether the last failure was agreed upon. Where it was not, the other ranks are at work or waiting for this one. */
bool nl_ranks_have_agreed(void);
/* Ends all ranks at once, for such a failure. Returns where this process is alone. */
void nl_ranks_abort(int exit_code);

/* Together: whether any rank says yes. */
bool nl_ranks_any(bool mine);
/* Together: rank 0's data to all. */
void nl_ranks_broadcast(void *data, size_t bytes);

/* Threads for this rank, where each is given `wanted`, or 0 for its part of this machine's processors. Together. */
int nl_ranks_threads(int wanted);

/* "yes" or "no", with why; for `nanolase info`. */
const char *nl_ranks_build(void);

#ifdef __cplusplus
}
#endif
#endif
