#include "summary.h"

#include <stdio.h>

/* Differences on a grid that is far too coarse may have modes that grow: says so where that may be why. */
static void advise(nl_reporter *reporter, const nl_plan *plan, const nl_result *result)
{
    const nl_model *model = plan->model;
    for (int p = 0; p < result->n_points && model->least_size; p++) {
        const int least = model->least_size(&plan->points[p]);
        if (result->outcomes[p].status == NL_POINT_CONVERGED || result->outcomes[p].status == NL_POINT_PENDING ||
            plan->points[p].n >= least)
            continue;
        nl_report(reporter, -1, "%s = %d may be too coarse for point %d: use %d or more, or auto", model->size_name,
                  plan->points[p].n, p + 1, least);
        return;
    }
}

/* What to do about points of a status. */
static const char *const HINTS[NL_POINT_STATUSES] = {
    [NL_POINT_PENDING] = " (go on with --resume)",
    [NL_POINT_LEAKED] = " (use more levels, or for amplitudes a finer or larger grid)",
    [NL_POINT_UNRESOLVED] = " (use a finer grid or a higher order)",
    [NL_POINT_GREW] = " (use a finer grid or more levels)",
};

int nl_summarise(nl_reporter *reporter, const nl_plan *plan, const nl_result *result, const char *path)
{
    int count[NL_POINT_STATUSES] = {0};
    char list[400];
    size_t used = 0;
    for (int p = 0; p < result->n_points; p++)
        count[result->outcomes[p].status]++;
    const int missing = result->n_points - count[NL_POINT_CONVERGED];
    if (missing == 0) {
        nl_report(reporter, 0, "%d point%s in %.1f s; results in %s", result->n_points,
                  result->n_points == 1 ? "" : "s", nl_seconds() - reporter->start, path);
        return 0;
    }
    for (int status = 0; status < NL_POINT_STATUSES; status++)
        if (status != NL_POINT_CONVERGED && count[status] > 0)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%d %s%s", used ? ", " : "", count[status],
                                     nl_point_status_text(status), HINTS[status] ? HINTS[status] : "");
    nl_report(reporter, -1, "%d of %d points are not converged: %s; results in %s, which `nanolase show` explains",
              missing, result->n_points, list, path);
    advise(reporter, plan, result);
    return 1;
}
