/* What a run yields: observables, convergence and fields of every sweep point, and the HDF5 file of them. */
#ifndef NL_RESULT_H
#define NL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "nanolase/batch.h"
#include "nanolase/config.h"
#include "nanolase/model.h"

/* The text goes behind "3 points"; the numbers are in files, so new ones come last. */
#define NL_POINT_STATUS_LIST(X)                                                                                        \
    X(PENDING, "not computed")              /* the run ended before */                                                 \
    X(CONVERGED, "converged")               /* steady: to the tolerance; evolve: t_end reached */                      \
    X(MAX_TIME, "reached max_time")                                                                                    \
    X(STALLED, "stalled above tolerance")   /* the residual stopped falling */                                         \
    X(FAILED, "failed")                     /* the state stopped being finite, or the step vanished */                 \
    X(LEAKED, "reached the cutoff")         /* or the edge of the grid */                                              \
    X(GREW, "grew without bound")           /* the state is larger than any can be */                                  \
    X(NO_GAP, "without their spectral gap") /* else converged */                                                       \
    X(UNRESOLVED, "not resolved")           /* a steady state that is negative to a large part */

#define NL_POINT_STATUS_ENUM(code, text) NL_POINT_##code,
typedef enum nl_point_status { NL_POINT_STATUS_LIST(NL_POINT_STATUS_ENUM) NL_POINT_STATUSES } nl_point_status;
#undef NL_POINT_STATUS_ENUM

typedef struct nl_outcome {
    nl_point_status status;
    double residual;   /* |L P|_1/|P|_1, or max |L rho| */
    double distance;   /* estimated |P - P_steady|_1/|P|_1: residual over decay rate */
    double decay_rate; /* of the residual, as seen; 0 unknown */
    double norm_error; /* |integral of P - 1|, or |Tr rho - 1| */
    double negativity; /* how far from positive: of P the integral of its negative part, over that of P; of a density
                        * matrix the most negative population. The worst that was seen; NAN unknown */
    bool leaks;        /* the state was seen at the cutoff; then not converged */
    double model_time; /* over all grids */
    long steps, rejected;
    long rhs;    /* operator applications on the finest grid */
    int rank;    /* that computed it (ranks.h) */
    double work; /* the same with those on coarser grids, in applications on the finest */
} nl_outcome;

typedef struct nl_result {
    const nl_config *config; /* not owned */
    const char *model_name;
    int n_points;
    int n_times; /* evolve: saved times; steady: 1 */
    double *times;
    int n_observables;
    const nl_observable *observables[NL_MAX_OBSERVABLES];
    nl_value *values; /* [point][time][observable] */
    nl_outcome *outcomes;
    int n_fields;
    nl_field fields[NL_MAX_FIELDS];
    double *field_data[NL_MAX_FIELDS]; /* [point][nl_field_len], at the last time */
    double **states; /* [point]: also keep every point's state as it is; owned. NULL: no */
} nl_result;

/* Allocates for this config; values and fields are NAN until recorded. points: discretised sweep points. */
nl_status nl_result_new(const nl_config *, const nl_model *, const nl_point *points, int n_points, nl_result *out);
void nl_result_release(nl_result *);

static inline nl_value *nl_result_values(const nl_result *result, int point, int time)
{
    return result->values + ((size_t)point * result->n_times + time) * result->n_observables;
}

/* An observable by its name, at a sweep point and saved time (steady: 0). NL_ERR_USAGE, with the names there are, where
 * the result has no such value. */
nl_status nl_result_value(const nl_result *, const char *observable, int point, int time, nl_value *out);

const char *nl_point_status_text(nl_point_status);
/* Why a point is not converged, in a sentence; empty for one that is. */
void nl_outcome_words(const nl_outcome *, char *out, size_t size);

int nl_result_count_done(const nl_result *); /* points that are not pending */

/* Stores the observables, and fields where wanted, of batch members; point[a] is the sweep point of active[a]. */
nl_status nl_result_record(nl_result *, nl_batch *, const int *active, int n_active, const int *point, int time);

/* What the file says of the run that made it. */
typedef struct nl_provenance {
    const char *config_text; /* nl_config_text; not owned */
    char name[128];          /* of the configuration: its file without folder and suffix */
    const char *backend, *device;
    int threads, ranks;
    char start[32]; /* UTC, ISO 8601 */
} nl_provenance;

/* Writes the whole file beside `path` and moves it into place: at any instant path is the old or the new file.
 * keep_previous: the old one is there still, under the name PATH~. NL_ERR_FILE with the system's reason, and the old
 * file in place. */
nl_status nl_result_write(const nl_result *, const nl_provenance *, const char *path, bool keep_previous);

/* NL_ERR_FILE with the reason where `path` cannot be written, or is there and no result of this program. */
nl_status nl_result_check_writable(const char *path);

/* Fills the points that a former run of the same configuration finished, whether they converged or not; says how
 * many. NL_ERR_FILE where the file is missing, damaged, or of another configuration, with the keys that differ. */
nl_status nl_result_resume(nl_result *, const nl_provenance *, const char *path, int *done);

/* Prints the file's axes, observables and convergence: a table, or CSV. */
nl_status nl_result_show(const char *path, bool csv, FILE *);

#endif
