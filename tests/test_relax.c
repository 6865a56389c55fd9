/* Steady states: closed forms, grids, methods, limits, company, backends, being stopped. */
#include "run_support.h"

/* I_1(x)/I_0(x) from the power series. */
static double bessel_ratio(double x)
{
    double term = 1, I0 = 0, I1 = 0;
    for (int k = 0; k < 200; k++) {
        I0 += term;
        I1 += term * x / (2 * (k + 1));
        term *= x * x / (4.0 * (k + 1) * (k + 1));
    }
    return I1 / I0;
}

/* ---- closed forms ---- */

/* Without tunnelling <e^{i theta_j}> = -i e^{i phi_j} I_1(x)/I_0(x); n_c = auto keeps the accuracy asked for. */
static void check_bessel(int sites, int order, double D_p)
{
    run r;
    run_text(&r, text_of("[model]\nsites = %d\n[laser]\nt_c = 0\nphi1 = 0.7\nphi2 = -1\n"
                         "[phase]\nD_p = %g\nepsilon_over_r0 = 1\n[grid]\norder = %d\naccuracy = 1e-4\n", sites, D_p,
                         order));
    run_expect(&r, NL_POINT_CONVERGED);
    const double ratio = bessel_ratio(1 / D_p), phi[] = {0.7, -1};
    for (int j = 0; j < sites; j++) {
        const nl_value e = run_value(&r, 0, 0, j ? "exp_i_theta2" : "exp_i_theta1");
        CLOSE(hypot(e.re - ratio * sin(phi[j]), e.im + ratio * cos(phi[j])), 0, 1e-4);
        CLOSE(run_value(&r, 0, 0, j ? "coherence2" : "coherence1").re, e.re * e.re + e.im * e.im, 1e-15);
    }
    CLOSE(r.result.outcomes[0].norm_error, 0, 1e-12);
    run_release(&r);
}

static void test_bessel(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2) {
        check_bessel(1, order, 0.5);
        check_bessel(1, order, 0.02);
        check_bessel(2, order, 0.2);
    }
}

/* The high orders come close to the closed form on a grid that resolves it. */
static void test_bessel_to_many_digits(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nsites = 1\n[laser]\nphi1 = 0\n[phase]\nD_p = 0.25\nepsilon_over_r0 = 1\n"
                 "[grid]\nn_c = 96\norder = 8\n[steady]\ntolerance = 1e-12\n");
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(run_value(&r, 0, 0, "exp_i_theta1").im, -bessel_ratio(4), 1e-10);
    run_release(&r);
}

/* Tunnelling on: an independent Fourier-spectral direct solve of Eq. 14. */
static void test_with_tunnelling(void **state)
{
    static const char *const methods[] = {"relax", "rre", "relax\n[integrator]\nmethod = rkc"};
    (void)state;
    for (int m = 0; m < COUNT(methods); m++) {
        run r;
        run_text(&r, text_of("[laser]\nt_c = 1\nphi1 = 1.5707963267948966\nphi2 = 1.5707963267948966\n[phase]\n"
                             "D_p = 0.1\nepsilon_over_r0 = 1\n[grid]\nn_c = 52\norder = 8\n[steady]\n"
                             "tolerance = 1e-9\nmethod = %s\n", methods[m]));
        run_expect(&r, NL_POINT_CONVERGED);
        const nl_value e = run_value(&r, 0, 0, "exp_i_theta1"), d = run_value(&r, 0, 0, "correlation");
        CLOSE(e.re, 0.4015666178777943, 1e-7);
        CLOSE(e.im, 0.75992436361711135, 1e-7);
        CLOSE(d.re, 0.77383736810279358, 1e-7);
        CLOSE(d.im, 0, 1e-9);
        run_release(&r);
    }
}

/* Without drive the distribution becomes uniform, with or without tunnelling. */
static void test_uniform_without_drive(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 6) {
        run r;
        run_text(&r, text_of("[laser]\nt_c = 0.7\n[phase]\nD_p = 0.5\nepsilon_over_r0 = 0\n"
                             "[grid]\nn_c = 24\norder = %d\n[run]\ninitial = locked\n", order));
        run_expect(&r, NL_POINT_CONVERGED);
        CLOSE(run_value(&r, 0, 0, "coherence").re, 0, 1e-15);
        CLOSE(hypot(run_value(&r, 0, 0, "correlation").re, run_value(&r, 0, 0, "correlation").im), 0, 1e-8);
        run_release(&r);
    }
}

