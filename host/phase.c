#include "nanolase/phase.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phase_point.h"

static const double TWO_PI = 6.283185307179586477;

nl_status nl_phase_from_config(const nl_config *config, nl_phase *out)
{
    const nl_laser laser = nl_laser_from_config(config);
    const bool D_p_given = !isnan(config->phase_D_p), drive_given = !isnan(config->phase_epsilon_over_r0);
    if ((!D_p_given || !drive_given) && laser.n0 <= 0)
        return nl_config_fail(config, "laser.cooperativity",
                              "cooperativity = %g is not above the lasing threshold, so there is no phase equation; "
                              "use cooperativity > 1, or give D_p and epsilon_over_r0 in [phase]",
                              config->laser_cooperativity);
    const double D_p = D_p_given ? config->phase_D_p : laser.D_p;
    const double drive = drive_given ? config->phase_epsilon_over_r0 : laser.epsilon / sqrt(laser.n0);
    nl_phase phase = {.sites = config->model_sites, .r = {config->phase_r1, config->phase_r2}};
    phase.r0 = D_p_given ? 1 : sqrt(laser.n0);
    phase.D_p = D_p;
    phase.epsilon_over_r0 = drive;
    phase.t_c = laser.t_c;
    phase.net_gain = D_p_given || drive_given ? 0 : laser.A - laser.C;
    nl_phase_set_radii(&phase, phase.r);
    for (int j = 0; j < 2; j++) {
        phase.phi[j] = laser.phi[j];
        if (!(phase.D[j] > 0) || !isfinite(phase.D[j]) || !isfinite(phase.drive[j]) || !isfinite(phase.tunnel[j]))
            return nl_config_fail(config, j ? "phase.r2" : "phase.r1",
                                  "laser %d would have diffusion %g, drive %g and tunnelling %g; use radii and D_p "
                                  "that are nearer to 1",
                                  j + 1, phase.D[j], phase.drive[j], phase.tunnel[j]);
    }
    *out = phase;
    return NL_OK;
}

double nl_phase_width(const nl_phase *phase)
{
    double width = 1;
    for (int j = 0; j < phase->sites; j++)
        width = fmin(width, sqrt(phase->D[j] / (phase->drive[j] + fabs(phase->tunnel[j]) + 1e-300)));
    return width;
}

bool nl_phase_is_symmetric(const nl_phase *phase)
{
    return phase->sites == 2 && phase->D[0] == phase->D[1] && phase->drive[0] == phase->drive[1] &&
           phase->tunnel[0] == phase->tunnel[1] && phase->phi[0] == phase->phi[1];
}

void nl_phase_set_radii(nl_phase *phase, const double r[2])
{
    const double radius[2] = {r[0], r[1]}; /* r may be the phase's own */
    for (int j = 0; j < 2; j++) {
        phase->r[j] = radius[j];
        phase->D[j] = phase->D_p / (radius[j] * radius[j]);
        phase->drive[j] = phase->epsilon_over_r0 / radius[j];
        phase->tunnel[j] = phase->sites == 2 ? phase->t_c * radius[1 - j] / radius[j] : 0;
    }
}

void nl_phase_radial_rate(const nl_phase *phase, const double exp_i_theta[2][2], const double exp_i_theta21[2],
                          double rate[2])
{
    rate[1] = 0;
    for (int j = 0; j < phase->sites; j++) {
        const double r = phase->r[j], *e = exp_i_theta[j];
        rate[j] = phase->net_gain * (1 - r * r) * r +
                  phase->epsilon_over_r0 * (sin(phase->phi[j]) * e[0] - cos(phase->phi[j]) * e[1]);
        if (phase->sites == 2) /* <sin(theta_1 - theta_2)>, and the other sign for laser 2 */
            rate[j] += (j ? 1 : -1) * phase->t_c * phase->r[1 - j] * exp_i_theta21[1];
    }
}

/* The smallest ratio of diffusion to drift, D/v. */
static double diffusion_to_drift(const nl_phase *phase)
{
    return pow(nl_phase_width(phase), 2);
}

