/*
 * Messages between ranks. transport_mpi.c is the only file that knows MPI; transport_none.c stands in for it in a build
 * without. One thread at a time may be in here. Messages arrive whole and, from one rank, in order. A failure of MPI
 * itself ends all ranks.
 */
#ifndef NL_TRANSPORT_H
#define NL_TRANSPORT_H

#include "nanolase/ranks.h"

/* A block of memory, for or from a rank. */
typedef struct nl_message {
    int rank;
    void *data;
    size_t bytes;
} nl_message;

nl_status nl_transport_open(nl_ranks *out);
void nl_transport_close(void);
_Noreturn void nl_transport_abort(int exit_code);

/* Together: `bytes` of each rank, in the order of ranks. */
void nl_transport_gather(const void *mine, size_t bytes, void *all);
void nl_transport_broadcast(void *data, size_t bytes); /* together; from rank 0 */
/* Together: all blocks at once. Between two ranks the blocks out match those in, in their order. */
nl_status nl_transport_exchange(const nl_message *out, int n_out, const nl_message *in, int n_in);

void nl_transport_send(int to, int tag, const void *data, size_t bytes);
void nl_transport_receive(int from, int tag, void *data, size_t bytes);
/* Whether a message has arrived, of how many bytes. */
bool nl_transport_poll(int *from, int *tag, size_t *bytes);

#endif
