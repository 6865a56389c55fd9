/* The operator of the exact two-laser master equation and its moments, on every backend, against dense matrices. */
#include "dimer_moments.h"
#include "dimer_reference.h"
#include "rig.h"

static nl_backend *backend_of(void **state)
{
    return *state;
}

typedef struct dimer_rig {
    rig g;
    bool qubit;
    int planes;
    dimer_reference of[RIG_MAX_SLOTS];
    double complex *rho[RIG_MAX_SLOTS][4]; /* of each register as it was */
} dimer_rig;

/* Random states and other coefficients in every slot; the last register is NAN, to be written to. */
static dimer_rig dimer_rig_new(nl_backend *b, int N, bool qubit, int planes, bool closed, int slots, int registers)
{
    rng random = {(uint64_t)(100 * N + 10 * planes + 2 * qubit + closed)};
    dimer_rig r = {.qubit = qubit, .planes = planes};
    nl_dimer first = {.pair.components = qubit ? 4 : 1, .planes = planes};
    r.g = rig_of_size(b, nl_dimer_size(N, first.pair.components, planes), slots, registers, 1);
    r.g.op = nl_dimer_shape(&first, N);
    double *tables = new_array(slots * r.g.op.table_len);
    for (int s = 0; s < slots; s++) {
        r.of[s] = random_dimer(N, qubit, planes, closed, &random);
        const nl_dimer d = dimer_of(&r.of[s], planes);
        nl_dimer_fill_table(&d, N, tables + s * r.g.op.table_len);
        for (int reg = 0; reg < registers; reg++) {
            r.rho[s][reg] = random_pair(&r.of[s], planes, &random);
            assert_int_equal(pair_len(&r.of[s], planes), r.g.pool.size);
            pair_pack(&r.of[s], planes, r.rho[s][reg], rig_was(&r.g, s, reg));
        }
        for (size_t x = 0; x < r.g.pool.size; x++)
            rig_was(&r.g, s, registers - 1)[x] = NAN;
    }
    OK(nl_tables_new(b, &r.g.op, slots));
    OK(nl_tables_put(b, &r.g.op, slots, tables));
    rig_send(&r.g);
    free(tables);
    return r;
}

static void dimer_rig_release(dimer_rig *r)
{
    for (int s = 0; s < r->g.pool.slots; s++)
        for (int reg = 0; reg < r->g.pool.registers; reg++)
            free(r->rho[s][reg]);
    rig_release(&r->g);
}

/* What applying the operator to the register as it was gives. The caller frees. */
static double *expected_of(const dimer_rig *r, int slot, int reg)
{
    double complex *L = pair_derivative(&r->of[slot], r->rho[slot][reg]);
    double *out = new_array(r->g.pool.size);
    pair_pack(&r->of[slot], r->planes, L, out);
    free(L);
    return out;
}

/* Two of three slots, in an order of their own and from registers of their own. */
static const nl_job apply_jobs[] = {{.slot = 2, .in = {1}, .out = 2}, {.slot = 0, .in = {0}, .out = 2}};

static void check_apply(nl_backend *b, int N, bool qubit, int planes, bool closed)
{
    dimer_rig r = dimer_rig_new(b, N, qubit, planes, closed, 3, 3);
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, apply_jobs, COUNT(apply_jobs)));
    rig_look_around(&r.g, apply_jobs, COUNT(apply_jobs), false);
    for (int j = 0; j < COUNT(apply_jobs); j++) {
        double *expected = expected_of(&r, apply_jobs[j].slot, apply_jobs[j].in[0]);
        CLOSE(difference(rig_is(&r.g, apply_jobs[j].slot, 2), expected, r.g.pool.size), 0, rounded(b, 1e-13));
        free(expected);
    }
    dimer_rig_release(&r);
}

static void test_apply(void **state)
{
    for (int N = 2; N <= 5; N++)
        for (int planes = 1; planes <= 2; planes++)
            for (int closed = 0; closed <= 1; closed++)
                check_apply(backend_of(state), N, false, planes, closed);
}

