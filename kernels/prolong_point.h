/*
 * Periodic interpolation of a coarse grid at one point of a fine one, as a tensor product of 1-D Lagrange
 * interpolations through the NL_PROLONG_POINTS nearest coarse points. Works between any two grid sizes.
 */
#ifndef NL_PROLONG_POINT_H
#define NL_PROLONG_POINT_H

#include <stddef.h>

#include "portable.h"

enum { NL_PROLONG_POINTS = 8 };

/* For each fine index: first coarse index (already wrapped) and the weights of the points from there on. */
typedef struct nl_prolong_entry {
    int first;
    double weight[NL_PROLONG_POINTS];
} nl_prolong_entry;

/* rows: coarse rows, n_coarse for two sites, 1 for one site (then entry_i is not read). */
NL_FN double nl_prolong_point(const double *P, int rows, int n_coarse, const nl_prolong_entry *entry_i,
                              const nl_prolong_entry *entry_j)
{
    double sum = 0;
    const int row_terms = rows > 1 ? NL_PROLONG_POINTS : 1;
    for (int a = 0; a < row_terms; a++) {
        const int i = rows > 1 ? (entry_i->first + a) % n_coarse : 0;
        double line = 0;
        for (int b = 0; b < NL_PROLONG_POINTS; b++)
            line += entry_j->weight[b] * P[(size_t)i * n_coarse + (entry_j->first + b) % n_coarse];
        sum += rows > 1 ? entry_i->weight[a] * line : line;
    }
    return sum;
}

#endif
