/* The phase Fokker-Planck equation as a model: adapts phase.h to the table that the solvers work with. */
#include <math.h>
#include <string.h>

#include "hierarchy.h"
#include "observables.h"
#include "phase_point.h"

enum {
    EXP_I_THETA1, EXP_I_THETA2, EXP_I_THETA21, COHERENCE1, COHERENCE2, COHERENCE, CORRELATION,
    A1, A2, N1, N2, IMBALANCE, RELATIVE_IMBALANCE
};

static const nl_catalogue_row catalogue[] = {
    {{EXP_I_THETA1, "exp_i_theta1", true, "1", "<exp(i theta_1)>"}, NL_ALWAYS},
    {{EXP_I_THETA2, "exp_i_theta2", true, "1", "<exp(i theta_2)>"}, NL_TWO_SITES},
    {{EXP_I_THETA21, "exp_i_theta21", true, "1", "<exp(i (theta_2 - theta_1))>"}, NL_TWO_SITES},
    {{COHERENCE1, "coherence1", false, "n_0", "|<a_1>|^2/n_0 (Eq. 25)"}, NL_ALWAYS},
    {{COHERENCE2, "coherence2", false, "n_0", "|<a_2>|^2/n_0 (Eq. 25)"}, NL_TWO_SITES},
    {{COHERENCE, "coherence", false, "n_0", "mean of |<a_j>|^2/n_0 over the lasers"}, NL_ALWAYS},
    {{CORRELATION, "correlation", true, "n_0", "<a_1^+ a_2>/n_0"}, NL_TWO_SITES},
    {{A1, "a1", true, "1", "<a_1>"}, NL_RADII},
    {{A2, "a2", true, "1", "<a_2>"}, NL_RADII | NL_TWO_SITES},
    {{N1, "n1", false, "1", "<a_1^+ a_1>"}, NL_RADII},
    {{N2, "n2", false, "1", "<a_2^+ a_2>"}, NL_RADII | NL_TWO_SITES},
    {{IMBALANCE, "imbalance", false, "1", "n_1 - n_2"}, NL_RADII | NL_TWO_SITES},
    {{RELATIVE_IMBALANCE, "relative_imbalance", false, "1", "(n_1 - n_2)/(n_1 + n_2)"}, NL_RADII | NL_TWO_SITES},
};

/* Photon numbers mean something where the radii are known: derived from [laser], or given other than as r_0. */
static bool has_radii(const nl_config *config)
{
    const bool derived = isnan(config->phase_D_p) && !nl_config_is_swept(config, "phase.D_p");
    return derived || config->phase_r1 != 1 || config->phase_r2 != 1 || nl_config_is_swept(config, "phase.r1") ||
           nl_config_is_swept(config, "phase.r2");
}

static int phase_observables(const nl_config *config, const nl_observable **list)
{
    const int met = nl_conditions_met(config) | (has_radii(config) ? NL_RADII : 0);
    return nl_observables_choose(catalogue, sizeof catalogue / sizeof *catalogue, met, list);
}

/* A coarse grid must still carry the distribution roughly, or it is of no use as a start. */
static int level_count(const nl_point *point)
{
    const int smallest = nl_phase_resolution(&point->phase, point->order, 0.02);
    int levels = 1;
    while (levels < 6 && (point->n >> levels) >= smallest)
        levels++;
    return levels;
}

static nl_status check_choices(const nl_config *config)
{
    if (config->grid_order % 2 != 0)
        return nl_config_fail(config, "grid.order", "order = %d is unknown; use 2, 4, 6 or 8", config->grid_order);
    if (config->run_initial > NL_INITIAL_LOCKED)
        return nl_config_fail(config, "run.initial",
                              "this start is of another equation; the phase equation has uniform and locked");
    return NL_OK;
}

/* Left to itself, wherever the direct solution below the cycle carries the distribution at a bearable cost. */
static bool uses_multigrid(const nl_config *config, const nl_point *point)
{
    if (config->run_mode != NL_MODE_STEADY)
        return false;
    return config->steady_method == NL_STEADY_MULTIGRID ||
           (config->steady_method == NL_STEADY_AUTO && nl_hierarchy_resolves(point));
}

static nl_status phase_point(const nl_config *config, nl_point *out)
{
    nl_point point = nl_point_from_config(config);
    NL_TRY(check_choices(config));
    point.order = nl_stencil_order(config->grid_order, config->grid_n_c);
    NL_TRY(nl_phase_from_config(config, &point.phase));
    const int wanted = nl_phase_resolution(&point.phase, point.order, config->grid_accuracy);
    point.n = config->grid_n_c ? config->grid_n_c : wanted;
    if (point.n < point.order + 2)
        return nl_config_fail(config, "grid.n_c", "n_c = %d is too small for order %d; use at least %d", point.n,
                              point.order, point.order + 2);
    if (point.n > NL_MAX_GRID)
        return nl_config_fail(config, "grid.n_c",
                              "n_c = auto asks for more than %d points an axis; raise accuracy or order, or give n_c",
                              NL_MAX_GRID);
    point.levels = level_count(&point);
    if (uses_multigrid(config, &point))
        point.grids = nl_hierarchy_grids(&point);
    *out = point;
    return NL_OK;
}

