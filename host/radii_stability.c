/*
 * Stability of self-consistent states: the phases are kicked by what a change of the radii does to them, and relax at
 * the radii as they are; a plan of the phase model that evolves in time. What that does to the radii's rates decides.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inner_run.h"
#include "nanolase/selfconsistent.h"
#include "phase_point.h"

static const double KICK_RTOL = 1e-4, KICK_ATOL = 1e-7;
static const double DIED_AWAY = 1e-3; /* of the largest response, at the end */
enum { SAMPLES = 400, MOST_SAMPLES = 40000, LONGER = 4, MOST_ATTEMPTS = 3 };

/* One state's kicks, one per laser. */
typedef struct kicked {
    const nl_radii_state *state;
    nl_phase phase;
    int sites;
    double *start[2]; /* P + size dL/du_k P */
    double size[2];
    double (*K)[4];   /* [sample][2*j + k]: change of G_j by the kick of u_k, of size 1 */
    int samples;
    double spacing;
    double tail[4];   /* rate of decay at the end of each K; 0: of no account there */
    bool died_away;   /* or left with one slow mode that tells what follows */
} kicked;

/* ---- kicks ---- */

/* L P on the host, one application. */
static void apply(const nl_phase *phase, int n, int order, const double *table, const double *P, double *out)
{
    const int w = order / 2;
    const nl_phase_view view = nl_phase_view_of(table, n, w);
    const double *row[2 * NL_PHASE_MAX_W + 1];
    for (int j = 0; j < n && phase->sites == 1; j++)
        out[j] = nl_phase_point_single(&view, P, n, w, j, 1);
    for (int i = 0; i < n && phase->sites == 2; i++) {
        for (int m = -w; m <= w; m++)
            row[w + m] = P + (size_t)nl_wrap(i + m, n) * n;
        for (int j = 0; j < n; j++)
            out[(size_t)i * n + j] = nl_phase_point(&view, row, n, w, i, j, 1);
    }
}

/* The coefficients of dL/du_k: D_k ~ r_k^-2, drive_k ~ 1/r_k, tunnel_k ~ r_k'/r_k, and laser k' feels r_k in its
 * tunnel. */
static nl_phase derivative_of(const nl_phase *phase, int k)
{
    nl_phase d = *phase;
    d.D[k] *= -2;
    d.drive[k] *= -1;
    d.tunnel[k] *= -1;
    d.D[1 - k] = d.drive[1 - k] = 0;
    return d;
}

static double sum_of_magnitudes(const double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs(x[i]);
    return sum;
}

/* The steady state and a kick as large as it, which keeps their sum's normalisation and loses no digits. */
static nl_status make_kick(kicked *s, const nl_point *point, int k)
{
    const int n = point->n;
    const size_t count = s->sites == 2 ? (size_t)n * n : (size_t)n;
    const nl_phase d = derivative_of(&s->phase, k);
    double *table = malloc(nl_phase_table_len(n, point->order / 2) * sizeof *table);
    s->start[k] = malloc(count * sizeof *s->start[k]);
    if (!table || !s->start[k]) {
        free(table);
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a kick");
    }
    nl_phase_fill_table(&d, nl_stencil_of_order(n, point->order), table);
    apply(&d, n, point->order, table, s->state->P, s->start[k]);
    free(table);
    const double kick = sum_of_magnitudes(s->start[k], count), P = sum_of_magnitudes(s->state->P, count);
    s->size[k] = kick > 0 ? P / kick : 1;
    for (size_t i = 0; i < count; i++)
        s->start[k][i] = s->state->P[i] + s->size[k] * s->start[k][i];
    return NL_OK;
}

/* ---- what follows a kick ---- */

static void rates_of(const kicked *s, const nl_value *e1, const nl_value *e2, const nl_value *e21, double G[2])
{
    const double e[2][2] = {{e1->re, e1->im}, {e2->re, e2->im}}, difference[2] = {e21->re, e21->im};
    nl_phase_radial_rate(&s->phase, e, difference, G);
    for (int j = 0; j < 2; j++)
        G[j] /= s->phase.r[j];
}

