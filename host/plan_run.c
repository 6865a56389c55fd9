/* Running a plan: points that can be solved together are taken and solved as batches, by as many workers as the backend bears. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "nanolase/gutzwiller.h"
#include "nanolase/krylov.h"
#include "nanolase/plan.h"
#include "nanolase/selfconsistent.h"

enum { MAX_BATCH = 4096 };

static bool solved_together(const nl_plan *plan, int a, int b)
{
    const nl_point *x = &plan->points[a], *y = &plan->points[b];
    const nl_operator op = plan->model->operator_shape(x, x->n), other = plan->model->operator_shape(y, y->n);
    return nl_operator_same_shape(&op, &other) && x->levels == y->levels && x->grids == y->grids && x->rtol == y->rtol && x->atol == y->atol &&
           plan->tableaux[a] == plan->tableaux[b];
}

static nl_status batch_capacity(const nl_plan *plan, nl_backend *backend, int point, int *out)
{
    size_t available;
    NL_TRY(backend->ops->available(backend, &available));
    const double bytes = nl_plan_point_bytes(plan, point), preferred = (double)backend->ops->preferred_bytes(backend);
    const double room = (preferred < 0.8 * (double)available ? preferred : 0.8 * (double)available) / bytes;
    *out = room < 1 ? 1 : room > MAX_BATCH ? MAX_BATCH : (int)room;
    return NL_OK;
}

/* What the workers of a run share. Touched in the critical section nl_run only. */
typedef struct run_state {
    const nl_plan *plan;
    nl_result *result;
    const nl_watcher *watcher;
    bool *taken; /* points that are done or at work */
    int next;    /* no point before it is free */
    nl_status status;
    char message[600];
} run_state;

static bool wants_stop(const run_state *run)
{
    return run->status != NL_OK ||
           (run->watcher && run->watcher->wants_stop && run->watcher->wants_stop(run->watcher->user));
}

/* The first failure of any worker is the run's, with its message, which belongs to the thread. */
static void note_failure(run_state *run, nl_status status)
{
    if (status == NL_OK || run->status != NL_OK)
        return;
    run->status = status;
    snprintf(run->message, sizeof run->message, "%s", nl_error_message());
}

/* Takes free points that can be solved together; returns how many. */
static int take(run_state *run, nl_backend *backend, nl_point *points, int *index)
{
    int count = 0, capacity = 1;
    while (run->next < run->plan->n_points && run->taken[run->next])
        run->next++;
    if (run->next == run->plan->n_points || wants_stop(run))
        return 0;
    note_failure(run, batch_capacity(run->plan, backend, run->next, &capacity));
    for (int p = run->next; p < run->plan->n_points && count < capacity && run->status == NL_OK; p++) {
        if (run->taken[p] || !solved_together(run->plan, run->next, p))
            continue;
        run->taken[p] = true;
        points[count] = run->plan->points[p];
        index[count++] = p;
    }
    return count;
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
    const nl_plan *plan = run->plan;
    nl_task task = {.backend = backend, .model = plan->model, .config = plan->config,
                    .tableau = plan->tableaux[index[0]], .points = points, .index = index, .count = count,
                    .result = run->result, .watcher = run->watcher};
    nl_status status = NL_OK;
    if (plan->config->run_mode == NL_MODE_EVOLVE)
        return nl_evolve(&task);
    if (plan->config->steady_gap) {
        task.gaps = calloc((size_t)count, sizeof *task.gaps);
        if (!task.gaps)
            return nl_fail(NL_ERR_MEMORY, "cannot allocate the gaps of %d points", count);
        if (!nl_gap_comes_along(plan->config, plan->model))
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
    nl_point *points = malloc(MAX_BATCH * sizeof *points);
    int *index = malloc(MAX_BATCH * sizeof *index), count = 0;
    nl_status status = points && index ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate a batch");
    do {
        if (status == NL_OK && count > 0)
            status = solve(run, backend, points, index, count);
#pragma omp critical(nl_run)
        {
            note_failure(run, status);
            count = take(run, backend, points, index);
        }
    } while (count > 0);
    free(points);
    free(index);
}

/* A worker of its own for every point, as far as threads go: independent points need no barriers. */
static int worker_count(const nl_backend *backend, int pending)
{
    const int most = backend->ops->share ? backend->threads : 1;
    return pending < most ? (pending > 0 ? pending : 1) : most;
}

static void work_in_parallel(run_state *run, nl_backend *backend, int workers)
{
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(workers)
    {
        nl_backend *share = NULL;
        const nl_status status = backend->ops->share(backend, workers, &share);
        if (status == NL_OK)
            work(run, share);
        else
#pragma omp critical(nl_run)
            note_failure(run, status);
        nl_backend_close(share);
    }
}

nl_status nl_plan_run(const nl_plan *plan, nl_backend *backend, nl_result *result, const nl_watcher *watcher)
{
    if (plan->by_response)
        return nl_gutzwiller_run(plan, backend, result, watcher);
    if (plan->model == &nl_radii_model && plan->config->run_mode == NL_MODE_STEADY)
        return nl_selfconsistent_run(plan, backend, result, watcher);
    run_state run = {.plan = plan, .result = result, .watcher = watcher};
    run.taken = calloc((size_t)plan->n_points, sizeof *run.taken);
    if (!run.taken)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the state of a run");
    for (int p = 0; p < plan->n_points; p++)
        run.taken[p] = result->outcomes[p].status != NL_POINT_PENDING;
    const int workers = worker_count(backend, plan->n_points - nl_result_count_done(result));
    if (workers > 1)
        work_in_parallel(&run, backend, workers);
    else
        work(&run, backend);
    free(run.taken);
    return run.status == NL_OK ? NL_OK : nl_fail(run.status, "%s", run.message);
}