/* At N = 3 every kind of element is there: an empty row and column, one inside, one at the cutoff. */
static void test_apply_qubit(void **state)
{
    for (int N = 2; N <= 3; N++)
        for (int planes = 1; planes <= 2; planes++)
            check_apply(backend_of(state), N, true, planes, planes == N % 2 + 1);
}

/* out = scale L in0 + sum c in, of two terms and of three, with out among them. */
static void test_update(void **state)
{
    nl_backend *b = backend_of(state);
    for (int planes = 1; planes <= 2; planes++)
        for (int terms = 2; terms <= 3; terms++) {
            const bool qubit = terms != planes + 1;
            dimer_rig r = dimer_rig_new(b, qubit ? 2 : 4, qubit, planes, true, 2, 4);
            const nl_job job = {.slot = 1, .n_terms = terms, .in = {0, 1, 2}, .c = {0.5, -0.75, 2}, .out = 1, .arg = 3,
                                .scale = 0.3};
            OK(nl_backend_update(b, &r.g.op, &r.g.pool, &job, 1));
            rig_look_around(&r.g, &job, 1, false);
            double *expected = expected_of(&r, 1, 0), *sum = rig_combination(&r.g, &job);
            for (size_t x = 0; x < r.g.pool.size; x++)
                expected[x] = 0.3 * expected[x] + sum[x];
            CLOSE(difference(rig_is(&r.g, 1, 1), expected, r.g.pool.size), 0, rounded(b, 1e-13));
            free(expected);
            free(sum);
            dimer_rig_release(&r);
        }
}

/* Whatever in a vector of two planes stands for no element is zero, to the bit. */
static void check_zeros(const dimer_reference *d, const double *v)
{
    const int inner = pair_inner(d);
    double *mark = new_array(pair_len(d, 2));
    for (int k = 0; k < inner * inner * inner * inner; k++) {
        const int s = pair_state(d, k / (inner * inner * inner)), t = pair_state(d, k / (inner * inner) % inner);
        const int u = pair_state(d, k / inner % inner), w = pair_state(d, k % inner);
        for (int p = 0; p < 2 && excitations_of(&d->site, s) >= excitations_of(&d->site, u); p++)
            mark[pair_at(d, s, t, u, w, p)] = 1;
    }
    for (size_t x = 0; x < pair_len(d, 2); x++)
        if (mark[x] == 0 && v[x] != 0)
            fail_msg("an element that is none has become %g (number %zu of %zu)", v[x], x, pair_len(d, 2));
    free(mark);
}

/* Trace and hermiticity of L rho, closed. */
static void check_conserves(nl_backend *b, int N, bool qubit)
{
    dimer_rig r = dimer_rig_new(b, N, qubit, 2, true, 1, 2);
    const dimer_reference *d = &r.of[0];
    const nl_dimer dimer = dimer_of(d, 2);
    const nl_job job = {.in = {0}, .out = 1};
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, &job, 1));
    rig_look(&r.g);
    double *v = rig_is(&r.g, 0, 1), *w = new_array(r.g.pool.size), trace = 0, magnitude = 0;
    for (int k = 0; k < pair_inner(d); k++)
        for (int l = 0; l < pair_inner(d); l++) {
            const int s = pair_state(d, k), t = pair_state(d, l);
            trace += v[pair_at(d, s, t, s, t, 0)];
            magnitude += fabs(v[pair_at(d, s, t, s, t, 0)]);
        }
    CLOSE(trace, 0, rounded(b, 1e-14) * magnitude);
    check_zeros(d, v);
    memcpy(w, v, r.g.pool.size * sizeof *v);
    nl_dimer_constrain(&dimer, N, w);
    CLOSE(difference(v, w, r.g.pool.size), 0, rounded(b, 1e-13));
    free(w);
    dimer_rig_release(&r);
}

static void test_conserves(void **state)
{
    check_conserves(backend_of(state), 6, false);
    check_conserves(backend_of(state), 3, true);
}

/* ---- moments ---- */

