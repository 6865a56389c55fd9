/* The exact master equation of two lasers as a model: adapts dimer.h to the table that the solvers work with. */
#include <math.h>

#include "lindblad_model.h"

/* Photon numbers weight an error in a population by the level: elements must be that much better than they. */
static const double LEVELS_SHARE = 0.1;
/* Of levels = auto, where memory grows as their fourth power. Of one laser 2e-9 and less was seen in the two highest
 * levels, and as much of an error in n; so few levels as FEWEST cost nothing, and far below threshold are needed. */
static const double DEPTH = 10;
static const int FEWEST = 12;

enum {
    A1, A2, N1, N2, IMBALANCE, RELATIVE_IMBALANCE, VAR_N1, VAR_N2, COVARIANCE, VAR_IMBALANCE, STD_IMBALANCE,
    STD_ANALYTIC, CROSS, CURRENT, CORRELATION, COHERENCE1, COHERENCE2, COHERENCE, DISTANCE, TRACE, PURITY, PURITY1,
    PURITY2, TOP, GROUND1, GROUND2, OBSERVABLES
};

static const nl_observable catalogue[OBSERVABLES] = {
    {A1, "a1", true, "1", "<a_1>"},
    {A2, "a2", true, "1", "<a_2>"},
    {N1, "n1", false, "1", "<a_1^+ a_1>"},
    {N2, "n2", false, "1", "<a_2^+ a_2>"},
    {IMBALANCE, "imbalance", false, "1", "n_1 - n_2"},
    {RELATIVE_IMBALANCE, "relative_imbalance", false, "1", "(n_1 - n_2)/(n_1 + n_2)"},
    {VAR_N1, "var_n1", false, "1", "variance of the photon number of laser 1"},
    {VAR_N2, "var_n2", false, "1", "variance of the photon number of laser 2"},
    {COVARIANCE, "covariance_n1_n2", false, "1", "<n_1 n_2> - <n_1><n_2>"},
    {VAR_IMBALANCE, "var_imbalance", false, "1", "variance of n_1 - n_2, with the lasers' covariance"},
    {STD_IMBALANCE, "std_imbalance", false, "1", "standard deviation of n_1 - n_2"},
    {STD_ANALYTIC, "std_imbalance_analytic", false, "1", "sqrt(gamma/kappa): Eq. 37 corrected"},
    {CROSS, "a1dag_a2", true, "1", "<a_1^+ a_2>"},
    {CURRENT, "josephson_current", false, "kappa", "-2 t_c Im <a_1^+ a_2>: what tunnelling adds to dn_1/dt"},
    {CORRELATION, "correlation", true, "1", "<a_1^+ a_2>/n_0; NAN below threshold"},
    {COHERENCE1, "coherence1", false, "1", "|<a_1>|^2/n_0; NAN below threshold"},
    {COHERENCE2, "coherence2", false, "1", "|<a_2>|^2/n_0"},
    {COHERENCE, "coherence", false, "1", "mean of |<a_j>|^2/n_0 over the lasers"},
    {DISTANCE, "product_distance", false, "1",
     "Frobenius norm of rho - rho_1 (x) rho_2/Tr rho, rho_j: rho traced over the other laser; 0 for a product state"},
    {TRACE, "trace", false, "1", "Tr rho"},
    {PURITY, "purity", false, "1", "Tr rho^2"},
    {PURITY1, "purity1", false, "1", "Tr rho_1^2 of laser 1, rho traced over laser 2"},
    {PURITY2, "purity2", false, "1", "Tr rho_2^2"},
    {TOP, "top_population", false, "1", "population of the two highest levels (larger one of the lasers)"},
    {GROUND1, "ground_population1", false, "1", "of the qubit's ground state, laser 1"},
    {GROUND2, "ground_population2", false, "1", "of the qubit's ground state, laser 2"},
};

