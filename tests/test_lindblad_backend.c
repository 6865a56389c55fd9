/* The Lindblad operator and its moments, on every backend, against dense matrices. */
#include "lindblad_rig.h"

static nl_backend *backend_of(void **state)
{
    return *state;
}

static reference_shape shape_of(bool qubit, int N, int orders, int planes)
{
    return (reference_shape){.qubit = qubit, .N = N, .orders = orders, .planes = planes};
}

/* ---- the reference ---- */

static double complex element(const double complex *rho, int N, int dim, int m, int n)
{
    return m < 0 || n < 0 || m >= N || n >= N ? 0 : rho[m * dim + n];
}

/* Eq. 6 for one site written out in its elements. */
static double complex element_of_eq_6(const reference_laser *l, double complex f, const double complex *rho, int N,
                                      int dim, int m, int n)
{
#define RHO(i, j) element(rho, N, dim, i, j)
    return (-l->A * (m + n + 2) - l->C * (m + n) + l->B * (m + 1) * (n + 1)) * RHO(m, n) +
           (2 * l->A + l->B) * sqrt(m * n) * RHO(m - 1, n - 1) +
           2 * l->C * sqrt((m + 1) * (n + 1)) * RHO(m + 1, n + 1) -
           l->B * sqrt(m * (m - 1) * n * (n - 1)) * RHO(m - 2, n - 2) -
           I * conj(f) * (sqrt(m + 1) * RHO(m + 1, n) - sqrt(n) * RHO(m, n - 1)) -
           I * f * (sqrt(m) * RHO(m - 1, n) - sqrt(n + 1) * RHO(m, n + 1));
#undef RHO
}

static void test_reference_is_eq_6(void **state)
{
    const reference_shape s = shape_of(false, 9, 9, 2);
    const int dim = reference_dim(&s);
    rng r = {5};
    (void)state;
    const reference_laser l = random_laser(&r, ON_ALL, 2);
    double complex *rho = random_hermitian(&s, &r);
    for (int x = 0; x < dim * dim; x++) /* the formula holds for any matrix */
        rho[x] *= 1 + 0.1 * I * (x % 7);
    double complex *L = reference_derivative(&s, &l, 0.3 - 0.8 * I, rho);
    for (int m = 0; m < s.N; m++)
        for (int n = 0; n < s.N; n++)
            CLOSE(cabs(L[m * dim + n] - element_of_eq_6(&l, 0.3 - 0.8 * I, rho, s.N, dim, m, n)), 0, 1e-12);
    free(rho);
    free(L);
}

/* Eq. 1 from |g, 3>, by hand. */
static void test_reference_is_eq_1(void **state)
{
    const reference_shape s = shape_of(true, 6, 6, 2);
    const int dim = reference_dim(&s), g3 = 3, e3 = reference_levels(&s) + 3, e2 = e3 - 1, g2 = 2;
    const reference_laser l = {.g = 0.7, .gamma = 1.3, .C = 0.4};
    double complex *rho = new_matrix(dim);
    (void)state;
    rho[g3 * dim + g3] = 1;
    double complex *L = reference_derivative(&s, &l, 0, rho);
    CLOSE(cabs(L[g3 * dim + g3] - (-2 * l.gamma - 2 * 3 * l.C)), 0, 1e-14);
    CLOSE(cabs(L[e3 * dim + e3] - 2 * l.gamma), 0, 1e-14);
    CLOSE(cabs(L[g2 * dim + g2] - 2 * 3 * l.C), 0, 1e-14);
    CLOSE(cabs(L[e2 * dim + g3] - -I * l.g * sqrt(3)), 0, 1e-14);
    CLOSE(cabs(L[g3 * dim + e2] - I * l.g * sqrt(3)), 0, 1e-14);
    free(rho);
    free(L);
}

