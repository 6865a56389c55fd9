/* Steps in time: the controller's rules, the trial step, acceptance and rejection, order, conservation, positivity. */
#include "nanolase/batch.h"
#include "nanolase/control.h"
#include "phase_reference.h"

static nl_backend *cpu;

static int open_cpu(void **state)
{
    (void)state;
    return nl_backend_open_cpu(1, &cpu) != NL_OK;
}

static int close_cpu(void **state)
{
    (void)state;
    nl_backend_close(cpu);
    return 0;
}

/* ---- the controller ---- */

static void test_controller_accepts_and_rejects(void **state)
{
    static const struct {
        double error;
        bool accept;
    } cases[] = {{0, true}, {1e-30, true}, {0.5, true}, {1, true}, {nextafter(1, 2), false}, {7, false},
                 {1e300, false}, {INFINITY, false}, {-INFINITY, false}, {NAN, false}};
    (void)state;
    for (int order = 2; order <= 4; order++)
        for (int k = 0; k < COUNT(cases); k++) {
            const nl_control c = nl_control_decide(order, cases[k].error, 0.3);
            assert_int_equal(c.accept, cases[k].accept);
            BETWEEN(c.factor, 0.2, cases[k].accept ? 5 : 0.9);
        }
}

/* A larger error never asks for a larger step; a rejected one always for a smaller. */
static void test_controller_is_monotonic(void **state)
{
    double before = INFINITY;
    (void)state;
    for (double error = 1e-12; error < 1e6; error *= 1.1) {
        const nl_control c = nl_control_decide(4, error, 0.5);
        assert_true(c.factor <= before || error / 1.1 <= 1); /* accepted and rejected steps follow different laws */
        if (error > 1)
            assert_true(c.factor < 1);
        before = c.factor;
    }
    CLOSE(nl_control_decide(4, INFINITY, 0.5).factor, 0.2, 0);
    CLOSE(nl_control_decide(4, NAN, 0.5).factor, 0.2, 0);
    CLOSE(nl_control_decide(4, 0, 0.5).factor, 5, 0);
}

/* The integral part: the factor scales with error^(-0.7/q), the proportional one with the last error^(0.4/q). */
static void test_controller_is_pi(void **state)
{
    (void)state;
    for (int order = 2; order <= 4; order++) {
        const double q = order + 1, here = nl_control_decide(order, 0.2, 0.1).factor;
        CLOSE(nl_control_decide(order, 0.4, 0.1).factor / here, pow(2, -0.7 / q), 1e-12);
        CLOSE(nl_control_decide(order, 0.2, 0.3).factor / here, pow(3, 0.4 / q), 1e-12);
        CLOSE(nl_control_decide(order, 2, 0.1).factor / nl_control_decide(order, 1.5, 0.1).factor,
              pow(2 / 1.5, -1 / q), 1e-12);
    }
}

/* On a problem whose error is (h/h0)^q the step settles, with the error below and near 1. */
static void test_controller_settles(void **state)
{
    (void)state;
    for (int order = 2; order <= 4; order++) {
        double h = 1e-3, last = 1, error = 0;
        for (int step = 0; step < 60; step++) {
            error = pow(h / 0.05, order + 1);
            const nl_control c = nl_control_decide(order, error, last);
            last = c.accept ? error : last;
            h *= c.factor;
        }
        BETWEEN(error, 0.05, 1);
        CLOSE(h, 0.05, 0.02);
    }
}

/* ---- batches of phase equations ---- */

static nl_point point_of(const nl_phase *phase, int n, int order)
{
    return (nl_point){.phase = *phase, .n = n, .order = order, .levels = 1};
}

static nl_batch batch_of(nl_backend *backend, const nl_point *points, int count, const nl_tableau *tableau)
{
    nl_batch batch;
    OK(nl_batch_new(backend, &nl_phase_model, points, count, points[0].n, tableau, 0, &batch));
    OK(nl_batch_set_initial(&batch, NL_INITIAL_LOCKED, 0, count));
    return batch;
}