static int dimer_observables(const nl_config *config, const nl_observable **list)
{
    const int count = config->model_local == NL_LOCAL_QUBIT ? OBSERVABLES : GROUND1; /* the qubit's stand last */
    for (int k = 0; k < count; k++)
        list[k] = &catalogue[k];
    return count;
}

/* ---- one point ---- */

static nl_status check_choices(const nl_config *config)
{
    if (config->model_sites != 2)
        return nl_config_fail(config, "model.sites", "equation = dimer is of two lasers; for one use equation = "
                              "gutzwiller with sites = 1, which is exact");
    if (config->run_initial == NL_INITIAL_UNIFORM || config->run_initial == NL_INITIAL_LOCKED)
        return nl_config_fail(config, "run.initial",
                              "the master equation has no such start; use vacuum, coherent or thermal");
    return NL_OK;
}

static nl_status dimer_point(const nl_config *config, nl_point *out)
{
    const nl_lindblad l = nl_lindblad_from_config(config);
    nl_point point = {.levels = 1, .rtol = config->integrator_rtol, .atol = config->integrator_atol,
                      .tolerance = config->steady_tolerance, .accuracy = LEVELS_SHARE * config->steady_tolerance,
                      .max_time = config->steady_max_time};
    NL_TRY(check_choices(config));
    const nl_window window = nl_lindblad_window(&l, nl_largest_field(&l, nl_largest_tunnelling(config)), DEPTH);
    NL_TRY(nl_choose_levels(config, window, &point.n));
    if (!config->fock_levels && point.n < FEWEST)
        point.n = FEWEST < window.most ? FEWEST : window.most;
    if (config->run_mode == NL_MODE_STEADY)
        NL_TRY(nl_check_drive(config, &l, window));
    point.dimer = nl_dimer_from_config(config, point.n);
    *out = point;
    return NL_OK;
}

static nl_operator dimer_shape(const nl_point *point, int n)
{
    return nl_dimer_shape(&point->dimer, n);
}

static void dimer_fill_table(const nl_point *point, int n, double *table)
{
    nl_dimer_fill_table(&point->dimer, n, table);
}

static int dimer_spectrum(const nl_point *point, int n, nl_complex *list)
{
    return nl_dimer_spectrum(&point->dimer, n, list);
}

/* A real steady state is symmetric; other modes may be imaginary and antisymmetric. */
static void dimer_whole_space(nl_point *point)
{
    point->dimer.planes = 2;
}

static void dimer_constrain(const nl_point *point, int n, double *state)
{
    nl_dimer_constrain(&point->dimer, n, state);
}

static nl_status dimer_initial(const nl_point *point, nl_initial initial, int n, double *state)
{
    return nl_dimer_initial(&point->dimer, initial, n, state);
}

/* ---- observables ---- */

static nl_value real(double x)
{
    return (nl_value){x, 0};
}

static nl_value complex_of(nl_complex z)
{
    return (nl_value){z.re, z.im};
}

static double squared(nl_complex z)
{
    return z.re * z.re + z.im * z.im;
}

static void observe_numbers(const nl_dimer_values *s, double size, nl_value *v)
{
    const double covariance = s->n1_n2 - s->n[0] * s->n[1], var = s->var_n[0] + s->var_n[1] - 2 * covariance;
    v[N1] = real(s->n[0]);
    v[N2] = real(s->n[1]);
    v[IMBALANCE] = real(s->n[0] - s->n[1]);
    v[RELATIVE_IMBALANCE] = real((s->n[0] - s->n[1]) / (s->n[0] + s->n[1]));
    v[VAR_N1] = real(s->var_n[0]);
    v[VAR_N2] = real(s->var_n[1]);
    v[COVARIANCE] = real(covariance);
    v[VAR_IMBALANCE] = real(var);
    v[STD_IMBALANCE] = real(sqrt(fmax(var, 0)));
    v[STD_ANALYTIC] = real(sqrt(size));
}

