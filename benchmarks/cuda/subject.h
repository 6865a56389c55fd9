/* What is measured on: a batch of members of one model, its registers filled, on any backend. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include "nanolase.h"

/* registers 0 to 8, of which 0 is y and 2 k[0] (batch.h) */
enum { BENCH_REGISTERS = 9 };

typedef struct subject {
    const char *name;
    nl_config config;
    nl_point *points;
    nl_batch batch;
    double *state[2]; /* on the host: those of even and of odd registers */
} subject;

/* settings: SECTION.KEY=VALUE separated by spaces, over the defaults. tableau: NULL for rk45. Ends the program where
 * they make no sense. False, with nothing made, where memory does not suffice. */
bool subject_new(nl_backend *, const char *name, const char *settings, int members, const nl_tableau *, subject *out);
void subject_release(subject *);
/* Fills all registers of all members anew. */
void subject_fill(subject *);
/* Sets every member to an initial state of the model. */
void subject_start(subject *);
/* Largest difference of a register of a member on two backends, over the largest element. */
double subject_difference(const subject *, const subject *, int member, int reg);
/* What that may be: rounding, in the precision of the backend. */
double subject_tolerance(const subject *);

#endif
