/* Reduced-rank extrapolation: exact on sequences of few modes, harmless where there is nothing to extrapolate. */
#include "nanolase/extrapolate.h"
#include "phase_reference.h"

enum { N = 12, SIZE = N * N };

static nl_batch batch_on(nl_backend *backend, int members)
{
    static nl_point points[3];
    rng r = {31};
    nl_batch batch;
    for (int m = 0; m < 3; m++)
        points[m] = (nl_point){.phase = random_phase(&r, 2), .n = N, .order = 2, .levels = 1};
    OK(nl_batch_new(backend, &nl_phase_model, points, members, N, nl_tableau_find("bs32"), NL_SNAPSHOTS, &batch));
    OK(nl_batch_set_initial(&batch, NL_INITIAL_UNIFORM, 0, members));
    return batch;
}

static void set_state(nl_batch *batch, int member, const double *v)
{
    OK(nl_pool_put(batch->backend, &batch->pool, member, batch->members[member].y, v));
}

/* x_k = limit + sum over modes of rate^k mode; every mode sums to zero, as those of a conserving operator do. */
static void snapshot(rng r, int modes, const double *rate, int k, double *limit, double *x)
{
    double mode[SIZE];
    for (int i = 0; i < SIZE; i++)
        x[i] = limit[i] = uniform(&r, 0.5, 1);
    for (int m = 0; m < modes; m++) {
        fill_random(&r, mode, SIZE);
        const double mean = sum_of(mode, SIZE) / SIZE;
        for (int i = 0; i < SIZE; i++)
            x[i] += 0.1 * pow(rate[m], k) * (mode[i] - mean);
    }
}

/* Extrapolates members 2 and 0, of other sequences, at once; member 1 is not to be touched. */
static void check_limit(nl_backend *backend, int modes, const double *rate, double tolerance)
{
    nl_batch batch = batch_on(backend, 3);
    const int members[] = {2, 0};
    double x[SIZE], limit[3][SIZE], before[SIZE], after[SIZE];
    OK(nl_batch_download(&batch, 1, before));
    for (int k = 0; k < NL_SNAPSHOTS; k++) {
        for (int a = 0; a < 2; a++) {
            snapshot((rng){(uint64_t)members[a]}, modes, rate, k, limit[members[a]], x);
            set_state(&batch, members[a], x);
        }
        OK(nl_extrapolate_keep(&batch, members, 2, (int[]){k, k}));
    }
    for (int m = 0; m < 3; m++)
        batch.members[m].fresh = true;
    OK(nl_extrapolate(&batch, members, 2));
    for (int a = 0; a < 2; a++) {
        OK(nl_batch_download(&batch, members[a], after));
        CLOSE(difference(after, limit[members[a]], SIZE), 0, tolerance);
        CLOSE(sum_of(after, SIZE), sum_of(limit[members[a]], SIZE), 1e-11 * SIZE);
        assert_false(batch.members[members[a]].fresh); /* the derivative it had is another state's */
    }
    OK(nl_batch_download(&batch, 1, after));
    assert_memory_equal(before, after, sizeof before);
    assert_true(batch.members[1].fresh);
    nl_batch_release(&batch);
}

static void test_few_modes_vanish(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        if (!open_or_skip(&backend_cases[c], "extrapolation", &backend))
            continue;
        check_limit(backend, 4, (double[]){0.9, 0.5, -0.3, 0.1}, 1e-8);
        check_limit(backend, 3, (double[]){0.99, 0.8, 0.3}, 1e-6);
        nl_backend_close(backend);
    }
}

/* A sequence that stands still, or of a single mode, has singular equations: the state stays finite and no worse. */
static void test_degenerate_sequences(void **state)
{
    static const struct {
        int modes;
        double rate[2];
    } cases[] = {{0, {0}}, {1, {0.7}}, {1, {1}}, {1, {0}}, {2, {0.5, 0.5}}, {1, {1e-9}}};
    nl_backend *cpu;
    (void)state;
    OK(nl_backend_open_cpu(1, &cpu));
    for (int c = 0; c < COUNT(cases); c++) {
        nl_batch batch = batch_on(cpu, 1);
        double x[SIZE], limit[SIZE], after[SIZE];
        for (int k = 0; k < NL_SNAPSHOTS; k++) {
            snapshot((rng){9}, cases[c].modes, cases[c].rate, k, limit, x);
            set_state(&batch, 0, x);
            OK(nl_extrapolate_keep(&batch, (int[]){0}, 1, &k));
        }
        OK(nl_extrapolate(&batch, (int[]){0}, 1));
        OK(nl_batch_download(&batch, 0, after));
        BETWEEN(difference(after, limit, SIZE), 0, difference(x, limit, SIZE) + 1e-10);
        nl_batch_release(&batch);
    }
    nl_backend_close(cpu);
}

/* Numbers that are none stay what they are, and do not bring the others down. */
static void test_bad_numbers(void **state)
{
    nl_backend *cpu;
    double x[SIZE], limit[SIZE];
    (void)state;
    OK(nl_backend_open_cpu(1, &cpu));
    nl_batch batch = batch_on(cpu, 2);
    for (int k = 0; k < NL_SNAPSHOTS; k++) {
        snapshot((rng){9}, 1, (double[]){0.5}, k, limit, x);
        set_state(&batch, 1, x);
        x[7] = NAN;
        set_state(&batch, 0, x);
        OK(nl_extrapolate_keep(&batch, (int[]){0, 1}, 2, (int[]){k, k}));
    }
    OK(nl_extrapolate(&batch, (int[]){0, 1}, 2));
    OK(nl_batch_download(&batch, 1, x));
    BETWEEN(difference(x, limit, SIZE), 0, 0.01);
    nl_batch_release(&batch);
    nl_backend_close(cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_modes_vanish),
        cmocka_unit_test(test_degenerate_sequences),
        cmocka_unit_test(test_bad_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
