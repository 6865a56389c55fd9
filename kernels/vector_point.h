/* Addressing of a batch's vectors, and element-wise pieces of the Runge-Kutta vector operations. */
#ifndef NL_VECTOR_POINT_H
#define NL_VECTOR_POINT_H

#include <math.h>

#include "nanolase/backend.h"
#include "portable.h"

/* Where vector `reg` of slot `slot` starts. */
NL_FN double *nl_pool_vector(const nl_pool *pool, int slot, int reg)
{
    return pool->data + ((size_t)slot * pool->registers + reg) * pool->size;
}

/* Square of the error estimate e in units of the tolerance at this element. */
NL_FN double nl_scaled_error_squared(double e, double y, double y_new, double rtol, double atol)
{
    /* Not fmax: its rules for NaN keep compilers from using vector instructions, and a NaN shows in e anyway. */
    const double a = fabs(y), b = fabs(y_new), scale = atol + rtol * (a > b ? a : b);
    const double x = e / scale;
    return x * x;
}

#endif
