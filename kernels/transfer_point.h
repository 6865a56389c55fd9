/*
 * One point of a grid function carried over to another grid, as a tensor product of 1-D weights on consecutive points
 * of the source. Works between any two grid sizes.
 */
#ifndef NL_TRANSFER_POINT_H
#define NL_TRANSFER_POINT_H

#include <stddef.h>

#include "real.h"

/* Source points along an axis that a value takes: interpolation to a finer grid, and its adjoint to a coarser one. */
enum { NL_INTERPOLATION_POINTS = 8, NL_RESTRICTION_POINTS = 16 };

/* For each index of the target: first source index (already wrapped) and the weights of the points from there on. */
typedef struct nl_transfer_entry {
    int first;
    double weight[NL_RESTRICTION_POINTS];
} nl_transfer_entry;

/* rows: of the source, n for two sites, 1 for one site (then entry_i is not read). */
NL_FN nl_real nl_transfer_point(const nl_real *P, int rows, int n, int points, const nl_transfer_entry *entry_i,
                               const nl_transfer_entry *entry_j)
{
    nl_real sum = 0;
    const int row_terms = rows > 1 ? points : 1;
    int i = rows > 1 ? entry_i->first : 0;
    for (int a = 0; a < row_terms; a++) {
        const nl_real *row = P + (size_t)i * n;
        nl_real line = 0;
        int j = entry_j->first;
        for (int b = 0; b < points; b++) {
            line += entry_j->weight[b] * row[j];
            j = j + 1 < n ? j + 1 : 0;
        }
        sum += rows > 1 ? entry_i->weight[a] * line : line;
        i = i + 1 < rows ? i + 1 : 0;
    }
    return sum;
}

#endif
