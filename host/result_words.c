/* What became of a point, in words: from its status and the numbers beside it. */
#include <stdio.h>

#include "nanolase/result.h"

const char *nl_point_status_text(nl_point_status status)
{
#define TEXT(code, text) text,
    static const char *const texts[] = {NL_POINT_STATUS_LIST(TEXT)};
#undef TEXT
    return status >= 0 && status < NL_POINT_STATUSES ? texts[status] : "is unknown";
}

void nl_outcome_words(const nl_outcome *o, char *out, size_t size)
{
    switch (o->status) {
    case NL_POINT_CONVERGED: out[0] = '\0'; break;
    case NL_POINT_PENDING: snprintf(out, size, "not computed"); break;
    case NL_POINT_MAX_TIME:
        snprintf(out, size, "max_time was reached, at a residual of %.2g and an estimated distance of %.2g",
                 o->residual, o->distance);
        break;
    case NL_POINT_STALLED:
        snprintf(out, size, "the residual stopped falling at %.2g, the estimated distance at %.2g", o->residual,
                 o->distance);
        break;
    case NL_POINT_FAILED:
        snprintf(out, size, "the state stopped being finite, or the step vanished, at t = %.6g after %ld steps and %ld "
                            "rejected ones", o->model_time, o->steps, o->rejected);
        break;
    case NL_POINT_LEAKED:
        snprintf(out, size, "the state reached the cutoff; use more levels, or for amplitudes a finer or larger grid");
        break;
    case NL_POINT_GREW:
        snprintf(out, size,
                 "the state grew beyond what any can be, at t = %.6g after %ld steps; use a finer grid or more "
                 "levels",
                 o->model_time, o->steps);
        break;
    case NL_POINT_NO_GAP: snprintf(out, size, "the state converged, its spectral gap was not found"); break;
    case NL_POINT_UNRESOLVED:
        snprintf(out, size, "the state found is negative to a part of %.2g; use a finer grid or a higher order",
                 o->negativity);
        break;
    default: snprintf(out, size, "status %d", (int)o->status);
    }
}
