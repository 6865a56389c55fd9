#include "nanolase/stencil.h"

#include <lapacke.h>
#include <math.h>

enum { MAX_W = NL_STENCIL_MAX_W };

static const double TWO_PI = 6.283185307179586477;

static const double first_derivative[MAX_W][MAX_W + 1] = {
    {0, 1. / 2},
    {0, 2. / 3, -1. / 12},
    {0, 3. / 4, -3. / 20, 1. / 60},
    {0, 4. / 5, -1. / 5, 4. / 105, -1. / 280},
};
static const double second_derivative[MAX_W][MAX_W + 1] = {
    {-2, 1},
    {-5. / 2, 4. / 3, -1. / 12},
    {-49. / 18, 3. / 2, -3. / 20, 1. / 90},
    {-205. / 72, 8. / 5, -1. / 5, 8. / 315, -1. / 560},
};

int nl_stencil_order(int order, int points)
{
    return order ? order : points ? 2 : 2 * MAX_W;
}

nl_stencil nl_stencil_of_order(int n, int order)
{
    const double h = TWO_PI / n;
    nl_stencil s = {.n = n, .w = order / 2};
    for (int k = 0; k <= s.w; k++) {
        s.a[k] = first_derivative[s.w - 1][k] / h;
        s.b[k] = second_derivative[s.w - 1][k] / (h * h);
    }
    return s;
}

/* sum_k c_k k^power over a stencil, in units of the coarse spacing `ratio` fine ones wide. */
static double moment(const double *c, int w, double ratio, int power)
{
    double sum = 0;
    for (int k = 1; k <= w; k++)
        sum += c[k] * pow(k / ratio, power);
    return sum;
}

/* c[k], k in [1, MAX_W], with the moments of `fine` at odd (first = 1) or even (2) powers. */
static void match(const double *fine, int w, double ratio, int first, double *c)
{
    double matrix[MAX_W * MAX_W];
    lapack_int pivots[MAX_W];
    for (int row = 0; row < MAX_W; row++) {
        const int power = first + 2 * row;
        for (int k = 1; k <= MAX_W; k++)
            matrix[row * MAX_W + k - 1] = pow(k, power);
        c[1 + row] = moment(fine, w, ratio, power);
    }
    /* A Vandermonde matrix of the squares 1 ... MAX_W^2: regular. */
    LAPACKE_dgesv(LAPACK_ROW_MAJOR, MAX_W, 1, matrix, MAX_W, pivots, c + 1, 1);
}

nl_stencil nl_stencil_like(const nl_stencil *fine, int n)
{
    const double ratio = (double)fine->n / n;
    nl_stencil s = {.n = n, .w = MAX_W};
    match(fine->a, fine->w, ratio, 1, s.a);
    match(fine->b, fine->w, ratio, 2, s.b);
    for (int k = 1; k <= MAX_W; k++)
        s.b[0] -= 2 * s.b[k];
    return s;
}

void nl_stencil_symbol(const nl_stencil *s, double k, double *first, double *second)
{
    const double kh = k * TWO_PI / s->n;
    *first = 0;
    *second = s->b[0];
    for (int j = 1; j <= s->w; j++) {
        *first += 2 * s->a[j] * sin(j * kh);
        *second += 2 * s->b[j] * cos(j * kh);
    }
}
