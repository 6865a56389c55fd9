/* Runge-Kutta-Chebyshev methods: polynomials, ellipses, the choice of stages and damping, and the stepper. */
#include "lindblad_reference.h"
#include "phase_reference.h"
#include "run_support.h"

enum { MAX_STAGES = NL_CHEBYSHEV_MAX_STAGES };

static nl_backend *cpu;

static int open_cpu(void **state)
{
    (void)state;
    return nl_backend_open_cpu(1, &cpu) != NL_OK;
}

static int close_cpu(void **state)
{
    nl_backend_close(cpu);
    return forget_files(state);
}

/* ---- stability polynomials ---- */

static const int stage_numbers[] = {2, 3, 4, 7, 20, 60, 200};
static const double dampings[] = {0.7, 1, 2.5, 5};

typedef void method_check(nl_chebyshev);

static void check_methods(method_check *check)
{
    for (int order = 1; order <= 2; order++)
        for (int s = 0; s < COUNT(stage_numbers); s++)
            for (int d = 0; d < COUNT(dampings); d++)
                check((nl_chebyshev){order, stage_numbers[s], dampings[d]});
}

/* Adds f times p, shifted by one power of z where `shift`, to the coefficients of 1 ... z^3. */
static void add_polynomial(double out[4], double f, const double p[4], int shift)
{
    for (int k = 0; k + shift < 4; k++)
        out[k + shift] += f * p[k];
}

/* The first coefficients of P, by the recurrence that the stages tell. */
static void coefficients(nl_chebyshev method, double P[4])
{
    static const double one[4] = {1};
    nl_chebyshev_stage stage[MAX_STAGES + 1];
    double before[4] = {1}, now[4] = {1};
    nl_chebyshev_stages(method, stage);
    add_polynomial(now, stage[1].mu_F, one, 1);
    for (int j = 2; j <= method.stages; j++) {
        const nl_chebyshev_stage c = stage[j];
        double next[4] = {0};
        add_polynomial(next, c.mu, now, 0);
        add_polynomial(next, c.nu, before, 0);
        add_polynomial(next, 1 - c.mu - c.nu, one, 0);
        add_polynomial(next, c.mu_F, now, 1);
        add_polynomial(next, c.gamma_F, one, 1);
        memcpy(before, now, sizeof now);
        memcpy(now, next, sizeof now);
    }
    memcpy(P, now, sizeof now);
}

/* P = exp(z) up to z^order, and no further; coefficients of z^k round like stages^2. */
static void check_order(nl_chebyshev m)
{
    const double round = 1e-15 * m.stages * m.stages;
    double P[4];
    coefficients(m, P);
    CLOSE(P[0], 1, round);
    CLOSE(P[1], 1, round);
    if (m.order == 2)
        CLOSE(P[2], 0.5, round);
    BETWEEN(fabs(m.order == 1 ? P[2] - 1. / 2 : P[3] - 1. / 6), 1e-3, 0.5);
}

static void test_order_conditions(void **state)
{
    (void)state;
    check_methods(check_order);
}

/* Order 1 keeps y and the two stages before only: mu + nu = 1. */
static void test_first_order_needs_no_start(void **state)
{
    nl_chebyshev_stage stage[MAX_STAGES + 1];
    (void)state;
    for (int s = 0; s < COUNT(stage_numbers); s++) {
        nl_chebyshev_stages((nl_chebyshev){1, stage_numbers[s], 1.5}, stage);
        for (int j = 2; j <= stage_numbers[s]; j++) {
            CLOSE(stage[j].mu + stage[j].nu, 1, 1e-14);
            assert_true(stage[j].gamma_F == 0);
        }
    }
}

/* T_s and its two derivatives, by their recurrences. */
static void chebyshev_polynomial(int s, double x, double T[3])
{
    double a[3] = {1, 0, 0}, b[3] = {x, 1, 0};
    for (int k = 2; k <= s; k++) {
        const double c[3] = {2 * x * b[0] - a[0], 2 * b[0] + 2 * x * b[1] - a[1], 4 * b[1] + 2 * x * b[2] - a[2]};
        memcpy(a, b, sizeof a);
        memcpy(b, c, sizeof b);
    }
    memcpy(T, b, sizeof b);
}

