/*
 * Runs within a run: points that a method solves on its way to those of the sweep, as a plan of their own. They come in
 * the same order every time, so what they have computed is kept by their number, and a run that is resumed finds it
 * there.
 */
#ifndef NL_INNER_RUN_H
#define NL_INNER_RUN_H

#include "nanolase/plan.h"

/* Stays where it was made: the plan and the result refer to its configuration. */
typedef struct nl_inner_run {
    nl_config config; /* the outer plan's but for fields = no; its axes are not owned */
    nl_plan plan;     /* points and tableaux owned, of each point for the caller to fill in */
    nl_result result;
} nl_inner_run;

/* Released by nl_inner_run_release even where it fails. The model is not owned. */
nl_status nl_inner_run_new(const nl_outer_run *, const nl_model *, int n_points, nl_inner_run *out);
/* Makes the result, when configuration and points are as they should be. keeps_states: it holds every point's state. */
nl_status nl_inner_run_prepare(nl_inner_run *, bool keeps_states);
/* Solves the points; the outer run's watcher sees their progress and may stop them. */
nl_status nl_inner_run_solve(nl_inner_run *, const nl_outer_run *);
void nl_inner_run_release(nl_inner_run *);

#endif
