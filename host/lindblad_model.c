/* The local master equations (Eqs. 1, 6, 35) as a model: adapts lindblad.h to the table that the solvers work with. */
#include "lindblad_model.h"

#include <math.h>

#include "lindblad_point.h"
#include "observables.h"

const double NL_LEAK = 1e-5;

static const nl_catalogue_row catalogue[] = {
    {{NL_GW_A1, "a1", true, "1", "<a_1>"}, NL_ALWAYS},
    {{NL_GW_A2, "a2", true, "1", "<a_2>"}, NL_TWO_SITES},
    {{NL_GW_N1, "n1", false, "1", "<a_1^+ a_1>"}, NL_ALWAYS},
    {{NL_GW_N2, "n2", false, "1", "<a_2^+ a_2>"}, NL_TWO_SITES},
    {{NL_GW_IMBALANCE, "imbalance", false, "1", "n_1 - n_2"}, NL_TWO_SITES},
    {{NL_GW_RELATIVE_IMBALANCE, "relative_imbalance", false, "1", "(n_1 - n_2)/(n_1 + n_2)"}, NL_TWO_SITES},
    {{NL_GW_VAR_N1, "var_n1", false, "1", "variance of the photon number of laser 1"}, NL_ALWAYS},
    {{NL_GW_VAR_N2, "var_n2", false, "1", "variance of the photon number of laser 2"}, NL_TWO_SITES},
    {{NL_GW_COHERENCE1, "coherence1", false, "1", "|<a_1>|^2/n_0; NAN below threshold"}, NL_ALWAYS},
    {{NL_GW_COHERENCE2, "coherence2", false, "1", "|<a_2>|^2/n_0"}, NL_TWO_SITES},
    {{NL_GW_COHERENCE, "coherence", false, "1", "mean of |<a_j>|^2/n_0 over the lasers"}, NL_ALWAYS},
    {{NL_GW_CORRELATION, "correlation", true, "1", "<a_1^+><a_2>/n_0"}, NL_TWO_SITES},
    {{NL_GW_STD, "std_imbalance", false, "1", "standard deviation of n_1 - n_2"}, NL_TWO_SITES},
    {{NL_GW_STD_ANALYTIC, "std_imbalance_analytic", false, "1", "sqrt(gamma/kappa): Eq. 37 corrected"}, NL_TWO_SITES},
    {{NL_GW_STD_EQ37, "std_imbalance_eq37", false, "1", "sqrt(2 gamma/kappa): Eq. 37 as printed"}, NL_TWO_SITES},
    {{NL_GW_SLOPE, "d_imbalance_dphi", false, "1", "d(n_1 - n_2)/d(phi_2 - phi_1)"}, NL_RESPONSE},
    {{NL_GW_SLOPE_ANALYTIC, "d_imbalance_dphi_analytic", false, "1",
      "-n_J cos(phi_2 - phi_1), n_J = t_c gamma/(C_p kappa^2): Eq. 36 with the sign that Eq. 6 implies"},
     NL_RESPONSE},
    {{NL_GW_UNCERTAINTY, "phase_uncertainty", false, "rad", "std_imbalance/|d_imbalance_dphi|"}, NL_RESPONSE},
    {{NL_GW_UNCERTAINTY_ANALYTIC, "phase_uncertainty_analytic", false, "rad",
      "C_p (kappa/t_c) (gamma/kappa)^(-1/2)/cos(phi_2 - phi_1): Eq. 38 with the corrected Eq. 37"},
     NL_RESPONSE},
    {{NL_GW_UNCERTAINTY_EQ38, "phase_uncertainty_eq38", false, "rad",
      "sqrt(2) C_p (kappa/t_c) (gamma/kappa)^(-1/2): Eq. 38 as printed"},
     NL_RESPONSE},
    {{NL_GW_SOLUTIONS, "solutions", false, "1", "self-consistent solutions found"}, NL_RESPONSE},
    {{NL_GW_STABLE, "stable_solutions", false, "1", "of which stable in time"}, NL_RESPONSE},
    {{NL_GW_GROWTH, "unstable_modes", false, "1",
      "growing modes of the solution given: 0 where it is stable, NAN where not known"},
     NL_RESPONSE},
    {{NL_GW_TRACE, "trace", false, "1", "Tr rho (smaller one of the lasers)"}, NL_ALWAYS},
    {{NL_GW_PURITY1, "purity1", false, "1", "Tr rho_1^2"}, NL_ALWAYS},
    {{NL_GW_PURITY2, "purity2", false, "1", "Tr rho_2^2"}, NL_TWO_SITES},
    {{NL_GW_TOP, "top_population", false, "1", "population of the two highest levels (larger one of the lasers)"},
     NL_ALWAYS},
    {{NL_GW_GROUND1, "ground_population1", false, "1", "of the qubit's ground state, laser 1"}, NL_QUBIT},
    {{NL_GW_GROUND2, "ground_population2", false, "1", "of the qubit's ground state, laser 2"},
     NL_QUBIT | NL_TWO_SITES},
};

