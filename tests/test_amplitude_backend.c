/* The full-amplitude operator on every backend: against fluxes through faces and assembled matrices, update,
 * moments. */
#include "amplitude_point.h"
#include "amplitude_reference.h"
#include "vector_point.h"

enum { SLOTS = 2, REGISTERS = 4 };

typedef struct rig {
    nl_backend *backend;
    nl_pool pool;
    nl_operator op;
    int order;
    nl_amplitude p[SLOTS];
    double *host, *now;
} rig;

static size_t elements(const rig *g)
{
    return (size_t)SLOTS * REGISTERS * g->pool.size;
}

static rig rig_new(nl_backend *b, int sites, int n, int order)
{
    rng r = {(uint64_t)(1000 * n + 10 * order + sites)};
    rig g = {.backend = b, .order = order};
    const size_t len = nl_amplitude_table_len(n), size = reference_cells(sites, n);
    double *tables = new_array(SLOTS * len);
    g.op =
        (nl_operator){.kind = NL_OPERATOR_AMPLITUDE, .sites = sites, .n = n, .half_width = order / 2, .table_len = len};
    assert_int_equal(nl_operator_size(&g.op), size);
    for (int s = 0; s < SLOTS; s++) {
        g.p[s] = random_amplitude(&r, sites);
        nl_amplitude_fill_table(&g.p[s], n, order, tables + s * len);
    }
    OK(nl_tables_new(b, &g.op, SLOTS));
    OK(nl_tables_put(b, &g.op, SLOTS, tables));
    OK(nl_pool_new(b, SLOTS, REGISTERS, size, &g.pool));
    g.host = random_array(&r, elements(&g));
    g.now = new_array(elements(&g));
    OK(b->ops->put(b, g.pool.data, 0, g.host, elements(&g)));
    OK(b->ops->get(b, g.host, g.pool.data, 0, elements(&g))); /* rounded to the backend's precision */
    free(tables);
    return g;
}

static void rig_release(rig *g)
{
    nl_pool_release(g->backend, &g->pool);
    g->backend->ops->free(g->backend, g->op.tables);
    free(g->host);
    free(g->now);
}

static double *was(const rig *g, int slot, int reg)
{
    return g->host + ((size_t)slot * REGISTERS + reg) * g->pool.size;
}

static double *is(rig *g, int slot, int reg)
{
    OK(g->backend->ops->get(g->backend, g->now, g->pool.data, 0, elements(g)));
    return g->now + ((size_t)slot * REGISTERS + reg) * g->pool.size;
}

static const nl_job jobs[] = {{.slot = 1, .in = {2}, .out = 3}, {.slot = 0, .in = {1}, .out = 0}};

/* ---- apply and update ---- */

static void check_apply(nl_backend *b, int sites, int n, int order)
{
    rig g = rig_new(b, sites, n, order);
    double *expected = new_array(g.pool.size);
    OK(b->ops->apply(b, &g.op, &g.pool, jobs, 2));
    for (int j = 0; j < 2; j++) {
        const double *got = is(&g, jobs[j].slot, jobs[j].out);
        reference_amplitude(&g.p[jobs[j].slot], n, order, was(&g, jobs[j].slot, jobs[j].in[0]), expected);
        CLOSE(difference(got, expected, g.pool.size), 0, rounded(b, 2e-13));
        CLOSE(sum_of(got, g.pool.size), 0, rounded(b, 1e-13) * largest(got, g.pool.size) * (double)g.pool.size);
        assert_memory_equal(is(&g, 0, 2), was(&g, 0, 2), g.pool.size * sizeof(double));
    }
    free(expected);
    rig_release(&g);
}

static void test_apply(void **state)
{
    for (int order = 2; order <= 8; order += 2) {
        check_apply(*state, 1, order == 2 ? 2 : order / 2, order); /* the smallest that mirrors can serve, and not 0 */
        check_apply(*state, 1, order + 2, order);
        check_apply(*state, 1, 41, order);
        check_apply(*state, 2, order / 2 + 1, order);
        check_apply(*state, 2, order + 2, order);
    }
    check_apply(*state, 2, 13, 4);
}