/*
 * How finely the distribution is structured where a stencil's error tells. At and beyond the loss of locking that is
 * the scale on which diffusion and a drift of second order balance, (D/v)^(1/3), as long as the flow neither contracts
 * nor expands, as between equal lasers driven in phase or antiphase. Else orbits draw together as a Gaussian,
 * sqrt(D/rate). Never wider than what cos(theta) itself asks for.
 */
static double structure_width(const nl_phase *phase)
{
    const double ratio = diffusion_to_drift(phase);
    const double unlike = fabs(sin(phase->phi[1] - phase->phi[0])) + 0.5 * fabs(log(phase->D[1] / phase->D[0]));
    const double rate = phase->sites == 2 ? 0.27 * fmin(1, unlike) : 0;
    return fmin(0.7, fmin(cbrt(ratio), sqrt(ratio / fmax(rate, 1e-300))));
}

/*
 * Two errors, each held below `accuracy`. A stencil of order p on structure of width s errs as K (h/s)^p
 * (v/D)^(1/(3p)), the last factor for low orders, which move thresholds. A Gaussian of the smallest width w on points h
 * apart, where the lasers are locked and the first error is far smaller, errs as w^2 exp(-1.5 (pi w/h)^2). The factors
 * bound what was measured on steady states with D_p from 0.001 to 1 at drive 1, t_c from 0 to 30 and phase differences
 * from 0 to pi; mostly the error is several times smaller.
 */
int nl_phase_resolution(const nl_phase *phase, int order, double accuracy)
{
    static const double K[] = {0, 0.0135, 4.5e-3, 1.6e-3, 1e-3};
    const double w = nl_phase_width(phase), ratio = diffusion_to_drift(phase);
    const double error = K[order / 2] * pow(ratio, -1.0 / (3 * order));
    const double stencil = structure_width(phase) * pow(accuracy / error, 1.0 / order);
    const double gaussian = M_PI * w * sqrt(1.5 / log(fmax(2, 30 * w * w / accuracy)));
    const double h = fmin(stencil, gaussian);
    if (!(TWO_PI / h < NL_MAX_GRID))
        return NL_MAX_GRID + 1;
    const int n = (int)ceil(TWO_PI / h);
    const int rounded = (n + 7) / 8 * 8; /* halves cleanly on the way to coarser grids */
    return rounded < 24 ? 24 : rounded;
}

static void fill_header(const nl_phase *phase, const nl_stencil *stencil, double *table)
{
    memset(table, 0, NL_PHASE_HEADER * sizeof *table);
    /* One site stands on the fast axis, in the place of theta_2. */
    const int fast = phase->sites == 2 ? 1 : 0;
    for (int k = 0; k <= stencil->w; k++) {
        const double a = stencil->a[k], b = stencil->b[k];
        table[NL_PHASE_A + k] = a;
        table[NL_PHASE_DB1 + k] = phase->D[0] * b;
        table[NL_PHASE_DB2 + k] = phase->D[fast] * b;
        table[NL_PHASE_AT1 + k] = a * phase->tunnel[0];
        table[NL_PHASE_AT2 + k] = a * phase->tunnel[fast];
    }
}

void nl_phase_fill_table(const nl_phase *phase, nl_stencil stencil, double *table)
{
    const int n = stencil.n, w = stencil.w, fast = phase->sites == 2 ? 1 : 0;
    const double h = TWO_PI / n;
    fill_header(phase, &stencil, table);
    const nl_phase_view view = nl_phase_view_of(table, n, w);
    double *E1 = table + (view.E1 - table), *E2 = table + (view.E2 - table), *C = table + (view.C - table);
    for (int i = -w; i < n + w; i++) {
        const double theta = h * nl_wrap(i, n);
        E1[i] = phase->drive[0] * cos(theta - phase->phi[0]);
        E2[i] = phase->drive[fast] * cos(theta - phase->phi[fast]);
    }
    for (int d = -n - w; d < n + w; d++)
        C[d] = cos(h * (((d % n) + n) % n));
}

/* ---- spectrum ---- */

enum { SAMPLES = NL_PHASE_SAMPLES };

typedef struct axis_spectrum {
    double re[SAMPLES], im[SAMPLES]; /* of D d^2 and v d at k h = 0 ... pi */
} axis_spectrum;