bool nl_uses_response(const nl_config *config)
{
    return config->run_mode == NL_MODE_STEADY && config->model_sites == 2 && config->steady_method == NL_STEADY_AUTO;
}

static int lindblad_observables(const nl_config *config, const nl_observable **list)
{
    const int met = nl_conditions_met(config) | (nl_uses_response(config) ? NL_RESPONSE : 0);
    return nl_observables_choose(catalogue, sizeof catalogue / sizeof *catalogue, met, list);
}

/* ---- one point ---- */

nl_status nl_check_fock_initial(const nl_config *config)
{
    if (config->run_initial == NL_INITIAL_UNIFORM || config->run_initial == NL_INITIAL_LOCKED)
        return nl_config_fail(config, "run.initial",
                              "the master equation has no such start; use vacuum, coherent or thermal");
    return NL_OK;
}

static nl_status check_choices(const nl_config *config)
{
    NL_TRY(nl_check_fock_initial(config));
    if (nl_config_is_swept(config, "model.sites"))
        return nl_config_fail(config, "model.sites", "equation = gutzwiller cannot sweep sites; make two runs");
    return NL_OK;
}

nl_point nl_fock_point(const nl_config *config)
{
    const double levels_share = 0.1;
    nl_point point = nl_point_from_config(config);
    point.accuracy *= levels_share;
    return point;
}

double nl_largest_tunnelling(const nl_config *config)
{
    const nl_axis *axis = nl_config_axis(config, "laser.t_c");
    double most = axis ? 0 : fabs(config->laser_t_c);
    for (int i = 0; axis && i < axis->count; i++)
        most = fmax(most, fabs(axis->values[i]));
    return most;
}

double nl_largest_field(const nl_lindblad *l, double t_c)
{
    nl_lindblad coupled = *l;
    coupled.laser.A += t_c;
    return l->laser.epsilon + (t_c > 0 ? t_c * nl_lindblad_radius(&coupled, l->laser.epsilon) : 0);
}

static nl_status no_window(const nl_config *config, nl_window window)
{
    if (window.least > NL_LINDBLAD_MOST_LEVELS)
        return nl_config_fail(config, "fock.levels", "the photons need more than %d levels; use a smaller gamma, or "
                              "equation = phase", NL_LINDBLAD_MOST_LEVELS);
    return nl_config_fail(
        config, "fock.levels",
        "Eq. 6 has no meaningful cutoff at this gamma and cooperativity: the photons need %d levels, and "
        "above %d the diffusion that it implies is negative; use local = qubit (Eq. 1), or a larger gamma",
        window.least, window.most);
}

nl_status nl_choose_levels(const nl_config *config, nl_window window, int *levels)
{
    const bool steady = config->run_mode == NL_MODE_STEADY;
    if (window.wanted == 0 && (steady || config->fock_levels == 0))
        return no_window(config, window);
    *levels = config->fock_levels ? config->fock_levels : window.wanted;
    if (*levels > window.most)
        return nl_config_fail(
            config, "fock.levels",
            "levels = %d is above %d, (A + C)/(2 B): there Eq. 6 has negative diffusion and modes that "
            "grow; use %d to %d, or auto, or local = qubit (Eq. 1)",
            *levels, window.most, window.wanted ? window.least : 2, window.most);
    if (steady && *levels < window.least)
        return nl_config_fail(
            config, "fock.levels",
            "levels = %d cuts the photon distribution off; use at least %d, n_0 + 4.5 widths, or auto", *levels,
            window.least);
    return NL_OK;
}