typedef struct closed_form {
    int stages;
    double w0, w1, a, b; /* P(z) = a + b T_s(w0 + w1 z) */
} closed_form;

static closed_form closed_form_of(nl_chebyshev m)
{
    closed_form f = {.stages = m.stages, .w0 = cosh(m.delta / m.stages)};
    double T[3];
    chebyshev_polynomial(m.stages, f.w0, T);
    f.w1 = m.order == 1 ? T[0] / T[1] : T[1] / T[2];
    f.b = m.order == 1 ? 1 / T[0] : T[2] / (T[1] * T[1]);
    f.a = 1 - f.b * T[0];
    return f;
}

static double closed_amplification(const closed_form *f, double complex z)
{
    return cabs(f->a + f->b * ccosh(f->stages * cacosh(f->w0 + f->w1 * z)));
}

static void check_closed_form(nl_chebyshev m)
{
    const closed_form f = closed_form_of(m);
    rng r = {(uint64_t)(m.stages + m.order)};
    for (int k = 0; k < 40; k++) {
        const double angle = uniform(&r, 0, 6), share = uniform(&r, 0, 1.02), delta = m.delta / m.stages;
        const double complex z = share * (cosh(delta) * (cos(angle) - 1) + I * sinh(delta) * sin(angle)) / f.w1;
        const double expected = closed_amplification(&f, z), round = 3e-14 * m.stages * m.stages;
        CLOSE(nl_chebyshev_amplification(m, creal(z), cimag(z)), expected, round * (1 + expected));
    }
}

static void test_closed_form(void **state)
{
    (void)state;
    check_methods(check_closed_form);
}

/* ---- ellipses ---- */

static const nl_ellipse ellipses[] = {{1, 0},     {1, 0.01}, {1, 0.1},   {1, 0.3},   {1, 0.5},
                                      {3400, 12}, {3400, 80}, {700, 90}, {2, 3}};

/* The largest |P| on the ellipse's boundary and inside it, at step h. */
static double largest_amplification(nl_chebyshev m, nl_ellipse e, double h)
{
    const closed_form f = closed_form_of(m);
    const double a = e.real * h / 2, b = e.imaginary * h, pi = acos(-1);
    const int angles = 40 + 4 * m.stages;
    double most = 0;
    for (int i = 0; i <= angles; i++)
        for (double share = 1; share > 0; share -= 0.33) {
            const double theta = pi * i / angles;
            most = fmax(most, closed_amplification(&f, -a + share * (a * cos(theta) + I * b * sin(theta))));
        }
    return most;
}

/* Whether the ellipse in which |P| <= 1 holds the other: it is longer, and rounder at 0, where both end. */
static bool holds(nl_chebyshev m, nl_ellipse e, double h)
{
    const closed_form f = closed_form_of(m);
    const bool as_long = h * e.real <= (f.w0 + 1) / f.w1;
    return as_long && h * 2 * e.imaginary * e.imaginary / e.real <= (f.w0 * f.w0 - 1) / (f.w1 * f.w0);
}

/* Whether some damping makes s stages hold the ellipse. */
static bool some_damping_holds(int order, int s, nl_ellipse e, double h)
{
    for (double delta = 0.7; delta <= 5; delta *= 1.01)
        if (holds((nl_chebyshev){order, s, delta}, e, h))
            return true;
    return false;
}

static void check_choice(int order, nl_ellipse e, double h)
{
    const nl_chebyshev m = nl_chebyshev_choose(order, e, h);
    assert_int_equal(m.order, order);
    BETWEEN(m.stages, 2, MAX_STAGES);
    BETWEEN(m.delta, 0.7, 5);
    if (m.stages == MAX_STAGES)
        return;
    BETWEEN(largest_amplification(m, e, h), 0, 1 + 1e-13 * m.stages * m.stages);
    if (m.stages > 2)
        assert_false(some_damping_holds(order, m.stages - 1, e, 1.01 * h)); /* the dampings tried are fewer */
}

static void test_choice(void **state)
{
    (void)state;
    for (int order = 1; order <= 2; order++)
        for (int k = 0; k < COUNT(ellipses); k++) {
            const double longest = nl_chebyshev_longest_step(order, ellipses[k]);
            for (double share = 1; share > 1e-3; share *= 0.45)
                check_choice(order, ellipses[k], share * longest);
        }
}

