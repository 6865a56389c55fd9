/*
 * The phase Fokker-Planck equation at radii that obey their own mean equations (Eqs. 14 and 34), as a model. In time it
 * is stepped as it stands here (step_radii.c); steady states are found on the phase model (selfconsistent.c).
 */
#include "radii_model.h"

#include <math.h>

#include "observables.h"

static const nl_catalogue_row catalogue[] = {
    {{NL_RADII_R1, "radius1", false, "r_0", "r_1 in units of r_0 = sqrt(n_0)"}, NL_ALWAYS},
    {{NL_RADII_R2, "radius2", false, "r_0", "r_2 in units of r_0 = sqrt(n_0)"}, NL_TWO_SITES},
    {{NL_RADII_IMBALANCE_ANALYTIC, "imbalance_analytic", false, "1",
      "n_J sin(phi_1 - phi_2), n_J = t_c gamma/(C_p kappa^2): n_1 - n_2 for weak coupling (Eq. 32, sign corrected)"},
     NL_TWO_SITES},
    {{NL_RADII_SOLUTIONS, "solutions", false, "1", "self-consistent stationary states found"}, NL_STEADY},
    {{NL_RADII_STABLE, "stable_solutions", false, "1", "of these, stable in time"}, NL_STEADY},
    {{NL_RADII_UNSTABLE_MODES, "unstable_modes", false, "1", "modes of the state given here that grow in time"},
     NL_STEADY},
    {{NL_RADII_OTHER_N1, "n1_down", false, "1",
      "n_1 of the state that the sweep's last axis leads to from its far end, where that is another one"},
     NL_STEADY},
    {{NL_RADII_OTHER_N2, "n2_down", false, "1", "n_2 of that state"}, NL_STEADY | NL_TWO_SITES},
};

static int radii_observables(const nl_config *config, const nl_observable **list)
{
    const int count = nl_phase_model.observables(config, list);
    return count + nl_observables_choose(catalogue, sizeof catalogue / sizeof *catalogue, nl_conditions_met(config),
                                         list + count);
}

/* ---- points ---- */

static nl_status check_choices(const nl_config *config)
{
    const nl_laser laser = nl_laser_from_config(config);
    if (!isnan(config->phase_D_p) || !isnan(config->phase_epsilon_over_r0))
        return nl_config_fail(
            config, isnan(config->phase_D_p) ? "phase.epsilon_over_r0" : "phase.D_p",
            "the radial equations need [laser]; leave D_p and epsilon_over_r0 at auto, and give gamma, "
            "cooperativity and epsilon, or use equation = phase");
    if (!(laser.n0 > 0))
        return nl_config_fail(config, "laser.cooperativity",
                              "cooperativity = %g is not above the lasing threshold, so the lasers have no radius; use "
                              "cooperativity > 1, or equation = gutzwiller",
                              config->laser_cooperativity);
    if (config->run_mode == NL_MODE_EVOLVE && config->integrator_method == NL_METHOD_RKC)
        return nl_config_fail(config, "integrator.method",
                              "rkc does not carry radii that change with the phases; use auto or a Runge-Kutta pair");
    if (config->steady_gap)
        return nl_config_fail(config, "steady.gap",
                              "the gap is one of the phases at given radii; use equation = phase with "
                              "r1 and r2, or gap = no");
    return NL_OK;
}

/* The root above 1 of (r^2 - 1) r = light. */
static double radius_with(double light)
{
    double low = 1, high = 1 + light + cbrt(light);
    for (int i = 0; i < 80; i++) {
        const double r = (low + high) / 2;
        if ((r * r - 1) * r > light)
            high = r;
        else
            low = r;
    }
    return high;
}

double nl_radii_driven(const nl_phase *phase)
{
    return radius_with(phase->epsilon_over_r0 / phase->net_gain);
}

/* Half the most that a laser can add to n_1 + n_2 per time, in units of (A - C) n_0: of h(r) = r^2 - r^4 + light r. */
static double gain_of(double r, double light)
{
    return (r - r * r * r + light) * r;
}

/*
 * The largest radius of a stationary state. Tunnelling does not change n_1 + n_2, so h(r_1) + h(r_2) = 0 at most, and
 * where one laser gains most, the other may lose as much; nor can it give more than t_c r when both radii are the
 * largest.
 */