static void test_reference_packing(void **state)
{
    rng r = {8};
    (void)state;
    for (int k = 0; k < 16; k++) {
        const reference_shape s = shape_of(k & 1, k & 2 ? 5 : 8, k & 4 ? 5 : 3, k & 8 ? 2 : 1);
        const nl_operator op = {.kind = NL_OPERATOR_LINDBLAD, .sites = 1, .n = s.N, .orders = s.orders,
                                .components = s.qubit ? 4 : 1, .planes = s.planes};
        const int dim = reference_dim(&s);
        double complex *rho = random_hermitian(&s, &r);
        double *v = new_array(reference_size(&s));
        assert_int_equal(reference_size(&s), nl_operator_size(&op));
        reference_pack(&s, rho, v);
        double complex *back = reference_unpack(&s, v);
        for (int x = 0; x < dim * dim; x++)
            CLOSE(cabs(back[x] - rho[x]), 0, 1e-15);
        free(rho);
        free(back);
        free(v);
    }
}

/* ---- the operator ---- */

/* Two of three slots, in an order of their own and from registers of their own. */
static const nl_job apply_jobs[] = {{.slot = 2, .in = {1}, .out = 2}, {.slot = 0, .in = {0}, .out = 2}};

/* NAN where any is. */
static double largest_difference(const double *a, const double *b, size_t n)
{
    double most = 0;
    for (size_t x = 0; x < n; x++)
        most = fabs(a[x] - b[x]) > most || isnan(a[x] - b[x]) ? fabs(a[x] - b[x]) : most;
    return most;
}

/* The states are of order 1, as the coefficients are. */
static void check_apply(nl_backend *b, const reference_shape *shape, int sites, int on)
{
    lindblad_rig r = lindblad_rig_new(b, shape, sites, on, 3, 3);
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, apply_jobs, COUNT(apply_jobs)));
    rig_look_around(&r.g, apply_jobs, COUNT(apply_jobs), false);
    for (int j = 0; j < COUNT(apply_jobs); j++) {
        const nl_job *job = &apply_jobs[j];
        double *expected = lindblad_rig_expected(&r, job->slot, job->in[0]), *is = rig_is(&r.g, job->slot, job->out);
        CLOSE(largest_difference(is, expected, r.g.pool.size), 0,
              rounded(b, 1e-12) * (largest(expected, r.g.pool.size) + (is_single(b) ? 0.1 : 1e-3)));
        check_zeros(&r, is);
        free(expected);
    }
    rig_release(&r.g);
}

static void check_terms(nl_backend *b, bool qubit, int N, int orders)
{
    for (int planes = 1; planes <= 2; planes++)
        for (int sites = 1; sites <= 2; sites++) {
            const reference_shape shape = shape_of(qubit, N, orders, planes);
            for (int on = 1; on < ON_CLOSED; on *= 2)
                check_apply(b, &shape, sites, on);
            check_apply(b, &shape, sites, ON_ALL);
            check_apply(b, &shape, sites, ON_ALL | ON_CLOSED);
        }
}

static void test_apply(void **state)
{
    static const int levels[] = {1, 2, 3, 6, 11};
    for (int k = 0; k < COUNT(levels); k++)
        for (int qubit = 0; qubit < 2; qubit++)
            check_terms(backend_of(state), qubit, levels[k], levels[k]);
}

static void test_apply_with_few_orders(void **state)
{
    for (int orders = 1; orders < 8; orders++)
        for (int qubit = 0; qubit < 2; qubit++)
            check_terms(backend_of(state), qubit, 8, orders);
}

/* Several blocks, none full; orders in several blocks on the CPU. */
static void test_apply_on_larger_spaces(void **state)
{
    nl_backend *b = backend_of(state);
    for (int planes = 1; planes <= 2; planes++)
        for (int qubit = 0; qubit < 2; qubit++) {
            const reference_shape all = shape_of(qubit, 37, 37, planes), few = shape_of(qubit, 45, 21, planes);
            check_apply(b, &all, 2, ON_ALL | ON_CLOSED);
            check_apply(b, &few, 2, ON_ALL | ON_CLOSED);
        }
}