/* The longest step is one that the stages reach, and little is won by others per stage. */
static void test_longest_step(void **state)
{
    (void)state;
    for (int order = 1; order <= 2; order++)
        for (int k = 0; k < COUNT(ellipses); k++) {
            const double h = nl_chebyshev_longest_step(order, ellipses[k]);
            const nl_chebyshev m = nl_chebyshev_choose(order, ellipses[k], h);
            BETWEEN(largest_amplification(m, ellipses[k], h), 0, 1 + 1e-13 * m.stages * m.stages);
            for (double factor = 0.01; factor < 100; factor *= 1.3) {
                const nl_chebyshev other = nl_chebyshev_choose(order, ellipses[k], factor * h);
                if (largest_amplification(other, ellipses[k], factor * h) <= 1 + 1e-9)
                    BETWEEN(factor * m.stages / other.stages, 0, 1 / 0.85);
            }
        }
}

/* Many stages are worth having where the spectrum is long and thin: h grows like their square. */
static void test_thin_spectrum(void **state)
{
    const nl_ellipse e = {1000, 0};
    (void)state;
    for (int order = 1; order <= 2; order++) {
        const nl_chebyshev m = nl_chebyshev_choose(order, e, nl_chebyshev_longest_step(order, e));
        const double limit = order == 1 ? 2 : 2. / 3; /* of the undamped methods, times stages^2 */
        BETWEEN(nl_chebyshev_longest_step(order, e) * e.real / (m.stages * m.stages), 0.75 * limit, limit);
        assert_true(m.stages > 100);
    }
}

/* ---- ellipses around spectra ---- */

static void check_ellipse_around(const nl_complex *z, int count)
{
    const nl_ellipse e = nl_ellipse_around(z, count);
    const double a = e.real / 2;
    for (int i = 0; i < count; i++) {
        const double x = (z[i].re + a) / a, y = z[i].im / (e.imaginary + 1e-300);
        if (z[i].re < -1e-9 * e.real)
            BETWEEN(x * x + (z[i].im != 0 ? y * y : 0), 0, 1 + 1e-9);
    }
}

static void test_ellipse_around_points(void **state)
{
    nl_complex z[200];
    rng r = {5};
    (void)state;
    for (int shape = 0; shape < 60; shape++) {
        const double length = pow(10, uniform(&r, -3, 4)), height = length * pow(10, uniform(&r, -4, 0.5));
        const int count = 1 + (int)uniform(&r, 0, 200);
        for (int i = 0; i < count; i++)
            z[i] = (nl_complex){-length * uniform(&r, 0, 1), shape % 5 ? height * uniform(&r, -1, 1) : 0};
        check_ellipse_around(z, count);
    }
}

/* Of points on an ellipse it is little larger than that. */
static void test_ellipse_around_an_ellipse(void **state)
{
    nl_complex z[100];
    const double pi = acos(-1);
    (void)state;
    for (double b = 1e-3; b < 2; b *= 3) {
        for (int i = 0; i < 100; i++)
            z[i] = (nl_complex){-1 + cos(pi * (i + 0.5) / 100), b * sin(pi * (i + 0.5) / 100)};
        const nl_ellipse e = nl_ellipse_around(z, 100);
        check_ellipse_around(z, 100);
        BETWEEN(e.real, 1.99, 4);
        BETWEEN(e.imaginary, 0.8 * b, 1.6 * b);
    }
}

/* The models' own: every sample lies in the ellipse that their steps are chosen from. */
static void test_ellipse_around_models(void **state)
{
    static const char *const texts[] = {
        "[phase]\nD_p = 0.2\nepsilon_over_r0 = 1\n[laser]\nt_c = 1\n[grid]\nn_c = 48\norder = 8\n",
        "[phase]\nD_p = 0.001\nepsilon_over_r0 = 1\n[laser]\nt_c = 3\n[grid]\nn_c = 64\n",
        "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\ngamma = 500\n",
        "[model]\nequation = gutzwiller\nsites = 1\nlocal = qubit\n[laser]\ncooperativity = 1.5\ngamma = 50\n"};
    (void)state;
    for (int k = 0; k < COUNT(texts); k++) {
        nl_config c = config_of(texts[k]);
        nl_plan plan;
        nl_complex z[NL_MAX_SPECTRUM];
        OK(nl_plan_new(&c, &plan));
        const int count = plan.model->spectrum(&plan.points[0], plan.points[0].n, z);
        BETWEEN(count, 9, NL_MAX_SPECTRUM);
        check_ellipse_around(z, count);
        nl_plan_release(&plan);
        nl_config_release(&c);
    }
}

