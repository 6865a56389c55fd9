/* The plan of a run: every sweep point checked and discretised before any work starts, and grouped for solving. */
#ifndef NL_PLAN_H
#define NL_PLAN_H

#include "nanolase/solve.h"

typedef struct nl_plan {
    const nl_config *config; /* not owned */
    const nl_model *model;
    int n_points;
    nl_point *points;
    const nl_tableau **tableaux; /* of each point */
    bool by_response; /* points are solved together through the lasers' local response (gutzwiller.h) */
} nl_plan;

/* NL_ERR_CONFIG where any point of the sweep makes no sense or asks for what this version lacks. */
nl_status nl_plan_new(const nl_config *, nl_plan *out);
void nl_plan_release(nl_plan *);

/* Whether ranks may each have a part of its grids: phase equations of two lasers. */
bool nl_plan_shares_grids(const nl_plan *);

/* Bytes that solving one point takes in the backend's memory. */
double nl_plan_point_bytes(const nl_plan *, int point);
/* How many vectors of the state's size these are, where all are of one size; 0 elsewhere. */
int nl_plan_vectors(const nl_plan *, int point);
enum { NL_LARGEST_SIZE = 65535 };
/* The largest n (n_c, points or levels) with which this point would fit into `available` bytes; at most
 * NL_LARGEST_SIZE. on_host: these are of main memory, where the state is put together, too. */
int nl_plan_largest_size(const nl_plan *, int point, double available, bool on_host);
/* Bytes of main memory that the results take. */
double nl_plan_result_bytes(const nl_plan *);

/* What the run will ask of the machine, as far as it can be told before. */
typedef struct nl_plan_work {
    int n_least, n_most;
    double point_bytes;           /* of the largest point */
    int largest;                  /* which that is */
    double applications_per_time; /* of the operator, in the point that needs most */
    double grid_points;           /* of one application, there */
} nl_plan_work;

nl_plan_work nl_plan_estimate(const nl_plan *);

/* NL_ERR_MEMORY where some point does not fit into `available` bytes; on_host as above. */
nl_status nl_plan_check_memory(const nl_plan *, double available, bool on_host);

/* Room for what the run yields, every point pending. */
nl_status nl_plan_new_result(const nl_plan *, nl_result *out);

/* Solves every point that the result holds as pending. watcher: NULL where nobody watches. */
nl_status nl_plan_run(const nl_plan *, nl_backend *, nl_result *, const nl_watcher *watcher);

/* A run at work, for methods that solve points of their own on the way to its points. Nothing is owned. */
typedef struct nl_outer_run {
    const nl_plan *plan;
    nl_backend *backend;
    const nl_watcher *watcher; /* sees the progress of those points, may stop them, and its store keeps them */
} nl_outer_run;

#endif