static nl_phase gentle_phase(int sites)
{
    nl_phase p = {.sites = sites, .D = {0.2, 0.1}, .drive = {1, 0.7}, .tunnel = {0.5, 0.8}, .phi = {0.4, 1.9},
                  .r = {1, 1}, .r0 = 1};
    if (sites == 1)
        p.tunnel[0] = p.tunnel[1] = 0;
    return p;
}

static double *state_of(nl_batch *batch, int member)
{
    double *v = new_array(batch->pool.size);
    OK(nl_batch_download(batch, member, v));
    return v;
}

static void set_state(nl_batch *batch, int member, const double *v)
{
    OK(nl_pool_put(batch->backend, &batch->pool, member, batch->members[member].y, v));
    batch->members[member].fresh = false;
}

/* exp(t A) v by Taylor steps of the assembled matrix, exact to rounding. */
static void exact_evolution(const nl_phase *phase, int n, int order, double t, double *v)
{
    const int size = phase->sites == 2 ? n * n : n, steps = 64, terms = 16;
    double *A = reference_matrix(phase, n, order), *term = new_array(size), *next = new_array(size);
    for (int step = 0; step < steps; step++) {
        memcpy(term, v, size * sizeof *v);
        for (int k = 1; k <= terms; k++) {
            multiply(A, term, size, next);
            for (int x = 0; x < size; x++) {
                term[x] = next[x] * t / (steps * k);
                v[x] += term[x];
            }
        }
    }
    free(A);
    free(term);
    free(next);
}

/* After time t in `steps` equal steps: error of the solution, and the first step's estimate of its own. */
static void run_fixed(const nl_tableau *tableau, int steps, double t, const double *exact, double *error,
                      double *estimate)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 4);
    nl_batch batch = batch_of(cpu, &point, 1, tableau);
    const double h = t / steps;
    double e = 0;
    for (int s = 0; s < steps; s++) {
        OK(nl_batch_try_step(&batch, (int[]){0}, 1, &h, 0, 1, &e));
        *estimate = s == 0 ? e : *estimate;
        nl_batch_accept(&batch, 0, h);
    }
    CLOSE(batch.members[0].t, t, 1e-13);
    double *v = state_of(&batch, 0);
    *error = difference(v, exact, batch.pool.size);
    free(v);
    nl_batch_release(&batch);
}

/* The solution's error falls as h^order, the estimate of one step as h^(embedded + 1). */
static void test_observed_order(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const double t = 0.8;
    double exact[100];
    (void)state;
    OK(nl_phase_initial(&phase, NL_INITIAL_LOCKED, 10, exact));
    exact_evolution(&phase, 10, 4, t, exact);
    for (int i = 0; i < nl_tableau_count(); i++) {
        const nl_tableau *tableau = nl_tableau_at(i);
        double error[2] = {0}, estimate[2] = {0};
        run_fixed(tableau, 40, t, exact, &error[0], &estimate[0]);
        run_fixed(tableau, 80, t, exact, &error[1], &estimate[1]);
        print_message("    %s: %.3e, order %.2f, estimate %.2f\n", tableau->name, error[1], log2(error[0] / error[1]),
                      log2(estimate[0] / estimate[1]));
        BETWEEN(log2(error[0] / error[1]), tableau->order - 0.3, tableau->order + 0.5);
        BETWEEN(log2(estimate[0] / estimate[1]), tableau->embedded + 0.6, tableau->embedded + 1.5);
    }
}

/* Adaptive steps keep to the tolerance, and tighter ones come closer. */
static void test_adaptive_accuracy(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 4);
    const double target = 1;
    double exact[100];
    (void)state;
    OK(nl_phase_initial(&phase, NL_INITIAL_LOCKED, 10, exact));
    exact_evolution(&phase, 10, 4, target, exact);
    for (int i = 0; i < nl_tableau_count(); i++) {
        double before = 1;
        for (double tolerance = 1e-4; tolerance > 1e-9; tolerance *= 1e-2) {
            nl_batch batch = batch_of(cpu, &point, 1, nl_tableau_at(i));
            while (batch.members[0].t < target)
                OK(nl_batch_step(&batch, (int[]){0}, 1, tolerance, tolerance * 1e-3, &target));
            double *v = state_of(&batch, 0);
            const double error = difference(v, exact, batch.pool.size);
            BETWEEN(error, 0, 30 * tolerance);
            assert_true(error < before);
            before = error;
            free(v);
            nl_batch_release(&batch);
        }
    }
}

