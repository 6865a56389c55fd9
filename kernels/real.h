/*
 * The precision of states and tables. The backends' operations are compiled twice, with nl_real = double and, where
 * NL_FLOAT is defined, with nl_real = float, and linked into one library. What adds up over a state, and what a caller
 * hands over or gets, is double in both.
 */
#ifndef NL_REAL_H
#define NL_REAL_H

#include "portable.h"

#ifdef NL_FLOAT
typedef float nl_real;
#define NL_OF_PRECISION(name) name##_single
#else
typedef double nl_real;
#define NL_OF_PRECISION(name) name
#endif

typedef struct nl_real_complex {
    nl_real re, im;
} nl_real_complex;

#endif
