/* Addressing of a batch's vectors, and element-wise pieces of the Runge-Kutta vector operations. */
#ifndef NL_VECTOR_POINT_H
#define NL_VECTOR_POINT_H

#include <math.h>

#include "nanolase/backend.h"
#include "real.h"

/* Where vector `reg` of slot `slot` starts. */
NL_FN nl_real *nl_pool_vector(const nl_pool *pool, int slot, int reg)
{
    return (nl_real *)pool->data + ((size_t)slot * pool->registers + reg) * pool->size;
}

/* The operator's coefficients in this slot. */
NL_FN const nl_real *nl_slot_table(const nl_operator *op, int slot)
{
    return (const nl_real *)op->tables + (size_t)slot * op->table_len;
}

/* Square of the error estimate e in units of the tolerance at this element. */
NL_FN nl_real nl_scaled_error_squared(nl_real e, nl_real y, nl_real y_new, nl_real rtol, nl_real atol)
{
    /* Not fmax: its rules for NaN keep compilers from using vector instructions, and a NaN shows in e anyway. */
    const nl_real a = fabs(y), b = fabs(y_new), scale = atol + rtol * (a > b ? a : b);
    const nl_real x = e / scale;
    return x * x;
}

#endif