/* Column by column: every element of the matrix, so none hides behind others. */
static void check_matrix(nl_backend *b, int sites, int n, int order)
{
    rig g = rig_new(b, sites, n, order);
    const size_t size = g.pool.size;
    double *matrix = reference_amplitude_matrix(&g.p[0], n, order), *v = new_array(size), *out = new_array(size);
    const nl_job job = {.slot = 0, .in = {1}, .out = 2};
    for (size_t c = 0; c < size; c += 1 + size / 100) {
        v[c] = 1;
        OK(nl_pool_put(b, &g.pool, 0, 1, v));
        v[c] = 0;
        OK(b->ops->apply(b, &g.op, &g.pool, &job, 1));
        OK(nl_pool_get(b, &g.pool, 0, 2, out));
        for (size_t r = 0; r < size; r++)
            CLOSE(out[r], matrix[r * size + c], rounded(b, 2e-13) * n * n);
    }
    free(matrix);
    free(v);
    free(out);
    rig_release(&g);
}

static void test_matrix(void **state)
{
    for (int order = 2; order <= 8; order += 2)
        check_matrix(*state, 1, 12, order);
    check_matrix(*state, 2, 4, 2);
    check_matrix(*state, 2, 5, 4);
}

static void test_update(void **state)
{
    nl_backend *b = *state;
    for (int order = 2; order <= 8; order += 2)
        for (int in_place = 0; in_place <= 1; in_place++) {
            rig g = rig_new(b, 2, 10, order);
            const size_t size = g.pool.size;
            const nl_job job = {
                .slot = 1, .n_terms = 2, .in = {0, 2}, .c = {0.7, -1.3}, .out = in_place ? 2 : 3, .scale = 0.21};
            double *expected = new_array(size);
            reference_amplitude(&g.p[1], 10, order, was(&g, 1, 0), expected);
            for (size_t x = 0; x < size; x++)
                expected[x] = 0.21 * expected[x] + 0.7 * was(&g, 1, 0)[x] - 1.3 * was(&g, 1, 2)[x];
            OK(b->ops->update(b, &g.op, &g.pool, &job, 1));
            CLOSE(difference(is(&g, 1, job.out), expected, size), 0, rounded(b, 2e-13));
            free(expected);
            rig_release(&g);
        }
}

/* ---- the order of the differences, on a Gaussian with the exact derivatives ---- */

static double gaussian_rate(const nl_amplitude *p, double x, double y, double s2, double *P)
{
    const double r2 = x * x + y * y, gain = p->laser.A - p->laser.C - p->laser.B_r * r2, D = p->laser.A / 2;
    const double vx = gain * x + p->f[0].re, vy = gain * y + p->f[0].im;
    *P = exp(-r2 / (2 * s2));
    const double divergence = 2 * gain - 2 * p->laser.B_r * r2;
    return *P * (-divergence + (vx * x + vy * y) / s2 + D * (r2 / (s2 * s2) - 2 / s2));
}

static double gaussian_error(nl_backend *b, int n, int order)
{
    rig g = rig_new(b, 1, n, order);
    double *P = new_array(g.pool.size), *exact = new_array(g.pool.size);
    rng r = {5};
    nl_amplitude p = random_amplitude(&r, 1);
    p.extent = 6; /* the Gaussian is 1e-10 there */
    double *table = new_array(g.op.table_len);
    nl_amplitude_fill_table(&p, n, order, table);
    OK(b->ops->put(b, g.op.tables, 0, table, g.op.table_len));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            exact[i * n + j] = gaussian_rate(&p, (i + 0.5) * 12 / n - 6, (j + 0.5) * 12 / n - 6, 0.8, &P[i * n + j]);
    OK(nl_pool_put(b, &g.pool, 0, 1, P));
    OK(b->ops->apply(b, &g.op, &g.pool, &(nl_job){.in = {1}, .out = 2}, 1));
    const double error = difference(is(&g, 0, 2), exact, g.pool.size);
    free(P);
    free(exact);
    free(table);
    rig_release(&g);
    return error;
}

static void test_order(void **state)
{
    if (is_single(*state))
        return; /* rounding hides the error */
    for (int order = 2; order <= 8; order += 2) {
        const double ratio = gaussian_error(*state, 64, order) / gaussian_error(*state, 96, order);
        BETWEEN(log(ratio) / log(1.5), order - 0.4, order + 0.6);
    }
}

/* ---- moments ---- */

