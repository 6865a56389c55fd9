/* What a plan says of memory: which sizes would fit, and how many vectors a point takes. */
#include "nanolase/plan.h"
#include "support.h"

static const double GB = 1e9;

typedef struct planned {
    nl_config config;
    nl_plan plan;
} planned;

static void plan_text(const char *text, planned *out)
{
    out->config = config_of(text);
    OK(nl_plan_new(&out->config, &out->plan));
}

static void release(planned *p)
{
    nl_plan_release(&p->plan);
    nl_config_release(&p->config);
}

/* Bytes of the first point with n in the place of its own size. */
static double bytes_at(planned *p, int n)
{
    const int own = p->plan.points[0].n;
    p->plan.points[0].n = n;
    const double bytes = nl_plan_point_bytes(&p->plan, 0);
    p->plan.points[0].n = own;
    return bytes;
}

static const char *const TEXTS[] = {
    "[model]\nequation = dimer\n[laser]\ngamma = 70\ncooperativity = 1.1\nphi2 = 0.5\n[steady]\nsensitivity = yes\n",
    "[model]\nequation = dimer\nlocal = qubit\n[laser]\ngamma = 200\ncooperativity = 1.2\n[fock]\nlevels = 20\n"
    "[run]\nmode = evolve\nt_end = 1\nsave_every = 1\n",
    "[model]\nequation = amplitude\n[laser]\ngamma = 200\ncooperativity = 1.2\n[steady]\ngap = yes\n",
    "[model]\nequation = phase\n[phase]\nD_p = 0.1\nepsilon_over_r0 = 1\n",
};

static void test_the_largest_size_is_the_last_that_fits(void **state)
{
    (void)state;
    for (int k = 0; k < COUNT(TEXTS); k++)
        for (double available = 1e-3 * GB; available < 1e4 * GB; available *= 10) {
            planned p;
            plan_text(TEXTS[k], &p);
            const int n = nl_plan_largest_size(&p.plan, 0, available, false);
            if (n < NL_LARGEST_SIZE && !(bytes_at(&p, n) <= available && bytes_at(&p, n + 1) > available))
                fail_msg("text %d: %d takes %g and %d takes %g, of %g", k, n, bytes_at(&p, n), n + 1,
                         bytes_at(&p, n + 1), available);
            release(&p);
        }
}

/* From the closed form: N^3 (N + 1)/2 elements, 16 such matrices with qubits, twice as many where they are complex. */
static void test_vectors_of_a_dimer(void **state)
{
    (void)state;
    planned p;
    plan_text(TEXTS[1], &p);
    assert_int_equal(nl_plan_vectors(&p.plan, 0), 9); /* rk45: seven stages, the state and the next one */
    const double vector = 8 * 16 * 20.0 * 20 * 20 * 21 / 2; /* real without drive */
    BETWEEN(bytes_at(&p, 20) / vector, 9, 9.3); /* what is read beyond the edges beside */
    release(&p);
    plan_text(TEXTS[0], &p); /* the sensitivity's vectors are others */
    assert_int_equal(nl_plan_vectors(&p.plan, 0), 0);
    release(&p);
}

static void test_a_refusal_says_what_would_fit(void **state)
{
    (void)state;
    planned p;
    char hold[64];
    plan_text(TEXTS[2], &p);
    const double available = 0.5 * bytes_at(&p, p.plan.points[0].n);
    snprintf(hold, sizeof hold, "which hold %d;", nl_plan_largest_size(&p.plan, 0, available, false));
    assert_true(nl_plan_largest_size(&p.plan, 0, available, false) < p.plan.points[0].n);
    FAILS(nl_plan_check_memory(&p.plan, available, false), NL_ERR_MEMORY, hold);
    OK(nl_plan_check_memory(&p.plan, 2 * available, false));
    FAILS(nl_plan_check_memory(&p.plan, 2 * available, true), NL_ERR_MEMORY, "which hold"); /* nor the vector beside */
    OK(nl_plan_check_memory(&p.plan, 2.1 * available, true));
    release(&p);
    plan_text("[model]\nequation = amplitude\n[laser]\ngamma = 200\ncooperativity = 1.2\n", &p);
    FAILS(nl_plan_check_memory(&p.plan, 1000, false), NL_ERR_MEMORY,
          "steady.method = relax, which holds 6 vectors and not 12,");
    release(&p);
    plan_text("[model]\nequation = amplitude\n[laser]\ngamma = 200\ncooperativity = 1.2\n[steady]\nmethod = relax\n",
              &p);
    FAILS(nl_plan_check_memory(&p.plan, 1000, false), NL_ERR_MEMORY, "equation = phase, or a machine");
    release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_largest_size_is_the_last_that_fits),
        cmocka_unit_test(test_vectors_of_a_dimer),
        cmocka_unit_test(test_a_refusal_says_what_would_fit),
    };
    return cmocka_run_group_tests(tests, NULL, forget_files);
}
