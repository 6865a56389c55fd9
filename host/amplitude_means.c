/* Normally ordered means from the sums that the backends make (amplitude_point.h). */
#include <math.h>

#include "amplitude_point.h"
#include "nanolase/amplitude.h"

static nl_complex scaled(double re, double im, double factor)
{
    return (nl_complex){re * factor, im * factor};
}

/* Means of the fast site, and all norms: plain sums over the sets. */
static void add_fast_site(const double *s, int site, nl_amplitude_means *m)
{
    m->norm += s[NL_AMPLITUDE_P];
    m->negative += s[NL_AMPLITUDE_NEGATIVE];
    m->edge += s[NL_AMPLITUDE_EDGE];
    m->a[site].re += s[NL_AMPLITUDE_X];
    m->a[site].im += s[NL_AMPLITUDE_Y];
    m->n[site] += s[NL_AMPLITUDE_N];
    m->n_squared[site] += s[NL_AMPLITUDE_N2];
    m->exp_i_theta[site].re += s[NL_AMPLITUDE_COS];
    m->exp_i_theta[site].im += s[NL_AMPLITUDE_SIN];
}

/* Site 1 at x + i y with the sums over site 2. */
static void add_slow_site(const double *s, double x, double y, bool edge, nl_amplitude_means *m)
{
    const double P = s[NL_AMPLITUDE_P], r2 = x * x + y * y, inverse = nl_inverse_radius(r2);
    const double c = x * inverse, d = y * inverse;
    m->edge += edge ? P : 0;
    m->a[0].re += x * P;
    m->a[0].im += y * P;
    m->n[0] += r2 * P;
    m->n_squared[0] += r2 * r2 * P;
    m->n1_n2 += r2 * s[NL_AMPLITUDE_N];
    m->a1dag_a2.re += x * s[NL_AMPLITUDE_X] + y * s[NL_AMPLITUDE_Y];
    m->a1dag_a2.im += x * s[NL_AMPLITUDE_Y] - y * s[NL_AMPLITUDE_X];
    m->exp_i_theta[0].re += c * P;
    m->exp_i_theta[0].im += d * P;
    m->exp_i_theta21.re += c * s[NL_AMPLITUDE_COS] + d * s[NL_AMPLITUDE_SIN];
    m->exp_i_theta21.im += c * s[NL_AMPLITUDE_SIN] - d * s[NL_AMPLITUDE_COS];
}

nl_amplitude_means nl_amplitude_means_of(const nl_amplitude *p, int n, const double *moments)
{
    nl_amplitude_means m = {0};
    const double h = nl_amplitude_spacing(p, n), cells = pow(n, 2 * p->sites);
    const size_t sets = p->sites == 2 ? (size_t)n * n : 1;
    for (size_t c = 0; c < sets; c++) {
        const double *s = moments + c * NL_AMPLITUDE_SUMS;
        add_fast_site(s, p->sites - 1, &m);
        const int i = (int)(c / n), j = (int)(c % n);
        if (p->sites == 2)
            add_slow_site(s, (i + 0.5) * h - p->extent, (j + 0.5) * h - p->extent,
                          i == 0 || i == n - 1 || j == 0 || j == n - 1, &m);
    }
    const double inverse = 1 / m.norm;
    for (int j = 0; j < p->sites; j++) {
        m.a[j] = scaled(m.a[j].re, m.a[j].im, inverse);
        m.n[j] *= inverse;
        m.n_squared[j] *= inverse;
        m.exp_i_theta[j] = scaled(m.exp_i_theta[j].re, m.exp_i_theta[j].im, inverse);
    }
    m.n1_n2 *= inverse;
    m.a1dag_a2 = scaled(m.a1dag_a2.re, m.a1dag_a2.im, inverse);
    m.exp_i_theta21 = scaled(m.exp_i_theta21.re, m.exp_i_theta21.im, inverse);
    m.negative *= inverse;
    m.edge *= inverse;
    m.norm /= cells;
    return m;
}