static void check_moments(nl_backend *b, int sites, int n)
{
    rig g = rig_new(b, sites, n, 4);
    const size_t len = nl_moments_len(&g.op), size = g.pool.size;
    double *moments = new_array(2 * len), norm = 0, negative = 0, edge = 0, sums[12] = {0};
    OK(b->ops->moments(b, &g.op, &g.pool, jobs, 2, moments));
    const nl_amplitude *p = &g.p[0];
    const nl_amplitude_means m = nl_amplitude_means_of(p, n, moments + len);
    for (size_t c = 0; c < size; c++) {
        const double P = was(&g, 0, 1)[c];
        double x[4] = {0, 0, 1, 0};
        size_t rest = c;
        for (int d = 2 * sites - 1; d >= 0; d--, rest /= n) {
            x[d] = ((double)(rest % n) + 0.5) * 2 * p->extent / n - p->extent;
        }
        for (int s = 0; s < sites; s++)
            edge += fmax(fabs(x[2 * s]), fabs(x[2 * s + 1])) > p->extent * (1 - 1.5 / n) ? P : 0;
        const double n1 = x[0] * x[0] + x[1] * x[1], n2 = x[2] * x[2] + x[3] * x[3];
        const double re = x[0] * x[2] + x[1] * x[3], im = x[0] * x[3] - x[1] * x[2];
        const double terms[12] = {x[0] * P,
                                  x[1] * P,
                                  n1 * P,
                                  n1 * n1 * P,
                                  x[3] * P,
                                  n2 * n2 * P,
                                  n1 * n2 * P,
                                  re * P,
                                  im * P,
                                  x[1] / sqrt(n1) * P,
                                  x[2] / sqrt(n2) * P,
                                  im / sqrt(n1 * n2) * P};
        norm += P;
        negative -= fmin(P, 0);
        for (int k = 0; k < 12; k++)
            sums[k] += terms[k];
    }
    const double got[12] = {m.a[0].re,           m.a[0].im,         m.n[0],        m.n_squared[0], m.a[1].im,
                            m.n_squared[1],      m.n1_n2,           m.a1dag_a2.re, m.a1dag_a2.im,  m.exp_i_theta[0].im,
                            m.exp_i_theta[1].re, m.exp_i_theta21.im};
    const double scale = 1e-13 * (double)size / fabs(norm);
    CLOSE(m.norm, norm / (double)size, 1e-13);
    CLOSE(m.negative, negative / norm, scale);
    CLOSE(m.edge, edge / norm, scale);
    for (int k = 0; k < 12; k++)
        if (sites == 2 || k < 4 || k == 9)
            CLOSE(got[k], sums[k] / norm, fmax(300 * scale, rounded(b, 0) * (double)size / fabs(norm)));
    free(moments);
    rig_release(&g);
}

static void test_moments(void **state)
{
    check_moments(*state, 1, 8);
    check_moments(*state, 1, 50);
    check_moments(*state, 2, 6);
    check_moments(*state, 2, 14);
}

/* The same to the bit whatever else is in the batch. */
static void test_company(void **state)
{
    nl_backend *b = *state;
    rig g = rig_new(b, 2, 9, 4);
    const size_t len = nl_moments_len(&g.op);
    double *together = new_array(2 * len), *alone = new_array(len), *first = new_array(elements(&g));
    OK(b->ops->moments(b, &g.op, &g.pool, jobs, 2, together));
    OK(b->ops->apply(b, &g.op, &g.pool, jobs, 2));
    is(&g, 0, 0);
    memcpy(first, g.now, elements(&g) * sizeof *first);
    OK(b->ops->put(b, g.pool.data, 0, g.host, elements(&g)));
    OK(b->ops->moments(b, &g.op, &g.pool, &jobs[1], 1, alone));
    assert_memory_equal(alone, together + len, len * sizeof *alone);
    for (int j = 1; j >= 0; j--)
        OK(b->ops->apply(b, &g.op, &g.pool, &jobs[j], 1));
    is(&g, 0, 0);
    assert_memory_equal(first, g.now, elements(&g) * sizeof *first);
    free(together);
    free(alone);
    free(first);
    rig_release(&g);
}

static int run_on(const backend_case *c)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply), cmocka_unit_test(test_matrix),  cmocka_unit_test(test_update),
        cmocka_unit_test(test_order), cmocka_unit_test(test_moments), cmocka_unit_test(test_company),
    };
    return run_tests_on(c, "the amplitude operator", tests, COUNT(tests));
}

int main(void)
{
    int failed = 0;
    for (int c = 0; c < COUNT(all_precisions); c++)
        failed += run_on(&all_precisions[c]);
    return failed;
}
