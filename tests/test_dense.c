/* A basis of consecutive registers on every backend: projections, expansions and rotations against plain sums. */
#include "rig.h"

enum { SLOTS = 3, REGISTERS = 9 };

static const size_t sizes[] = {1, 50, 4097, 20011, 70001};

/* Registers 2 ... 6 of slot 2 against 8, and 1 ... 3 of slot 0 against 0. */
static const nl_basis_job jobs[] = {{2, 2, 5, 8}, {0, 1, 3, 0}};

static void check_project(nl_backend *b, size_t size)
{
    rig g = rig_of_size(b, size, SLOTS, REGISTERS, size);
    double h[2 * NL_MAX_BASIS];
    for (int x = 0; x < COUNT(h); x++)
        h[x] = -77;
    OK(b->ops->project(b, &g.pool, jobs, 2, h));
    rig_look_around(&g, NULL, 0, false);
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < NL_MAX_BASIS; i++) {
            double sum = i < jobs[j].count ? 0 : -77;
            for (size_t x = 0; x < size && i < jobs[j].count; x++)
                sum += rig_was(&g, jobs[j].slot, jobs[j].first + i)[x] * rig_was(&g, jobs[j].slot, jobs[j].vector)[x];
            CLOSE(h[j * NL_MAX_BASIS + i], sum, 1e-13 * sqrt((double)size));
        }
    rig_release(&g);
}

static void check_expand(nl_backend *b, size_t size)
{
    rig g = rig_of_size(b, size, SLOTS, REGISTERS, size);
    double h[2 * NL_MAX_BASIS], *expected = new_array(size);
    const nl_job written[] = {{.slot = 2, .out = 8}, {.slot = 0, .out = 0}};
    for (int x = 0; x < COUNT(h); x++)
        h[x] = x % NL_MAX_BASIS < 5 ? 0.3 * x - 1 : NAN; /* beyond the basis: not to be read */
    OK(b->ops->expand(b, &g.pool, jobs, 2, h));
    rig_look_around(&g, written, 2, false);
    for (int j = 0; j < 2; j++) {
        const nl_basis_job *job = &jobs[j];
        memcpy(expected, rig_was(&g, job->slot, job->vector), size * sizeof *expected);
        for (int i = 0; i < job->count; i++)
            for (size_t x = 0; x < size; x++)
                expected[x] += h[j * NL_MAX_BASIS + i] * rig_was(&g, job->slot, job->first + i)[x];
        CLOSE(difference(rig_is(&g, job->slot, job->vector), expected, size), 0, rounded(b, 1e-14));
    }
    free(expected);
    rig_release(&g);
}

static void check_rotate(nl_backend *b, size_t size, int kept)
{
    rig g = rig_of_size(b, size, SLOTS, REGISTERS, size);
    rng r = {5};
    const nl_basis_job job = {1, 2, 6, 0};
    double *Z = random_array(&r, (size_t)job.count * kept), *expected = new_array(size);
    OK(b->ops->rotate(b, &g.pool, &job, Z, kept));
    nl_job written[6];
    for (int i = 0; i < 6; i++)
        written[i] = (nl_job){.slot = 1, .out = 2 + i};
    rig_look_around(&g, written, 6, false);
    for (int j = 0; j < kept; j++) {
        memset(expected, 0, size * sizeof *expected);
        for (int i = 0; i < job.count; i++)
            for (size_t x = 0; x < size; x++)
                expected[x] += Z[j * job.count + i] * rig_was(&g, 1, 2 + i)[x];
        CLOSE(difference(rig_is(&g, 1, 2 + j), expected, size), 0, rounded(b, 1e-13));
    }
    free(Z);
    free(expected);
    rig_release(&g);
}

static void on_all(void (*check)(nl_backend *, size_t))
{
    for (int c = 0; c < COUNT(all_precisions); c++) {
        nl_backend *b;
        if (!open_or_skip(&all_precisions[c], "bases", &b))
            continue;
        for (int s = 0; s < COUNT(sizes); s++)
            check(b, sizes[s]);
        nl_backend_close(b);
    }
}

static void check_rotations(nl_backend *b, size_t size)
{
    for (int kept = 1; kept <= 6; kept += 2)
        check_rotate(b, size, kept);
    check_rotate(b, size, 6);
}

static void test_project(void **state)
{
    (void)state;
    on_all(check_project);
}

static void test_expand(void **state)
{
    (void)state;
    on_all(check_expand);
}

static void test_rotate(void **state)
{
    (void)state;
    on_all(check_rotations);
}

/* No jobs, and bases of no columns. */
static void check_nothing(nl_backend *b, size_t size)
{
    rig g = rig_of_size(b, size, SLOTS, REGISTERS, size);
    const nl_basis_job empty = {1, 2, 0, 7};
    double h[NL_MAX_BASIS] = {0};
    OK(b->ops->project(b, &g.pool, NULL, 0, h));
    OK(b->ops->expand(b, &g.pool, NULL, 0, h));
    OK(b->ops->project(b, &g.pool, &empty, 1, h));
    OK(b->ops->expand(b, &g.pool, &empty, 1, h));
    rig_look_around(&g, NULL, 0, false);
    rig_release(&g);
}

static void test_nothing(void **state)
{
    (void)state;
    on_all(check_nothing);
}

/* What one job gives depends neither on the threads nor on the other jobs. */
static void test_company_does_not_matter(void **state)
{
    nl_backend *one, *two;
    double alone[NL_MAX_BASIS], h[2 * NL_MAX_BASIS];
    (void)state;
    OK(nl_backend_open_cpu(1, &one));
    OK(nl_backend_open_cpu(2, &two));
    rig a = rig_of_size(one, 70001, SLOTS, REGISTERS, 3), b = rig_of_size(two, 70001, SLOTS, REGISTERS, 3);
    OK(one->ops->project(one, &a.pool, &jobs[1], 1, alone));
    OK(two->ops->project(two, &b.pool, jobs, 2, h));
    assert_memory_equal(alone, h + NL_MAX_BASIS, (size_t)jobs[1].count * sizeof *h);
    rig_release(&a);
    rig_release(&b);
    nl_backend_close(one);
    nl_backend_close(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_project), cmocka_unit_test(test_expand),  cmocka_unit_test(test_rotate),
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_company_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