/* What is steady to begin with is found so at once. */
static void test_steady_from_the_start(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nsites = 2\n[laser]\nt_c = 0.7\n[phase]\nD_p = 0.5\nepsilon_over_r0 = 0\n"
                 "[grid]\nn_c = 96\norder = 8\n[run]\ninitial = uniform\n");
    run_expect(&r, NL_POINT_CONVERGED);
    BETWEEN(r.result.outcomes[0].steps, 0, 500);
    run_release(&r);
}

/* ---- grids ---- */

static const char *const sequence_text = "[laser]\nt_c = 0.4\nphi1 = 0\nphi2 = 1\n[phase]\nD_p = 0.4\n"
                                         "epsilon_over_r0 = 1\n[grid]\nn_c = 56\norder = %d\n"
                                         "[steady]\nmethod = rre\ntolerance = 1e-11\n";

static void test_grid_sequence_gives_the_same(void **state)
{
    (void)state;
    for (int order = 2; order <= 6; order += 4) {
        const char *text = text_of(sequence_text, order);
        run one, several;
        nl_backend *backend;
        OK(nl_backend_open_cpu(1, &backend));
        run_prepare(&several, text);
        run_prepare(&one, text);
        if (order > 2)
            assert_true(several.plan.points[0].levels > 1);
        several.plan.points[0].levels = 3;
        one.plan.points[0].levels = 1;
        run_solve(&several, backend, NULL);
        run_solve(&one, backend, NULL);
        run_expect(&several, NL_POINT_CONVERGED);
        run_expect(&one, NL_POINT_CONVERGED);
        CLOSE(run_difference(&one, &several), 0, 1e-9);
        CLOSE(several.result.outcomes[0].norm_error, 0, 1e-12);
        assert_true(several.result.outcomes[0].work < one.result.outcomes[0].work); /* what it is for */
        run_release(&one);
        run_release(&several);
        nl_backend_close(backend);
    }
}

/* Grids whose sizes do not halve. */
static void test_odd_grid_sequence(void **state)
{
    run r, even;
    nl_backend *backend;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(&r, "[laser]\nt_c = 0.4\nphi1 = 0\nphi2 = 1\n[phase]\nD_p = 0.4\nepsilon_over_r0 = 1\n"
                    "[grid]\nn_c = 47\norder = 8\n[steady]\nmethod = rre\ntolerance = 1e-11\n");
    run_prepare(&even, text_of(sequence_text, 8));
    r.plan.points[0].levels = 3;
    run_solve(&r, backend, NULL);
    run_solve(&even, backend, NULL);
    run_expect(&r, NL_POINT_CONVERGED);
    CLOSE(run_difference(&r, &even), 0, 1e-8);
    CLOSE(r.result.outcomes[0].norm_error, 0, 1e-12); /* interpolation between such grids keeps no integral */
    run_release(&r);
    run_release(&even);
    nl_backend_close(backend);
}

/* The first residual on the finest grid. */
static void note_first_residual(void *user, const nl_progress *p)
{
    double *first = user;
    if (p->n == 56 && *first == 0)
        *first = p->residual;
}

static nl_status no_results(void *user)
{
    (void)user;
    return NL_OK;
}

/* Two grids below the finest give their Richardson combination, which starts it closer than one grid does. */
static void test_richardson_start(void **state)
{
    double first[2] = {0};
    nl_backend *backend;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    for (int k = 0; k < 2; k++) {
        const nl_watcher watcher = {.user = &first[k], .on_progress = note_first_residual, .on_results = no_results};
        run r;
        run_prepare(&r, "[laser]\nt_c = 0.4\n[phase]\nD_p = 1\nepsilon_over_r0 = 1\n[grid]\nn_c = 56\norder = 2\n"
                        "[steady]\nmethod = rre\ntolerance = 1e-8\n");
        r.plan.points[0].levels = 2 + k;
        run_solve(&r, backend, &watcher);
        run_release(&r);
    }
    BETWEEN(first[1] / first[0], 1e-4, 0.4);
    nl_backend_close(backend);
}