static void axis_symbol(const nl_phase *phase, int site, const nl_stencil *stencil, axis_spectrum *out)
{
    const double v = phase->drive[site] + fabs(phase->tunnel[site]);
    for (int s = 0; s < SAMPLES; s++) {
        double d1, d2;
        nl_stencil_symbol(stencil, 0.5 * stencil->n * s / (SAMPLES - 1), &d1, &d2);
        out->re[s] = phase->D[site] * d2;
        out->im[s] = v * d1;
    }
}

/* Both signs of the drift's product are covered by conjugation and by sign. */
int nl_phase_spectrum(const nl_phase *phase, nl_stencil stencil, nl_complex *list)
{
    axis_spectrum axis[2];
    int count = 0;
    for (int j = 0; j < phase->sites; j++)
        axis_symbol(phase, j, &stencil, &axis[j]);
    for (int s = 0; s < SAMPLES; s++) {
        if (phase->sites == 1)
            list[count++] = (nl_complex){axis[0].re[s], axis[0].im[s]};
        for (int u = 0; u < SAMPLES && phase->sites == 2; u++)
            for (int sign = -1; sign <= 1; sign += 2)
                list[count++] = (nl_complex){axis[0].re[s] + axis[1].re[u], axis[0].im[s] + sign * axis[1].im[u]};
    }
    return count;
}

/* ---- states ---- */

double nl_phase_cell(const nl_phase *phase, int n)
{
    const double h = TWO_PI / n;
    return phase->sites == 2 ? h * h : h;
}

/*
 * One phase locked to its drive: exp(-x sin(theta - phi)), x = epsilon/(r_j D_j) (Eq. 18). A laser without drive is
 * taken at the width x = 4. No width 1/sqrt(x) below h/sqrt(2) is asked for: down to there the means of the points are
 * those of the distribution, to exp(-pi^2).
 */
static void locked_profile(const nl_phase *phase, int site, int n, double *profile)
{
    const double h = TWO_PI / n, sharpest = 2 / (h * h);
    const double x = phase->drive[site] > 0 ? phase->drive[site] / phase->D[site] : 4;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        profile[i] = exp(-fmin(x, sharpest) * (1 + sin(h * i - phase->phi[site])));
        sum += profile[i];
    }
    for (int i = 0; i < n; i++)
        profile[i] /= sum * h;
}

nl_status nl_phase_initial(const nl_phase *phase, nl_initial initial, int n, double *P)
{
    if (phase->start) {
        memcpy(P, phase->start, (phase->sites == 2 ? (size_t)n * n : (size_t)n) * sizeof *P);
        return NL_OK;
    }
    double *profile = malloc(2 * (size_t)n * sizeof *profile);
    if (!profile)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate the initial distribution");
    double *profile2 = profile + n;
    for (int i = 0; i < 2 * n; i++)
        profile[i] = 1 / TWO_PI;
    for (int j = 0; j < phase->sites && initial == NL_INITIAL_LOCKED; j++)
        locked_profile(phase, j, n, j == 0 ? profile : profile2);
    if (phase->sites == 1)
        memcpy(P, profile, n * sizeof *P);
    for (int i = 0; i < n && phase->sites == 2; i++)
        for (int j = 0; j < n; j++)
            P[(size_t)i * n + j] = profile[i] * profile2[j];
    free(profile);
    return NL_OK;
}

/* ---- moments ---- */

static void mean_exponential(const double *marginal, int n, double total, double *out)
{
    double re = 0, im = 0;
    for (int m = 0; m < n; m++) {
        re += marginal[m] * cos(TWO_PI * m / n);
        im += marginal[m] * sin(TWO_PI * m / n);
    }
    out[0] = re / total;
    out[1] = im / total;
}

nl_phase_moments nl_phase_moments_of(const nl_phase *phase, int n, const double *marginals)
{
    nl_phase_moments moments = {0};
    double total = 0;
    for (int m = 0; m < n; m++)
        total += marginals[m];
    moments.norm = total * nl_phase_cell(phase, n);
    for (int j = 0; j < phase->sites; j++)
        mean_exponential(marginals + (size_t)j * n, n, total, moments.exp_i_theta[j]);
    if (phase->sites == 2)
        mean_exponential(marginals + (size_t)2 * n, n, total, moments.exp_i_theta21);
    return moments;
}
