#include "report.h"

#include "../bench.h"

enum { MOST_REPEATS = 15, CPU_REPEATS = 5, MOST_INNER = 2000 };

static const double REPETITION = 2e-3; /* seconds, at least, so that the launch of an event is nothing beside it */

static void must(nl_status status)
{
    if (status != NL_OK)
        bench_fail(nl_error_message());
}

/* ---- time ---- */

/* Seconds of `inner` calls. events: NULL on the CPU. */
static double time_calls(bench_events *events, bench_work work, void *context, int inner, cache cache)
{
    double seconds = omp_get_wtime();
    if (events && cache == COLD)
        must(bench_events_chill(events));
    if (events)
        must(bench_events_start(events));
    for (int k = 0; k < inner; k++)
        must(work(context));
    if (!events)
        return omp_get_wtime() - seconds;
    must(bench_events_stop(events, &seconds));
    return seconds;
}

static bench_summary time_work(const bench *b, bench_events *events, cache cache, bench_work work, void *context)
{
    double times[MOST_REPEATS];
    const int repeats = b->checks_only ? 1 : events ? MOST_REPEATS : CPU_REPEATS;
    time_calls(events, work, context, 1, WARM); /* loads modules, makes handles and scratch */
    const double once = time_calls(events, work, context, 1, WARM);
    const bool single = b->checks_only || cache == COLD;
    const int inner = single ? 1 : (int)fmin(MOST_INNER, fmax(1, REPETITION / fmax(once, 1e-7)));
    for (int r = 0; r < repeats; r++)
        times[r] = time_calls(events, work, context, inner, cache) / inner;
    return bench_summarise(times, repeats);
}

typedef struct copy {
    bench_events *events;
    size_t bytes;
} copy;

static nl_status run_copy(void *context)
{
    const copy *c = context;
    return bench_events_copy(c->events, c->bytes);
}

double bench_copy_rate(bench *b)
{
    size_t available = 0;
    must(b->device->ops->available(b->device, &available));
    copy c = {b->events, b->checks_only ? 1u << 16 : available / 8 < 1u << 30 ? available / 8 : 1u << 30};
    return 2.0 * (double)c.bytes / time_work(b, b->events, WARM, run_copy, &c).median;
}

/* ---- rows ---- */

void bench_header(bench *b, const char *group, const char *title)
{
    b->group = group;
    printf("\n%s\n%-20s %-16s %5s %5s %5s %-5s %4s %11s %7s %9s %8s %9s %9s\n", title, "what", "operation", "n",
           "order", "batch", "on", "", "us", "spread", "GB/s", "of copy", "Gelem/s", "GFLOP/s");
}

/* A number of the table, or a dash where it is not told. */
static const char *number(double value, int digits, char *text)
{
    if (value > 0)
        sprintf(text, "%.*f", digits, value);
    else
        strcpy(text, "-");
    return text;
}

static void write_csv(const bench *b, const measure *m, bench_summary s, double yardstick)
{
    const nl_batch *batch = &m->subject->batch;
    const bool device = batch->backend->threads == 0;
    if (!b->csv)
        return;
    if (b->rows == 0)
        fprintf(b->csv,
                "date,device,facts,threads,backend,group,what,operation,n,order,batch,cache,seconds,spread,elements,"
                "steps,bytes,flops,yardstick_bytes_per_second\n");
    fprintf(b->csv, "%s,\"%s\",\"%s\",%d,%s,%s,%s,%s,%d,%d,%d,%s,%.6g,%.4g,%.0f,%.0f,%.0f,%.0f,%.6g\n", b->date,
            batch->backend->device, device ? b->facts : "", batch->backend->threads, batch->backend->ops->name,
            b->group, m->subject->name, m->operation, batch->n, 2 * batch->op.half_width, batch->n_members,
            m->cache == COLD ? "cold" : "warm", s.median, s.spread, m->elements, m->steps, m->bytes, m->flops,
            yardstick);
    fflush(b->csv);
}

void bench_measure(bench *b, const measure *m, bench_work work, void *context)
{
    const nl_batch *batch = &m->subject->batch;
    const bool device = batch->backend->threads == 0;
    const double yardstick = device ? b->device_copy : b->cpu_triad;
    const bench_summary s = time_work(b, device ? b->events : NULL, m->cache, work, context);
    char text[4][32];
    const double calls = fmax(1, m->steps), work_done = m->elements * calls;
    printf("%-20s %-16s %5d %5d %5d %-5s %4s %11.2f %6.1f%% %9s %8s %9.3f %9s\n", m->subject->name, m->operation,
           batch->n, 2 * batch->op.half_width, batch->n_members, batch->backend->ops->name,
           m->cache == COLD ? "cold" : "", 1e6 * s.median / calls, 100 * s.spread,
           number(m->bytes / s.median / 1e9, 1, text[0]), number(m->bytes / s.median / yardstick, 3, text[1]),
           work_done / s.median / 1e9, number(m->flops / s.median / 1e9, 1, text[2]));
    fflush(stdout);
    write_csv(b, m, s, yardstick);
    b->rows++;
}
