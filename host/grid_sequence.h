/* Inside the steady-state methods: the batches of a sequence of grids, coarse to fine, each started from the Richardson
 * combination of those before it. */
#ifndef NL_GRID_SEQUENCE_H
#define NL_GRID_SEQUENCE_H

#include "nanolase/solve.h"

enum { NL_MAX_LEVELS = 6 };

typedef struct nl_grid_sequence {
    nl_task *task;
    int levels;
    nl_batch level[NL_MAX_LEVELS]; /* finest first */
    double *work; /* [member]: operator applications on coarser grids than the last one started, times their size */
    double *sums; /* work space, four per member */
} nl_grid_sequence;

/* Release also after failure. */
nl_status nl_grid_sequence_new(nl_task *, nl_grid_sequence *out);
void nl_grid_sequence_release(nl_grid_sequence *);

/* Makes the batch of a level and its members' states: from all coarser levels, which are done; on the coarsest, and for
 * members that failed below, the initial state. Times and steps go on from below. */
nl_status nl_grid_sequence_start(nl_grid_sequence *, int level, int extra_registers);

/* Keeps what the levels above `level`, which are done, leave to it; or restores that, and makes the batch of `level`
 * itself, the states of which are the caller's to restore. */
nl_status nl_grid_sequence_keep(nl_grid_sequence *, int level, int extra_registers, nl_state *);

#endif
