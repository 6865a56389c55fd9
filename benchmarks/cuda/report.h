/* One measurement: taken, printed as a row of a table for people, and written as a line of CSV for programs. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "clock.h"
#include "subject.h"

typedef struct bench {
    nl_backend *device, *cpu;
    bench_events *events;  /* of the device */
    bool checks_only;      /* small sizes, each thing once, nothing to be told from the times */
    double device_copy, cpu_triad; /* bytes a second */
    const char *group;
    FILE *csv;             /* NULL: none */
    char facts[256], date[32];
    int rows;
} bench;

typedef enum cache { WARM, COLD } cache;

/* What one call of the work is. */
typedef struct measure {
    const subject *subject;
    const char *operation;
    cache cache;
    double elements; /* of vectors, points of a grid; all members together */
    double bytes;    /* the least that has to move; 0 not told */
    double flops;    /* 0 not told */
    double steps;    /* of each member; 0: an operation */
} measure;

typedef nl_status (*bench_work)(void *context);

/* group: its word, for the CSV. */
void bench_header(bench *, const char *group, const char *title);
/* Repeats the work on the measure's backend, takes the median, reports. */
void bench_measure(bench *, const measure *, bench_work, void *context);
/* Bytes a second of copies within the device. */
double bench_copy_rate(bench *);

#endif
