/* What a run tells while it goes on: a progress line on a terminal, plain lines elsewhere. */
#ifndef NL_PROGRESS_H
#define NL_PROGRESS_H

#include "nanolase/solve.h"

enum { NL_SILENT = -2 }; /* a verbosity at which nothing is said */

typedef struct nl_reporter {
    int verbosity;
    bool terminal;
    bool line_open; /* a progress line stands without its newline */
    double start, last;
    int points_total, done_at_start;
} nl_reporter;

nl_reporter nl_reporter_new(int verbosity);
/* A line of its own, from verbosity `level` on. */
void nl_report(nl_reporter *, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void nl_report_progress(nl_reporter *, const nl_progress *, int points_done);
/* Seconds of a clock that only goes forward. */
double nl_seconds(void);

#endif
