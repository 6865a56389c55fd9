#include "nanolase/tableau.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const nl_tableau tableaux[] = {
    /* Dormand & Prince, J. Comput. Appl. Math. 6, 19 (1980). */
    {.name = "rk45",
     .stages = 7,
     .order = 5,
     .embedded = 4,
     .c = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
     .a = {{0},
           {1. / 5},
           {3. / 40, 9. / 40},
           {44. / 45, -56. / 15, 32. / 9},
           {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
           {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
           {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
     .b = {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
     .b_hat = {5179. / 57600, 0, 7571. / 16695, 393. / 640, -92097. / 339200, 187. / 2100, 1. / 40}},
    /* Cash & Karp, ACM Trans. Math. Softw. 16, 201 (1990), with a closing stage. */
    {.name = "cash-karp",
     .stages = 7,
     .order = 5,
     .embedded = 4,
     .c = {0, 1. / 5, 3. / 10, 3. / 5, 1, 7. / 8, 1},
     .a = {{0},
           {1. / 5},
           {3. / 40, 9. / 40},
           {3. / 10, -9. / 10, 6. / 5},
           {-11. / 54, 5. / 2, -70. / 27, 35. / 27},
           {1631. / 55296, 175. / 512, 575. / 13824, 44275. / 110592, 253. / 4096},
           {37. / 378, 0, 250. / 621, 125. / 594, 0, 512. / 1771}},
     .b = {37. / 378, 0, 250. / 621, 125. / 594, 0, 512. / 1771, 0},
     .b_hat = {2825. / 27648, 0, 18575. / 48384, 13525. / 55296, 277. / 14336, 1. / 4, 0}},
    /* The classical method. Moving a tenth of the fourth stage's weight to the closing stage keeps order 3, and makes
     * the estimate a difference of two vectors. */
    {.name = "rk43",
     .stages = 5,
     .order = 4,
     .embedded = 3,
     .c = {0, 1. / 2, 1. / 2, 1, 1},
     .a = {{0}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}, {1. / 6, 1. / 3, 1. / 3, 1. / 6}},
     .b = {1. / 6, 1. / 3, 1. / 3, 1. / 6, 0},
     .b_hat = {1. / 6, 1. / 3, 1. / 3, 1. / 15, 1. / 10}},
    /* Bogacki & Shampine, Appl. Math. Lett. 2, 321 (1989). */
    {.name = "bs32",
     .stages = 4,
     .order = 3,
     .embedded = 2,
     .c = {0, 1. / 2, 3. / 4, 1},
     .a = {{0}, {1. / 2}, {0, 3. / 4}, {2. / 9, 1. / 3, 4. / 9}},
     .b = {2. / 9, 1. / 3, 4. / 9, 0},
     .b_hat = {7. / 24, 1. / 4, 1. / 3, 1. / 8}},
};

int nl_tableau_count(void)
{
    return (int)(sizeof tableaux / sizeof *tableaux);
}

const nl_tableau *nl_tableau_at(int index)
{
    return &tableaux[index];
}

const nl_tableau *nl_tableau_find(const char *name)
{
    for (int i = 0; i < nl_tableau_count(); i++)
        if (strcmp(tableaux[i].name, name) == 0)
            return &tableaux[i];
    return NULL;
}

const nl_tableau *nl_tableau_chebyshev(int order)
{
    static const nl_tableau methods[] = {
        {.name = "rkc", .stages = 2, .order = 1, .embedded = 1, .chebyshev = 1},
        {.name = "rkc", .stages = 2, .order = 2, .embedded = 2, .chebyshev = 2},
    };
    return &methods[order - 1];
}

const nl_tableau *nl_tableau_smoother(void)
{
    /* Jameson, Schmidt & Turkel, AIAA 81-1259 (1981). */
    static const nl_tableau smoother = {.name = "smoother", .stages = 4, .order = 2, .embedded = 2,
                                        .c = {0, 1. / 4, 1. / 3, 1. / 2},
                                        .a = {{0}, {1. / 4}, {0, 1. / 3}, {0, 0, 1. / 2}},
                                        .b = {0, 0, 0, 1},
                                        .b_hat = {0, 0, 0, 1}};
    return &smoother;
}

/* Of every stage of y' = L y: h L y at it is sum_j k[s][j] z^j y, z = h L. */
static void stage_polynomials(const nl_tableau *t, double k[NL_MAX_STAGES][NL_MAX_STAGES + 1])
{
    memset(k, 0, NL_MAX_STAGES * sizeof *k);
    for (int s = 0; s < t->stages; s++) {
        k[s][1] = 1;
        for (int l = 0; l < s; l++)
            for (int j = 1; j < t->stages; j++)
                k[s][j + 1] += t->a[s][l] * k[l][j];
    }
}

nl_polynomial nl_tableau_polynomial(const nl_tableau *t)
{
    double k[NL_MAX_STAGES][NL_MAX_STAGES + 1];
    nl_polynomial p = {.degree = t->stages - 1, .embedded = t->embedded, .y = {1}};
    stage_polynomials(t, k);
    for (int s = 0; s < p.degree; s++)
        for (int j = 1; j <= p.degree; j++) {
            p.y[j] += t->b[s] * k[s][j];
            p.error[j] += (t->b[s] - t->b_hat[s]) * k[s][j];
        }
    p.error_new = t->b[p.degree] - t->b_hat[p.degree];
    return p;
}

/* R(z) = sum_j R[j] z^j: a step of y' = L y takes y to R(h L) y. */
static void stability_polynomial(const nl_tableau *t, double R[NL_MAX_STAGES + 1])
{
    double k[NL_MAX_STAGES][NL_MAX_STAGES + 1];
    stage_polynomials(t, k);
    for (int j = 0; j <= NL_MAX_STAGES; j++) {
        R[j] = j == 0;
        for (int s = 0; s < t->stages; s++)
            R[j] += t->b[s] * k[s][j];
    }
}

/* |R(z)|^2. In reals, and of one length for all: this runs some thousand times for every point of a sweep. */
static inline double amplified(const double R[NL_MAX_STAGES + 1], double re, double im)
{
    double sum_re = R[NL_MAX_STAGES], sum_im = 0;
    for (int j = NL_MAX_STAGES - 1; j >= 0; j--) {
        const double next = sum_re * re - sum_im * im + R[j];
        sum_im = sum_re * im + sum_im * re;
        sum_re = next;
    }
    return sum_re * sum_re + sum_im * sum_im;
}

double nl_tableau_amplification(const nl_tableau *t, double re, double im)
{
    double R[NL_MAX_STAGES + 1];
    stability_polynomial(t, R);
    return sqrt(amplified(R, re, im));
}

/* NaN is not. */
static bool is_stable(const double R[NL_MAX_STAGES + 1], const nl_complex *spectrum, int count, double h)
{
    int growing = 0;
#pragma omp simd reduction(+ : growing)
    for (int i = 0; i < count; i++)
        growing += !(amplified(R, h * spectrum[i].re, h * spectrum[i].im) <= 1 + 2e-12);
    return growing == 0;
}

double nl_tableau_stable_step(const nl_tableau *pair, const nl_complex *spectrum, int count)
{
    double R[NL_MAX_STAGES + 1], largest = 0;
    stability_polynomial(pair, R);
    for (int i = 0; i < count; i++)
        largest = fmax(largest, spectrum[i].re * spectrum[i].re + spectrum[i].im * spectrum[i].im);
    double low = 0, high = 8 / sqrt(largest); /* no pair here is stable beyond |z| = 8 */
    for (int step = 0; step < 14; step++) {
        const double h = (low + high) / 2;
        *(is_stable(R, spectrum, count, h) ? &low : &high) = h;
    }
    return low;
}