/* With one plane there is no place for an imaginary part: there must be none. */
static void test_real_states_stay_real(void **state)
{
    rng r = {31};
    (void)state;
    for (int qubit = 0; qubit < 2; qubit++) {
        const reference_shape real = shape_of(qubit, 9, 9, 1), complex_shape = shape_of(qubit, 9, 9, 2);
        const reference_laser l = random_laser(&r, ON_ALL, 1);
        double complex *rho = random_hermitian(&real, &r), *L = reference_derivative(&real, &l, 0.8, rho);
        double *v = new_array(reference_size(&complex_shape));
        reference_pack(&complex_shape, L, v);
        const size_t plane = reference_size(&complex_shape) / (qubit ? 8 : 2);
        for (int c = 0; c < (qubit ? 4 : 1); c++) {
            assert_true(largest(v + 2 * c * plane, plane) > 0.1);
            CLOSE(largest(v + (2 * c + 1) * plane, plane), 0, 1e-12);
        }
        free(rho);
        free(L);
        free(v);
    }
}

/* ---- the trace ---- */

/* Sum of the diagonal elements of one site, and of their magnitudes. */
static double trace_of(const lindblad_rig *r, const double *v, double *magnitude)
{
    const size_t plane = nl_lindblad_plane(&r->g.op);
    double sum = 0;
    *magnitude = 0;
    for (int c = 0; c < (r->shape.qubit ? 2 : 1); c++)
        for (int E = 0; E < r->shape.N; E++) {
            sum += v[c * r->shape.planes * plane + 2 + E];
            *magnitude += fabs(v[c * r->shape.planes * plane + 2 + E]);
        }
    return sum;
}

static void check_trace(nl_backend *b, const reference_shape *shape, int on, bool conserved)
{
    lindblad_rig r = lindblad_rig_new(b, shape, 2, on, 3, 3);
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, apply_jobs, COUNT(apply_jobs)));
    rig_look(&r.g);
    for (int j = 0; j < COUNT(apply_jobs); j++)
        for (int site = 0; site < 2; site++) {
            const double *v = rig_is(&r.g, apply_jobs[j].slot, apply_jobs[j].out) + site * (r.g.pool.size / 2);
            double magnitude;
            const double trace = trace_of(&r, v, &magnitude);
            if (conserved)
                CLOSE(trace, 0, rounded(b, 1e-14) * magnitude);
            else
                assert_true(fabs(trace) > 1e-4 * magnitude);
        }
    rig_release(&r.g);
}

static void test_trace(void **state)
{
    static const int gains[] = {ON_A, ON_B, ON_GAMMA};
    nl_backend *b = backend_of(state);
    for (int k = 0; k < 8; k++) {
        const reference_shape shape = shape_of(k & 1, k & 2 ? 2 : 12, 2, k & 4 ? 2 : 1);
        check_trace(b, &shape, ON_ALL | ON_CLOSED, true);
        check_trace(b, &shape, ON_CONSERVING, true);
        check_trace(b, &shape, ON_ALL, false);
        for (int g = 0; g < COUNT(gains); g++)
            if ((gains[g] == ON_GAMMA) == shape.qubit) {
                check_trace(b, &shape, gains[g], false);
                check_trace(b, &shape, gains[g] | ON_CLOSED, true);
            }
    }
}

/* ---- moments ---- */

typedef double state_value(const reference_shape *, int state);

static double photons(const reference_shape *s, int state)
{
    return photons_of(s, state);
}

static double photons_squared(const reference_shape *s, int state)
{
    return (double)photons_of(s, state) * photons_of(s, state);
}

static double one(const reference_shape *s, int state)
{
    (void)s, (void)state;
    return 1;
}

static double at_the_top(const reference_shape *s, int state)
{
    return excitations_of(s, state) == s->N - 1 || excitations_of(s, state) == s->N - 2;
}

static double in_ground_state(const reference_shape *s, int state)
{
    return s->qubit && state < reference_levels(s);
}

