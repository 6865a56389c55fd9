/* The full-amplitude Fokker-Planck equation as a model: adapts amplitude.h to the table that the solvers work with. */
#include <math.h>
#include <stdlib.h>

#include "amplitude_point.h"
#include "observables.h"

/* Probability in the outermost cells above which the grid counts as too small, or too coarse: what it does not resolve
 * alternates from cell to cell out to the edge. */
static const double LEAK = 1e-3;

enum {
    A1, A2, N1, N2, IMBALANCE, RELATIVE_IMBALANCE, VAR_N1, VAR_N2, COVARIANCE, STD_IMBALANCE, COHERENCE1, COHERENCE2,
    COHERENCE, CORRELATION, A1DAG_A2, EXP_I_THETA1, EXP_I_THETA2, EXP_I_THETA21, NORM, NEGATIVE, EDGE
};

static const nl_catalogue_row catalogue[] = {
    {{A1, "a1", true, "1", "<a_1>"}, NL_ALWAYS},
    {{A2, "a2", true, "1", "<a_2>"}, NL_TWO_SITES},
    {{N1, "n1", false, "1", "<a_1^+ a_1>, the mean of |alpha_1|^2 over P"}, NL_ALWAYS},
    {{N2, "n2", false, "1", "<a_2^+ a_2>"}, NL_TWO_SITES},
    {{IMBALANCE, "imbalance", false, "1", "n_1 - n_2"}, NL_TWO_SITES},
    {{RELATIVE_IMBALANCE, "relative_imbalance", false, "1", "(n_1 - n_2)/(n_1 + n_2)"}, NL_TWO_SITES},
    {{VAR_N1, "var_n1", false, "1", "variance of the photon number of laser 1: <|alpha_1|^4> + n_1 - n_1^2"},
     NL_ALWAYS},
    {{VAR_N2, "var_n2", false, "1", "variance of the photon number of laser 2"}, NL_TWO_SITES},
    {{COVARIANCE, "covariance_n1_n2", false, "1", "<n_1 n_2> - <n_1><n_2>"}, NL_TWO_SITES},
    {{STD_IMBALANCE, "std_imbalance", false, "1", "standard deviation of n_1 - n_2"}, NL_TWO_SITES},
    {{COHERENCE1, "coherence1", false, "1", "|<a_1>|^2/n_0; NAN below threshold"}, NL_ALWAYS},
    {{COHERENCE2, "coherence2", false, "1", "|<a_2>|^2/n_0"}, NL_TWO_SITES},
    {{COHERENCE, "coherence", false, "1", "mean of |<a_j>|^2/n_0 over the lasers"}, NL_ALWAYS},
    {{CORRELATION, "correlation", true, "1", "<a_1^+ a_2>/n_0"}, NL_TWO_SITES},
    {{A1DAG_A2, "a1dag_a2", true, "1", "<a_1^+ a_2>"}, NL_TWO_SITES},
    {{EXP_I_THETA1, "exp_i_theta1", true, "1", "<exp(i theta_1)> over P"}, NL_ALWAYS},
    {{EXP_I_THETA2, "exp_i_theta2", true, "1", "<exp(i theta_2)> over P"}, NL_TWO_SITES},
    {{EXP_I_THETA21, "exp_i_theta21", true, "1", "<exp(i (theta_2 - theta_1))> over P"}, NL_TWO_SITES},
    {{NORM, "norm", false, "1", "integral of P"}, NL_ALWAYS},
    {{NEGATIVE, "negative_probability", false, "1", "integral of the negative part of P, which the differences make"},
     NL_ALWAYS},
    {{EDGE, "edge_probability", false, "1", "probability in the outermost cells of the grid"}, NL_ALWAYS},
};

static int amplitude_observables(const nl_config *config, const nl_observable **list)
{
    return nl_observables_choose(catalogue, sizeof catalogue / sizeof *catalogue, nl_conditions_met(config), list);
}

/* ---- one point ---- */

