#include "grid_sequence.h"

#include <stdio.h>
#include <stdlib.h>

#include "nanolase/transfer.h"

nl_status nl_grid_sequence_new(nl_task *task, nl_grid_sequence *out)
{
    *out = (nl_grid_sequence){.task = task, .levels = task->points[0].levels};
    out->work = calloc((size_t)task->count, sizeof *out->work);
    out->sums = calloc(4 * (size_t)task->count, sizeof *out->sums);
    return out->work && out->sums ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate grids of %d points", task->count);
}

void nl_grid_sequence_release(nl_grid_sequence *s)
{
    for (int level = 0; level < s->levels; level++)
        nl_batch_release(&s->level[level]);
    free(s->work);
    free(s->sums);
    *s = (nl_grid_sequence){0};
}

/* Starts members of a finer grid from the grids below; those that failed there start afresh. */
static nl_status prolong_members(nl_grid_sequence *q, int level, int sources, const double *weight)
{
    nl_batch *fine = &q->level[level];
    nl_backend *backend = q->task->backend;
    const int rows = nl_operator_rows(&fine->op);
    nl_status status = NL_OK;
    for (int s = 0; s < sources && status == NL_OK; s++) {
        const nl_batch *coarse = &q->level[level + 1 + s];
        nl_transfer transfer;
        for (int m = 0; m < fine->n_members; m++)
            fine->jobs[m] = (nl_job){.slot = m, .in = {coarse->members[m].y}, .c = {weight[s]},
                                     .out = fine->members[m].y, .keep = s > 0};
        status = nl_transfer_new_interpolation(backend, coarse->n, fine->n, &transfer);
        if (status == NL_OK)
            status = backend->ops->transfer(backend, &transfer, &coarse->pool, &fine->pool, rows, fine->jobs,
                                            fine->n_members);
        nl_transfer_release(backend, &transfer);
    }
    return status;
}

/* Interpolation keeps the integral only nearly: scales each member back to the sum of its initial state. */
static nl_status normalise(nl_grid_sequence *q, nl_batch *batch, const nl_batch *coarse)
{
    nl_backend *backend = q->task->backend;
    double *wanted = q->sums, *has = q->sums + 2 * batch->n_members;
    for (int m = 0; m < batch->n_members; m++)
        batch->jobs[m] = (nl_job){.slot = m, .in = {coarse->members[m].y}};
    NL_TRY(backend->ops->sums(backend, &coarse->pool, batch->jobs, batch->n_members, wanted));
    for (int m = 0; m < batch->n_members; m++)
        batch->jobs[m].in[0] = batch->members[m].y;
    NL_TRY(backend->ops->sums(backend, &batch->pool, batch->jobs, batch->n_members, has));
    for (int m = 0; m < batch->n_members; m++) {
        const double sum = wanted[2 * m] * ((double)batch->pool.size / (double)coarse->pool.size);
        batch->jobs[m] = (nl_job){.slot = m, .n_terms = 1, .in = {batch->members[m].y}, .c = {sum / has[2 * m]},
                                  .out = batch->members[m].y};
    }
    return backend->ops->combine(backend, &batch->pool, batch->jobs, batch->n_members);
}

static nl_status start_from_below(nl_grid_sequence *q, int level)
{
    nl_task *task = q->task;
    nl_batch *batch = &q->level[level];
    const nl_batch *coarse = &q->level[level + 1];
    int n[NL_MAX_SOURCES], sources = 0;
    double weight[NL_MAX_SOURCES];
    for (int l = level + 1; l < q->levels && sources < NL_MAX_SOURCES; l++)
        n[sources++] = q->level[l].n;
    NL_TRY(nl_richardson_weights(n, sources, batch->n, task->points[0].order, weight));
    NL_TRY(prolong_members(q, level, sources, weight));
    NL_TRY(normalise(q, batch, coarse));
    for (int m = 0; m < batch->n_members; m++) {
        const nl_member *below = &coarse->members[m];
        q->work[m] += (double)below->applications * coarse->pool.size;
        batch->members[m].t = below->t;
        batch->members[m].steps = below->steps;
        batch->members[m].rejected = below->rejected;
        if (below->failed)
            NL_TRY(nl_batch_set_initial(batch, task->config->run_initial, m, 1));
    }
    return NL_OK;
}

static nl_status new_level(nl_grid_sequence *q, int level, int extra_registers)
{
    nl_task *task = q->task;
    return nl_batch_new(task->backend, task->model, task->points, task->count, nl_level_size(&task->points[0], level),
                        task->tableau, extra_registers, &q->level[level]);
}

nl_status nl_grid_sequence_start(nl_grid_sequence *q, int level, int extra_registers)
{
    nl_task *task = q->task;
    nl_batch *batch = &q->level[level];
    NL_TRY(new_level(q, level, extra_registers));
    if (level == q->levels - 1)
        return nl_batch_set_initial(batch, task->config->run_initial, 0, batch->n_members);
    return start_from_below(q, level);
}

nl_status nl_grid_sequence_keep(nl_grid_sequence *q, int level, int extra_registers, nl_state *state)
{
    const nl_task *task = q->task;
    for (int l = q->levels - 1; l >= level && nl_state_is_restored(state); l--)
        NL_TRY(new_level(q, l, l == level ? extra_registers : 0));
    for (int m = 0; m < task->count; m++) {
        if (!nl_task_is_open(task, m))
            continue;
        NL_TRY(nl_state_bytes(state, task->index[m], "coarse work", &q->work[m], sizeof q->work[m]));
        for (int l = q->levels - 1; l > level; l--) {
            char label[NL_STATE_NAME];
            snprintf(label, sizeof label, "grid %d", l);
            NL_TRY(nl_batch_keep_result(&q->level[l], m, state, task->index[m], label));
        }
    }
    return NL_OK;
}