static nl_operator phase_operator_shape(const nl_point *point, int n)
{
    return (nl_operator){.kind = NL_OPERATOR_PHASE,
                         .sites = point->phase.sites,
                         .n = n,
                         .half_width = point->order / 2,
                         .table_len = nl_phase_table_len(n, point->order / 2)};
}

static void phase_fill_table(const nl_point *point, int n, double *table)
{
    nl_phase_fill_table(&point->phase, nl_stencil_of_order(n, point->order), table);
}

static int phase_spectrum(const nl_point *point, int n, nl_complex *list)
{
    return nl_phase_spectrum(&point->phase, nl_stencil_of_order(n, point->order), list);
}

static int phase_least_size(const nl_point *point)
{
    return nl_phase_resolution(&point->phase, point->order, 0.1);
}

static nl_status phase_initial(const nl_point *point, nl_initial initial, int n, double *state)
{
    return nl_phase_initial(&point->phase, initial, n, state);
}

static nl_value scaled(const double *z, double factor)
{
    return (nl_value){factor * z[0], factor * z[1]};
}

static double magnitude_squared(nl_value z)
{
    return z.re * z.re + z.im * z.im;
}

static void phase_observe(const nl_point *point, int n, const double *marginals, nl_value *values, nl_health *health)
{
    const nl_phase *phase = &point->phase;
    const nl_phase_moments m = nl_phase_moments_of(phase, n, marginals);
    const nl_value none = {NAN, NAN};
    const double r1 = phase->r[0], r2 = phase->r[1], r0 = phase->r0;
    values[EXP_I_THETA1] = scaled(m.exp_i_theta[0], 1);
    values[EXP_I_THETA2] = scaled(m.exp_i_theta[1], 1);
    values[EXP_I_THETA21] = scaled(m.exp_i_theta21, 1);
    values[COHERENCE1] = nl_real_value(r1 * r1 * magnitude_squared(values[EXP_I_THETA1]));
    values[COHERENCE2] = nl_real_value(r2 * r2 * magnitude_squared(values[EXP_I_THETA2]));
    values[COHERENCE] = phase->sites == 2 ? nl_real_value((values[COHERENCE1].re + values[COHERENCE2].re) / 2)
                                          : values[COHERENCE1];
    values[CORRELATION] = scaled(m.exp_i_theta21, r1 * r2);
    values[A1] = scaled(m.exp_i_theta[0], r0 * r1);
    values[A2] = scaled(m.exp_i_theta[1], r0 * r2);
    values[N1] = nl_real_value(r0 * r0 * r1 * r1);
    values[N2] = nl_real_value(r0 * r0 * r2 * r2);
    values[IMBALANCE] = nl_real_value(values[N1].re - values[N2].re);
    values[RELATIVE_IMBALANCE] = nl_real_value(values[IMBALANCE].re / (values[N1].re + values[N2].re));
    for (size_t k = 0; k < sizeof catalogue / sizeof *catalogue && phase->sites == 1; k++)
        if (catalogue[k].needs & NL_TWO_SITES)
            values[catalogue[k].observable.id] = none;
    *health = (nl_health){.norm = m.norm};
}

/* ---- fields ---- */

enum { P_THETA, P_THETA1, P_THETA2 };

static int phase_fields(const nl_point *point, nl_field *list)
{
    const nl_field marginal = {.units = "1/rad", .description = "marginal density of one phase", .rank = 1,
                               .length = point->n, .scale = "theta", .scale_units = "rad",
                               .scale_description = "phase grid", .scale_step = 2 * acos(-1) / point->n};
    list[P_THETA] = list[P_THETA1] = list[P_THETA2] = marginal;
    list[P_THETA].name = "P_theta";
    list[P_THETA].description = "density of the phases";
    list[P_THETA].rank = point->phase.sites;
    list[P_THETA].units = point->phase.sites == 2 ? "1/rad^2" : "1/rad";
    list[P_THETA1].name = "P_theta1";
    list[P_THETA2].name = "P_theta2";
    return 1 + point->phase.sites;
}

static void phase_fill_field(const nl_point *point, int field, const double *P, double *out)
{
    const size_t n = (size_t)point->n;
    const double h = 2 * acos(-1) / point->n;
    if (field == P_THETA || point->phase.sites == 1) {
        memcpy(out, P, (point->phase.sites == 2 ? n * n : n) * sizeof *out);
        return;
    }
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            out[field == P_THETA1 ? i : j] += h * P[i * n + j];
}

const nl_model nl_phase_model = {
    .name = "phase",
    .size_name = "n_c",
    .point = phase_point,
    .observables = phase_observables,
    .operator_shape = phase_operator_shape,
    .fill_table = phase_fill_table,
    .spectrum = phase_spectrum,
    .least_size = phase_least_size,
    .initial = phase_initial,
    .observe = phase_observe,
    .fields = phase_fields,
    .fill_field = phase_fill_field,
};