static nl_status check_choices(const nl_config *config)
{
    if (config->grid_order % 2 != 0)
        return nl_config_fail(config, "grid.order", "order = %d is unknown; use 2, 4, 6 or 8", config->grid_order);
    if (config->run_initial == NL_INITIAL_UNIFORM)
        return nl_config_fail(config, "run.initial",
                              "this start is of another equation; amplitudes have locked, vacuum, coherent and "
                              "thermal");
    if (nl_config_is_swept(config, "model.sites"))
        return nl_config_fail(config, "model.sites", "equation = amplitude cannot sweep sites; make two runs");
    return NL_OK;
}

static nl_status amplitude_point(const nl_config *config, nl_point *out)
{
    nl_point point = nl_point_from_config(config);
    NL_TRY(check_choices(config));
    point.order = nl_stencil_order(config->grid_order, config->grid_points);
    nl_amplitude_from_config(config, &point.amplitude);
    const nl_amplitude *p = &point.amplitude;
    if (!isfinite(p->extent) || !(p->width > 0))
        return nl_config_fail(config, "grid.extent",
                              "the light has no bound with these coefficients; use a smaller gamma or "
                              "cooperativity");
    const double drift = p->laser.B_r * p->extent * p->extent;
    if (!isfinite(drift / p->width))
        return nl_config_fail(config, "laser.gamma",
                              "the drift at the edge of the grid would be %g; use a larger gamma", drift);
    point.n = config->grid_points ? config->grid_points : nl_amplitude_resolution(p, point.order);
    if (point.n > NL_AMPLITUDE_MOST_POINTS)
        return nl_config_fail(config, "grid.points",
                              "points = auto asks for %d points an axis, and no machine holds that "
                              "many; use a smaller gamma, or equation = phase",
                              point.n);
    if (point.n < point.order + 2)
        return nl_config_fail(config, "grid.points", "points = %d is too small for order %d; use at least %d", point.n,
                              point.order, point.order + 2);
    *out = point;
    return NL_OK;
}

static nl_operator amplitude_shape(const nl_point *point, int n)
{
    return (nl_operator){.kind = NL_OPERATOR_AMPLITUDE,
                         .sites = point->amplitude.sites,
                         .n = n,
                         .half_width = point->order / 2,
                         .table_len = nl_amplitude_table_len(n)};
}

static void amplitude_fill_table(const nl_point *point, int n, double *table)
{
    nl_amplitude_fill_table(&point->amplitude, n, point->order, table);
}

static int amplitude_spectrum(const nl_point *point, int n, nl_complex *list)
{
    return nl_amplitude_spectrum(&point->amplitude, n, point->order, list);
}

static nl_status amplitude_initial(const nl_point *point, nl_initial initial, int n, double *state)
{
    return nl_amplitude_initial(&point->amplitude, initial, n, state);
}

/* ---- observables ---- */

static void observe_pair(const nl_amplitude_means *m, double n0, nl_value *v)
{
    const double covariance = m->n1_n2 - m->n[0] * m->n[1];
    v[A2] = nl_complex_value(m->a[1]);
    v[N2] = nl_real_value(m->n[1]);
    v[IMBALANCE] = nl_real_value(m->n[0] - m->n[1]);
    v[RELATIVE_IMBALANCE] = nl_real_value((m->n[0] - m->n[1]) / (m->n[0] + m->n[1]));
    v[VAR_N2] = nl_real_value(m->n_squared[1] + m->n[1] - m->n[1] * m->n[1]);
    v[COVARIANCE] = nl_real_value(covariance);
    v[STD_IMBALANCE] = nl_real_value(sqrt(v[VAR_N1].re + v[VAR_N2].re - 2 * covariance));
    v[COHERENCE2] = nl_real_value(nl_squared(m->a[1]) / n0);
    v[COHERENCE] = nl_real_value((nl_squared(m->a[0]) + nl_squared(m->a[1])) / (2 * n0));
    v[CORRELATION] = (nl_value){m->a1dag_a2.re * (1 / n0), m->a1dag_a2.im * (1 / n0)};
    v[A1DAG_A2] = nl_complex_value(m->a1dag_a2);
    v[EXP_I_THETA2] = nl_complex_value(m->exp_i_theta[1]);
    v[EXP_I_THETA21] = nl_complex_value(m->exp_i_theta21);
}