/* Decay of one K over a tenth of the samples up to `end`; below 0 or NAN where it does not decay. */
static double decay_before(const kicked *s, int element, int end)
{
    const int start = end - s->samples / 10;
    return log(s->K[start][element] / s->K[end][element]) / ((end - start) * s->spacing);
}

/* Whether every K that is not negligible at the end decays as one mode there, which is then its tail. */
static bool has_slow_tail(kicked *s, double negligible)
{
    const int last = s->samples - 1;
    for (int e = 0; e < 4; e++) {
        s->tail[e] = 0;
        if (fabs(s->K[last][e]) <= negligible)
            continue;
        const double now = decay_before(s, e, last), before = decay_before(s, e, last - s->samples / 10);
        if (!(now > 0 && fabs(before - now) < 0.05 * now))
            return false;
        s->tail[e] = now;
    }
    return true;
}

static nl_status take_responses(kicked *s, const nl_result *result, int first)
{
    const nl_value *steady = s->state->values;
    double before[2], after[2], largest = 0, last = 0;
    free(s->K);
    s->samples = result->n_times;
    s->spacing = result->times[1];
    s->K = calloc((size_t)s->samples, sizeof *s->K);
    if (!s->K)
        return nl_fail(NL_ERR_MEMORY, "cannot allocate a response of %d samples", s->samples);
    rates_of(s, &steady[0], &steady[1], &steady[2], before);
    for (int t = 0; t < s->samples; t++)
        for (int k = 0; k < s->sites; k++) {
            const nl_value *v = nl_result_values(result, first + k, t); /* those observables come first */
            rates_of(s, &v[0], &v[1], &v[2], after);
            for (int j = 0; j < s->sites; j++) {
                const double x = s->K[t][2 * j + k] = (after[j] - before[j]) / s->size[k];
                largest = fmax(largest, fabs(x));
                if (t > 0.9 * s->samples)
                    last = fmax(last, fabs(x));
            }
        }
    s->died_away = last <= DIED_AWAY * largest || has_slow_tail(s, DIED_AWAY * largest);
    return NL_OK;
}

/* Fastest and slowest of the rates that the kicks have to be followed at. */
static void time_scales(const kicked *list, int count, double *fast, double *slow)
{
    *fast = 0;
    *slow = INFINITY;
    for (int i = 0; i < count; i++) {
        double rate = 0;
        for (int j = 0; j < list[i].sites && !list[i].died_away; j++)
            rate = fmax(rate, list[i].phase.drive[j] + fabs(list[i].phase.tunnel[j]) + list[i].phase.D[j]);
        if (list[i].died_away)
            continue;
        *fast = fmax(*fast, rate);
        *slow = fmin(*slow, rate);
    }
}

static nl_point kick_point(const nl_plan *outer, const kicked *s, int k)
{
    nl_point point = outer->points[s->state->point];
    point.phase = s->phase;
    point.phase.start = s->start[k];
    point.levels = 1;
    point.rtol = KICK_RTOL;
    point.atol = KICK_ATOL;
    return point;
}

