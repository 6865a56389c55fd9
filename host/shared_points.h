/*
 * A plan's points shared out between ranks. Rank 0 has the queue and gathers what all find, in a thread that sleeps
 * unless it is asked: so every rank computes. The others ask it for points and send it each one as it is finished.
 */
#ifndef NL_SHARED_POINTS_H
#define NL_SHARED_POINTS_H

#include "queue.h"

/* This rank's part in it. Its tasks take `watcher` for theirs. */
typedef struct nl_sharing_rank nl_sharing_rank;

/* The queue, which stays the caller's, gives the points on rank 0 and notes failures on all. */
nl_status nl_sharing_new(nl_queue *, nl_sharing_rank **out);
const nl_watcher *nl_sharing_watcher(nl_sharing_rank *);
/* As nl_queue_take; from several threads. */
int nl_sharing_take(nl_sharing_rank *, double room, int *index);
/* Whoever took points says so when they are done, as far as they are going to be. */
void nl_sharing_return(nl_sharing_rank *, const int *index, int count);
/* Together: returns when all ranks have come to their end and know all results but fields, which rank 0 alone has. The
 * first failure of any rank is that of all. */
nl_status nl_sharing_finish(nl_sharing_rank *);

#endif