static void amplitude_observe(const nl_point *point, int n, const double *moments, nl_value *v, nl_health *health)
{
    const nl_amplitude *p = &point->amplitude;
    const nl_amplitude_means m = nl_amplitude_means_of(p, n, moments);
    const double n0 = p->laser.n0 > 0 ? p->laser.n0 : NAN;
    v[A1] = nl_complex_value(m.a[0]);
    v[N1] = nl_real_value(m.n[0]);
    v[VAR_N1] = nl_real_value(m.n_squared[0] + m.n[0] - m.n[0] * m.n[0]);
    v[COHERENCE1] = v[COHERENCE] = nl_real_value(nl_squared(m.a[0]) / n0);
    v[EXP_I_THETA1] = nl_complex_value(m.exp_i_theta[0]);
    v[NORM] = nl_real_value(m.norm);
    v[NEGATIVE] = nl_real_value(m.negative);
    v[EDGE] = nl_real_value(m.edge);
    if (p->sites == 2)
        observe_pair(&m, n0, v);
    *health = (nl_health){.norm = m.norm, .leaks = fabs(m.edge) > LEAK};
}

/* ---- fields ---- */

/* Of each laser: over its plane, its phase and its radius. */
enum { PLANE, THETA, RADIUS, FIELDS_PER_LASER };

static int amplitude_fields(const nl_point *point, nl_field *list)
{
    static const char *const names[][FIELDS_PER_LASER] = {{"P_alpha1", "P_theta1", "P_r1"},
                                                          {"P_alpha2", "P_theta2", "P_r2"}};
    const nl_amplitude *p = &point->amplitude;
    const int n = point->n;
    const double h = nl_amplitude_spacing(p, n), dr = p->extent / n;
    for (int j = 0; j < p->sites; j++) {
        nl_field *of = list + j * FIELDS_PER_LASER;
        of[PLANE] = (nl_field){.units = "1", .description = "density of one laser over (Re alpha, Im alpha)", .rank = 2,
                               .scale = "alpha", .scale_units = "1", .scale_description = "Re or Im of alpha",
                               .scale_step = h, .scale_first = h / 2 - p->extent};
        of[THETA] = (nl_field){.units = "1/rad",
                               .description = "marginal density of one phase",
                               .rank = 1,
                               .scale = "theta",
                               .scale_units = "rad",
                               .scale_description = "phase",
                               .scale_step = 2 * acos(-1) / n};
        of[RADIUS] = (nl_field){.units = "1",
                                .description = "marginal density of one radius |alpha|",
                                .rank = 1,
                                .scale = "r",
                                .scale_units = "1",
                                .scale_description = "radius",
                                .scale_step = dr,
                                .scale_first = dr / 2};
        for (int f = 0; f < FIELDS_PER_LASER; f++) {
            of[f].name = names[j][f];
            of[f].length = n;
        }
    }
    return p->sites * FIELDS_PER_LASER;
}

static void amplitude_fill_field(const nl_point *point, int field, const double *state, double *out)
{
    const nl_amplitude *p = &point->amplitude;
    const int n = point->n, site = field / FIELDS_PER_LASER, what = field % FIELDS_PER_LASER;
    if (what == PLANE) {
        nl_amplitude_marginal(p, n, site, state, out);
        return;
    }
    double *other = malloc((size_t)n * sizeof *other);
    if (!other ||
        nl_amplitude_polar(p, n, site, state, what == THETA ? out : other, what == THETA ? other : out) != NL_OK)
        for (int k = 0; k < n; k++)
            out[k] = NAN;
    free(other);
}

const nl_model nl_amplitude_model = {
    .name = "amplitude",
    .size_name = "points",
    .point = amplitude_point,
    .observables = amplitude_observables,
    .operator_shape = amplitude_shape,
    .fill_table = amplitude_fill_table,
    .spectrum = amplitude_spectrum,
    .initial = amplitude_initial,
    .observe = amplitude_observe,
    .fields = amplitude_fields,
    .fill_field = amplitude_fill_field,
};
