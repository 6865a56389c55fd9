/* The Runge-Kutta pairs: order conditions of all rooted trees, form of storage, stability. */
#include <complex.h>

#include "nanolase/tableau.h"
#include "support.h"

enum { MAX_ORDER = 6, MAX_TREES = 20 };

/* ---- rooted trees as level sequences: the level of each node in preorder, the root on level 1 ---- */

typedef struct tree {
    int nodes;
    int level[MAX_ORDER];
} tree;

/* The next tree of equal size in the order of Beyer and Hedetniemi (SIAM J. Comput. 9, 706); false after the last. */
static bool next_tree(tree *t)
{
    int p = t->nodes - 1;
    while (p > 0 && t->level[p] == 2)
        p--;
    if (p == 0)
        return false;
    int q = p - 1;
    while (t->level[q] != t->level[p] - 1)
        q--;
    for (int i = p; i < t->nodes; i++)
        t->level[i] = t->level[i - (p - q)];
    return true;
}

static int trees_of_order(int order, tree *trees)
{
    int count = 0;
    tree t = {.nodes = order};
    for (int i = 0; i < order; i++)
        t.level[i] = i + 1;
    do
        trees[count++] = t;
    while (next_tree(&t));
    return count;
}

/* The node after the last one below `node`. */
static int end_of(const tree *t, int node)
{
    int end = node + 1;
    while (end < t->nodes && t->level[end] > t->level[node])
        end++;
    return end;
}

static double density(const tree *t, int node)
{
    double product = end_of(t, node) - node;
    for (int child = node + 1; child < end_of(t, node); child = end_of(t, child))
        product *= density(t, child);
    return product;
}

/* Elementary weight of the tree below `node` at stage s. */
static double weight(const nl_tableau *tableau, const tree *t, int node, int s)
{
    double product = 1;
    for (int child = node + 1; child < end_of(t, node); child = end_of(t, child)) {
        double sum = 0;
        for (int j = 0; j < s; j++)
            sum += tableau->a[s][j] * weight(tableau, t, child, j);
        product *= sum;
    }
    return product;
}

/* By how much the condition of this tree is missed. */
static double defect(const nl_tableau *tableau, const double *b, const tree *t)
{
    double sum = -1 / density(t, 0);
    for (int s = 0; s < tableau->stages; s++)
        sum += b[s] * weight(tableau, t, 0, s);
    return fabs(sum);
}

static double worst_defect(const nl_tableau *tableau, const double *b, int order)
{
    tree trees[MAX_TREES];
    double worst = 0;
    const int count = trees_of_order(order, trees);
    for (int i = 0; i < count; i++)
        worst = fmax(worst, defect(tableau, b, &trees[i]));
    return worst;
}

static void test_trees(void **state)
{
    static const int known[MAX_ORDER] = {1, 1, 2, 4, 9, 20};
    tree trees[MAX_TREES];
    (void)state;
    for (int order = 1; order <= MAX_ORDER; order++)
        assert_int_equal(trees_of_order(order, trees), known[order - 1]);
    const tree bushy = {4, {1, 2, 2, 2}}, tall = {4, {1, 2, 3, 4}};
    CLOSE(density(&bushy, 0), 4, 0);
    CLOSE(density(&tall, 0), 24, 0);
}

/* ---- every pair ---- */

static void check_orders(const nl_tableau *t)
{
    for (int order = 1; order <= t->order; order++)
        CLOSE(worst_defect(t, t->b, order), 0, 1e-14);
    for (int order = 1; order <= t->embedded; order++)
        CLOSE(worst_defect(t, t->b_hat, order), 0, 1e-14);
    BETWEEN(worst_defect(t, t->b, t->order + 1), 1e-4, 1);
    BETWEEN(worst_defect(t, t->b_hat, t->embedded + 1), 1e-5, 1);
}

static void test_order_conditions(void **state)
{
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        print_message("    %s\n", nl_tableau_at(i)->name);
        check_orders(nl_tableau_at(i));
    }
}

static void test_form(void **state)
{
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        const nl_tableau *t = nl_tableau_at(i);
        BETWEEN(t->stages, 2, NL_MAX_STAGES);
        for (int s = 0; s < t->stages; s++) {
            CLOSE(sum_of(t->a[s], NL_MAX_STAGES), t->c[s], 1e-15);
            for (int j = s; j < NL_MAX_STAGES; j++)
                assert_true(t->a[s][j] == 0);
        }
        for (int j = 0; j < NL_MAX_STAGES; j++)
            assert_true(t->a[t->stages - 1][j] == t->b[j]);
        CLOSE(t->c[t->stages - 1], 1, 0);
        assert_true(t->b[t->stages - 1] == 0);
        assert_true(t->embedded < t->order);
    }
}

