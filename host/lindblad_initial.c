/* What a density matrix of one laser or two starts from: vacuum, light, nearly the steady state, or a kick. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lindblad_distribution.h"
#include "lindblad_point.h"

/* What a site starts from: populations p_n of photons, and the coherences relative to sqrt(p_n p_(n+k)). */
typedef struct profile {
    int levels, orders;
    double phi;    /* of <a>: order k is turned by k phi */
    double *p;     /* [levels] */
    double *ratio; /* [levels][orders of the laser]: factor of order k around n; NULL: 1 */
} profile;

/* Populations without drive: no probability flows between n and n+1 (Eq. 6 on the diagonal). */
static void undriven_populations(const nl_lindblad *l, int levels, double *p)
{
    const double A = l->laser.A, B = l->laser.B_r, C = l->laser.C;
    p[0] = 1;
    for (int n = 0; n + 1 < levels; n++) {
        const double flow = (2 * A - B * (n + 1)) * p[n] - (n > 0 ? B * n * p[n - 1] : 0);
        p[n + 1] = fmax(flow / (2 * C), 0);
        if (p[n + 1] > 1e200)
            for (int m = 0; m <= n + 1; m++)
                p[m] *= 1e-200;
    }
}

/* Near the steady state: the undriven populations times the weight of the drive, phases locked (Eq. 18) at each n. */
static void steady_profile(const nl_lindblad *l, double f, profile *out)
{
    undriven_populations(l, out->levels, out->p);
    const double x_top = nl_lindblad_locking(l, f, out->levels);
    for (int n = 0; n < out->levels; n++) {
        const double x = nl_lindblad_locking(l, f, n);
        out->p[n] *= nl_bessel_ratios(x, out->ratio + (size_t)n * l->orders, l->orders) * exp(x - x_top);
    }
}

static void coherent_profile(double mean, profile *out)
{
    for (int n = 0; n < out->levels; n++)
        out->p[n] = mean > 0 ? exp(n * log(mean) - mean - lgamma(n + 1)) : n == 0;
}

static void thermal_profile(double mean, profile *out)
{
    out->orders = 1;
    for (int n = 0; n < out->levels; n++)
        out->p[n] = pow(mean / (1 + mean), n) / (1 + mean);
}

static void normalise(double *p, int levels)
{
    double sum = 0;
    for (int n = 0; n < levels; n++)
        sum += p[n];
    for (int n = 0; n < levels; n++)
        p[n] /= sum;
}

/* Writes a profile into component c of a site. Photon n stands at E = n + shift. */
static void put_profile(const nl_lindblad *l, const profile *from, int c, int shift, double *site)
{
    const nl_operator op = nl_lindblad_shape(l, from->levels);
    const size_t plane = nl_lindblad_plane(&op);
    for (int k = 0; k < from->orders; k++) {
        double *row = site + c * op.planes * plane + nl_lindblad_row(from->levels, k);
        for (int n = 0; n + k + shift < from->levels; n++) {
            const double factor = from->ratio ? from->ratio[(size_t)(n + k / 2) * l->orders + k] : 1;
            const double x = sqrt(from->p[n] * from->p[n + k]) * factor;
            row[n + shift] = l->planes > 1 ? x * cos(k * from->phi) : x;
            if (l->planes > 1)
                row[plane + n + shift] = x * sin(k * from->phi);
        }
    }
}

/* -i [a + a^+, rho] and -i [i (a^+ - a), rho], in the two planes of a complex state. */
static nl_status kick(const nl_lindblad *l, int levels, const double *steady, double *out)
{
    nl_lindblad real = *l, both = *l;
    real.planes = 1;
    both.planes = 2;
    const nl_operator from = nl_lindblad_shape(&real, levels), to = nl_lindblad_shape(&both, levels);
    const size_t plane = nl_lindblad_plane(&to);
    double *table = malloc(from.table_len * sizeof *table);
    memset(out, 0, nl_operator_size(&to) * sizeof *out);
    if (!table)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the table of a kick");
    nl_lindblad_fill_table(&real, levels, table);
    for (int c = 0; c < from.components; c++)
        for (int k = 0; k < from.orders; k++) {
            const nl_component component = nl_lindblad_component(from.components, c);
            const nl_lindblad_rows rows = nl_lindblad_rows_of(&from, table, steady, c, k);
            double *row = out + 2 * c * plane + nl_lindblad_row(levels, k);
            for (int E = nl_lindblad_first(component, k); E < levels - k; E++) {
                const double U = nl_lindblad_below(&rows, component, E, 0),
                             V = nl_lindblad_above(&rows, component, E, 0);
                row[E] = U - V; /* f U - f^* V at f = 1 and at f = i */
                row[plane + E] = U + V;
            }
        }
    free(table);
    return NL_OK;
}

/* What laser j starts from. steady: near its steady state, its arrays then holding the ratios too. */
static void fill_profile(const nl_lindblad *l, nl_initial initial, bool steady, int j, profile *out)
{
    const double f = hypot(l->drive[j].re, l->drive[j].im);
    out->orders = l->orders;
    out->phi = f > 0 || l->planes == 1 ? atan2(l->drive[j].im, l->drive[j].re) : l->laser.phi[j];
    if (steady) {
        steady_profile(l, f, out);
        normalise(out->p, out->levels);
    } else if (initial == NL_INITIAL_THERMAL) {
        thermal_profile(l->n_initial, out);
    } else {
        coherent_profile(initial == NL_INITIAL_COHERENT ? l->n_initial : 0, out);
    }
}

nl_status nl_lindblad_initial(const nl_lindblad *l, nl_initial initial, int levels, double *state)
{
    if (l->kicked)
        return kick(l, levels, l->kicked, state);
    const nl_operator op = nl_lindblad_shape(l, levels);
    const bool steady = initial == NL_INITIAL_AUTO && l->closed;
    profile from = {.levels = levels, .p = malloc((size_t)levels * sizeof *from.p)};
    if (steady)
        from.ratio = malloc((size_t)levels * l->orders * sizeof *from.ratio);
    const bool ok = from.p && (from.ratio || !steady);
    /* A laser's qubit is inverted, ee; other states start with the qubit in its ground state, gg. */
    const int c = l->components > 1 && !steady, shift = l->components > 1 && steady;
    memset(state, 0, nl_operator_size(&op) * sizeof *state);
    for (int j = 0; j < l->sites && ok; j++) {
        fill_profile(l, initial, steady, j, &from);
        put_profile(l, &from, c, shift, state + j * (nl_operator_size(&op) / l->sites));
    }
    free(from.p);
    free(from.ratio);
    return ok ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the initial state of %d levels", levels);
}