/* rho traced over the other laser, over all states of one. */
static double complex *traced(const dimer_reference *d, double complex *rho, int site)
{
    const int sites = pair_sites(d);
    double complex *out = new_matrix(sites);
    for (int m = 0; m < sites; m++)
        for (int n = 0; n < sites; n++)
            for (int k = 0; k < sites; k++)
                out[m * sites + n] += site == 0 ? *pair_element(d, rho, m, k, n, k) : *pair_element(d, rho, k, m, k, n);
    return out;
}

static double distance_of(const dimer_reference *d, double complex *rho, double trace)
{
    double complex *first = traced(d, rho, 0), *second = traced(d, rho, 1);
    const int sites = pair_sites(d), dim = pair_dim(d);
    double sum = 0;
    for (int k = 0; k < dim; k++)
        for (int l = 0; l < dim; l++) {
            const double complex z = rho[k * dim + l] - first[k / sites * sites + l / sites] *
                                                            second[k % sites * sites + l % sites] / trace;
            sum += creal(z * conj(z));
        }
    free(first);
    free(second);
    return sqrt(sum);
}

static void check_site(const dimer_rig *r, int j, const nl_dimer_values *v)
{
    const dimer_reference *d = &r->of[0];
    double complex *rho = r->rho[0][0];
    const int sites = pair_sites(d), levels = reference_levels(&d->site);
    const double complex a = mean_amplitude(d, rho, j);
    double complex *reduced = traced(d, rho, j);
    double site_purity = 0, top = 0, ground = 0;
    for (int k = 0; k < sites * sites; k++)
        site_purity += creal(reduced[k] * conj(reduced[k]));
    for (int k = 0; k < sites; k++) {
        top += excitations_of(&d->site, k) >= d->site.N - 2 ? creal(reduced[k * (sites + 1)]) : 0;
        ground += k < levels ? creal(reduced[k * (sites + 1)]) : 0;
    }
    CLOSE(v->a[j].re, creal(a), rounded(r->g.backend, 1e-12));
    CLOSE(v->a[j].im, cimag(a), rounded(r->g.backend, 1e-12));
    CLOSE(v->n[j], creal(mean_product(d, rho, j, j)), rounded(r->g.backend, 1e-12));
    CLOSE(v->site_purity[j], site_purity, rounded(r->g.backend, 1e-11));
    CLOSE(v->top[j], top, rounded(r->g.backend, 1e-12));
    CLOSE(v->ground[j], ground, rounded(r->g.backend, 1e-12));
    free(reduced);
}

static void check_values(const dimer_rig *r, const nl_dimer_values *v)
{
    const dimer_reference *d = &r->of[0];
    double complex *rho = r->rho[0][0];
    double trace = 0, purity = 0, n1_n2 = 0;
    for (int k = 0; k < pair_dim(d); k++) {
        const double p = creal(rho[k * pair_dim(d) + k]);
        trace += p;
        n1_n2 += photons_of(&d->site, k / pair_sites(d)) * photons_of(&d->site, k % pair_sites(d)) * p;
    }
    for (int k = 0; k < pair_dim(d) * pair_dim(d); k++)
        purity += creal(rho[k] * conj(rho[k]));
    CLOSE(v->trace, trace, rounded(r->g.backend, 1e-12));
    CLOSE(v->purity, purity, rounded(r->g.backend, 1e-11));
    CLOSE(v->n1_n2, n1_n2, rounded(r->g.backend, 1e-11));
    CLOSE(v->distance, distance_of(d, rho, trace), rounded(r->g.backend, 1e-13) * v->distance);
    const double complex cross = mean_product(d, rho, 0, 1);
    CLOSE(v->cross.re, creal(cross), rounded(r->g.backend, 1e-12));
    CLOSE(v->cross.im, cimag(cross), rounded(r->g.backend, 1e-12));
    for (int j = 0; j < 2; j++)
        check_site(r, j, v);
}