static void test_find(void **state)
{
    static const char *const names[] = {"rk45", "cash-karp", "rk43", "bs32"};
    (void)state;
    assert_int_equal(nl_tableau_count(), COUNT(names));
    for (int i = 0; i < COUNT(names); i++)
        assert_string_equal(nl_tableau_find(names[i])->name, names[i]);
    assert_null(nl_tableau_find("rk"));
}

/* ---- stability ---- */

/* sum_k z^(k+1) b A^k 1: what the stages come to with weights b. */
static double complex weighted_stages(const nl_tableau *t, const double *b, double complex z)
{
    double v[NL_MAX_STAGES];
    double complex R = 0, power = z;
    for (int s = 0; s < t->stages; s++)
        v[s] = 1;
    for (int k = 0; k < t->stages; k++) {
        double next[NL_MAX_STAGES] = {0}, coefficient = 0;
        for (int s = 0; s < t->stages; s++) {
            coefficient += b[s] * v[s];
            for (int j = 0; j < s; j++)
                next[s] += t->a[s][j] * v[j];
        }
        R += coefficient * power;
        power *= z;
        memcpy(v, next, sizeof v);
    }
    return R;
}

static double complex stability(const nl_tableau *t, double complex z)
{
    return 1 + weighted_stages(t, t->b, z);
}

/* New solution and error estimate as polynomials in z. */
static void test_polynomial(void **state)
{
    rng r = {2};
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        const nl_tableau *t = nl_tableau_at(i);
        const nl_polynomial p = nl_tableau_polynomial(t);
        double difference[NL_MAX_STAGES];
        assert_int_equal(p.degree, t->stages - 1);
        assert_int_equal(p.embedded, t->embedded);
        for (int s = 0; s < t->stages; s++)
            difference[s] = t->b[s] - t->b_hat[s];
        for (int sample = 0; sample < 50; sample++) {
            const double complex z = uniform(&r, -4, 1) + I * uniform(&r, -4, 4);
            double complex y = 0, error = 0, power = 1;
            for (int j = 0; j <= p.degree; j++, power *= z) {
                y += p.y[j] * power;
                error += p.error[j] * power;
            }
            error += p.error_new * z * y;
            CLOSE(cabs(y - stability(t, z)), 0, 1e-13 * (1 + cabs(y)));
            CLOSE(cabs(error - weighted_stages(t, difference, z)), 0, 1e-13 * (1 + cabs(y)));
        }
    }
}

static void test_amplification(void **state)
{
    rng r = {1};
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++)
        for (int sample = 0; sample < 200; sample++) {
            const double re = uniform(&r, -4, 1), im = uniform(&r, -4, 4);
            const double expected = cabs(stability(nl_tableau_at(i), re + I * im));
            CLOSE(nl_tableau_amplification(nl_tableau_at(i), re, im), expected, 1e-13 * (1 + expected));
        }
}

/* ||R(z)| - |e^z|| falls as |z|^(order + 1), along a ray on which the leading term does not vanish. */
static void test_approximates_exponential(void **state)
{
    (void)state;
    for (int i = 0; i < nl_tableau_count(); i++) {
        const nl_tableau *t = nl_tableau_at(i);
        double error[2];
        for (int k = 0; k < 2; k++) {
            const double size = 0.2 / (k + 1);
            error[k] = fabs(nl_tableau_amplification(t, -size, 0) - exp(-size));
        }
        BETWEEN(log2(error[0] / error[1]), t->order + 0.7, t->order + 1.3);
    }
}

/* Where |R| leaves 1 along a ray from 0. */
static double limit_along(const nl_tableau *t, double re, double im)
{
    double low = 0.5, high = 6;
    while (high - low > 1e-9) {
        const double middle = (low + high) / 2;
        *(nl_tableau_amplification(t, middle * re, middle * im) <= 1 + 1e-12 ? &low : &high) = middle;
    }
    return low;
}

/* Hairer & Wanner, Solving ODEs II, IV.2, and direct solution of |R| = 1 for the polynomials with z^6/600, z^6/800. */
static void test_known_limits(void **state)
{
    static const struct {
        const char *name;
        double real, imaginary; /* 0: not looked at */
    } known[] = {{"bs32", 2.5127453266, 1.7320508076},
                 {"rk43", 2.7852935634, 2.8284271247},
                 {"rk45", 3.3065679, 0},
                 {"cash-karp", 3.7343596, 0}};
    (void)state;
    for (int i = 0; i < COUNT(known); i++) {
        const nl_tableau *t = nl_tableau_find(known[i].name);
        CLOSE(limit_along(t, -1, 0), known[i].real, 1e-6);
        if (known[i].imaginary > 0)
            CLOSE(limit_along(t, 0, 1), known[i].imaginary, 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_order_conditions),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_polynomial),
        cmocka_unit_test(test_amplification),
        cmocka_unit_test(test_approximates_exponential),
        cmocka_unit_test(test_known_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