/* Tr of rho and an operator that is diagonal. */
static double mean_value(const reference_shape *s, const double complex *rho, state_value *value)
{
    double sum = 0;
    for (int x = 0; x < reference_dim(s); x++)
        sum += value(s, x) * creal(rho[x * reference_dim(s) + x]);
    return sum;
}

static void check_site_moments(const lindblad_rig *r, int slot, int reg, int site, const double *m)
{
    const reference_shape *s = &r->shape;
    double complex *rho = lindblad_rig_matrix(r, slot, reg, site);
    const double N = s->N, scale = 1e-14 * N * (s->qubit ? 2 : 1); /* in any precision */
    const double complex amplitude = lindblad_rig_amplitude(r, slot, reg, site);
    CLOSE(m[NL_LINDBLAD_TRACE], mean_value(s, rho, one), scale);
    CLOSE(cabs(-I * (m[NL_LINDBLAD_SUM_RE] + m[NL_LINDBLAD_SUM_IM] * I) - amplitude), 0,
          rounded(r->g.backend, scale) * sqrt(N));
    CLOSE(m[NL_LINDBLAD_N], mean_value(s, rho, photons), scale * N);
    CLOSE(m[NL_LINDBLAD_N2], mean_value(s, rho, photons_squared), scale * N * N);
    const double purity = creal(mean_of(rho, rho, reference_dim(s)));
    CLOSE(m[NL_LINDBLAD_PURITY], purity, 1e-13 * purity);
    CLOSE(m[NL_LINDBLAD_TOP], mean_value(s, rho, at_the_top), scale);
    CLOSE(m[NL_LINDBLAD_GROUND], mean_value(s, rho, in_ground_state), scale);
    free(rho);
}

static void check_moments(nl_backend *b, const reference_shape *shape, int sites)
{
    lindblad_rig r = lindblad_rig_new(b, shape, sites, ON_ALL, 3, 3);
    const nl_job jobs[] = {{.slot = 1, .in = {1}}, {.slot = 2, .in = {0}}};
    const size_t len = nl_moments_len(&r.g.op);
    double *moments = new_array(2 * len);
    assert_int_equal(len, sites * NL_LINDBLAD_MOMENTS);
    OK(b->ops->moments(b, &r.g.op, &r.g.pool, jobs, 2, moments));
    rig_look_around(&r.g, NULL, 0, false);
    for (int j = 0; j < 2; j++)
        for (int site = 0; site < sites; site++)
            check_site_moments(&r, jobs[j].slot, jobs[j].in[0], site, moments + j * len + site * NL_LINDBLAD_MOMENTS);
    free(moments);
    rig_release(&r.g);
}

static void test_moments(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 2}, {3, 3}, {7, 7}, {7, 1}, {9, 2}, {9, 5}, {101, 101}, {120, 50}};
    for (int k = 0; k < COUNT(sizes); k++)
        for (int variant = 0; variant < 8; variant++) {
            const reference_shape s = shape_of(variant & 1, sizes[k][0], sizes[k][1], variant & 2 ? 2 : 1);
            check_moments(backend_of(state), &s, variant & 4 ? 2 : 1);
        }
}

static void test_no_jobs(void **state)
{
    nl_backend *b = backend_of(state);
    const reference_shape s = shape_of(true, 4, 4, 2);
    lindblad_rig r = lindblad_rig_new(b, &s, 2, ON_ALL, 1, 2);
    double none;
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, NULL, 0));
    OK(nl_backend_stage(b, &r.g.op, &r.g.pool, (nl_job[1]){{0}}, 0));
    OK(nl_backend_update(b, &r.g.op, &r.g.pool, (nl_job[1]){{0}}, 0));
    OK(b->ops->moments(b, &r.g.op, &r.g.pool, NULL, 0, &none));
    rig_look_around(&r.g, NULL, 0, false);
    rig_release(&r.g);
}

/* ---- the same whatever the company, the threads, the backend ---- */

/* Three vectors of every slot, and the moments of one. */
typedef struct outcome {
    size_t size, len; /* of a vector; per slot */
    double *of[RIG_MAX_SLOTS];
} outcome;