/* ---- steps ---- */

/* One kind of problem: a member of a model, and its state at a later time. */
typedef struct problem {
    const nl_model *model;
    nl_point point;
    nl_initial initial;
    double t, *exact;
} problem;

static nl_batch batch_of(const problem *p, const nl_tableau *tableau)
{
    nl_batch batch;
    OK(nl_batch_new(cpu, p->model, &p->point, 1, p->point.n, tableau, 0, &batch));
    OK(nl_batch_set_initial(&batch, p->initial, 0, 1));
    return batch;
}

static double *solution_of(nl_batch *batch)
{
    double *v = new_array(batch->pool.size);
    OK(nl_batch_download(batch, 0, v));
    return v;
}

static double error_of(nl_batch *batch, const problem *p)
{
    double *v = solution_of(batch);
    const double error = difference(v, p->exact, batch->pool.size);
    free(v);
    return error;
}

enum { PHASES = 96, LEVELS = 14 };

/* Stiff enough for several stages: diffusion on a grid finer than the state asks for. */
static problem phase_problem(void)
{
    problem p = {.model = &nl_phase_model, .initial = NL_INITIAL_UNIFORM, .t = 0.4};
    p.point = (nl_point){.phase = {.sites = 1, .D = {0.8}, .drive = {2}, .phi = {0.4}, .r = {1, 1}, .r0 = 1},
                         .n = PHASES, .order = 4, .levels = 1};
    const int steps = 256, terms = 16;
    double *A = reference_matrix(&p.point.phase, PHASES, 4), term[PHASES], next[PHASES];
    p.exact = new_array(PHASES);
    OK(nl_phase_initial(&p.point.phase, p.initial, PHASES, p.exact));
    for (int step = 0; step < steps; step++) {
        memcpy(term, p.exact, sizeof term);
        for (int k = 1; k <= terms; k++) {
            multiply(A, term, PHASES, next);
            for (int x = 0; x < PHASES; x++)
                p.exact[x] += term[x] = next[x] * p.t / (steps * k);
        }
    }
    free(A);
    return p;
}

static const char *const lindblad_text = "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\n"
                                         "gamma = 200\nphi1 = 0.8\nepsilon = 1.5\n[fock]\nlevels = 14\n[run]\n"
                                         "mode = evolve\ninitial = coherent\nn_initial = 1\n";

/* Taylor steps of the dense superoperator. */
static problem lindblad_problem(void)
{
    nl_config c = config_of(lindblad_text);
    problem p = {.model = &nl_lindblad_model, .initial = NL_INITIAL_COHERENT, .t = 0.3};
    OK(nl_lindblad_model.point(&c, &p.point));
    const nl_lindblad *l = &p.point.lindblad;
    const reference_shape s = {.N = LEVELS, .orders = LEVELS, .planes = 2};
    const reference_laser laser = {.A = l->laser.A, .B = l->laser.B_r, .C = l->laser.C};
    const double complex f = l->drive[0].re + I * l->drive[0].im;
    const int dim = reference_dim(&s), steps = 64, terms = 14;
    p.exact = new_array(reference_size(&s));
    OK(nl_lindblad_initial(l, p.initial, LEVELS, p.exact));
    double complex *rho = reference_unpack(&s, p.exact), *term = new_matrix(dim);
    for (int step = 0; step < steps; step++) {
        memcpy(term, rho, dim * dim * sizeof *term);
        for (int k = 1; k <= terms; k++) {
            double complex *next = reference_derivative(&s, &laser, f, term);
            for (int x = 0; x < dim * dim; x++)
                rho[x] += term[x] = next[x] * p.t / (steps * k);
            free(next);
        }
    }
    reference_pack(&s, rho, p.exact);
    free(rho);
    free(term);
    nl_config_release(&c);
    return p;
}