/* Members of different parameters and step sizes meet their own targets to the last bit. */
static void test_targets_are_met(void **state)
{
    nl_phase phase[3] = {gentle_phase(2), gentle_phase(2), gentle_phase(2)};
    nl_point points[3];
    (void)state;
    phase[1].D[0] = 1.3;
    phase[2].drive[1] = 4;
    for (int m = 0; m < 3; m++)
        points[m] = point_of(&phase[m], 12, 2);
    for (int i = 0; i < nl_tableau_count(); i++) {
        nl_batch batch = batch_of(cpu, points, 3, nl_tableau_at(i));
        for (int k = 1; k <= 20; k++) {
            int active[3] = {2, 0, 1}, n = 3;
            const double targets[3] = {0.1 * k, 0.07 * k, k / 3.0};
            while (n > 0) {
                double target[3];
                int left = 0;
                for (int a = 0; a < n; a++)
                    target[a] = targets[active[a]];
                OK(nl_batch_step(&batch, active, n, 1e-6, 1e-9, target));
                for (int a = 0; a < n; a++) {
                    const nl_member *member = &batch.members[active[a]];
                    assert_true(member->t <= target[a]);
                    if (member->t < target[a])
                        active[left++] = active[a];
                }
                n = left;
            }
            for (int m = 0; m < 3; m++)
                assert_true(batch.members[m].t == targets[m]);
        }
        nl_batch_release(&batch);
    }
}

/* t + (target - t) is not always target. */
static void test_targets_are_met_despite_rounding(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 2);
    nl_batch batch = batch_of(cpu, &point, 1, nl_tableau_find("bs32"));
    nl_member *member = &batch.members[0];
    rng r = {41};
    int rounded = 0;
    (void)state;
    for (int k = 0; k < 300; k++) {
        const double t = uniform(&r, 0, member->h_max / 3), target = uniform(&r, 2 * t, 3 * t);
        rounded += t + (target - t) != target;
        member->t = t;
        member->h = member->h_max;
        OK(nl_batch_step(&batch, (int[]){0}, 1, 1, 1, &target));
        assert_true(member->t == target);
    }
    assert_true(rounded > 0);
    nl_batch_release(&batch);
}

/* A short step to a target does not make those after it short. */
static void test_step_recovers_after_target(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 12, 2);
    nl_batch batch = batch_of(cpu, &point, 1, nl_tableau_find("rk45"));
    (void)state;
    for (int s = 0; s < 30; s++)
        OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-2, NULL));
    const double h = batch.members[0].h, target = batch.members[0].t + 1e-6 * h;
    CLOSE(h, batch.members[0].h_max, 1e-12);
    OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-2, &target));
    assert_true(batch.members[0].t == target);
    assert_true(batch.members[0].h >= h);
    nl_batch_release(&batch);
}

/* ---- a backend that counts, and fails on purpose ---- */

static struct {
    int applications, stages_until_bad; /* below 0: never */
    double bad;
    nl_status status; /* of the bad stage */
} spy;

static nl_status spy_apply(nl_backend *b, const nl_operator *op, const nl_pool *pool, const nl_job *jobs, int n)
{
    spy.applications += n;
    return cpu->ops->apply(b, op, pool, jobs, n);
}

