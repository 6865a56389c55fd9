#include "queue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

nl_status nl_queue_new(const nl_plan *plan, nl_result *result, const nl_watcher *watcher, int sharers, nl_queue *out)
{
    *out = (nl_queue){.plan = plan, .result = result, .watcher = watcher, .sharers = sharers};
    out->taken = calloc((size_t)plan->n_points, sizeof *out->taken);
    if (!out->taken)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the state of a run");
    for (int p = 0; p < plan->n_points; p++) {
        out->taken[p] = result->outcomes[p].status != NL_POINT_PENDING;
        out->free += !out->taken[p];
    }
    return NL_OK;
}

void nl_queue_release(nl_queue *queue)
{
    free(queue->taken);
    *queue = (nl_queue){0};
}

static bool solved_together(const nl_plan *plan, int a, int b)
{
    const nl_point *x = &plan->points[a], *y = &plan->points[b];
    const nl_operator op = plan->model->operator_shape(x, x->n), other = plan->model->operator_shape(y, y->n);
    return nl_operator_same_shape(&op, &other) && x->levels == y->levels && x->grids == y->grids &&
           x->rtol == y->rtol && x->atol == y->atol && plan->tableaux[a] == plan->tableaux[b];
}

static bool wants_stop(const nl_queue *queue)
{
    return queue->status != NL_OK || queue->stopped ||
           (queue->watcher && queue->watcher->wants_stop && queue->watcher->wants_stop(queue->watcher->user));
}

/* Ranks take an equal part of what is free, which leaves less and less: in the end all finish together. */
static int capacity(const nl_queue *queue, double room)
{
    const double fit = room / nl_plan_point_bytes(queue->plan, queue->next);
    const double part = ceil((double)queue->free / queue->sharers);
    return (int)fmax(1, fmin(fmin(fit, part), NL_MAX_BATCH));
}

static int take(nl_queue *queue, double room, int *index)
{
    int count = 0;
    while (queue->next < queue->plan->n_points && queue->taken[queue->next])
        queue->next++;
    if (queue->next == queue->plan->n_points || wants_stop(queue))
        return 0;
    const nl_store *store = queue->watcher ? queue->watcher->store : NULL;
    const int file = nl_store_find(store, queue->next), most = file >= 0 ? NL_MAX_BATCH : capacity(queue, room);
    for (int p = queue->next; p < queue->plan->n_points && count < most; p++) {
        if (queue->taken[p] || nl_store_find(store, p) != file || !solved_together(queue->plan, queue->next, p))
            continue;
        queue->taken[p] = true;
        index[count++] = p;
    }
    queue->free -= count;
    return count;
}

int nl_queue_take(nl_queue *queue, double room, int *index)
{
    int count;
#pragma omp critical(nl_queue)
    count = take(queue, room, index);
    return count;
}

void nl_queue_fail(nl_queue *queue, nl_status status)
{
#pragma omp critical(nl_queue)
    if (status != NL_OK && queue->status == NL_OK) {
        queue->status = status;
        snprintf(queue->message, sizeof queue->message, "%s", nl_error_message());
    }
}

void nl_queue_stop(nl_queue *queue)
{
#pragma omp critical(nl_queue)
    queue->stopped = true;
}
