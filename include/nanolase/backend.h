/*
 * A backend: whole-array operations on batches of independent members, on the CPU or on a CUDA device.
 *
 * The state of a batch is a pool of `slots` x `registers` vectors. A job names, for one member, its slot and the
 * registers that an operation reads and writes; an operation takes a list of jobs, so a converged member leaves by
 * not being listed, and old and new solution change places by swapping register numbers. Reductions run in an order
 * fixed by the vector size alone: results depend neither on the thread count nor on what else is in the batch.
 */
#ifndef NL_BACKEND_H
#define NL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "nanolase/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NL_MAX_TERMS = 8 };

typedef struct nl_backend nl_backend;

/* Vectors of numbers in the backend's memory; vector (slot, reg) starts at number (slot*registers + reg)*size. */
typedef struct nl_pool {
    void *data;
    int slots, registers;
    size_t size; /* numbers in one vector */
    int rows;    /* that a vector is made of, where ranks may each hold a part of them; else 1 */
} nl_pool;

/* One member's part in a batched operation. */
typedef struct nl_job {
    int slot;
    int n_terms; /* linear combination sum_k c[k] * register in[k] */
    int in[NL_MAX_TERMS];
    double c[NL_MAX_TERMS];
    int out;     /* register written */
    double scale; /* update: of the operator's term */
    int arg;     /* stage: register for the combination that the operator is applied to; update: work space */
    int keep;    /* stage: nonzero where `arg` must hold the combination afterwards */
    int y, y_new; /* error: registers that scale the error */
} nl_job;

/* One member's basis: consecutive registers first ... first + count - 1 as the columns of a matrix V, and a vector. */
typedef struct nl_basis_job {
    int slot;
    int first, count; /* at most NL_MAX_BASIS */
    int vector;       /* register, none of the basis */
} nl_basis_job;

enum { NL_MAX_BASIS = 64 };

typedef enum nl_operator_kind {
    NL_OPERATOR_PHASE,
    NL_OPERATOR_LINDBLAD,
    NL_OPERATOR_DIMER,
    NL_OPERATOR_AMPLITUDE
} nl_operator_kind;

/* The operator of every slot: one shape, each slot with its own table of coefficients. Linear, but for two sites of
 * the Lindblad operator, where each site's field depends on the other's <a>. */
typedef struct nl_operator {
    nl_operator_kind kind;
    int sites;        /* 1 or 2 */
    int n;            /* phase, amplitude: grid points along each axis; Lindblad, dimer: levels */
    int half_width;   /* phase, amplitude: of the difference stencil, order/2 */
    int orders;       /* Lindblad: coherence orders kept */
    int components;   /* Lindblad, dimer: 1 photon, 4 qubit */
    int planes;       /* Lindblad, dimer: 1 real, 2 complex */
    void *tables;     /* backend memory, slots x table_len numbers */
    size_t table_len;
    /* Phase, two sites: vectors that are a slab of the grid, `rows` rows from first_row on; 0: all. Beyond its ends
     * stand half_width rows of each job in halo[0], those before, and halo[1]; backend memory. */
    int rows, first_row;
    void *halo[2];
} nl_operator;

/* Numbers in one vector, and those that `moments` gives per job. */
size_t nl_operator_size(const nl_operator *);
size_t nl_moments_len(const nl_operator *);
/* Whether both act on vectors of one shape. */
bool nl_operator_same_shape(const nl_operator *, const nl_operator *);
/* Phase: rows of n points; n rows for two sites or those of the slab, one for a single site. */
int nl_operator_rows(const nl_operator *);

/* From one periodic grid to another, along each axis: point i of the target takes weight[i*points + b] times point
 * first[i] + b (modulo n_from) of the source, b < points. */
typedef struct nl_transfer {
    int n_from, n_to, points;
    int *first;   /* backend memory, n_to */
    void *weight; /* backend memory, n_to x points numbers */
    int row_from, row_to; /* the rows that stand first in source and target: 0, but of slabs */
} nl_transfer;

/* Source points that a value takes: interpolation to a finer grid, and its adjoint to a coarser one. */
enum { NL_INTERPOLATION_POINTS = 8, NL_RESTRICTION_POINTS = 16 };

struct nl_chebyshev_step;
struct nl_course;
struct nl_tableau;

