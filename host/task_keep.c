/* Keeping a task: what its points have in the result already, and the method's own data. */
#include <math.h>
#include <stdlib.h>

#include "nanolase/krylov.h"

typedef struct keeping {
    nl_task *task;
    nl_keeper method;
    void *user;
} keeping;

bool nl_task_is_open(const nl_task *task, int member)
{
    return task->result->outcomes[task->index[member]].status == NL_POINT_PENDING;
}

static nl_status keep_member(nl_task *task, int m, nl_state *state)
{
    nl_result *result = task->result;
    const int point = task->index[m];
    const size_t values = (size_t)result->n_times * result->n_observables * sizeof(nl_value);
    NL_TRY(nl_state_bytes(state, point, "outcome", &result->outcomes[point], sizeof *result->outcomes));
    NL_TRY(nl_state_bytes(state, point, "values", nl_result_values(result, point, 0), values));
    if (task->gaps)
        NL_TRY(nl_state_bytes(state, point, "gap", &task->gaps[m], sizeof *task->gaps));
    nl_spent spent = task->spent ? task->spent[m] : (nl_spent){0};
    NL_TRY(nl_state_bytes(state, point, "spent", &spent, sizeof spent));
    if (task->spent)
        task->spent[m] = spent;
    return NL_OK;
}

static nl_status keep_all(void *user, nl_state *state)
{
    keeping *k = user;
    for (int m = 0; m < k->task->count; m++)
        if (nl_task_is_open(k->task, m))
            NL_TRY(keep_member(k->task, m, state));
    return k->method(k->user, state);
}

static nl_status keep_now(nl_task *task, nl_store *store, nl_keeper method, void *user)
{
    keeping k = {task, method, user};
    int *points = malloc((size_t)task->count * sizeof *points), count = 0;
    if (!points)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a list of points");
    for (int m = 0; m < task->count; m++)
        if (nl_task_is_open(task, m))
            points[count++] = task->index[m];
    const nl_status status =
        count > 0 ? nl_store_keep(store, task->file, points, count, keep_all, &k, &task->cost) : NL_OK;
    task->kept = nl_store_seconds();
    free(points);
    return status;
}

nl_status nl_task_keep(nl_task *task, nl_keeper method, void *user)
{
    nl_store *store = task->watcher ? task->watcher->store : NULL;
    const double since = nl_store_seconds() - task->kept;
    const bool last = nl_task_is_aborted(task); /* there will be no other time */
    return nl_store_is_due(store, last ? INFINITY : since, task->cost) ? keep_now(task, store, method, user) : NL_OK;
}

nl_status nl_task_restore(nl_task *task, nl_keeper method, void *user)
{
    keeping k = {task, method, user};
    return nl_store_restore(task->watcher->store, task->file, keep_all, &k);
}
