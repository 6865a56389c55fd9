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

nl_polynomial nl_tableau_polynomial(const nl_tableau *t)
{
    double k[NL_MAX_STAGES][NL_MAX_STAGES] = {{0}}; /* h k_s = sum_j k[s][j] z_j */
    nl_polynomial p = {.degree = t->stages - 1, .embedded = t->embedded, .y = {1}};
    for (int s = 0; s < p.degree; s++) {
        k[s][1] = 1;
        for (int l = 0; l < s; l++)
            for (int j = 1; j < p.degree; j++)
                k[s][j + 1] += t->a[s][l] * k[l][j];
        for (int j = 1; j <= p.degree; j++) {
            p.y[j] += t->b[s] * k[s][j];
            p.error[j] += (t->b[s] - t->b_hat[s]) * k[s][j];
        }
    }
    p.error_new = t->b[p.degree] - t->b_hat[p.degree];
    return p;
}

double nl_tableau_stable_step(const nl_tableau *pair, const nl_complex *spectrum, int count)
{
    double rate = 0;
    for (int i = 0; i < count; i++)
        rate = fmax(rate, hypot(spectrum[i].re, spectrum[i].im));
    double low = 0, high = 8 / rate; /* no pair here is stable beyond |z| = 8 */
    for (int step = 0; step < 14; step++) {
        const double h = (low + high) / 2;
        bool stable = true;
        for (int i = 0; i < count && stable; i++)
            stable = nl_tableau_amplification(pair, h * spectrum[i].re, h * spectrum[i].im) <= 1 + 1e-12;
        if (stable)
            low = h;
        else
            high = h;
    }
    return low;
}

double nl_tableau_amplification(const nl_tableau *t, double re, double im)
{
    /* Stage derivatives of y' = z y, y = 1, in units of z. In reals: this runs for every point of a sweep. */
    double k_re[NL_MAX_STAGES], k_im[NL_MAX_STAGES], R_re = 1, R_im = 0;
    for (int s = 0; s < t->stages; s++) {
        double sum_re = 0, sum_im = 0;
        for (int j = 0; j < s; j++) {
            sum_re += t->a[s][j] * k_re[j];
            sum_im += t->a[s][j] * k_im[j];
        }
        k_re[s] = 1 + re * sum_re - im * sum_im;
        k_im[s] = re * sum_im + im * sum_re;
        R_re += t->b[s] * (re * k_re[s] - im * k_im[s]);
        R_im += t->b[s] * (re * k_im[s] + im * k_re[s]);
    }
    return hypot(R_re, R_im);
}
