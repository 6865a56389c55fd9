/* Times on a backend: by CUDA events on its stream, or by the clock where it is the CPU. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stddef.h>

#include "nanolase/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bench_events bench_events;

/* On a CUDA backend, which must outlive it. */
nl_status bench_events_new(nl_backend *, bench_events **out);
void bench_events_release(bench_events *); /* accepts NULL */
/* Around what is timed; stop waits for the device. */
nl_status bench_events_start(bench_events *);
nl_status bench_events_stop(bench_events *, double *seconds);
/* Fills the device's caches with other data. */
nl_status bench_events_chill(bench_events *);
/* One copy of `bytes` within the device's memory, the yardstick: it moves twice as many. */
nl_status bench_events_copy(bench_events *, size_t bytes);
/* "driver 13.0, runtime 13.0" and what the device is. */
void bench_events_describe(const bench_events *, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
