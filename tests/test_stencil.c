/* Difference stencils: their symbols, and those of coarse grids that follow a finer one. */
#include "nanolase/stencil.h"
#include "support.h"

static void symbol_error(const nl_stencil *s, double k, const double wanted[2], double error[2])
{
    double first, second;
    nl_stencil_symbol(s, k, &first, &second);
    error[0] = fabs(first - wanted[0]);
    error[1] = fabs(second - wanted[1]);
}

/* Halving the spacing divides the error by 2^order. */
static void test_order_of_symbols(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2) {
        const nl_stencil coarse = nl_stencil_of_order(32, order), fine = nl_stencil_of_order(64, order);
        const double exact[2] = {3, -9};
        double wide[2], narrow[2];
        symbol_error(&coarse, 3, exact, wide);
        symbol_error(&fine, 3, exact, narrow);
        for (int d = 0; d < 2; d++)
            BETWEEN(log2(wide[d] / narrow[d]), order - 0.3, order + 0.1);
    }
}

/* A constant has no derivatives, and the highest mode no first one. */
static void test_ends_of_the_spectrum(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2) {
        const nl_stencil s = nl_stencil_of_order(40, order);
        double first, second;
        nl_stencil_symbol(&s, 0, &first, &second);
        CLOSE(first, 0, 1e-12);
        CLOSE(second, 0, 1e-11);
        nl_stencil_symbol(&s, 20, &first, &second);
        CLOSE(first, 0, 1e-11);
        BETWEEN(second, -401, -100);
    }
}

/* A coarse stencil follows the fine one's symbol, with its errors, to order 8 in k; whatever the ratio of the grids. */
static void test_coarse_follows_fine(void **state)
{
    static const int fine_sizes[] = {256, 301};
    (void)state;
    for (int order = 2; order <= 8; order += 2)
        for (int f = 0; f < COUNT(fine_sizes); f++) {
            const nl_stencil fine = nl_stencil_of_order(fine_sizes[f], order);
            const nl_stencil half = nl_stencil_like(&fine, 48), full = nl_stencil_like(&fine, 96);
            double followed[2], wide[2], narrow[2];
            nl_stencil_symbol(&fine, 6, &followed[0], &followed[1]);
            symbol_error(&half, 6, followed, wide);
            symbol_error(&full, 6, followed, narrow);
            for (int d = 0; d < 2; d++)
                BETWEEN(log2(wide[d] / narrow[d]), 7.5, 8.3);
        }
}

static void test_same_grid_same_stencil(void **state)
{
    (void)state;
    for (int order = 2; order <= 8; order += 2) {
        const nl_stencil s = nl_stencil_of_order(50, order), like = nl_stencil_like(&s, 50);
        for (int k = 0; k <= 4; k++) {
            CLOSE(like.a[k], s.a[k], 1e-11);
            CLOSE(like.b[k], s.b[k], 1e-9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_symbols),
        cmocka_unit_test(test_ends_of_the_spectrum),
        cmocka_unit_test(test_coarse_follows_fine),
        cmocka_unit_test(test_same_grid_same_stencil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
