/* Stands in for MPI in a build without it: there is one rank, which never speaks. */
#include <stdlib.h>
#include <string.h>

#include "transport.h"

nl_status nl_transport_open(nl_ranks *out)
{
    const nl_ranks launched = nl_ranks_launched();
    *out = (nl_ranks){0, 1, 0, 1};
    return nl_fail(NL_ERR_USAGE, "started as one of %d processes, but this build has no MPI; install it (Debian: "
                                 "libopenmpi-dev) and run `make` again, or start nanolase by itself", launched.count);
}

void nl_transport_close(void)
{
}

void nl_transport_abort(int exit_code)
{
    exit(exit_code); /* never called: a process on its own has no others to end */
}

void nl_transport_gather(const void *mine, size_t bytes, void *all)
{
    memcpy(all, mine, bytes);
}

void nl_transport_broadcast(void *data, size_t bytes)
{
    (void)data;
    (void)bytes;
}

nl_status nl_transport_exchange(const nl_message *out, int n_out, const nl_message *in, int n_in)
{
    for (int k = 0; k < n_out && k < n_in; k++)
        memcpy(in[k].data, out[k].data, in[k].bytes);
    return NL_OK;
}

void nl_transport_send(int to, int tag, const void *data, size_t bytes)
{
    (void)to;
    (void)tag;
    (void)data;
    (void)bytes;
}

void nl_transport_receive(int from, int tag, void *data, size_t bytes)
{
    (void)from;
    (void)tag;
    memset(data, 0, bytes);
}

bool nl_transport_poll(int *from, int *tag, size_t *bytes)
{
    (void)from;
    (void)tag;
    (void)bytes;
    return false;
}

const char *nl_ranks_build(void)
{
    return "no (built without MPI)";
}
