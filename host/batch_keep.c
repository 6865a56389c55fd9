/* Keeping the members of a batch, and restoring them: the same calls for both. */
#include <stdlib.h>

#include "nanolase/batch.h"
#include "step.h"

static nl_status keep_vector(nl_batch *batch, int member, int reg, nl_state *state, int point, const char *name)
{
    double *v = malloc(batch->pool.size * sizeof *v);
    const bool restored = nl_state_is_restored(state);
    nl_status status = v ? NL_OK
                         : nl_fail(NL_ERR_MEMORY, "cannot keep a state of %.1f MB", (double)batch->pool.size * 8e-6);
    if (status == NL_OK && !restored)
        status = nl_pool_get(batch->backend, &batch->pool, member, reg, v);
    if (status == NL_OK)
        status = nl_state_bytes(state, point, name, v, batch->pool.size * sizeof *v);
    if (status == NL_OK && restored)
        status = nl_pool_put(batch->backend, &batch->pool, member, reg, v);
    free(v);
    return status;
}

nl_status nl_batch_keep_result(nl_batch *batch, int member, nl_state *state, int point, const char *label)
{
    char name[NL_STATE_NAME];
    snprintf(name, sizeof name, "%s", label);
    NL_TRY(nl_state_bytes(state, point, name, &batch->members[member], sizeof batch->members[member]));
    snprintf(name, sizeof name, "%s y", label);
    return keep_vector(batch, member, batch->members[member].y, state, point, name);
}

/* Of a Chebyshev method also where its last step began, from which the rate of change is told. */
nl_status nl_batch_keep(nl_batch *batch, int member, int extra, nl_state *state, int point, const char *label)
{
    char name[NL_STATE_NAME];
    const nl_member *m = &batch->members[member];
    NL_TRY(nl_batch_keep_result(batch, member, state, point, label));
    snprintf(name, sizeof name, "%s L y", label);
    if (m->fresh)
        NL_TRY(keep_vector(batch, member, m->k[0], state, point, name));
    snprintf(name, sizeof name, "%s before", label);
    if (batch->tableau->chebyshev && m->last_step > 0)
        NL_TRY(keep_vector(batch, member, m->y_new, state, point, name));
    for (int k = 0; k < extra; k++) {
        snprintf(name, sizeof name, "%s extra %d", label, k);
        NL_TRY(keep_vector(batch, member, batch->first_extra + k, state, point, name));
    }
    return batch->radii ? nl_radii_keep(batch, member, state, point) : NL_OK;
}
