/* What the CPU's operators make of their result on its way to memory. Fused with their loops, so that d S/dt itself is
 * never stored; a constant `purpose` leaves one of the cases in a loop. */
#ifndef NL_CPU_TARGET_H
#define NL_CPU_TARGET_H

#include "real.h"

typedef enum purpose {
    APPLY,      /* out = d */
    ADD,        /* out += scale d */
    UPDATE_TWO, /* out = scale d + c_0 in_0 + c_1 in_1: a stage of the first-order Chebyshev method */
    PURPOSES
} purpose;

/* Where an operator's row or block stands in the job's vectors. */
typedef struct target {
    nl_real *out;         /* may be in[1] */
    const nl_real *in[2]; /* in[0]: what the operator is applied to */
    nl_real scale, c[2];
} target;

static inline __attribute__((always_inline)) void put(const target *t, purpose purpose, size_t x, nl_real d)
{
    if (purpose == UPDATE_TWO) // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): UPDATE_TWO comes with both
        d = t->scale * d + t->c[0] * t->in[0][x] + t->c[1] * t->in[1][x];
    t->out[x] = purpose == ADD ? t->out[x] + t->scale * d : d;
}

#endif