static nl_status spy_stage(nl_backend *b, const nl_operator *op, const nl_pool *pool, const nl_job *jobs, int n)
{
    spy.applications += n;
    NL_TRY(cpu->ops->stage(b, op, pool, jobs, n));
    if (spy.stages_until_bad >= 0 && spy.stages_until_bad-- == 0) {
        const size_t at = ((size_t)jobs[0].slot * pool->registers + jobs[0].out) * pool->size;
        ((double *)pool->data)[at + pool->size / 2] = spy.bad;
        return spy.status;
    }
    return NL_OK;
}

static nl_backend_ops spy_ops;

/* A CPU backend that is spied on; the caller closes. */
static nl_backend *spy_backend(void)
{
    nl_backend *b;
    OK(nl_backend_open_cpu(1, &b));
    memset(&spy, 0, sizeof spy);
    spy.stages_until_bad = -1;
    spy_ops = *cpu->ops;
    spy_ops.apply = spy_apply;
    spy_ops.stage = spy_stage;
    b->ops = &spy_ops;
    return b;
}

/* First same as last: stages - 1 applications a step and one to begin with; a residual costs none. */
static void test_applications(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 2);
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        nl_backend *b = spy_backend();
        nl_batch batch = batch_of(b, &point, 1, nl_tableau_at(i));
        double change, residual;
        for (int s = 0; s < 25; s++) {
            OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-2, NULL));
            OK(nl_batch_residual(&batch, (int[]){0}, 1, &change, &residual));
        }
        assert_int_equal(batch.members[0].steps + batch.members[0].rejected, 25);
        assert_int_equal(spy.applications, 1 + 25 * (nl_tableau_at(i)->stages - 1));
        assert_int_equal(batch.members[0].applications, spy.applications);
        nl_batch_release(&batch);
        nl_backend_close(b);
    }
}

/* The derivative kept from the last stage is that of the state. */
static void test_kept_derivative(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 11, 6);
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        nl_batch batch = batch_of(cpu, &point, 1, nl_tableau_at(i));
        for (int s = 0; s < 7; s++)
            OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-4, 1e-6, NULL));
        double *y = state_of(&batch, 0), *expected = new_array(batch.pool.size), change, residual;
        double magnitude = 0, norm = 0; /* a start as narrow as this grid's spacing has negative values */
        reference_apply(&phase, 11, 6, y, expected);
        const double *k0 = (const double *)batch.pool.data + (size_t)batch.members[0].k[0] * batch.pool.size;
        CLOSE(difference(k0, expected, batch.pool.size), 0, 1e-12);
        OK(nl_batch_residual(&batch, (int[]){0}, 1, &change, &residual));
        for (size_t x = 0; x < batch.pool.size; x++) {
            magnitude += fabs(expected[x]);
            norm += fabs(y[x]);
        }
        CLOSE(residual, magnitude / norm, 1e-12);
        assert_true(change == residual);
        free(y);
        free(expected);
        nl_batch_release(&batch);
    }
}

/* ---- rejection ---- */

/* A step far beyond stability, and numbers that are not finite, in any stage: refused, state and time as before. */
static void check_rejection(const nl_tableau *tableau, int bad_stage, double bad)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 2);
    nl_backend *b = spy_backend();
    nl_batch batch = batch_of(b, &point, 1, tableau);
    for (int s = 0; s < 3; s++)
        OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-2, NULL));
    double *before = state_of(&batch, 0);
    const nl_member was = batch.members[0];
    if (bad_stage < 0)
        batch.members[0].h = batch.members[0].h_max = 1e3 * was.h_max;
    spy.stages_until_bad = bad_stage;
    spy.bad = bad;
    OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-6, 1e-9, NULL));
    const nl_member is = batch.members[0];
    double *after = state_of(&batch, 0);
    assert_int_equal(is.rejected, was.rejected + 1);
    assert_int_equal(is.steps, was.steps);
    assert_true(is.t == was.t && is.h < batch.members[0].h_max && !is.failed);
    assert_memory_equal(before, after, batch.pool.size * sizeof *before);
    for (int s = 0; s < 40 && batch.members[0].steps == was.steps; s++)
        OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-6, 1e-9, NULL));
    assert_int_equal(batch.members[0].steps, was.steps + 1); /* it goes on with a smaller one */
    free(after);
    after = state_of(&batch, 0);
    assert_true(isfinite(largest(after, batch.pool.size)));
    CLOSE(sum_of(after, batch.pool.size), sum_of(before, batch.pool.size), 1e-12 * sum_of(before, batch.pool.size));
    free(before);
    free(after);
    nl_batch_release(&batch);
    nl_backend_close(b);
}

