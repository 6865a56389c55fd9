/* Interpolation between grids, and the weights that combine several grids' solutions. */
#include "nanolase/transfer.h"
#include "transfer_point.h"
#include "support.h"

/* Its memory is the host's. */
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

static nl_transfer interpolation(int n_coarse, int n_fine)
{
    nl_transfer t;
    OK(nl_transfer_new_interpolation(cpu, n_coarse, n_fine, &t));
    return t;
}

static const struct {
    int coarse, fine;
} pairs[] = {{8, 8}, {8, 16}, {24, 48}, {25, 50}, {33, 65}, {13, 100}, {40, 24}, {50, 51}};

/* Where point b of what i takes lies, seen from the fine point, in coarse spacings: the nearest periodic image. */
static double offset(const nl_transfer *t, int b, int i)
{
    const double x = (double)(t->first[i] + b) - (double)i * t->n_from / t->n_to;
    return x - t->n_from * round(x / t->n_from);
}

/* Sum of the weights times the k-th power of the offsets: 1 for k = 0, else 0 up to degree 7. */
static double moment(const nl_transfer *t, int k, int i)
{
    double sum = 0;
    for (int b = 0; b < NL_INTERPOLATION_POINTS; b++)
        sum += nl_transfer_entry_of(t, i).weight[b] * pow(offset(t, b, i), k);
    return sum;
}

static void check_entries(int n_coarse, int n_fine)
{
    nl_transfer t = interpolation(n_coarse, n_fine);
    for (int i = 0; i < n_fine; i++) {
        BETWEEN(t.first[i], 0, n_coarse - 1);
        CLOSE(moment(&t, 0, i), 1, 1e-14);
        if (n_coarse > NL_INTERPOLATION_POINTS) /* on 8 points the images on both sides are equally near */
            for (int k = 1; k < NL_INTERPOLATION_POINTS; k++)
                CLOSE(moment(&t, k, i), 0, 1e-10);
    }
    nl_transfer_release(cpu, &t);
}

static void test_exact_on_polynomials(void **state)
{
    (void)state;
    for (int p = 0; p < COUNT(pairs); p++)
        check_entries(pairs[p].coarse, pairs[p].fine);
    nl_transfer t = interpolation(25, 50); /* and not beyond */
    BETWEEN(fabs(moment(&t, 8, 1)), 1, 1e3);
    nl_transfer_release(cpu, &t);
}

/* The stencil stands as evenly about its point as it can. */
static void test_stencil_is_centred(void **state)
{
    nl_transfer t = interpolation(13, 100);
    (void)state;
    for (int i = 0; i < 100; i++) {
        BETWEEN(offset(&t, 3, i), -1, 0);
        BETWEEN(offset(&t, 4, i), 1e-12, 1);
    }
    nl_transfer_release(cpu, &t);
}

/* Points that the grids share keep their values to rounding. */
static void test_shared_points_keep_values(void **state)
{
    nl_transfer t = interpolation(24, 48);
    rng r = {5};
    (void)state;
    double *P = random_array(&r, 24 * 24);
    for (int i = 0; i < 48; i += 2)
        for (int j = 0; j < 48; j += 2)
            CLOSE(nl_transfer_point(&t, P, 24, i, j), P[i / 2 * 24 + j / 2], 1e-14);
    nl_transfer_release(cpu, &t);
    free(P);
}

/* Error on exp(cos(theta_1) + sin(theta_2)), not band-limited. */
static double smooth_error(int sites, int n_coarse, int n_fine)
{
    const double h = 2 * acos(-1.0) / n_coarse, H = 2 * acos(-1.0) / n_fine;
    const int rows = sites == 2 ? n_coarse : 1;
    double *P = new_array((size_t)rows * n_coarse), error = 0;
    nl_transfer t = interpolation(n_coarse, n_fine);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < n_coarse; j++)
            P[i * n_coarse + j] = exp((sites == 2 ? cos(h * i) : 0) + sin(h * j));
    for (int i = 0; i < (sites == 2 ? n_fine : 1); i++)
        for (int j = 0; j < n_fine; j++)
            error = fmax(error, fabs(nl_transfer_point(&t, P, rows, i, j) -
                                     exp((sites == 2 ? cos(H * i) : 0) + sin(H * j))));
    free(P);
    nl_transfer_release(cpu, &t);
    return error;
}

static void test_order_on_smooth_functions(void **state)
{
    (void)state;
    for (int sites = 1; sites <= 2; sites++) {
        BETWEEN(log2(smooth_error(sites, 24, 48) / smooth_error(sites, 48, 96)), 7.5, 8.7);
        BETWEEN(log2(smooth_error(sites, 25, 61) / smooth_error(sites, 50, 122)), 7.5, 8.7);
        BETWEEN(smooth_error(sites, 96, 130), 0, 1e-8);
    }
}

