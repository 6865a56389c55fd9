/* What is said when a run has ended. */
#ifndef NL_SUMMARY_H
#define NL_SUMMARY_H

#include "nanolase/plan.h"
#include "progress.h"

/* Says whether all points are done, else how many are not, why and what may help; returns the exit code, 0 or 1.
 * path: of the result file. */
int nl_summarise(nl_reporter *, const nl_plan *, const nl_result *, const char *path);

#endif
