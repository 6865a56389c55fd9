#include "nanolase/lindblad.h"

#include <math.h>
#include <string.h>

#include "lindblad_point.h"

nl_lindblad nl_lindblad_from_config(const nl_config *config)
{
    const nl_laser laser = nl_laser_from_config(config);
    return (nl_lindblad){.laser = laser,
                         .sites = 1,
                         .components = config->model_local == NL_LOCAL_QUBIT ? 4 : 1,
                         .planes = 1,
                         .g = sqrt(laser.A * config->laser_gamma), /* g^2 = C_p kappa gamma = A gamma */
                         .gamma = config->laser_gamma};
}

/* ---- operator ---- */

nl_operator nl_lindblad_shape(const nl_lindblad *l, int levels)
{
    return (nl_operator){.kind = NL_OPERATOR_LINDBLAD,
                         .sites = l->sites,
                         .n = levels,
                         .orders = l->orders,
                         .components = l->components,
                         .planes = l->planes,
                         .table_len = nl_lindblad_table_len(levels)};
}

void nl_lindblad_fill_table(const nl_lindblad *l, int levels, double *table)
{
    double *root = table + NL_LINDBLAD_HEADER + 1;
    memset(table, 0, nl_lindblad_table_len(levels) * sizeof *table);
    table[NL_LINDBLAD_A] = l->laser.A;
    table[NL_LINDBLAD_B] = l->laser.B_r;
    table[NL_LINDBLAD_C] = l->laser.C;
    table[NL_LINDBLAD_G] = l->g;
    table[NL_LINDBLAD_GAMMA] = l->gamma;
    table[NL_LINDBLAD_TUNNEL] = l->t_c;
    table[NL_LINDBLAD_CLOSED] = l->closed;
    for (int j = 0; j < l->sites; j++) {
        table[NL_LINDBLAD_DRIVE + 2 * j] = l->drive[j].re;
        table[NL_LINDBLAD_DRIVE + 2 * j + 1] = l->drive[j].im;
    }
    for (int n = 0; n <= levels + 1; n++)
        root[n] = sqrt(n);
}

/* ---- states ---- */

/* Of order 0 the diagonal blocks are real, and ge is the adjoint of eg. */
static void make_hermitian(const nl_operator *op, double *site)
{
    const size_t plane = nl_lindblad_plane(op), component = op->planes * plane;
    for (int E = 0; E < op->n; E++) {
        double *x = site + NL_LINDBLAD_PAD + E;
        if (op->planes > 1)
            x[plane] = 0;
        if (op->components == 1)
            continue;
        if (op->planes > 1)
            x[component + plane] = 0;
        double *eg = x + 2 * component, *ge = x + 3 * component;
        eg[0] = ge[0] = (eg[0] + ge[0]) / 2;
        if (op->planes > 1) {
            eg[plane] = (eg[plane] - ge[plane]) / 2;
            ge[plane] = -eg[plane];
        }
    }
}

void nl_lindblad_constrain(const nl_lindblad *l, int levels, double *state)
{
    const nl_operator op = nl_lindblad_shape(l, levels);
    const size_t plane = nl_lindblad_plane(&op);
    for (int s = 0; s < op.sites * op.components; s++)
        for (int p = 0; p < op.planes; p++) {
            const nl_component c = nl_lindblad_component(op.components, s % op.components);
            double *v = state + (s * op.planes + p) * plane;
            memset(v, 0, NL_LINDBLAD_PAD * sizeof *v);
            for (int k = 0; k < op.orders; k++) {
                double *row = v + nl_lindblad_row(levels, k);
                memset(row, 0, nl_lindblad_first(c, k) * sizeof *row);
                memset(row + (levels - k), 0, NL_LINDBLAD_PAD * sizeof *row);
            }
        }
    for (int j = 0; j < op.sites; j++)
        make_hermitian(&op, state + j * (nl_operator_size(&op) / op.sites));
}

/* (-i)^k e^(i k chi) z */
static nl_complex turned(const nl_lindblad *l, int k, nl_complex z)
{
    const double angle = l->planes == 1 ? k * l->chi : 0;
    const nl_complex u = {z.re * cos(angle) - z.im * sin(angle), z.re * sin(angle) + z.im * cos(angle)};
    switch (k % 4) {
    case 0: return u;
    case 1: return (nl_complex){u.im, -u.re};
    case 2: return (nl_complex){-u.re, -u.im};
    default: return (nl_complex){-u.im, u.re};
    }
}

nl_complex nl_lindblad_block(const nl_lindblad *l, int levels, const double *state, int site, bool excited, int E,
                             int F)
{
    const nl_operator op = nl_lindblad_shape(l, levels);
    const size_t plane = nl_lindblad_plane(&op);
    const int c = l->components > 1 && !excited, k = E > F ? E - F : F - E, low = E < F ? E : F;
    const double *row = state + site * (nl_operator_size(&op) / l->sites) + c * op.planes * plane +
                        nl_lindblad_row(levels, k);
    if (k >= l->orders || low + k >= levels)
        return (nl_complex){0, 0};
    const nl_complex rho = turned(l, k, (nl_complex){row[low], l->planes > 1 ? row[plane + low] : 0});
    return E >= F ? rho : (nl_complex){rho.re, -rho.im};
}

nl_complex nl_lindblad_element(const nl_lindblad *l, int levels, const double *state, int site, int m, int n)
{
    nl_complex sum = nl_lindblad_block(l, levels, state, site, false, m, n);
    if (l->components > 1) { /* with the qubit excited there is one excitation more */
        const nl_complex more = nl_lindblad_block(l, levels, state, site, true, m + 1, n + 1);
        sum.re += more.re;
        sum.im += more.im;
    }
    return sum;
}

nl_lindblad_values nl_lindblad_values_of(const nl_lindblad *l, const double *moments)
{
    const nl_complex sum = {moments[NL_LINDBLAD_SUM_RE], moments[NL_LINDBLAD_SUM_IM]};
    const double scale = l->closed ? 1 / moments[NL_LINDBLAD_TRACE] : 1, n = scale * moments[NL_LINDBLAD_N];
    const nl_complex a = turned(l, 1, sum);
    return (nl_lindblad_values){.trace = moments[NL_LINDBLAD_TRACE],
                                .n = n,
                                .var_n = scale * moments[NL_LINDBLAD_N2] - n * n,
                                .purity = scale * scale * moments[NL_LINDBLAD_PURITY],
                                .top = scale * moments[NL_LINDBLAD_TOP],
                                .ground = scale * moments[NL_LINDBLAD_GROUND],
                                .a = {scale * a.re, scale * a.im}};
}