static double largest_radius(const nl_phase *phase, bool stationary)
{
    const double light = phase->epsilon_over_r0 / phase->net_gain, t_c = fabs(phase->t_c) / phase->net_gain;
    const double alone = radius_with(light);
    if (phase->sites == 1)
        return alone;
    const double scale = sqrt(1 + t_c), coupled = scale * radius_with(light / (scale * scale * scale));
    double most = 0, low = alone, high = coupled;
    for (int i = 0; i <= 100; i++)
        most = fmax(most, gain_of(alone * i / 100, light));
    if (!stationary || gain_of(coupled, light) > -most)
        return coupled;
    for (int i = 0; i < 60; i++) {
        const double r = (low + high) / 2;
        if (gain_of(r, light) < -most)
            high = r;
        else
            low = r;
    }
    return high;
}

static nl_status radii_point(const nl_config *config, nl_point *out)
{
    nl_config widest = *config;
    nl_phase phase;
    NL_TRY(check_choices(config));
    NL_TRY(nl_phase_from_config(config, &phase));
    const bool stationary = config->run_mode == NL_MODE_STEADY;
    const double start[2] = {config->phase_r1, config->phase_r2};
    const double most = largest_radius(&phase, stationary);
    /* The grid is for the largest radii, where the distribution is narrowest. */
    widest.phase_r1 = widest.phase_r2 = stationary ? most : fmax(most, fmax(start[0], start[1]));
    NL_TRY(nl_phase_model.point(&widest, out));
    nl_phase_set_radii(&out->phase, start);
    return NL_OK;
}

/* ---- in time ---- */

static void radii_set(nl_point *point, const double r[2])
{
    nl_phase_set_radii(&point->phase, r);
}

static void radii_rate(const nl_point *point, int n, const double *marginals, double rate[2])
{
    const nl_phase_moments m = nl_phase_moments_of(&point->phase, n, marginals);
    nl_phase_radial_rate(&point->phase, m.exp_i_theta, m.exp_i_theta21, rate);
}

void nl_radii_values(const nl_phase *phase, nl_value *values)
{
    const double n_J = 2 * phase->t_c * phase->r0 * phase->r0 / phase->net_gain; /* t_c gamma/(C_p kappa^2) */
    for (int k = NL_RADII_FIRST; k < NL_RADII_END; k++)
        values[k] = (nl_value){NAN, 0};
    values[NL_RADII_R1].re = phase->r[0];
    if (phase->sites == 1)
        return;
    values[NL_RADII_R2].re = phase->r[1];
    values[NL_RADII_IMBALANCE_ANALYTIC].re = n_J * sin(phase->phi[0] - phase->phi[1]);
}

static void radii_observe(const nl_point *point, int n, const double *marginals, nl_value *values, nl_health *health)
{
    nl_phase_model.observe(point, n, marginals, values, health);
    nl_radii_values(&point->phase, values);
}

/* ---- the rest is the phase model's ---- */

static nl_operator radii_operator_shape(const nl_point *point, int n)
{
    return nl_phase_model.operator_shape(point, n);
}

static void radii_fill_table(const nl_point *point, int n, double *table)
{
    nl_phase_model.fill_table(point, n, table);
}

static int radii_spectrum(const nl_point *point, int n, nl_complex *list)
{
    return nl_phase_model.spectrum(point, n, list);
}

static nl_status radii_initial(const nl_point *point, nl_initial initial, int n, double *state)
{
    return nl_phase_model.initial(point, initial, n, state);
}

static int radii_fields(const nl_point *point, nl_field *list)
{
    return nl_phase_model.fields(point, list);
}

static void radii_fill_field(const nl_point *point, int field, const double *P, double *out)
{
    nl_phase_model.fill_field(point, field, P, out);
}

const nl_model nl_radii_model = {
    .name = "phase-selfconsistent",
    .size_name = "n_c",
    .point = radii_point,
    .observables = radii_observables,
    .operator_shape = radii_operator_shape,
    .fill_table = radii_fill_table,
    .spectrum = radii_spectrum,
    .initial = radii_initial,
    .observe = radii_observe,
    .fields = radii_fields,
    .fill_field = radii_fill_field,
    .set_radii = radii_set,
    .radial_rate = radii_rate,
};
