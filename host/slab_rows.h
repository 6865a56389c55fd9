/* Rows of grids shared out between ranks: who has which, and how others get them. */
#ifndef NL_SLAB_ROWS_H
#define NL_SLAB_ROWS_H

#include "nanolase/backend.h"
#include "nanolase/ranks.h"

/* Consecutive rows of a periodic grid. */
typedef struct nl_rows {
    int first, count;
} nl_rows;

/* Small grids are not worth sending: every rank has them whole. */
bool nl_rows_are_shared(int rows);
/* The rank's part of so many; all of them where they are not shared. */
nl_rows nl_rows_of_rank(int rows, int rank);

/* Together: brings to `out` the rows wanted[this rank], wherever they are, in their order. mine: this rank's part,
 * row_bytes each. wanted: of every rank, known to all. */
nl_status nl_rows_fetch(int rows, size_t row_bytes, const void *mine, const nl_rows *wanted, void *out);

/* Together: to above[] and below[], `bytes` each, what the neighbours before and after have sent from their bottom[]
 * and top[]. */
nl_status nl_rows_swap(size_t bytes, void *top, void *bottom, void *above, void *below);

#endif