/* Follows the kicks of the states whose responses have not died away yet, over `samples` times. */
static nl_status follow(const nl_outer_run *outer, kicked *list, int count, int samples, double spacing)
{
    nl_inner_run inner;
    int kicks = 0, p = 0;
    for (int i = 0; i < count; i++)
        kicks += list[i].died_away ? 0 : list[i].sites;
    nl_status status = nl_inner_run_new(outer, &nl_phase_model, kicks, &inner);
    inner.config.run_mode = NL_MODE_EVOLVE;
    inner.config.run_t_end = spacing * samples;
    inner.config.run_save_every = spacing;
    for (int i = 0; i < count && status == NL_OK; i++)
        for (int k = 0; k < list[i].sites && !list[i].died_away; k++, p++) {
            inner.plan.points[p] = kick_point(outer->plan, &list[i], k);
            inner.plan.tableaux[p] = nl_tableau_find("rk45");
        }
    if (status == NL_OK)
        status = nl_inner_run_prepare(&inner, false);
    if (status == NL_OK)
        status = nl_inner_run_solve(&inner, outer);
    p = 0;
    for (int i = 0; i < count && status == NL_OK && nl_result_count_done(&inner.result) == kicks; i++)
        if (!list[i].died_away) {
            status = take_responses(&list[i], &inner.result, p);
            p += list[i].sites;
        }
    nl_inner_run_release(&inner);
    return status;
}

/* ---- modes ---- */

/* At fixed phases: dG_j/du_j = -2 (A - C) r_j^2 - (what drive and tunnelling give G_j), dG_j/du_j' = tunnelling's
 * part. */
static void radial_jacobian(const kicked *s, double J[4])
{
    const nl_phase *phase = &s->phase;
    const double *u = s->state->G;
    const double exchange = s->sites == 2 ? s->state->values[2].im : 0;
    for (int j = 0; j < s->sites; j++) {
        const double r2 = phase->r[j] * phase->r[j], tunnelled = (j ? 1 : -1) * phase->tunnel[j] * exchange;
        const double light = u[j] - phase->net_gain * (1 - r2);
        J[2 * j + j] = -2 * phase->net_gain * r2 - light;
        J[2 * j + 1 - j] = tunnelled;
    }
}

static int modes_of(const kicked *s, double *jacobian)
{
    double J[4] = {0};
    if (!s->died_away)
        return -1;
    radial_jacobian(s, J);
    if (jacobian)
        nl_radii_static_response(J, (const double(*)[4])s->K, s->samples, s->spacing, s->tail, jacobian);
    return nl_radii_count_zeros(s->sites, J, (const double(*)[4])s->K, s->samples, s->spacing, s->tail);
}

static nl_status start_all(const nl_plan *outer, const nl_radii_state *const *states, int count, kicked *list)
{
    for (int i = 0; i < count; i++) {
        const nl_point *point = &outer->points[states[i]->point];
        list[i].state = states[i];
        list[i].phase = point->phase;
        list[i].sites = point->phase.sites;
        nl_phase_set_radii(&list[i].phase, (double[2]){exp(states[i]->u[0]), exp(states[i]->u[1])});
        for (int k = 0; k < list[i].sites; k++)
            NL_TRY(make_kick(&list[i], point, k));
    }
    return NL_OK;
}

nl_status nl_radii_unstable_modes(const nl_outer_run *outer, const nl_radii_state *const *states, int count, int *modes,
                                  double (*jacobian)[4])
{
    kicked *list = calloc((size_t)count + 1, sizeof *list);
    nl_status status = list ? start_all(outer->plan, states, count, list)
                            : nl_fail(NL_ERR_MEMORY, "cannot allocate the kicks");
    double length = SAMPLES / 4.0, fast, slow; /* in units of the slow time */
    for (int attempt = 0; attempt < MOST_ATTEMPTS && status == NL_OK; attempt++) {
        if (nl_watcher_wants_stop(outer->watcher, outer->backend))
            break;
        time_scales(list, count, &fast, &slow);
        if (!(fast > 0))
            break; /* all have died away */
        const double samples = fmin(4 * fast * length / slow, MOST_SAMPLES);
        status = follow(outer, list, count, (int)samples, length / slow / (int)samples);
        length *= LONGER;
    }
    for (int i = 0; i < count && status == NL_OK; i++)
        modes[i] = modes_of(&list[i], jacobian ? jacobian[i] : NULL);
    for (int i = 0; i < count && list; i++) {
        free(list[i].start[0]);
        free(list[i].start[1]);
        free(list[i].K);
    }
    free(list);
    return status;
}