static outcome outcome_new(const rig *g)
{
    outcome o = {.size = g->pool.size, .len = 3 * g->pool.size + nl_moments_len(&g->op)};
    for (int s = 0; s < g->pool.slots; s++)
        o.of[s] = new_array(o.len);
    return o;
}

static void outcome_release(outcome *o)
{
    for (int s = 0; s < RIG_MAX_SLOTS; s++)
        free(o->of[s]);
}

/* Apply, stage and update, then moments, on the listed slots at once. */
static void run_all(rig *g, const int *slots, int count, outcome *o)
{
    nl_backend *b = g->backend;
    const size_t len = nl_moments_len(&g->op);
    nl_job apply[RIG_MAX_SLOTS], stage[RIG_MAX_SLOTS], update[RIG_MAX_SLOTS];
    double *moments = new_array(count * len);
    for (int a = 0; a < count; a++) {
        apply[a] = (nl_job){.slot = slots[a], .in = {1}, .out = 3};
        stage[a] = (nl_job){.slot = slots[a], .n_terms = 3, .in = {0, 1, 2}, .c = {1, 0.1, -0.2}, .out = 4, .arg = 6};
        update[a] = (nl_job){.slot = slots[a], .n_terms = 2, .in = {3, 1}, .c = {-0.3, 0.7}, .scale = 0.05, .out = 5};
    }
    OK(b->ops->put(b, g->pool.data, 0, g->host, rig_elements(g)));
    OK(b->ops->apply(b, &g->op, &g->pool, apply, count));
    OK(nl_backend_stage(b, &g->op, &g->pool, stage, count));
    OK(nl_backend_update(b, &g->op, &g->pool, update, count));
    OK(b->ops->moments(b, &g->op, &g->pool, update, count, moments));
    rig_look(g);
    for (int a = 0; a < count; a++) {
        for (int v = 0; v < 3; v++)
            memcpy(o->of[slots[a]] + v * o->size, rig_is(g, slots[a], 3 + v), o->size * sizeof(double));
        memcpy(o->of[slots[a]] + 3 * o->size, moments + a * len, len * sizeof(double));
    }
    free(moments);
}

static void check_same(const outcome *a, const outcome *b, int slots)
{
    for (int s = 0; s < slots; s++) {
        for (size_t x = 0; x < a->len; x++)
            assert_true(isfinite(a->of[s][x]));
        assert_memory_equal(a->of[s], b->of[s], a->len * sizeof(double));
    }
}

static void check_company(nl_backend *b, const reference_shape *shape)
{
    static const int all[] = {0, 1, 2, 3}, some[] = {3, 1}, others[] = {2, 0};
    lindblad_rig r = lindblad_rig_new(b, shape, 2, ON_ALL | ON_CLOSED, 4, 7);
    outcome together = outcome_new(&r.g), apart = outcome_new(&r.g), alone = outcome_new(&r.g);
    run_all(&r.g, all, 4, &together);
    run_all(&r.g, some, 2, &apart);
    run_all(&r.g, others, 2, &apart);
    for (int s = 0; s < 4; s++)
        run_all(&r.g, &s, 1, &alone);
    check_same(&together, &apart, 4);
    check_same(&together, &alone, 4);
    outcome_release(&together);
    outcome_release(&apart);
    outcome_release(&alone);
    rig_release(&r.g);
}

static void test_company_does_not_matter(void **state)
{
    for (int k = 0; k < 4; k++) {
        const int planes = k & 2 ? 2 : 1;
        const reference_shape small = shape_of(k & 1, 13, 13, planes), large = shape_of(k & 1, 72, 60, planes);
        check_company(backend_of(state), &small);
        check_company(backend_of(state), &large); /* together enough for several threads */
    }
}

