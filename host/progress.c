#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double TERMINAL_INTERVAL = 0.2, LOG_INTERVAL = 10;

double nl_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

nl_reporter nl_reporter_new(int verbosity)
{
    const double now = nl_seconds();
    return (nl_reporter){.verbosity = verbosity, .terminal = isatty(STDERR_FILENO), .start = now, .last = now};
}

void nl_report(nl_reporter *reporter, int level, const char *format, ...)
{
    if (reporter->verbosity < level)
        return;
    if (reporter->line_open)
        fputs("\r\033[K", stderr);
    reporter->line_open = false;
    va_list args;
    va_start(args, format);
    fputs("nanolase: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void print_eta(const nl_reporter *reporter, int points_done)
{
    const int done = points_done - reporter->done_at_start;
    if (done <= 0)
        return;
    const double left = (nl_seconds() - reporter->start) / done * (reporter->points_total - points_done);
    fprintf(stderr, ", %.0f min %02.0f s to go", floor(left / 60), floor(fmod(left, 60)));
}

void nl_report_progress(nl_reporter *reporter, const nl_progress *p, int points_done)
{
    const double now = nl_seconds(), interval = reporter->terminal ? TERMINAL_INTERVAL : LOG_INTERVAL;
    if (reporter->verbosity < 0 || now - reporter->last < interval)
        return;
    reporter->last = now;
    fprintf(stderr, "%snanolase: %d of %d points, %s = %d", reporter->terminal ? "\r\033[K" : "", points_done,
            reporter->points_total, p->size_name, p->n);
    if (p->cycles > 0)
        fprintf(stderr, ", cycle %d", p->cycles);
    if (isfinite(p->t))
        fprintf(stderr, ", t = %.4g, dt = %.2e", p->t, p->h);
    if (isfinite(p->residual))
        fprintf(stderr, ", residual %.1e", p->residual);
    print_eta(reporter, points_done);
    if (!reporter->terminal)
        fputc('\n', stderr);
    reporter->line_open = reporter->terminal;
    fflush(stderr);
}