/* ... and the photons' reduced matrices of the state in memory. */
static void check_reduced(const dimer_rig *r, const nl_dimer *dimer)
{
    const dimer_reference *d = &r->of[0];
    const int N = d->site.N, sites = pair_sites(d), levels = reference_levels(&d->site);
    double *out = new_array(2 * (size_t)N * N);
    for (int j = 0; j < 2; j++) {
        double complex *reduced = traced(d, r->rho[0][0], j);
        nl_dimer_reduce(dimer, N, rig_was(&r->g, 0, 0), j, out);
        for (int k = 0; k < N * N; k++) {
            double complex rho = reduced[k / N * sites + k % N];
            if (d->site.qubit)
                rho += reduced[(levels + k / N) * sites + levels + k % N];
            CLOSE(out[2 * k], creal(rho), rounded(r->g.backend, 1e-13));
            CLOSE(out[2 * k + 1], cimag(rho), rounded(r->g.backend, 1e-13));
        }
        free(reduced);
    }
    free(out);
}

static void check_moments(nl_backend *b, int N, bool qubit, int planes)
{
    dimer_rig r = dimer_rig_new(b, N, qubit, planes, false, 2, 2);
    const nl_job jobs[] = {{.slot = 1, .in = {0}}, {.slot = 0, .in = {0}}};
    const size_t len = nl_moments_len(&r.g.op);
    const nl_dimer dimer = dimer_of(&r.of[0], planes);
    double *moments = new_array(2 * len);
    OK(b->ops->moments(b, &r.g.op, &r.g.pool, jobs, 2, moments));
    const nl_dimer_values v = nl_dimer_values_of(&dimer, N, moments + len);
    check_values(&r, &v);
    check_reduced(&r, &dimer);
    free(moments);
    dimer_rig_release(&r);
}

static void test_moments(void **state)
{
    for (int planes = 1; planes <= 2; planes++) {
        check_moments(backend_of(state), 4, false, planes);
        check_moments(backend_of(state), 3, true, planes);
    }
}

/* ---- tunnelling alone ---- */

/* Rates of change of n_1 and of n_1 + n_2: the Josephson current, and nothing. */
static void test_tunnelling_moves_photons(void **state)
{
    nl_backend *b = backend_of(state);
    dimer_rig r = dimer_rig_new(b, 5, false, 2, false, 1, 2);
    nl_dimer dimer = dimer_of(&r.of[0], 2);
    double *table = new_array(r.g.op.table_len), *moments = new_array(nl_moments_len(&r.g.op));
    const nl_job jobs[] = {{.in = {0}, .out = 1}, {.in = {1}}};
    dimer.pair.laser = (nl_laser){0};
    dimer.drive1 = dimer.drive2.re = dimer.drive2.im = 0;
    nl_dimer_fill_table(&dimer, 5, table);
    OK(b->ops->put(b, r.g.op.tables, 0, table, r.g.op.table_len));
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, jobs, 1));
    OK(b->ops->moments(b, &r.g.op, &r.g.pool, jobs + 1, 1, moments));
    const nl_dimer_values v = nl_dimer_values_of(&dimer, 5, moments);
    CLOSE(v.n[0], -2 * dimer.t_c * cimag(mean_product(&r.of[0], r.rho[0][0], 0, 1)), rounded(b, 1e-11));
    CLOSE(v.n[0] + v.n[1], 0, rounded(b, 1e-11));
    assert_true(fabs(v.n[0]) > 1e-3);
    free(table);
    free(moments);
    dimer_rig_release(&r);
}

/* ---- other pieces ---- */

/* Takes out what is not hermitian, and nothing else; (1, 2) and (2, 1) are two of the states of laser 2. */
static void check_constrain(int N, bool qubit, int planes)
{
    rng random = {77};
    const dimer_reference d = random_dimer(N, qubit, planes, false, &random);
    const nl_dimer dimer = dimer_of(&d, planes);
    const size_t len = pair_len(&d, planes);
    const int s = pair_state(&d, 2), t = pair_state(&d, 1), u = pair_state(&d, pair_inner(&d) - 1);
    double complex *rho = random_pair(&d, planes, &random);
    double *v = new_array(len), *w = new_array(len);
    pair_pack(&d, planes, rho, v);
    memcpy(w, v, len * sizeof *v);
    w[pair_at(&d, s, t, s, u, 0)] += 0.5;
    w[pair_at(&d, s, u, s, t, 0)] -= 0.5;
    w[pair_at(&d, t, s, t, s, planes - 1)] += planes - 1;
    w[0] = w[len - 1] = 3;
    for (int k = 0; k < pair_inner(&d) && qubit; k++) { /* rows of no excitation, qubit excited */
        const int e = reference_levels(&d.site), t = pair_state(&d, k);
        w[pair_at(&d, s, e, s, t, 0) - N] = 7;
        w[pair_at(&d, s, t, s, e, 0) - 1] = 7;
    }
    nl_dimer_constrain(&dimer, N, w);
    CLOSE(difference(w, v, len), 0, 1e-15);
    free(v);
    free(w);
    free(rho);
}

