/* Running a plan: points that can be solved together are taken and solved as batches, by as many workers as the backend
 * bears. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "nanolase/gutzwiller.h"
#include "nanolase/krylov.h"
#include "nanolase/ranks.h"
#include "nanolase/selfconsistent.h"
#include "precision.h"
#include "shared_points.h"

/* What the workers of a run share. */
typedef struct run_state {
    nl_queue queue;
    nl_sharing_rank *sharing;  /* with other ranks; NULL: alone */
    const nl_watcher *watcher; /* of the tasks */
} run_state;

/* Bytes that a batch should take. */
static nl_status batch_room(nl_backend *backend, double *out)
{
    size_t available;
    NL_TRY(backend->ops->available(backend, &available));
    *out = fmin((double)backend->ops->preferred_bytes(backend), 0.8 * (double)available);
    return NL_OK;
}

static int take(run_state *run, nl_backend *backend, int *index)
{
    double room = 0;
    if (backend->sharing == NL_SHARE_GRIDS && nl_watcher_wants_stop(run->watcher, backend))
        nl_queue_stop(&run->queue);
    nl_queue_fail(&run->queue, batch_room(backend, &room));
    return run->sharing ? nl_sharing_take(run->sharing, room, index) : nl_queue_take(&run->queue, room, index);
}

typedef nl_status (*method)(nl_task *);

static method steady_method(const nl_plan *plan, const nl_point *point)
{
    if (plan->config->steady_method == NL_STEADY_KRYLOV)
        return nl_krylov;
    return point->grids > 0 ? nl_multigrid : nl_relax;
}

static nl_status solve(const run_state *run, nl_backend *backend, const nl_point *points, const int *index, int count)
{
    const nl_plan *plan = run->queue.plan;
    nl_task task = {.backend = backend, .model = plan->model, .config = plan->config,
                    .tableau = plan->tableaux[index[0]], .points = points, .index = index, .count = count,
                    .result = run->queue.result, .watcher = run->watcher, .kept = nl_store_seconds()};
    const int file = run->watcher ? nl_store_find(run->watcher->store, index[0]) : -1;
    nl_status status = NL_OK;
    task.restored = file >= 0;
    task.file = task.restored ? file : index[0];
    if (plan->config->run_mode == NL_MODE_EVOLVE)
        return nl_evolve(&task);
    if (plan->config->steady_gap) {
        task.gaps = calloc((size_t)count, sizeof *task.gaps);
        if (!task.gaps)
            return nl_fail(NL_ERR_MEMORY, "cannot allocate the gaps of %d points", count);
        if (!task.restored && !nl_gap_comes_along(plan->config, plan->model))
            status = nl_find_gaps(&task);
    }
    if (status == NL_OK)
        status = steady_method(plan, &points[0])(&task);
    free(task.gaps);
    return status;
}

/* Takes and solves points until none is left. */
static void work(run_state *run, nl_backend *backend)
{
    nl_point *points = malloc(NL_MAX_BATCH * sizeof *points);
    int *index = malloc(NL_MAX_BATCH * sizeof *index), count;
    if (!points || !index)
        nl_queue_fail(&run->queue, nl_fail(NL_ERR_MEMORY, "cannot allocate a batch"));
    while (points && index && (count = take(run, backend, index)) > 0) {
        for (int k = 0; k < count; k++)
            points[k] = run->queue.plan->points[index[k]];
        nl_queue_fail(&run->queue, solve(run, backend, points, index, count));
        if (run->sharing)
            nl_sharing_return(run->sharing, index, count);
    }
    free(points);
    free(index);
}

/* A worker of its own for every point, as far as threads go: independent points need no barriers. */
static int worker_count(const nl_backend *backend, const nl_queue *queue)
{
    const int most = backend->ops->share ? backend->threads : 1,
              here = (queue->free + queue->sharers - 1) / queue->sharers;
    return here < most ? (here > 0 ? here : 1) : most;
}

static void work_in_parallel(run_state *run, nl_backend *backend, int workers)
{
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(workers)
    {
        nl_backend *share = NULL;
        const nl_status status = backend->ops->share(backend, workers, &share);
        nl_queue_fail(&run->queue, status);
        if (status == NL_OK)
            work(run, share);
        nl_backend_close(share);
    }
}

/* Points that are independent of each other. */
static nl_status run_points(run_state *run, nl_backend *backend)
{
    const int workers = worker_count(backend, &run->queue); /* before anybody takes from the queue */
    if (run->queue.sharers > 1) {
        NL_TRY(nl_sharing_new(&run->queue, &run->sharing));
        run->watcher = nl_sharing_watcher(run->sharing);
    }
    if (workers > 1)
        work_in_parallel(run, backend, workers);
    else
        work(run, backend);
    if (run->sharing)
        return nl_sharing_finish(run->sharing);
    return run->queue.status == NL_OK ? NL_OK : nl_fail(run->queue.status, "%s", run->queue.message);
}

nl_status nl_plan_run(const nl_plan *plan, nl_backend *backend, nl_result *result, const nl_watcher *watcher)
{
    if (backend->ops->real_size != nl_precision_bytes(plan->config))
        return nl_fail(NL_ERR_USAGE, "the backend's precision is not that of the configuration; open it with "
                                     "nl_backend_open and config.run_precision");
    if (plan->by_response)
        return nl_gutzwiller_run(plan, backend, result, watcher);
    if (plan->model == &nl_radii_model && plan->config->run_mode == NL_MODE_STEADY)
        return nl_selfconsistent_run(plan, backend, result, watcher);
    run_state run = {.watcher = watcher};
    const int sharers = backend->sharing == NL_SHARE_POINTS ? nl_ranks_now().count : 1;
    /* Ranks that share grids all take the same points: none may stop by its own watcher's word. */
    NL_TRY(nl_queue_new(plan, result, backend->sharing == NL_SHARE_GRIDS ? NULL : watcher, sharers, &run.queue));
    const nl_status status = run_points(&run, backend);
    nl_queue_release(&run.queue);
    return status;
}
