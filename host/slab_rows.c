#include "slab_rows.h"

#include <stdlib.h>

#include "transport.h"

/* More than twice the widest stencil: a slab's halo is then its neighbours' alone. */
enum { LEAST_ROWS = 16 };

bool nl_rows_are_shared(int rows)
{
    return rows >= LEAST_ROWS * nl_ranks_now().count;
}

static int first_of(int rows, int rank)
{
    return (int)((long)rows * rank / nl_ranks_now().count);
}

nl_rows nl_rows_of_rank(int rows, int rank)
{
    const int first = first_of(rows, rank);
    return nl_rows_are_shared(rows) ? (nl_rows){first, first_of(rows, rank + 1) - first} : (nl_rows){0, rows};
}

/* The rank that has a row, of those that are shared. */
static int owner_of(int rows, int row)
{
    int rank = (int)((long)row * nl_ranks_now().count / rows);
    while (first_of(rows, rank + 1) <= row)
        rank++;
    return rank;
}

/* The rows from position `at` of the wanted ones on that one rank has; they do not wrap. */
static nl_rows piece_at(int rows, nl_rows wanted, int at, int *owner)
{
    const int row = (wanted.first + at) % rows;
    *owner = owner_of(rows, row);
    const int has = first_of(rows, *owner + 1) - row, left = wanted.count - at;
    return (nl_rows){row, has < left ? has : left};
}

/* The pieces that `owner` has of what is wanted; below 0: all, with their owners. Returns their number. */
static int list_pieces(int rows, size_t row_bytes, nl_rows wanted, int owner, int reader, char *memory, nl_message *out)
{
    int count = 0, rank;
    for (int at = 0; at < wanted.count;) {
        const nl_rows piece = piece_at(rows, wanted, at, &rank);
        const size_t bytes = (size_t)piece.count * row_bytes;
        if (owner < 0)
            out[count++] = (nl_message){rank, memory + (size_t)at * row_bytes, bytes};
        else if (rank == owner)
            out[count++] = (nl_message){reader, memory + (size_t)(piece.first - first_of(rows, owner)) * row_bytes,
                                        bytes};
        at += piece.count;
    }
    return count;
}

nl_status nl_rows_fetch(int rows, size_t row_bytes, const void *mine, const nl_rows *wanted, void *out)
{
    const nl_ranks ranks = nl_ranks_now();
    /* A range may meet every rank, and the first of them again at its end. */
    nl_message *sent = malloc(2 * ((size_t)ranks.count + 1) * (size_t)(ranks.count + 1) * sizeof *sent);
    if (!sent)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate messages between %d ranks", ranks.count);
    int n_sent = 0;
    for (int reader = 0; reader < ranks.count; reader++) /* what is sent is only read */
        n_sent += list_pieces(rows, row_bytes, wanted[reader], ranks.rank, reader, (char *)mine, sent + n_sent);
    nl_message *received = sent + n_sent;
    const int n_received = list_pieces(rows, row_bytes, wanted[ranks.rank], -1, ranks.rank, out, received);
    const nl_status status = nl_transport_exchange(sent, n_sent, received, n_received);
    free(sent);
    return status;
}

nl_status nl_rows_swap(size_t bytes, void *top, void *bottom, void *above, void *below)
{
    const nl_ranks ranks = nl_ranks_now();
    const int before = (ranks.rank + ranks.count - 1) % ranks.count, after = (ranks.rank + 1) % ranks.count;
    /* Of two ranks each is before and after the other: its top comes first. */
    const nl_message sent[] = {{before, top, bytes}, {after, bottom, bytes}};
    const nl_message received[] = {{after, below, bytes}, {before, above, bytes}};
    return nl_transport_exchange(sent, 2, received, 2);
}