static void test_threads_do_not_matter(void **state)
{
    static const int all[] = {0, 1, 2}, threads[] = {1, 2, 3, 7};
    (void)state;
    for (int qubit = 0; qubit < 2; qubit++) {
        const reference_shape s = shape_of(qubit, 150, 140, 2); /* enough for all threads in one member */
        outcome first = {0};
        for (int t = 0; t < COUNT(threads); t++) {
            nl_backend *b;
            OK(nl_backend_open_cpu(threads[t], &b));
            lindblad_rig r = lindblad_rig_new(b, &s, 2, ON_ALL | ON_CLOSED, 3, 7);
            outcome o = outcome_new(&r.g);
            run_all(&r.g, all, 3, &o);
            if (t > 0) {
                check_same(&first, &o, 3);
                outcome_release(&o);
            } else
                first = o;
            rig_release(&r.g);
            nl_backend_close(b);
        }
        outcome_release(&first);
    }
}

static void check_alike(const outcome *a, const outcome *b, int slots, int sites, double tolerance)
{
    for (int s = 0; s < slots; s++) {
        const double *x = a->of[s], *y = b->of[s];
        for (int v = 0; v < 3; v++)
            CLOSE(difference(x + v * a->size, y + v * a->size, a->size), 0, tolerance);
        for (int site = 0; site < sites; site++) /* in units of the largest, as the sums may cancel */
            CLOSE(difference(x + 3 * a->size + site * NL_LINDBLAD_MOMENTS, y + 3 * a->size + site * NL_LINDBLAD_MOMENTS,
                             NL_LINDBLAD_MOMENTS), 0, tolerance);
    }
}

static void check_agreement(nl_backend *cpu, nl_backend *cuda, const reference_shape *s, int sites, int slots)
{
    static const int all[RIG_MAX_SLOTS] = {0, 1, 2, 3};
    lindblad_rig r = lindblad_rig_new(cpu, s, sites, ON_ALL | ON_CLOSED, slots, 7);
    lindblad_rig q = lindblad_rig_new(cuda, s, sites, ON_ALL | ON_CLOSED, slots, 7);
    outcome a = outcome_new(&r.g), b = outcome_new(&q.g);
    run_all(&r.g, all, slots, &a);
    run_all(&q.g, all, slots, &b);
    check_alike(&a, &b, slots, sites, rounded(cuda, 1e-12));
    outcome_release(&a);
    outcome_release(&b);
    rig_release(&r.g);
    rig_release(&q.g);
}

static void test_cpu_and_cuda_agree(void **state)
{
    const reference_shape large[] = {shape_of(false, 421, 421, 1), shape_of(true, 333, 40, 1)};
    nl_backend *cpu, *cuda = *state;
    OK(nl_backend_open_cpu(2, &cpu));
    for (int k = 0; k < 16; k++) {
        const reference_shape s = shape_of(k & 1, 47, k & 8 ? 47 : 23, k & 2 ? 2 : 1);
        check_agreement(cpu, cuda, &s, k & 4 ? 2 : 1, 3);
    }
    for (int k = 0; k < COUNT(large); k++)
        check_agreement(cpu, cuda, &large[k], 1, 1);
    nl_backend_close(cpu);
}

static int run_on(const backend_case *c)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_apply_with_few_orders),
        cmocka_unit_test(test_apply_on_larger_spaces),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_no_jobs),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_cpu_and_cuda_agree), /* last: on CUDA only */
    };
    const int count = strcmp(c->name, "cuda") == 0 ? COUNT(tests) : COUNT(tests) - 1;
    return run_tests_on(c, "the tests of the Lindblad operator", tests, count);
}

int main(void)
{
    const struct CMUnitTest common[] = {
        cmocka_unit_test(test_reference_is_eq_6),
        cmocka_unit_test(test_reference_is_eq_1),
        cmocka_unit_test(test_reference_packing),
        cmocka_unit_test(test_real_states_stay_real),
        cmocka_unit_test(test_threads_do_not_matter),
    };
    int failed = cmocka_run_group_tests(common, NULL, NULL);
    for (int c = 0; c < COUNT(all_precisions); c++)
        failed += run_on(&all_precisions[c]);
    return failed;
}
