/* Messages between ranks by MPI. */
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transport.h"

/* MPI counts in int. */
static const size_t PIECE = (size_t)1 << 30;

/* What is not there after so long may take longer: then others shall have the processor that MPI would wait on. */
static const double SPIN_SECONDS = 2e-4;
static const struct timespec NAP = {0, 200000};

static void wait_for(MPI_Request *requests, int count)
{
    const double start = MPI_Wtime();
    int done = 0;
    while (MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE), !done)
        if (MPI_Wtime() - start > SPIN_SECONDS)
            nanosleep(&NAP, NULL);
}

static nl_status check_world(nl_ranks *out)
{
    const nl_ranks launched = nl_ranks_launched();
    MPI_Comm host;
    MPI_Comm_rank(MPI_COMM_WORLD, &out->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &out->count);
    if (out->count != launched.count) {
        const int count = out->count;
        *out = (nl_ranks){0, 1, 0, 1};
        return nl_fail(NL_ERR_USAGE,
                       "the launcher started %d processes and MPI knows of %d: it belongs to another MPI than "
                       "this build, which has %s; use that one's mpirun",
                       launched.count, count, nl_ranks_build());
    }
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, out->rank, MPI_INFO_NULL, &host);
    MPI_Comm_rank(host, &out->host_rank);
    MPI_Comm_size(host, &out->host_count);
    MPI_Comm_free(&host);
    return NL_OK;
}

nl_status nl_transport_open(nl_ranks *out)
{
    int provided;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (provided < MPI_THREAD_SERIALIZED)
        return nl_fail(NL_ERR_USAGE, "this MPI (%s) cannot be used from several threads; use another",
                       nl_ranks_build());
    return check_world(out);
}

void nl_transport_close(void)
{
    MPI_Request all_here;
    MPI_Ibarrier(MPI_COMM_WORLD, &all_here); /* patiently */
    wait_for(&all_here, 1);
    MPI_Finalize();
}

void nl_transport_abort(int exit_code)
{
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    exit(exit_code); /* it does not return, but does not say so */
}

void nl_transport_gather(const void *mine, size_t bytes, void *all)
{
    MPI_Request request;
    MPI_Iallgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD, &request);
    wait_for(&request, 1);
}

static size_t piece_at(size_t begin, size_t bytes)
{
    return bytes - begin < PIECE ? bytes - begin : PIECE;
}

void nl_transport_broadcast(void *data, size_t bytes)
{
    for (size_t begin = 0; begin < bytes; begin += PIECE) {
        MPI_Request request;
        MPI_Ibcast((char *)data + begin, (int)piece_at(begin, bytes), MPI_BYTE, 0, MPI_COMM_WORLD, &request);
        wait_for(&request, 1);
    }
}

void nl_transport_send(int to, int tag, const void *data, size_t bytes)
{
    size_t begin = 0;
    do { /* an empty message is one, too */
        MPI_Request request;
        MPI_Isend((const char *)data + begin, (int)piece_at(begin, bytes), MPI_BYTE, to, tag, MPI_COMM_WORLD, &request);
        wait_for(&request, 1);
        begin += PIECE;
    } while (begin < bytes);
}

void nl_transport_receive(int from, int tag, void *data, size_t bytes)
{
    size_t begin = 0;
    do {
        MPI_Request request;
        MPI_Irecv((char *)data + begin, (int)piece_at(begin, bytes), MPI_BYTE, from, tag, MPI_COMM_WORLD, &request);
        wait_for(&request, 1);
        begin += PIECE;
    } while (begin < bytes);
}

bool nl_transport_poll(int *from, int *tag, size_t *bytes)
{
    MPI_Status status;
    int there, count;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status);
    if (!there)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &count);
    *from = status.MPI_SOURCE;
    *tag = status.MPI_TAG;
    *bytes = (size_t)count;
    return true;
}

/* ---- many blocks at once ---- */

static int count_pieces(const nl_message *list, int count)
{
    int pieces = 0;
    for (int k = 0; k < count; k++)
        pieces += (int)((list[k].bytes + PIECE - 1) / PIECE);
    return pieces;
}

nl_status nl_transport_exchange(const nl_message *out, int n_out, const nl_message *in, int n_in)
{
    const int total = count_pieces(out, n_out) + count_pieces(in, n_in);
    MPI_Request *requests = malloc((size_t)total * sizeof *requests + 1);
    int count = 0;
    if (!requests)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate %d messages", total);
    for (int k = 0; k < n_in; k++)
        for (size_t begin = 0; begin < in[k].bytes; begin += PIECE)
            MPI_Irecv((char *)in[k].data + begin, (int)piece_at(begin, in[k].bytes), MPI_BYTE, in[k].rank, 0,
                      MPI_COMM_WORLD, &requests[count++]);
    for (int k = 0; k < n_out; k++)
        for (size_t begin = 0; begin < out[k].bytes; begin += PIECE)
            MPI_Isend((char *)out[k].data + begin, (int)piece_at(begin, out[k].bytes), MPI_BYTE, out[k].rank, 0,
                      MPI_COMM_WORLD, &requests[count++]);
    wait_for(requests, count);
    free(requests);
    return NL_OK;
}

/* "yes (Open MPI v4.1.4)": the library's own words, up to the first comma or line's end. */
const char *nl_ranks_build(void)
{
    static char text[128];
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length;
    MPI_Get_library_version(version, &length);
    snprintf(text, sizeof text, "yes (%.*s)", (int)strcspn(version, ",\n"), version);
    return text;
}