static void test_rejected_steps(void **state)
{
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        const nl_tableau *t = nl_tableau_at(i);
        check_rejection(t, -1, 0);
        for (int stage = 0; stage < t->stages - 1; stage++) {
            check_rejection(t, stage, NAN);
            check_rejection(t, stage, INFINITY);
            check_rejection(t, stage, -1e200);
        }
    }
}

/* One member's blow-up is its own affair. */
static void test_rejection_is_of_one_member(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point points[] = {point_of(&phase, 10, 2), point_of(&phase, 10, 2)};
    (void)state;
    nl_batch batch = batch_of(cpu, points, 2, nl_tableau_find("rk45"));
    batch.members[0].h = batch.members[0].h_max = 1e6;
    OK(nl_batch_step(&batch, (int[]){0, 1}, 2, 1e-3, 1e-3, NULL));
    assert_int_equal(batch.members[0].rejected, 1);
    assert_int_equal(batch.members[1].rejected, 0);
    assert_int_equal(batch.members[1].steps, 1);
    nl_batch_release(&batch);
}

/* A state that holds no numbers cannot be stepped: the member is marked failed, and soon. */
static void test_hopeless_member_fails(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 2);
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        nl_batch batch = batch_of(cpu, &point, 1, nl_tableau_at(i));
        double *v = state_of(&batch, 0);
        v[42] = NAN;
        set_state(&batch, 0, v);
        for (int s = 0; s < 40 && !batch.members[0].failed; s++)
            OK(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-2, NULL));
        assert_true(batch.members[0].failed);
        assert_int_equal(batch.members[0].steps, 0);
        assert_true(batch.members[0].t == 0);
        free(v);
        nl_batch_release(&batch);
    }
}

/* A backend's failure comes up as it is. */
static void test_backend_failure(void **state)
{
    const nl_phase phase = gentle_phase(2);
    const nl_point point = point_of(&phase, 10, 2);
    nl_backend *b = spy_backend();
    nl_batch batch = batch_of(b, &point, 1, nl_tableau_find("rk45"));
    (void)state;
    spy.stages_until_bad = 2;
    spy.status = NL_ERR_CUDA;
    assert_int_equal(nl_batch_step(&batch, (int[]){0}, 1, 1e-2, 1e-2, NULL), NL_ERR_CUDA);
    assert_int_equal(batch.members[0].steps, 0);
    nl_batch_release(&batch);
    nl_backend_close(b);
}

/* ---- the bound that stability sets ---- */

/* At the bound nothing grows; at a few times of it, everything does. */
static void test_stable_step(void **state)
{
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++)
        for (int order = 2; order <= 8; order += 2)
            for (int sites = 1; sites <= 2; sites++) {
                const nl_phase phase = gentle_phase(sites);
                const nl_point point = point_of(&phase, 16, order);
                const double bound = nl_model_stable_step(&nl_phase_model, &point, 16, nl_tableau_at(i));
                double growth[2], error;
                for (int k = 0; k < 2; k++) {
                    nl_batch batch = batch_of(cpu, &point, 1, nl_tableau_at(i));
                    const double h = (k ? 2.5 : 1) * bound;
                    for (int s = 0; s < 200; s++) {
                        OK(nl_batch_try_step(&batch, (int[]){0}, 1, &h, 1, 1, &error));
                        nl_batch_accept(&batch, 0, h);
                    }
                    double *v = state_of(&batch, 0);
                    growth[k] = largest(v, batch.pool.size);
                    free(v);
                    nl_batch_release(&batch);
                }
                BETWEEN(growth[0], 0, 10);
                assert_false(growth[1] < 1e6);
            }
}

