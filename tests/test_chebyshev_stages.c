/* All stages of a Chebyshev step in one call: on every backend what the CPU gets stage by stage. */
#include "lindblad_rig.h"
#include "nanolase/batch.h"

enum { REGISTERS = 8, SLOTS = 3, MOST_STAGES = 13 };

static nl_backend *cpu;

static nl_backend *backend_of(void **state)
{
    return *state;
}

static nl_chebyshev_stage coefficients[2][MOST_STAGES + 1]; /* of order 1 and 2 */

/* Registers that differ from member to member. */
static nl_chebyshev_step step_of(int slot, int order, int stages, double h)
{
    const int next = (slot + 1) % 3;
    return (nl_chebyshev_step){.slot = slot, .y = slot, .k = 3 + slot, .y_new = next, .k_new = 3 + next,
                               .work = {6 + slot % 2, (slot + 2) % 3}, .stages = stages, .h = h,
                               .stage = coefficients[order - 1]};
}

/* The same operator and vectors on the CPU, in double precision. */
static rig copy_on_cpu(const rig *g, rig other)
{
    memcpy(other.host, g->host, rig_elements(g) * sizeof *g->host);
    rig_send(&other);
    return other;
}

static bool is_written(const nl_chebyshev_step *s, int reg)
{
    return reg == s->y_new || reg == s->k_new || reg == s->work[0] || reg == s->work[1];
}

static void check_step(const rig *g, const rig *by_stages, const nl_chebyshev_step *s, double tolerance)
{
    const size_t size = g->pool.size;
    for (int reg = 0; reg < REGISTERS; reg++) {
        const bool same = memcmp(rig_is(g, s->slot, reg), rig_was(g, s->slot, reg), size * sizeof(double)) == 0;
        if (!same && !is_written(s, reg))
            fail_msg("slot %d, register %d was touched", s->slot, reg);
    }
    const double y = difference(rig_is(g, s->slot, s->y_new), rig_is(by_stages, s->slot, s->y_new), size);
    const double k = difference(rig_is(g, s->slot, s->k_new), rig_is(by_stages, s->slot, s->k_new), size);
    if (!(y <= tolerance && k <= tolerance))
        fail_msg("n = %d, %d stages: off by %.3g, L times it by %.3g", g->op.n, s->stages, y, k);
}

/* Two members of three, one with fewer stages, for every number of stages that the coefficients are good for. */
static void check_all_stages(rig g, rig by_stages, double h)
{
    const double tolerance = rounded(g.backend, 1e-12);
    for (int order = 1; order <= 2; order++)
        for (int stages = 2; stages <= MOST_STAGES; stages++) {
            const nl_chebyshev_step steps[] = {step_of(2, order, stages, h),
                                               step_of(0, order, stages > 6 ? stages - 5 : 2, 0.7 * h)};
            OK(nl_backend_chebyshev(g.backend, &g.op, &g.pool, steps, 2));
            OK(nl_backend_chebyshev_by_stages(cpu, &by_stages.op, &by_stages.pool, steps, 2));
            rig_look(&g);
            rig_look(&by_stages);
            check_step(&g, &by_stages, &steps[0], tolerance);
            check_step(&g, &by_stages, &steps[1], tolerance);
            rig_send(&g);
            rig_send(&by_stages);
        }
    rig_release(&g);
    rig_release(&by_stages);
}

static void check_phase(nl_backend *b, int sites, int n, int order)
{
    rig g = rig_new(b, sites, n, order, SLOTS, REGISTERS);
    rig by_stages = copy_on_cpu(&g, rig_new(cpu, sites, n, order, SLOTS, REGISTERS));
    const double spacing = 2 * acos(-1.0) / n, D = fmax(g.phase[0].D[0], g.phase[2].D[1]);
    check_all_stages(g, by_stages, 2 * spacing * spacing / D);
}

static void test_phase(void **state)
{
    for (int order = 2; order <= 8; order += 2)
        check_phase(backend_of(state), 2, order + 2, order);
    check_phase(backend_of(state), 2, 33, 4);
    check_phase(backend_of(state), 1, 50, 2);
}

/* Grids that a tile goes around, of several tiles, even and odd, and a little more than a whole number of tiles. */
static void test_tiles(void **state)
{
    check_phase(backend_of(state), 2, 5, 2);
    check_phase(backend_of(state), 2, 24, 2);
    check_phase(backend_of(state), 2, 57, 2);
    check_phase(backend_of(state), 2, 74, 2);
}

static void check_lindblad(nl_backend *b, int variant, int sites, int N, int orders)
{
    const reference_shape s = {.qubit = variant & 1, .N = N, .orders = orders, .planes = variant & 2 ? 2 : 1};
    rig g = lindblad_rig_new(b, &s, sites, ON_ALL | ON_CLOSED, SLOTS, REGISTERS).g;
    rig by_stages = copy_on_cpu(&g, lindblad_rig_new(cpu, &s, sites, ON_ALL | ON_CLOSED, SLOTS, REGISTERS).g);
    check_all_stages(g, by_stages, 0.02);
}

/* States of one laser that fit into a block of the device, some just so, and larger ones. */
static void test_lindblad(void **state)
{
    for (int variant = 0; variant < 4; variant++)
        for (int sites = 1; sites <= 2; sites++)
            check_lindblad(backend_of(state), variant, sites, 12 + sites, 9);
    check_lindblad(backend_of(state), 0, 1, 75, 75);
    check_lindblad(backend_of(state), 3, 1, 24, 24);
    check_lindblad(backend_of(state), 3, 1, 26, 26);
}