typedef struct nl_backend_ops {
    const char *name; /* "cpu" or "cuda" */
    size_t real_size; /* bytes of a number of a state or table */
    void (*close)(nl_backend *);
    /* Memory that may be taken now, in bytes. */
    nl_status (*available)(nl_backend *, size_t *bytes);
    /* How many bytes of state a batch should hold to run well; 0: one member at a time. */
    size_t (*preferred_bytes)(nl_backend *);
    /* A backend with a share of this one's threads, to be used by a thread of its own. NULL: cannot be shared out. */
    nl_status (*share)(nl_backend *, int parts, nl_backend **out);

    nl_status (*alloc)(nl_backend *, size_t bytes, void **out); /* contents undefined */
    void (*free)(nl_backend *, void *);                         /* accepts NULL */
    nl_status (*upload)(nl_backend *, void *to, const void *host, size_t bytes);
    nl_status (*download)(nl_backend *, void *host, const void *from, size_t bytes);
    /* The same for numbers of states and tables, which are doubles on the host: from number `first` of an array on. */
    nl_status (*put)(nl_backend *, void *array, size_t first, const double *host, size_t count);
    nl_status (*get)(nl_backend *, double *host, const void *array, size_t first, size_t count);

    /* combine: out = sum c_k in_k (out may be one of the in). */
    nl_status (*combine)(nl_backend *, const nl_pool *, const nl_job *, int n_jobs);
    /* apply: out = L in[0]. */
    nl_status (*apply)(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
    /* stage: out = L(sum c_k in_k). NULL: combine into arg, then apply. */
    nl_status (*stage)(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
    /* update: out = scale L in[0] + sum c_k in_k; out may be one of the in, but not in[0]. NULL: apply to arg, then
     * combine, which takes one term fewer than NL_MAX_TERMS. */
    nl_status (*update)(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
    /* error: result[job] = sqrt(mean over elements of (e/(atol + rtol max(|y|, |y_new|)))^2), e = sum c_k in_k. */
    nl_status (*error)(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double rtol, double atol,
                       double *result);
    /* sums: result[2*job] = sum of elements, result[2*job+1] = sum of magnitudes of in[0]. */
    nl_status (*sums)(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
    /* largest: result[job] = largest magnitude of an element of in[0]; NAN where one is. */
    nl_status (*largest)(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
    /* dot: result[job] = sum of products of in[0] and in[1]. */
    nl_status (*dot)(nl_backend *, const nl_pool *, const nl_job *, int n_jobs, double *result);
    /* project: h[job*NL_MAX_BASIS + i] = sum of products of V_i and the vector. */
    nl_status (*project)(nl_backend *, const nl_pool *, const nl_basis_job *, int n_jobs, double *h);
    /* expand: vector += sum_i h[job*NL_MAX_BASIS + i] V_i. */
    nl_status (*expand)(nl_backend *, const nl_pool *, const nl_basis_job *, int n_jobs, const double *h);
    /* rotate: the first `kept` columns of V = V Z of one job; Z: count x kept, by columns. The others are undefined
     * then. */
    nl_status (*rotate)(nl_backend *, const nl_pool *, const nl_basis_job *, const double *Z, int kept);
    /* moments: nl_moments_len sums of in[0] per job, from which all observables follow: of the phase operator its
     * marginals (nl_phase_marginal_element), of the Lindblad operator those of nl_lindblad_add_moments, of the
     * dimer's those of dimer_moments.h, of the amplitude operator NL_AMPLITUDE_SUMS for each cell of the slow site
     * (amplitude_point.h). */
    nl_status (*moments)(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs,
                         double *result);
    /* transfer: out of `to` = c[0] * (in[0] of `from`, carried over), added to what is there where keep is set. rows:
     * of the target. */
    nl_status (*transfer)(nl_backend *, const nl_transfer *, const nl_pool *from, const nl_pool *to, int rows,
                          const nl_job *, int n_jobs);
    /* Of backends whose vectors are not all in this process, else NULL: how many numbers of one are; nl_pool_put and
     * nl_pool_get. */
    size_t (*held)(nl_backend *, const nl_pool *);
    nl_status (*put_vector)(nl_backend *, const nl_pool *, int slot, int reg, const double *v);
    nl_status (*get_vector)(nl_backend *, const nl_pool *, int slot, int reg, double *v);
    /* advance: adaptive steps of every course by a pair, until none of its own remains, with L y at hand in register k
     * (see control.h, tableau.h). NULL: not on this backend. */
    nl_status (*advance)(nl_backend *, const nl_operator *, const nl_pool *, const struct nl_tableau *,
                         struct nl_course *, int n_courses, double rtol, double atol);
    /* chebyshev: all stages of a step of a Chebyshev method, and L y_new (see chebyshev.h). NULL: combine, updates and
     * apply. */
    nl_status (*chebyshev)(nl_backend *, const nl_operator *, const nl_pool *, const struct nl_chebyshev_step *,
                           int n_steps);
} nl_backend_ops;

/* What ranks (ranks.h) do together with their backends: nothing, share out the points of a plan, or each a part of
 * every grid. */
typedef enum nl_sharing { NL_SHARE_NOTHING, NL_SHARE_POINTS, NL_SHARE_GRIDS } nl_sharing;

/* Every backend's own struct begins with this. */
struct nl_backend {
    const nl_backend_ops *ops;
    nl_sharing sharing; /* set by who opened it */
    char device[128]; /* for people: processor or GPU */
    int threads;      /* CPU: threads in use; CUDA: 0 */
};

/* Of states, tables and the arithmetic on them; sums over a state are double in both. */
typedef enum nl_precision { NL_DOUBLE, NL_SINGLE } nl_precision;

/* threads: 0 for all. The caller closes. */
nl_status nl_backend_open_cpu(int threads, nl_backend **out);
nl_status nl_backend_open_cpu_single(int threads, nl_backend **out);
/* device: modulo the number there is. NL_ERR_NO_CUDA where the build has no CUDA or the machine no device. */
nl_status nl_backend_open_cuda(int device, nl_backend **out);
nl_status nl_backend_open_cuda_single(int device, nl_backend **out);
/* name: "auto" (CUDA where it works, else CPU), "cpu" or "cuda". */
nl_status nl_backend_open(const char *name, int threads, int device, nl_precision, nl_backend **out);
void nl_backend_close(nl_backend *); /* accepts NULL */
/* Bytes of main memory that are free to take. */
size_t nl_host_memory(void);
/* "yes" or "no", with why; for `nanolase info`. */
const char *nl_backend_cuda_build(void);

/* Together, over ranks: a backend that gives every rank a slab of each grid of the phase operator, its rows in equal
 * parts, and does with `local` what the slab needs; other vectors, and small grids, every rank has whole. Takes `local`
 * over, also when it fails. */
nl_status nl_backend_open_slabs(nl_backend *local, nl_backend **out);
/* Relative spacing of its numbers. */
double nl_backend_epsilon(const nl_backend *);

nl_status nl_pool_new(nl_backend *, int slots, int registers, size_t size, nl_pool *out);
/* Of vectors that the operator acts on. */
nl_status nl_pool_new_for(nl_backend *, const nl_operator *, int slots, int registers, nl_pool *out);
void nl_pool_release(nl_backend *, nl_pool *);
/* One vector of a pool, to and from the host: size doubles. */
nl_status nl_pool_put(nl_backend *, const nl_pool *, int slot, int reg, const double *v);
nl_status nl_pool_get(nl_backend *, const nl_pool *, int slot, int reg, double *v);
/* Room for the operator's tables, and them themselves, slots x table_len doubles. */
nl_status nl_tables_new(nl_backend *, nl_operator *, int slots);
nl_status nl_tables_put(nl_backend *, const nl_operator *, int slots, const double *tables);

/* The fused stage where the backend has it, else the two operations it stands for. */
nl_status nl_backend_stage(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_backend_combine_then_apply(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);
nl_status nl_backend_update(nl_backend *, const nl_operator *, const nl_pool *, const nl_job *, int n_jobs);

nl_status nl_backend_chebyshev(nl_backend *, const nl_operator *, const nl_pool *, const struct nl_chebyshev_step *,
                               int n_steps);
nl_status nl_backend_chebyshev_by_stages(nl_backend *, const nl_operator *, const nl_pool *,
                                         const struct nl_chebyshev_step *, int n_steps);

#ifdef __cplusplus
}
#endif
#endif
