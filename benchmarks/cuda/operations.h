/* Single operations of a backend, checked against the CPU's before they are timed. */
#ifndef BENCH_OPERATIONS_H
#define BENCH_OPERATIONS_H

#include "report.h"

enum { RESULTS_MOMENTS = -1, RESULTS_WORK = -2 }; /* nl_moments_len; work space that holds no result */

typedef struct operation {
    const char *name;
    nl_status (*run)(subject *, const nl_job *, int n_jobs, double *result);
    nl_job job;      /* of each member, but for the slot */
    double numbers;  /* of memory that have to move for an element, each vector counted once */
    int out;         /* register to compare; -1: none */
    int results;     /* per job */
    bool applies;    /* the operator */
} operation;

/* "apply", "update of 3", "stage of 4", "unfused stage", "combine 1", "combine 4", "error of 7", "sums", "largest",
 * "dot", "moments", "project on 6", "expand of 6" */
const operation *operation_named(const char *name);

enum { ALSO_COLD = 1, ALSO_CPU = 2 };

/* The operation named, of two subjects alike: on the device, and as `what` says. Ends the program where device and CPU
 * differ. */
void bench_operation_on(bench *, subject *device, subject *cpu, const char *name, unsigned what);

#endif