static void test_constrain(void **state)
{
    (void)state;
    for (int planes = 1; planes <= 2; planes++) {
        check_constrain(4, false, planes);
        check_constrain(3, true, planes);
    }
}

static void test_labels(void **state)
{
    size_t k = 0;
    (void)state;
    for (int m = 0; m < 700; m++)
        for (int n = 0; n <= m; n++, k++) {
            const nl_dimer_label at = nl_dimer_label_of(700, 1, k);
            if (at.m != m || at.n != n || at.c1 != 0 || at.c2 != 0 || nl_dimer_block(700, 1, at) != k)
                fail_msg("block %zu is (%d, %d), not (%d, %d)", k, m, n, at.m, at.n);
        }
    for (k = 0; k < nl_dimer_blocks(40, 4); k++) {
        const nl_dimer_label at = nl_dimer_label_of(40, 4, k);
        assert_true(at.c1 < 4 && at.c2 < 4 && at.m < 40 && at.n <= at.m && nl_dimer_block(40, 4, at) == k);
    }
}

/* ---- one backend against another ---- */

static void apply_and_measure(nl_backend *b, int N, bool qubit, int planes, double *out, double *moments)
{
    dimer_rig r = dimer_rig_new(b, N, qubit, planes, true, 2, 2);
    const nl_job jobs[] = {{.slot = 0, .in = {0}, .out = 1}, {.slot = 1, .in = {0}, .out = 1}};
    OK(b->ops->apply(b, &r.g.op, &r.g.pool, jobs, 2));
    OK(b->ops->moments(b, &r.g.op, &r.g.pool, jobs, 2, moments));
    rig_look(&r.g);
    memcpy(out, rig_is(&r.g, 0, 1), r.g.pool.size * sizeof *out);
    memcpy(out + r.g.pool.size, rig_is(&r.g, 1, 1), r.g.pool.size * sizeof *out);
    dimer_rig_release(&r);
}

static void check_agree(nl_backend *b, int N, bool qubit)
{
    const int planes = 2, components = qubit ? 4 : 1;
    const size_t size = 2 * nl_dimer_size(N, components, planes), len = 2 * nl_dimer_moments_len(N, components);
    double *first = new_array(size), *first_moments = new_array(len), *out = new_array(size), *moments = new_array(len);
    nl_backend *cpu;
    OK(nl_backend_open_cpu(1, &cpu));
    apply_and_measure(cpu, N, qubit, planes, first, first_moments);
    apply_and_measure(b, N, qubit, planes, out, moments);
    CLOSE(difference(out, first, size), 0, rounded(b, 1e-12));
    CLOSE(difference(moments, first_moments, len), 0, rounded(b, 1e-12));
    nl_backend_close(cpu);
    free(first);
    free(first_moments);
    free(out);
    free(moments);
}

/* Photon: more than one block of threads to a block (m, n). */
static void test_backends_agree(void **state)
{
    check_agree(backend_of(state), 8, false);
    check_agree(backend_of(state), 3, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply),     cmocka_unit_test(test_apply_qubit),
        cmocka_unit_test(test_update),    cmocka_unit_test(test_conserves),
        cmocka_unit_test(test_moments),   cmocka_unit_test(test_tunnelling_moves_photons),
        cmocka_unit_test(test_constrain), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_backends_agree),
    };
    int failed = 0;
    for (int c = 0; c < COUNT(all_precisions); c++)
        failed += run_tests_on(&all_precisions[c], "the dimer", tests, COUNT(tests));
    return failed;
}