nl_status nl_check_drive(const nl_config *config, const nl_lindblad *l, nl_window window)
{
    const double f = l->laser.epsilon, r = nl_lindblad_radius(l, f);
    const double restoring = l->laser.B_r + f / (2 * r * r * r); /* of r^2 against its diffusion */
    const double deviation = sqrt(l->laser.A / restoring + r * r);
    if (f == 0 || r * r + 3 * deviation <= window.most)
        return NL_OK;
    return nl_config_fail(
        config, "laser.epsilon",
        "epsilon = %g drives the laser to %.3g photons, give or take %.3g, and Eq. 6 ends at %d: there its "
        "diffusion is negative; use a weaker drive, or local = qubit (Eq. 1)",
        f, r * r, deviation, window.most);
}

static nl_complex polar(double r, double phi)
{
    return (nl_complex){r * cos(phi), r * sin(phi)};
}

static nl_status lindblad_point(const nl_config *config, nl_point *out)
{
    nl_lindblad l = nl_lindblad_from_config(config);
    nl_point point = nl_fock_point(config);
    const bool steady = config->run_mode == NL_MODE_STEADY;
    NL_TRY(check_choices(config));
    const double epsilon = l.laser.epsilon, r = nl_lindblad_radius(&l, epsilon);
    const double field = config->model_sites == 2 ? nl_largest_field(&l, nl_largest_tunnelling(config)) : epsilon;
    const nl_window window = nl_lindblad_window(&l, field, NL_LINDBLAD_DEPTH);
    l.closed = steady;
    l.n_initial = isnan(config->run_n_initial) ? r * r : config->run_n_initial;
    NL_TRY(nl_choose_levels(config, window, &point.n));
    if (steady)
        NL_TRY(nl_check_drive(config, &l, window));
    l.orders = steady ? nl_lindblad_orders(&l, field, point.n) : point.n;
    l.sites = config->model_sites;
    if (l.sites == 1 && steady) {
        l.drive[0] = polar(epsilon, 0);
        l.chi = l.laser.phi[0];
    } else {
        l.planes = 2;
        for (int j = 0; j < l.sites; j++)
            l.drive[j] = polar(epsilon, l.laser.phi[j]);
        l.t_c = l.sites == 2 ? l.laser.t_c : 0;
    }
    point.lindblad = l;
    *out = point;
    return NL_OK;
}

/* ---- operator and states ---- */

static nl_operator lindblad_shape(const nl_point *point, int n)
{
    return nl_lindblad_shape(&point->lindblad, n);
}

static void lindblad_fill_table(const nl_point *point, int n, double *table)
{
    nl_lindblad_fill_table(&point->lindblad, n, table);
}

static int lindblad_spectrum(const nl_point *point, int n, nl_complex *list)
{
    return nl_lindblad_spectrum(&point->lindblad, n, list);
}

/* Steady states have all symmetries; other modes may be of any coherence order, and imaginary in the real form. */
static void lindblad_whole_space(nl_point *point)
{
    point->lindblad.planes = 2;
    point->lindblad.orders = point->n;
}

static void lindblad_constrain(const nl_point *point, int n, double *state)
{
    nl_lindblad_constrain(&point->lindblad, n, state);
}

static nl_status lindblad_initial(const nl_point *point, nl_initial initial, int n, double *state)
{
    return nl_lindblad_initial(&point->lindblad, initial, n, state);
}

/* ---- observables ---- */

static void observe_pair(const nl_lindblad *l, const nl_lindblad_values s[2], nl_value *v)
{
    const nl_complex a = s[0].a, b = s[1].a;
    const double n0 = l->laser.n0 > 0 ? l->laser.n0 : NAN, size = l->gamma / l->laser.C;
    v[NL_GW_A2] = nl_complex_value(b);
    v[NL_GW_N2] = nl_real_value(s[1].n);
    v[NL_GW_IMBALANCE] = nl_real_value(s[0].n - s[1].n);
    v[NL_GW_RELATIVE_IMBALANCE] = nl_real_value((s[0].n - s[1].n) / (s[0].n + s[1].n));
    v[NL_GW_VAR_N2] = nl_real_value(s[1].var_n);
    v[NL_GW_COHERENCE2] = nl_real_value(nl_squared(b) / n0);
    v[NL_GW_COHERENCE] = nl_real_value((nl_squared(a) + nl_squared(b)) / (2 * n0));
    v[NL_GW_CORRELATION] = (nl_value){(a.re * b.re + a.im * b.im) / n0, (a.re * b.im - a.im * b.re) / n0};
    v[NL_GW_STD] = nl_real_value(sqrt(s[0].var_n + s[1].var_n));
    v[NL_GW_STD_ANALYTIC] = nl_real_value(sqrt(size));
    v[NL_GW_STD_EQ37] = nl_real_value(sqrt(2 * size));
    v[NL_GW_TRACE] = nl_real_value(fmin(s[0].trace, s[1].trace));
    v[NL_GW_PURITY2] = nl_real_value(s[1].purity);
    v[NL_GW_TOP] = nl_real_value(fabs(s[1].top) > fabs(s[0].top) ? s[1].top : s[0].top);
    v[NL_GW_GROUND2] = nl_real_value(s[1].ground);
}