/* ---- conservation and positivity ---- */

static void test_sum_is_conserved(void **state)
{
    const nl_tableau *tableau = nl_tableau_find("bs32");
    (void)state;
    for (int order = 2; order <= 8; order += 2) {
        const nl_phase phase = gentle_phase(2);
        const nl_point point = point_of(&phase, 10, order);
        nl_batch batch = batch_of(cpu, &point, 1, tableau);
        double *v = state_of(&batch, 0), error;
        const double sum = sum_of(v, batch.pool.size), h = nl_model_stable_step(&nl_phase_model, &point, 10, tableau);
        free(v);
        for (int s = 0; s < 10000; s++) {
            OK(nl_batch_try_step(&batch, (int[]){0}, 1, &h, 1, 1, &error));
            nl_batch_accept(&batch, 0, h);
        }
        v = state_of(&batch, 0);
        CLOSE(sum_of(v, batch.pool.size), sum, 1e-12 * sum);
        free(v);
        nl_batch_release(&batch);
    }
}

/* Least element over 50 steps from a point of certainty, in units of the largest. */
static double least_over_steps(const nl_tableau *tableau, double D, int order, double step)
{
    nl_phase phase = gentle_phase(2);
    phase.D[0] = phase.D[1] = D;
    const int n = 16;
    const double width = 2 * acos(-1.0) / n;
    const nl_point point = point_of(&phase, n, order);
    nl_batch batch = batch_of(cpu, &point, 1, tableau);
    double *v = new_array(batch.pool.size), least = 0, error;
    v[5 * n + 3] = 1;
    set_state(&batch, 0, v);
    free(v);
    const double h = step * width * width / (4 * D); /* step = 1: h times the diagonal of L is 1 */
    for (int s = 0; s < 50; s++) {
        OK(nl_batch_try_step(&batch, (int[]){0}, 1, &h, 1, 1, &error));
        nl_batch_accept(&batch, 0, h);
        v = state_of(&batch, 0);
        for (size_t x = 0; x < batch.pool.size; x++)
            least = fmin(least, v[x] / largest(v, batch.pool.size));
        free(v);
    }
    nl_batch_release(&batch);
    return least;
}

/*
 * At order 2 and with |v| h/D < 2 the operator has no negative element off its diagonal, and a stability polynomial
 * that is the Taylor polynomial of its degree is a positive sum of powers of 1 + z for h |L_xx| <= 1 (Bolley and
 * Crouzeix, RAIRO Anal. Numer. 12, 237): probabilities stay positive. Beyond that they need not.
 */
static void test_positivity(void **state)
{
    (void)state;
    BETWEEN(least_over_steps(nl_tableau_find("bs32"), 0.5, 2, 1), -1e-15, 0);
    BETWEEN(least_over_steps(nl_tableau_find("rk43"), 0.5, 2, 1), -1e-15, 0);
    assert_true(least_over_steps(nl_tableau_find("bs32"), 0.01, 2, 0.1) < -1e-3); /* the test would see it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_controller_accepts_and_rejects),
        cmocka_unit_test(test_controller_is_monotonic),
        cmocka_unit_test(test_controller_is_pi),
        cmocka_unit_test(test_controller_settles),
        cmocka_unit_test(test_observed_order),
        cmocka_unit_test(test_adaptive_accuracy),
        cmocka_unit_test(test_targets_are_met),
        cmocka_unit_test(test_targets_are_met_despite_rounding),
        cmocka_unit_test(test_step_recovers_after_target),
        cmocka_unit_test(test_applications),
        cmocka_unit_test(test_kept_derivative),
        cmocka_unit_test(test_rejected_steps),
        cmocka_unit_test(test_rejection_is_of_one_member),
        cmocka_unit_test(test_hopeless_member_fails),
        cmocka_unit_test(test_backend_failure),
        cmocka_unit_test(test_stable_step),
        cmocka_unit_test(test_sum_is_conserved),
        cmocka_unit_test(test_positivity),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
