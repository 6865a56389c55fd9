/*
 * Grids below the finest one of a batch of phase equations, and the multigrid cycle over them.
 *
 * On each grid a few Runge-Kutta steps towards L e = r (Jameson's use of time stepping as a smoother) take out what
 * varies fast on it; what is left goes to a grid of half the points, and on the last to the direct solution of the low
 * Fourier modes. Every grid and the direct solution approximate the operator of the finest grid (stencil.h).
 */
#ifndef NL_HIERARCHY_H
#define NL_HIERARCHY_H

#include "nanolase/batch.h"
#include "nanolase/phase_direct.h"

enum { NL_MAX_GRIDS = 12 };

/* One grid: of the finest, operator and pool are the batch's. */
typedef struct nl_grid {
    int n;
    nl_operator op;
    nl_pool pool;
    nl_transfer down, up; /* from the grid above to this one and back */
    double *h;        /* [member]: step of the smoother */
    int *steps;       /* [member]: of the smoother, before and after the correction */
} nl_grid;

typedef struct nl_hierarchy {
    nl_batch *batch;
    int count;
    nl_grid grid[NL_MAX_GRIDS]; /* finest first */
    nl_phase_direct **direct;   /* [member] */
    double *host[2];            /* a grid function of the coarsest grid each */
    long *coarse_points;        /* [member]: operator applications below the finest grid, in grid points */
} nl_hierarchy;

/* Whether a direct solution of bearable cost carries enough of the point's modes for the cycle to converge. */
bool nl_hierarchy_resolves(const nl_point *);
/* Grids of the point's cycle, halving from n as far as they carry its modes: nl_point.grids. */
int nl_hierarchy_grids(const nl_point *);
/* Bytes beside the batch: of the coarse grids, in the backend's memory, and of the direct solution, in main memory. */
double nl_hierarchy_bytes(const nl_point *, size_t real_size);

/* The batch, whose tableau is nl_tableau_smoother, must outlive it. Release also after failure. */
nl_status nl_hierarchy_new(nl_batch *, nl_hierarchy *out);
void nl_hierarchy_release(nl_hierarchy *);

/* Sets the listed members to the direct solution, carried up to the finest grid by cycles on those between. */
nl_status nl_hierarchy_start(nl_hierarchy *, const int *active, int n_active);
/* One cycle of the listed members. */
nl_status nl_hierarchy_cycle(nl_hierarchy *, const int *active, int n_active);

#endif