/* ---- limits ---- */

static const char *const short_time = "[laser]\nt_c = 0\n[phase]\nD_p = 0.2\nepsilon_over_r0 = 1\n"
                                      "[grid]\nn_c = 32\norder = 4\n";

static void test_max_time(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s[steady]\nmethod = rre\nmax_time = 3\n", short_time));
    run_expect(&r, NL_POINT_MAX_TIME);
    BETWEEN(r.result.outcomes[0].model_time, 3, 6);
    assert_true(r.result.outcomes[0].residual > 1e-9);
    BETWEEN(run_value(&r, 0, 0, "coherence").re, 0.1, 1); /* what there is is told */
    run_release(&r);
}

/* The residual asked for is the residual got, and a tighter one takes longer. */
static void test_tolerance(void **state)
{
    long before = 0;
    (void)state;
    for (double tolerance = 1e-4; tolerance > 1e-11; tolerance *= 1e-3) {
        run r;
        run_text(&r, text_of("%s[steady]\ntolerance = %g\nmethod = relax\n", short_time, tolerance));
        run_expect(&r, NL_POINT_CONVERGED);
        const nl_outcome *o = &r.result.outcomes[0];
        assert_true(o->residual <= tolerance && o->distance <= tolerance);
        assert_true(o->rhs > before && o->steps > 0 && o->work >= o->rhs);
        before = o->rhs;
        run_release(&r);
    }
}

/* Below what rounding allows: an end, and a word about it. */
static void test_stalls_at_rounding(void **state)
{
    run r;
    (void)state;
    run_text(&r, "[model]\nsites = 1\n[phase]\nD_p = 0.5\nepsilon_over_r0 = 1\n[grid]\nn_c = 32\norder = 2\n"
                 "[steady]\ntolerance = 1e-15\n");
    const nl_point_status status = r.result.outcomes[0].status;
    assert_true(status == NL_POINT_STALLED || status == NL_POINT_CONVERGED);
    BETWEEN(r.result.outcomes[0].residual, 0, 1e-12);
    run_release(&r);
}

/* Any numeric key can be swept, those of the methods too. */
static void test_sweep_of_max_time(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s[steady]\nmethod = rre\n[sweep]\nmax_time = 2, 1e6\n", short_time));
    assert_int_equal(r.result.outcomes[0].status, NL_POINT_MAX_TIME);
    assert_int_equal(r.result.outcomes[1].status, NL_POINT_CONVERGED);
    run_release(&r);
}

static void test_sweep_of_tolerance(void **state)
{
    run r;
    (void)state;
    run_text(&r, text_of("%s[sweep]\ntolerance = 1e-3, 1e-10\n", short_time));
    run_expect(&r, NL_POINT_CONVERGED);
    BETWEEN(r.result.outcomes[0].residual, 1e-9, 1e-3);
    BETWEEN(r.result.outcomes[1].residual, 0, 1e-10);
    run_release(&r);
}

/* ---- company ---- */

static const char *const sweep_text = "[laser]\nphi1 = 0\nphi2 = 1\n[phase]\nD_p = 0.4\nepsilon_over_r0 = 1\n"
                                      "[grid]\nn_c = 24\norder = 6\n[steady]\ntolerance = 1e-9\nmethod = %s\n"
                                      "[integrator]\nmethod = bs32\n[sweep]\nt_c = 0, 0.3, 0.9\n";

