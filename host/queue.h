/* The points of a plan that are still to be solved, handed out in batches to the workers of a run. Threads may share
 * it. */
#ifndef NL_QUEUE_H
#define NL_QUEUE_H

#include "nanolase/plan.h"

enum { NL_MAX_BATCH = 4096 };

typedef struct nl_queue {
    const nl_plan *plan;
    nl_result *result;
    const nl_watcher *watcher; /* NULL: nobody watches */
    int sharers;               /* ranks: none takes more than its part of what is free */
    bool *taken;               /* points that are done or at work */
    int next, free;            /* no point before `next` is free; how many are */
    bool stopped;              /* no more is handed out */
    nl_status status;          /* the first failure, with its message, which belongs to a thread */
    char message[600];
} nl_queue;

/* Every point that the result holds as pending. */
nl_status nl_queue_new(const nl_plan *, nl_result *, const nl_watcher *, int sharers, nl_queue *out);
void nl_queue_release(nl_queue *);

/* Points that can be solved together, as many as `room` bytes hold but at least one, at most NL_MAX_BATCH; those that a
 * former run kept together stay so. Returns their number, 0 where none is left or the run is to stop. */
int nl_queue_take(nl_queue *, double room, int *index);
/* Notes a failure, after which nothing is handed out. NL_OK is none. */
void nl_queue_fail(nl_queue *, nl_status);
void nl_queue_stop(nl_queue *);

#endif
