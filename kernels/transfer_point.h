/*
 * One point of a grid function carried over to another grid, as a tensor product of 1-D weights on consecutive points
 * of the source. Works between any two grid sizes.
 */
#ifndef NL_TRANSFER_POINT_H
#define NL_TRANSFER_POINT_H

#include <stddef.h>

#include "nanolase/backend.h"
#include "real.h"

/* What a target's index takes along an axis: its first source index (already wrapped), and the weights of the points
 * from there on. */
typedef struct nl_transfer_entry {
    int first;
    const nl_real *weight;
} nl_transfer_entry;

NL_FN nl_transfer_entry nl_transfer_entry_of(const nl_transfer *transfer, int i)
{
    nl_transfer_entry entry;
    entry.first = transfer->first[i];
    entry.weight = (const nl_real *)transfer->weight + (size_t)i * transfer->points;
    return entry;
}

/* The same for row i, counted from the first row of what is there of the target, into what is there of the source. */
NL_FN nl_transfer_entry nl_transfer_row_of(const nl_transfer *transfer, int i)
{
    nl_transfer_entry entry = nl_transfer_entry_of(transfer, transfer->row_to + i);
    entry.first -= transfer->row_from;
    if (entry.first < 0)
        entry.first += transfer->n_from;
    return entry;
}

/* At (i, j) of the target; rows: of the source, n_from for two sites, 1 for one site, and then i = 0. */
NL_FN nl_real nl_transfer_point(const nl_transfer *transfer, const nl_real *P, int rows, int i_to, int j_to)
{
    const int n = transfer->n_from, points = transfer->points;
    const nl_transfer_entry entry_i = nl_transfer_row_of(transfer, i_to),
                            entry_j = nl_transfer_entry_of(transfer, j_to);
    nl_real sum = 0;
    const int row_terms = rows > 1 ? points : 1;
    int i = rows > 1 ? entry_i.first : 0;
    for (int a = 0; a < row_terms; a++) {
        const nl_real *row = P + (size_t)i * n;
        nl_real line = 0;
        int j = entry_j.first;
        for (int b = 0; b < points; b++) {
            line += entry_j.weight[b] * row[j];
            j = j + 1 < n ? j + 1 : 0;
        }
        sum += rows > 1 ? entry_i.weight[a] * line : line;
        i = i + 1 < rows ? i + 1 : 0;
    }
    return sum;
}

#endif