static void observe_fields(const nl_dimer_values *s, double n0, double t_c, nl_value *v)
{
    v[A1] = complex_of(s->a[0]);
    v[A2] = complex_of(s->a[1]);
    v[CROSS] = complex_of(s->cross);
    v[CURRENT] = real(-2 * t_c * s->cross.im);
    v[CORRELATION] = (nl_value){s->cross.re / n0, s->cross.im / n0};
    v[COHERENCE1] = real(squared(s->a[0]) / n0);
    v[COHERENCE2] = real(squared(s->a[1]) / n0);
    v[COHERENCE] = real((squared(s->a[0]) + squared(s->a[1])) / (2 * n0));
}

static void dimer_observe(const nl_point *point, int n, const double *moments, nl_value *v, nl_health *health)
{
    const nl_dimer *d = &point->dimer;
    const nl_laser *laser = &d->pair.laser;
    const nl_dimer_values s = nl_dimer_values_of(d, n, moments);
    observe_numbers(&s, d->pair.gamma / laser->C, v);
    observe_fields(&s, laser->n0 > 0 ? laser->n0 : NAN, d->t_c, v);
    v[DISTANCE] = real(s.distance);
    v[TRACE] = real(s.trace);
    v[PURITY] = real(s.purity);
    v[PURITY1] = real(s.site_purity[0]);
    v[PURITY2] = real(s.site_purity[1]);
    v[GROUND1] = real(s.ground[0]);
    v[GROUND2] = real(s.ground[1]);
    v[TOP] = real(fabs(s.top[1]) > fabs(s.top[0]) ? s.top[1] : s.top[0]);
    /* Populations at a cutoff that is too low may be negative; and a trace of 0 has leaked, too. */
    *health = (nl_health){.norm = s.trace, .leaks = fabs(v[TOP].re) >= NL_LEAK * (d->closed ? 1 : s.trace)};
}

static bool dimer_turn(nl_point *point)
{
    return nl_dimer_turn(&point->dimer);
}

static void dimer_slope(const nl_point *point, int n, const double *moments, const double *change, double *slope,
                        double *uncertainty)
{
    nl_value v[NL_MAX_OBSERVABLES];
    nl_health health;
    dimer_observe(point, n, moments, v, &health);
    *slope = nl_dimer_slope(&point->dimer, n, moments, change);
    *uncertainty = v[STD_IMBALANCE].re / fabs(*slope);
}

/* ---- fields ---- */

static int dimer_fields(const nl_point *point, nl_field *list)
{
    for (int j = 0; j < 2; j++)
        list[j] = (nl_field){.name = j ? "rho2" : "rho1", .units = "1", .is_complex = true, .rank = 2,
                             .length = point->n, .scale = "photons", .scale_units = "1", .scale_step = 1,
                             .scale_description = "photon number",
                             .description = "density matrix <m|rho_j|n> of one laser, rho traced over the other"};
    return 2;
}

static void dimer_fill_field(const nl_point *point, int field, const double *state, double *out)
{
    nl_dimer_reduce(&point->dimer, point->n, state, field, out);
}

static double dimer_least_population(const nl_point *point, const double *state)
{
    return nl_dimer_least_population(&point->dimer, point->n, state);
}

const nl_model nl_dimer_model = {
    .name = "dimer",
    .size_name = "levels",
    .is_stiff = true,
    .residual_is_largest = true,
    .point = dimer_point,
    .observables = dimer_observables,
    .operator_shape = dimer_shape,
    .fill_table = dimer_fill_table,
    .spectrum = dimer_spectrum,
    .whole_space = dimer_whole_space,
    .constrain = dimer_constrain,
    .turn = dimer_turn,
    .slope = dimer_slope,
    .initial = dimer_initial,
    .observe = dimer_observe,
    .least_population = dimer_least_population,
    .fields = dimer_fields,
    .fill_field = dimer_fill_field,
};