/* Error after equal steps, and the first step's estimate of its own. */
static double run_fixed(const problem *p, int order, int steps, double *estimate, int *stages)
{
    nl_batch batch = batch_of(p, nl_tableau_chebyshev(order));
    const double h = p->t / steps;
    double e = 0;
    for (int s = 0; s < steps; s++) {
        OK(nl_batch_try_step(&batch, (int[]){0}, 1, &h, 0, 1, &e));
        *estimate = s == 0 ? e : *estimate;
        nl_batch_accept(&batch, 0, h);
    }
    *stages = batch.members[0].chebyshev.stages;
    const double error = error_of(&batch, p);
    nl_batch_release(&batch);
    return error;
}

/* The error falls as h^order, with more stages for longer steps; the estimate of one step as h^2 and h^3. */
static void check_observed_order(const problem *p, int steps)
{
    for (int order = 1; order <= 2; order++) {
        double error[2], estimate[2];
        int stages[2];
        for (int k = 0; k < 2; k++)
            error[k] = run_fixed(p, order, k ? 4 * steps : steps, &estimate[k], &stages[k]);
        const double slope = log2(error[0] / error[1]) / 2, estimated = log2(estimate[0] / estimate[1]) / 2;
        print_message("    %s, order %d, %d and %d stages: %.3e, observed %.2f, estimate %.2f\n", p->model->name, order,
                      stages[0], stages[1], error[1], slope, estimated);
        assert_true(stages[0] > stages[1]);
        BETWEEN(slope, order - 0.35, order + 0.35);
        BETWEEN(estimated, order + 0.6, order + 1.35);
    }
}

static void test_observed_order(void **state)
{
    problem phase = phase_problem(), lindblad = lindblad_problem();
    (void)state;
    check_observed_order(&phase, 20);
    check_observed_order(&lindblad, 6);
    free(phase.exact);
    free(lindblad.exact);
}

/* Adaptive steps of order 2 keep to the tolerance in every step, and tighter ones come closer. */
static void check_adaptive(const problem *p)
{
    double before = 1;
    for (double tolerance = 1e-3; tolerance > 1.1e-7; tolerance *= 0.1) {
        nl_batch batch = batch_of(p, nl_tableau_chebyshev(2));
        while (batch.members[0].t < p->t)
            OK(nl_batch_step(&batch, (int[]){0}, 1, tolerance, tolerance * 1e-3, &p->t));
        assert_true(batch.members[0].t == p->t);
        const double error = error_of(&batch, p);
        print_message("    %s, %.0e: %.3e in %ld steps\n", p->model->name, tolerance, error, batch.members[0].steps);
        BETWEEN(error, 0, tolerance * (double)batch.members[0].steps);
        assert_true(error < before);
        before = error;
        nl_batch_release(&batch);
    }
}

static void test_adaptive_accuracy(void **state)
{
    problem phase = phase_problem(), lindblad = lindblad_problem();
    (void)state;
    check_adaptive(&phase);
    check_adaptive(&lindblad);
    free(phase.exact);
    free(lindblad.exact);
}

/* One application a stage and one at the end, whose derivative the next step takes over. */
static void test_applications(void **state)
{
    problem p = phase_problem();
    (void)state;
    for (int order = 1; order <= 2; order++) {
        nl_batch batch = batch_of(&p, nl_tableau_chebyshev(order));
        long expected = 1;
        for (int s = 0; s < 10; s++) {
            OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-3, 1e-5, NULL));
            expected += batch.members[0].chebyshev.stages;
        }
        assert_int_equal(batch.members[0].steps + batch.members[0].rejected, 10);
        assert_int_equal(batch.members[0].applications, expected);
        double *y = solution_of(&batch), *L = new_array(batch.pool.size);
        reference_apply(&p.point.phase, PHASES, 4, y, L);
        const double *kept = (const double *)batch.pool.data + (size_t)batch.members[0].k[0] * batch.pool.size;
        CLOSE(difference(kept, L, batch.pool.size), 0, 1e-11);
        free(y);
        free(L);
        nl_batch_release(&batch);
    }
    free(p.exact);
}