/* ---- restriction ---- */

/* sum_c (R f)_c g_c = (n_coarse/n_fine) sum_i f_i (T g)_i for interpolation T, whatever the grids' ratio up to 2. */
static void check_adjoint(int sites, int n_fine, int n_coarse)
{
    rng r = {(uint64_t)(100 * n_fine + n_coarse)};
    const int fine_rows = sites == 2 ? n_fine : 1, coarse_rows = sites == 2 ? n_coarse : 1;
    double *f = random_array(&r, (size_t)fine_rows * n_fine), *g = random_array(&r, (size_t)coarse_rows * n_coarse);
    nl_transfer down, up = interpolation(n_coarse, n_fine);
    double restricted = 0, interpolated = 0;
    OK(nl_transfer_new_restriction(cpu, n_fine, n_coarse, &down));
    for (int i = 0; i < coarse_rows; i++)
        for (int j = 0; j < n_coarse; j++)
            restricted += g[i * n_coarse + j] * nl_transfer_point(&down, f, fine_rows, i, j);
    for (int i = 0; i < fine_rows; i++)
        for (int j = 0; j < n_fine; j++)
            interpolated += f[i * n_fine + j] * nl_transfer_point(&up, g, coarse_rows, i, j);
    CLOSE(restricted, interpolated * pow((double)n_coarse / n_fine, sites), 1e-12 * n_fine);
    free(f);
    free(g);
    nl_transfer_release(cpu, &down);
    nl_transfer_release(cpu, &up);
}

static void test_restriction_is_adjoint(void **state)
{
    static const int grids[][2] = {{16, 8}, {32, 16}, {31, 16}, {50, 25}, {51, 26}, {40, 33}, {24, 24}};
    (void)state;
    for (int sites = 1; sites <= 2; sites++)
        for (int k = 0; k < COUNT(grids); k++)
            check_adjoint(sites, grids[k][0], grids[k][1]);
}

/* ---- weights ---- */

static const struct {
    int count, n[NL_MAX_SOURCES], fine;
} sequences[] = {{1, {32}, 64}, {2, {48, 24}, 96}, {3, {48, 24, 12}, 96}, {3, {46, 23, 12}, 91}, {2, {33, 17}, 65}};

/* With errors c h^order + d h^(order+2) on every grid the combination has those of the fine one, as sources allow. */
static void test_weights_reproduce_the_fine_grid(void **state)
{
    (void)state;
    for (int s = 0; s < COUNT(sequences); s++)
        for (int order = 2; order <= 8; order += 2)
            for (int term = 0; term < sequences[s].count; term++) {
                double weight[NL_MAX_SOURCES], combination = 0;
                const int q = term == 0 ? 0 : order + 2 * (term - 1);
                OK(nl_richardson_weights(sequences[s].n, sequences[s].count, sequences[s].fine, order, weight));
                for (int k = 0; k < sequences[s].count; k++)
                    combination += weight[k] * pow(100.0 / sequences[s].n[k], q);
                const double fine = pow(100.0 / sequences[s].fine, q);
                CLOSE(combination / fine, 1, 1e-11);
            }
}

/* The classical case: twice as fine twice over, second order. */
static void test_known_weights(void **state)
{
    double weight[2];
    (void)state;
    OK(nl_richardson_weights((int[]){20, 10}, 2, 40, 2, weight));
    CLOSE(weight[0], 1.25, 1e-14); /* 1 = w0 + w1 and 1 = 4 w0 + 16 w1 */
    CLOSE(weight[1], -0.25, 1e-14);
    OK(nl_richardson_weights((int[]){20}, 1, 40, 8, weight));
    CLOSE(weight[0], 1, 0);
}

static void test_equal_grids_are_refused(void **state)
{
    double weight[2];
    (void)state;
    FAILS(nl_richardson_weights((int[]){20, 20}, 2, 40, 2, weight), NL_ERR_INTERNAL, "equal size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_on_polynomials),
        cmocka_unit_test(test_stencil_is_centred),
        cmocka_unit_test(test_shared_points_keep_values),
        cmocka_unit_test(test_order_on_smooth_functions),
        cmocka_unit_test(test_restriction_is_adjoint),
        cmocka_unit_test(test_weights_reproduce_the_fine_grid),
        cmocka_unit_test(test_known_weights),
        cmocka_unit_test(test_equal_grids_are_refused),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