/* A point's result is the same to the last bit whether it is solved alone or with others. */
static void check_company(nl_backend *backend, const char *method)
{
    run together, alone;
    run_prepare(&together, text_of(sweep_text, method));
    run_prepare(&alone, text_of(sweep_text, method));
    for (int p = 0; p < 3; p++)
        together.plan.points[p].levels = alone.plan.points[p].levels = 2;
    solve_together(&together, backend, 0, 2, nl_relax);
    for (int p = 2; p >= 0; p--)
        solve_together(&alone, backend, p, p, nl_relax);
    run_expect(&together, NL_POINT_CONVERGED);
    assert_memory_equal(together.result.values, alone.result.values,
                        3 * together.result.n_observables * sizeof(nl_value));
    for (int p = 0; p < 3; p++) {
        const nl_outcome *a = &together.result.outcomes[p], *b = &alone.result.outcomes[p];
        assert_int_equal(a->steps, b->steps);
        assert_int_equal(a->rhs, b->rhs);
        assert_true(a->residual == b->residual && a->distance == b->distance && a->model_time == b->model_time &&
                    a->work == b->work && a->norm_error == b->norm_error);
    }
    run_release(&together);
    run_release(&alone);
}

static void test_company_does_not_matter(void **state)
{
    (void)state;
    for (int c = 0; c < COUNT(backend_cases); c++) {
        nl_backend *backend;
        if (!open_or_skip(&backend_cases[c], "independence of the batch", &backend))
            continue;
        check_company(backend, "rre");
        if (strcmp(backend_cases[c].name, "cpu") == 0)
            check_company(backend, "relax");
        nl_backend_close(backend);
    }
}

/* The whole run, with as many workers as threads. */
static void test_threads_do_not_matter(void **state)
{
    run r[3];
    (void)state;
    for (int t = 0; t < 3; t++) {
        nl_backend *backend;
        OK(nl_backend_open_cpu(t + 1, &backend));
        run_prepare(&r[t], text_of(sweep_text, "auto"));
        run_solve(&r[t], backend, NULL);
        run_expect(&r[t], NL_POINT_CONVERGED);
        nl_backend_close(backend);
    }
    for (int t = 1; t < 3; t++)
        assert_true(run_difference(&r[0], &r[t]) == 0);
    for (int t = 0; t < 3; t++)
        run_release(&r[t]);
}

static void test_cpu_and_cuda_agree(void **state)
{
    nl_backend *cuda;
    (void)state;
    if (!open_or_skip(&backend_cases[COUNT(backend_cases) - 1], "a sweep on CPU against CUDA", &cuda))
        return;
    run a, b;
    run_text(&a, text_of(sweep_text, "relax"));
    run_prepare(&b, text_of(sweep_text, "relax"));
    run_solve(&b, cuda, NULL);
    run_expect(&b, NL_POINT_CONVERGED);
    CLOSE(run_difference(&a, &b), 0, 1e-12);
    for (int p = 0; p < 3; p++)
        assert_int_equal(a.result.outcomes[p].steps, b.result.outcomes[p].steps);
    run_release(&a);
    run_release(&b);
    nl_backend_close(cuda);
}

/* ---- being watched and stopped ---- */

static struct {
    int results, progress, stop_after; /* stop once so many results are in; below 0: never */
    bool abort;
    nl_status status;
} seen;

static void on_progress(void *user, const nl_progress *p)
{
    assert_ptr_equal(user, &seen);
    assert_true(p->members >= 0 && p->n > 0 && (isnan(p->t) || (p->t >= 0 && p->h > 0)));
    seen.progress++;
}

static nl_status on_results(void *user)
{
    assert_ptr_equal(user, &seen);
    seen.results++;
    return seen.status == NL_OK ? NL_OK : nl_fail(seen.status, "the watcher says no");
}

static bool wants_stop(void *user)
{
    (void)user;
    return seen.stop_after >= 0 && seen.results >= seen.stop_after;
}

static bool wants_abort(void *user)
{
    (void)user;
    return seen.abort && seen.progress > 2;
}

static nl_watcher watch(int stop_after, bool abort, nl_status status)
{
    memset(&seen, 0, sizeof seen);
    seen.stop_after = stop_after;
    seen.abort = abort;
    seen.status = status;
    return (nl_watcher){&seen, on_progress, on_results, wants_stop, wants_abort, NULL};
}