void nl_gw_observe(const nl_lindblad *l, const nl_lindblad_values s[2], nl_value *v, nl_health *health)
{
    const double n0 = l->laser.n0 > 0 ? l->laser.n0 : NAN;
    for (int k = NL_GW_SLOPE; k <= NL_GW_GROWTH; k++)
        v[k] = nl_real_value(NAN);
    v[NL_GW_A1] = nl_complex_value(s[0].a);
    v[NL_GW_N1] = nl_real_value(s[0].n);
    v[NL_GW_VAR_N1] = nl_real_value(s[0].var_n);
    v[NL_GW_COHERENCE1] = v[NL_GW_COHERENCE] = nl_real_value(nl_squared(s[0].a) / n0);
    v[NL_GW_TRACE] = nl_real_value(s[0].trace);
    v[NL_GW_PURITY1] = nl_real_value(s[0].purity);
    v[NL_GW_TOP] = nl_real_value(s[0].top);
    v[NL_GW_GROUND1] = nl_real_value(s[0].ground);
    if (l->sites == 2)
        observe_pair(l, s, v);
    /* Populations at a cutoff that is too low may be negative; and a trace of 0 has leaked, too. */
    *health = (nl_health){.norm = v[NL_GW_TRACE].re,
                          .leaks = fabs(v[NL_GW_TOP].re) >= NL_LEAK * v[NL_GW_TRACE].re};
}

static void lindblad_observe(const nl_point *point, int n, const double *moments, nl_value *values, nl_health *health)
{
    nl_lindblad_values site[2] = {{0}};
    (void)n;
    for (int j = 0; j < point->lindblad.sites; j++)
        site[j] = nl_lindblad_values_of(&point->lindblad, moments + j * NL_LINDBLAD_MOMENTS);
    nl_gw_observe(&point->lindblad, site, values, health);
}

/* ---- fields ---- */

nl_field nl_fock_field(const nl_point *point, int site, const char *description)
{
    return (nl_field){.name = site ? "rho2" : "rho1", .units = "1", .is_complex = true, .rank = 2, .length = point->n,
                      .scale = "photons", .scale_units = "1", .scale_step = 1, .scale_description = "photon number",
                      .description = description};
}

static int lindblad_fields(const nl_point *point, nl_field *list)
{
    for (int j = 0; j < point->lindblad.sites; j++)
        list[j] = nl_fock_field(point, j, "density matrix <m|rho|n> of one laser's photons");
    return point->lindblad.sites;
}

static void lindblad_fill_field(const nl_point *point, int field, const double *state, double *out)
{
    for (int m = 0; m < point->n; m++)
        for (int n = 0; n < point->n; n++) {
            const nl_complex rho = nl_lindblad_element(&point->lindblad, point->n, state, field, m, n);
            *out++ = rho.re;
            *out++ = rho.im;
        }
}

static double lindblad_least_population(const nl_point *point, const double *state)
{
    double least = INFINITY;
    for (int site = 0; site < point->lindblad.sites; site++)
        for (int m = 0; m < point->n; m++)
            least = fmin(least, nl_lindblad_element(&point->lindblad, point->n, state, site, m, m).re);
    return least;
}

const nl_model nl_lindblad_model = {
    .name = "gutzwiller",
    .size_name = "levels",
    .is_stiff = true,
    .residual_is_largest = true,
    .point = lindblad_point,
    .observables = lindblad_observables,
    .operator_shape = lindblad_shape,
    .fill_table = lindblad_fill_table,
    .spectrum = lindblad_spectrum,
    .whole_space = lindblad_whole_space,
    .constrain = lindblad_constrain,
    .initial = lindblad_initial,
    .observe = lindblad_observe,
    .least_population = lindblad_least_population,
    .fields = lindblad_fields,
    .fill_field = lindblad_fill_field,
};
