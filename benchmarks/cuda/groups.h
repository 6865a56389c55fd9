/* What is measured, in the order of its worth, so that a run that is cut short leaves the most telling first. */
#ifndef BENCH_GROUPS_H
#define BENCH_GROUPS_H

#include "report.h"

typedef struct bench_group {
    const char *word, *title;
    void (*run)(bench *);
} bench_group;

extern const bench_group bench_groups[];
extern const int bench_group_count;

/* steps.c */
void bench_phase_steps(bench *);
void bench_other_steps(bench *);

/* A subject on the device and one like it on the CPU, filled alike. False, with a line that says so, where memory does
 * not suffice. */
bool bench_pair_new(bench *, const char *name, const char *settings, int members, const nl_tableau *, subject *device,
                    subject *cpu);
void bench_pair_release(subject *device, subject *cpu);
/* Settings of two unlike lasers' phases on n points; valid until the second call after. */
const char *bench_phase_settings(int n, int order);
/* Settings of the master equation of one laser: real (steady) or complex (evolving) states. */
const char *bench_lindblad_settings(bool checks_only, const char *local, bool is_real);
const char *bench_dimer_settings(int levels);
const char *bench_amplitude_settings(int points, int order);

#endif