/* Stopped after a point, the rest stays as it was; going on gives what an uninterrupted run gives. */
static void test_stop_and_go_on(void **state)
{
    run stopped, whole;
    nl_backend *backend;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(&stopped, text_of(sweep_text, "auto"));
    const nl_watcher watcher = watch(1, false, NL_OK);
    run_solve(&stopped, backend, &watcher);
    assert_int_equal(nl_result_count_done(&stopped.result), 1);
    assert_int_equal(stopped.result.outcomes[0].status, NL_POINT_CONVERGED);
    for (int p = 1; p < 3; p++) {
        assert_int_equal(stopped.result.outcomes[p].status, NL_POINT_PENDING);
        assert_true(isnan(run_value(&stopped, p, 0, "coherence").re));
    }
    assert_true(seen.progress > 0);
    run_solve(&stopped, backend, NULL);
    run_text(&whole, text_of(sweep_text, "auto"));
    assert_true(run_difference(&stopped, &whole) == 0);
    run_release(&stopped);
    run_release(&whole);
    nl_backend_close(backend);
}

static void test_abort(void **state)
{
    run r;
    nl_backend *backend;
    (void)state;
    OK(nl_backend_open_cpu(1, &backend));
    run_prepare(&r, text_of("%s[steady]\ntolerance = 1e-12\n", short_time));
    const nl_watcher watcher = watch(-1, true, NL_OK);
    run_solve(&r, backend, &watcher);
    run_expect(&r, NL_POINT_PENDING);
    assert_int_equal(seen.results, 0);
    BETWEEN(seen.progress, 3, 4);
    run_release(&r);
    nl_backend_close(backend);
}

/* A watcher that cannot save ends the run, with its own words, on one thread and on several. */
static void test_watcher_failure(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        run r;
        nl_backend *backend;
        OK(nl_backend_open_cpu(threads, &backend));
        run_prepare(&r, text_of(sweep_text, "auto"));
        const nl_watcher watcher = watch(-1, false, NL_ERR_FILE);
        FAILS(nl_plan_run(&r.plan, backend, &r.result, &watcher), NL_ERR_FILE, "the watcher says no");
        run_release(&r);
        nl_backend_close(backend);
    }
}

/* ---- failures of the backend ---- */

static nl_backend_ops broken_ops;

static nl_status no_answer(nl_backend *backend, size_t *bytes)
{
    (void)backend;
    (void)bytes;
    return nl_fail(NL_ERR_CUDA, "the device is gone");
}

static nl_status no_share(nl_backend *backend, int parts, nl_backend **out)
{
    (void)backend;
    (void)parts;
    (void)out;
    return nl_fail(NL_ERR_MEMORY, "no thread to share");
}

/* Whatever goes wrong, the run says what. */
static void test_failures_keep_their_message(void **state)
{
    nl_backend *cpu;
    (void)state;
    OK(nl_backend_open_cpu(2, &cpu));
    const nl_backend_ops *const whole_ops = cpu->ops;
    run r;
    run_prepare(&r, text_of(sweep_text, "auto"));
    broken_ops = *cpu->ops;
    broken_ops.share = NULL;
    broken_ops.available = no_answer;
    cpu->ops = &broken_ops;
    FAILS(nl_plan_run(&r.plan, cpu, &r.result, NULL), NL_ERR_CUDA, "the device is gone");
    broken_ops = *whole_ops;
    broken_ops.share = no_share;
    FAILS(nl_plan_run(&r.plan, cpu, &r.result, NULL), NL_ERR_MEMORY, "no thread to share");
    cpu->ops = whole_ops;
    run_release(&r);
    nl_backend_close(cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bessel),
        cmocka_unit_test(test_bessel_to_many_digits),
        cmocka_unit_test(test_with_tunnelling),
        cmocka_unit_test(test_uniform_without_drive),
        cmocka_unit_test(test_steady_from_the_start),
        cmocka_unit_test(test_grid_sequence_gives_the_same),
        cmocka_unit_test(test_odd_grid_sequence),
        cmocka_unit_test(test_richardson_start),
        cmocka_unit_test(test_max_time),
        cmocka_unit_test(test_tolerance),
        cmocka_unit_test(test_stalls_at_rounding),
        cmocka_unit_test(test_sweep_of_max_time),
        cmocka_unit_test(test_sweep_of_tolerance),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_cpu_and_cuda_agree),
        cmocka_unit_test(test_stop_and_go_on),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_watcher_failure),
        cmocka_unit_test(test_failures_keep_their_message),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
