#include "result_columns.h"

/*      field       type     units      integer csv    description */
#define NUMBERS(X)                                                                                                     \
    X(residual, double, "kappa", false, true, "|L P|_1/|P|_1 or max |L rho|")                                          \
    X(model_time, double, "1/kappa", false, true, "time evolved, over all grids")                                      \
    X(steps, long, "1", true, true, "accepted steps, over all grids")                                                  \
    X(rhs, long, "1", true, true, "operator applications on the finest grid")                                          \
    X(rejected, long, "1", true, false, "rejected steps")                                                              \
    X(work, double, "1", false, false, "operator applications, coarser grids counted by size")                         \
    X(distance, double, "1", false, false, "estimated |P - P_steady|_1/|P|_1: residual over decay rate")               \
    X(decay_rate, double, "kappa", false, false, "slowest rate seen at which the residual fell")                       \
    X(norm_error, double, "1", false, false, "|integral of P - 1| or |Tr rho - 1|")                                    \
    X(negativity, double, "1", false, false, "integral of P's negative part, or the most negative population")         \
    X(rank, int, "1", true, false, "the process that computed it, of those that shared the run")

#define ACCESS(field, type, units, integer, csv, text)                                                                 \
    static double get_##field(const nl_outcome *o)                                                                     \
    {                                                                                                                  \
        return (double)o->field;                                                                                       \
    }                                                                                                                  \
    static void set_##field(nl_outcome *o, double x)                                                                   \
    {                                                                                                                  \
        o->field = (type)x;                                                                                            \
    }
NUMBERS(ACCESS)

static double get_converged(const nl_outcome *o)
{
    return o->status == NL_POINT_CONVERGED;
}

/* Follows from status. */
static void set_converged(nl_outcome *o, double x)
{
    (void)o;
    (void)x;
}

static double get_status(const nl_outcome *o)
{
    return o->status;
}

static void set_status(nl_outcome *o, double x)
{
    o->status = (nl_point_status)x;
}

#define COLUMN(field, type, units, integer, csv, text)                                                                 \
    {#field, units, text, integer, 0x1p53, csv, get_##field, set_##field},
const nl_column nl_columns[] = {
    {"converged", "1", "1: done, to the tolerance or to t_end", true, 1, true, get_converged, set_converged},
    {"status", "1",
     "0 not computed, 1 converged, 2 max_time reached, 3 stalled, 4 failed, 5 cut off, 6 grew, 7 without its gap, 8 "
     "not resolved",
     true, NL_POINT_STATUSES - 1, false, get_status, set_status},
    NUMBERS(COLUMN)};
const int nl_column_count = sizeof nl_columns / sizeof *nl_columns;