/* ---- steps that are too long ---- */

/* Steps beyond what the stages reach are refused, and it goes on with shorter ones. */
static void test_long_steps_are_rejected(void **state)
{
    problem p = phase_problem();
    (void)state;
    for (int order = 1; order <= 2; order++) {
        nl_batch batch = batch_of(&p, nl_tableau_chebyshev(order));
        nl_member *m = &batch.members[0];
        for (int s = 0; s < 3; s++)
            OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-4, NULL));
        const nl_member was = *m;
        m->h = m->h_max = 1e6 * was.h_max;
        double *before = solution_of(&batch);
        OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-4, NULL));
        double *after = solution_of(&batch);
        assert_int_equal(m->rejected, was.rejected + 1);
        assert_true(m->t == was.t && m->steps == was.steps);
        assert_memory_equal(before, after, batch.pool.size * sizeof *before);
        for (int s = 0; s < 60 && m->steps == was.steps; s++)
            OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-4, NULL));
        assert_int_equal(m->steps, was.steps + 1);
        free(before);
        free(after);
        nl_batch_release(&batch);
    }
    free(p.exact);
}

/* A model that knows only a part of its spectrum: steps at its bound are too long, and modes grow. */
static nl_model liar;
static int (*honest_spectrum)(const nl_point *, int n, nl_complex *);
static double real_share, imaginary_share;

static int part_of_spectrum(const nl_point *point, int n, nl_complex *list)
{
    const int count = honest_spectrum(point, n, list);
    for (int i = 0; i < count; i++) {
        list[i].re *= real_share;
        list[i].im *= imaginary_share;
    }
    return count;
}

/* The steady state is found all the same, and is the same. */
static void check_growth_is_caught(const char *text, double re, double im)
{
    run honest, r;
    run_text(&honest, text);
    run_expect(&honest, NL_POINT_CONVERGED);
    run_prepare(&r, text);
    liar = *r.plan.model;
    honest_spectrum = liar.spectrum;
    liar.spectrum = part_of_spectrum;
    real_share = re;
    imaginary_share = im;
    nl_task task = {.backend = cpu, .model = &liar, .config = &r.config, .tableau = r.plan.tableaux[0],
                    .points = r.plan.points, .index = (int[]){0}, .count = 1, .result = &r.result};
    assert_true(task.tableau->chebyshev == 1);
    OK(nl_relax(&task));
    print_message("    %s, %g and %g of the spectrum: status %d, %ld steps, %ld rejected, honest %ld\n", liar.name, re,
                  im, r.result.outcomes[0].status, r.result.outcomes[0].steps, r.result.outcomes[0].rejected,
                  honest.result.outcomes[0].steps);
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(run_difference(&honest, &r), 0, 1e-6);
    run_release(&honest);
    run_release(&r);
}

static void test_growth_is_caught(void **state)
{
    static const char *const phase = "[laser]\nt_c = 1\n[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\n[grid]\nn_c = 24\n"
                                     "order = 4\n[integrator]\nmethod = rkc\n[steady]\ntolerance = 1e-8\n";
    static const char *const photon = "[model]\nequation = gutzwiller\nsites = 1\n[laser]\ncooperativity = 1.2\n"
                                      "gamma = 100\n[steady]\ntolerance = 1e-8\n";
    (void)state;
    check_growth_is_caught(phase, 1, 0.3);
    check_growth_is_caught(phase, 0.8, 0.8);
    check_growth_is_caught(photon, 1, 0.3);
    check_growth_is_caught(photon, 0.8, 0.8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_conditions),
        cmocka_unit_test(test_first_order_needs_no_start),
        cmocka_unit_test(test_closed_form),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_longest_step),
        cmocka_unit_test(test_thin_spectrum),
        cmocka_unit_test(test_ellipse_around_points),
        cmocka_unit_test(test_ellipse_around_an_ellipse),
        cmocka_unit_test(test_ellipse_around_models),
        cmocka_unit_test(test_observed_order),
        cmocka_unit_test(test_adaptive_accuracy),
        cmocka_unit_test(test_applications),
        cmocka_unit_test(test_long_steps_are_rejected),
        cmocka_unit_test(test_growth_is_caught),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