/* The same to the bit whatever else is in the batch. */
static void check_company(rig g, double h)
{
    nl_backend *b = g.backend;
    const nl_chebyshev_step steps[] = {step_of(0, 2, 11, h), step_of(1, 2, 6, h), step_of(2, 2, 2, h)};
    double *together = new_array(rig_elements(&g));
    OK(nl_backend_chebyshev(b, &g.op, &g.pool, steps, SLOTS));
    rig_look(&g);
    memcpy(together, g.now, rig_elements(&g) * sizeof *together);
    rig_send(&g);
    for (int s = SLOTS - 1; s >= 0; s--)
        OK(nl_backend_chebyshev(b, &g.op, &g.pool, &steps[s], 1));
    rig_look(&g);
    for (int s = 0; s < SLOTS; s++)
        for (int reg = steps[s].y_new; reg >= 0; reg = reg == steps[s].y_new ? steps[s].k_new : -1)
            assert_memory_equal(together + rig_number(&g, s, reg), rig_is(&g, s, reg), g.pool.size * sizeof *together);
    free(together);
    rig_release(&g);
}

static void test_company_does_not_matter(void **state)
{
    const reference_shape s = {.qubit = true, .N = 20, .orders = 20, .planes = 2};
    check_company(rig_new(backend_of(state), 2, 61, 2, SLOTS, REGISTERS), 1e-3);
    check_company(rig_new(backend_of(state), 2, 20, 6, SLOTS, REGISTERS), 1e-3);
    check_company(lindblad_rig_new(backend_of(state), &s, 1, ON_ALL, SLOTS, REGISTERS).g, 1e-2);
    check_company(lindblad_rig_new(backend_of(state), &s, 2, ON_ALL, SLOTS, REGISTERS).g, 1e-2);
}

static void test_no_steps(void **state)
{
    rig g = rig_new(backend_of(state), 2, 9, 2, SLOTS, REGISTERS);
    OK(nl_backend_chebyshev(g.backend, &g.op, &g.pool, NULL, 0));
    rig_look_around(&g, NULL, 0, false);
    rig_release(&g);
}

/* ---- what the stepper asks for ---- */

static int calls;
static const nl_backend_ops *real_ops;

static nl_status count_call(nl_backend *b, const nl_operator *op, const nl_pool *pool, const nl_chebyshev_step *steps,
                            int n_steps)
{
    calls++;
    return (real_ops->chebyshev ? real_ops->chebyshev : nl_backend_chebyshev_by_stages)(b, op, pool, steps, n_steps);
}

/* One call a step; and without the operation the same state, in the same steps. */
static void test_batch(void **state)
{
    static nl_backend_ops counting, plain; /* outlive a failure */
    nl_backend *b = backend_of(state);
    rng r = {5};
    nl_point points[2];
    nl_batch batch[2];
    for (int m = 0; m < 2; m++) {
        points[m] = (nl_point){.phase = random_phase(&r, 2), .n = 40, .order = 2, .levels = 1};
        points[m].phase.D[0] = 2 + m; /* for many stages */
    }
    real_ops = b->ops;
    counting = plain = *real_ops;
    counting.chebyshev = count_call;
    plain.chebyshev = NULL;
    calls = 0;
    for (int k = 0; k < 2; k++) {
        b->ops = k == 0 ? &counting : &plain;
        OK(nl_batch_new(b, &nl_phase_model, points, 2, 40, nl_tableau_chebyshev(2), 0, &batch[k]));
        OK(nl_batch_set_initial(&batch[k], NL_INITIAL_LOCKED, 0, 2));
        OK(nl_batch_advance(&batch[k], (int[]){1, 0}, 2, 1e-2, 1e-2, NULL, 6));
    }
    b->ops = real_ops;
    assert_int_equal(calls, 6);
    for (int m = 0; m < 2; m++) {
        double *v[2];
        for (int k = 0; k < 2; k++) {
            v[k] = new_array(1600);
            OK(nl_batch_download(&batch[k], m, v[k]));
        }
        assert_int_equal(batch[0].members[m].steps, batch[1].members[m].steps);
        assert_true(batch[0].members[m].steps > 2 && batch[0].members[m].chebyshev.stages > 4);
        CLOSE(difference(v[0], v[1], 1600), 0, rounded(b, 1e-10));
        free(v[0]);
        free(v[1]);
    }
    nl_batch_release(&batch[0]);
    nl_batch_release(&batch[1]);
}

static int run_on(const backend_case *c)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phase),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_lindblad),
        cmocka_unit_test(test_company_does_not_matter),
        cmocka_unit_test(test_no_steps),
        cmocka_unit_test(test_batch),
    };
    return run_tests_on(c, "the tests of Chebyshev stages", tests, COUNT(tests));
}

int main(void)
{
    int failed = 0;
    for (int order = 1; order <= 2; order++)
        nl_chebyshev_stages((nl_chebyshev){order, MOST_STAGES, 2}, coefficients[order - 1]);
    if (nl_backend_open("cpu", 1, 0, NL_DOUBLE, &cpu) != NL_OK)
        return 1;
    for (int c = 0; c < COUNT(all_precisions); c++)
        failed += run_on(&all_precisions[c]);
    nl_backend_close(cpu);
    return failed;
}
