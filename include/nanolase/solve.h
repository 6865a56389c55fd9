/* The methods that take a batch of sweep points from start to result. */
#ifndef NL_SOLVE_H
#define NL_SOLVE_H

#include "nanolase/backend.h"
#include "nanolase/model.h"
#include "nanolase/result.h"
#include "nanolase/store.h"

/* How a run is going; told now and then to whoever watches. */
typedef struct nl_progress {
    int members;     /* in the batch at work, still going */
    const char *size_name; /* of n: n_c or levels */
    int n;           /* grid at work */
    double t, h;     /* of the first of them; NAN where it does not evolve in time */
    int cycles;      /* likewise, of multigrid */
    double residual; /* likewise; NAN while unknown */
} nl_progress;

/* Calls come from several threads, one at a time. */
typedef struct nl_watcher {
    void *user;
    void (*on_progress)(void *user, const nl_progress *);
    /* Called when results have been added; may save them. */
    nl_status (*on_results)(void *user);
    /* Asked between batches: stop after what is at work? Asked between steps, from any thread at any time: drop even
     * that? Both may be NULL. */
    bool (*wants_stop)(void *user);
    bool (*wants_abort)(void *user);
    nl_store *store; /* where points at work are kept; NULL: nowhere */
} nl_watcher;

/* What a point cost before the method at work took it over. */
typedef struct nl_spent {
    long rhs;
    double work;
} nl_spent;

/* Points of equal shape that are solved together. index[p]: sweep point of points[p]. */
typedef struct nl_task {
    nl_backend *backend;
    const nl_model *model;
    const nl_config *config;
    const nl_tableau *tableau;
    const nl_point *points;
    const int *index;
    int count;
    nl_result *result;
    const nl_watcher *watcher; /* NULL: nobody watches */
    struct nl_gap *gaps;       /* [count], see krylov.h; NULL where they are not wanted */
    nl_spent *spent;           /* [count]; NULL: nothing */
    bool restored;             /* its points go on from `file` of the watcher's store */
    int file;
    double kept, cost;         /* when it was kept last, and how long that took */
} nl_task;

/* Enters finished members into the result and tells the watcher; outcome[a] goes with active[a]. Values for time
 * index `time`, or none where it is below 0. */
nl_status nl_task_record(nl_task *, nl_batch *, const int *active, int n_active, const nl_outcome *outcome, int time);
void nl_task_progress(nl_task *, const nl_progress *);
bool nl_task_is_aborted(const nl_task *);
/* Whether the watcher wants the run to stop, of a method that solves points together: any rank's watcher, where ranks
 * share the work; all ask at the same places. */
bool nl_watcher_wants_stop(const nl_watcher *, const nl_backend *);

/*
 * Between steps: keeps what the method needs to go on with the points that are not done, where it is time to, or the
 * run is aborted. The keeper names the method's own data, of members for which nl_task_is_open; the task adds what is
 * in the result. nl_task_restore fills them, in a task that is `restored`.
 */
nl_status nl_task_keep(nl_task *, nl_keeper, void *user);
nl_status nl_task_restore(nl_task *, nl_keeper, void *user);
bool nl_task_is_open(const nl_task *, int member);

/* Steady states by time evolution on a sequence of grids, coarse to fine. */
nl_status nl_relax(nl_task *);

/* Steady states of phase equations by multigrid cycles; members on which they fail to converge are left to nl_relax. */
nl_status nl_multigrid(nl_task *);

/* Bytes that nl_multigrid takes for a point, in the backend's memory and in main memory together. */
double nl_multigrid_bytes(const nl_model *, const nl_point *, size_t real_size);

/* Registers that the run's method takes beside the stepper's. */
int nl_solve_extra_registers(const nl_config *);

/* Evolution from the initial state, observables at each saved time. */
nl_status nl_evolve(nl_task *);

#endif
