/*
 * Self-consistent steady states over a sweep. Each point is searched from the radii of a driven laser alone; then every
 * state found is the start of a search at the points before and after it along the last axis, until nothing new turns
 * up. So branches are followed in both directions.
 */
#include "nanolase/selfconsistent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "radii_model.h"
#include "radii_newton.h"

typedef struct solution {
    nl_search search;  /* that found it: state, Jacobian, error */
    bool followed;     /* to its neighbours */
    int next, before;  /* the solution that it leads to at the point after and before; below 0: none */
    int modes;         /* that grow; below 0: unknown */
} solution;

typedef struct site_list {
    bool wanted;  /* still to be computed */
    bool has_before, has_next; /* a neighbour along the last axis that is to be computed, too */
    int count;
    solution list[NL_RADII_SOLUTIONS_MOST];
    int up, down; /* the solutions to give; below 0: none */
    nl_outcome work; /* of all searches */
    double residual; /* of the best state that any search reached */
} site_list;

typedef struct sweep {
    nl_outer_run run;
    nl_result *result;
    site_list *points;
    bool stopped;
} sweep;

/* ---- searching ---- */

static nl_search new_search(const sweep *s, int point)
{
    return (nl_search){
        .point = point, .sites = s->run.plan->points[point].phase.sites, .work.status = NL_POINT_CONVERGED};
}

/* From the radii given, or those of each laser alone, locked to its drive. */
static nl_search first_search(const sweep *s, int point)
{
    const nl_phase *phase = &s->run.plan->points[point].phase;
    const bool given = phase->r[0] != 1 || phase->r[1] != 1;
    nl_search search = new_search(s, point);
    for (int j = 0; j < phase->sites; j++)
        search.u[j] = log(given ? phase->r[j] : nl_radii_driven(phase));
    return search;
}

static nl_search search_from(const sweep *s, int point, const solution *from)
{
    nl_search search = new_search(s, point);
    memcpy(search.u, from->search.best.u, sizeof search.u);
    memcpy(search.J, from->search.J, sizeof search.J);
    search.phase = NL_SEARCH_TRIAL;
    if (s->run.plan->points[point].n == s->run.plan->points[from->search.point].n)
        search.seed = from->search.best.P;
    return search;
}

/* Keeps what a search found unless it is known; returns its number among the point's solutions, or below 0. */
static int collect(site_list *at, nl_search *search)
{
    const double apart = 1e-5;
    at->work.model_time += search->work.model_time;
    at->work.steps += search->work.steps;
    at->work.rejected += search->work.rejected;
    at->work.rhs += search->work.rhs;
    at->work.work += search->work.work;
    if (search->phase != NL_SEARCH_FOUND) {
        at->work.status = search->work.status != NL_POINT_CONVERGED ? search->work.status : NL_POINT_STALLED;
        if (search->has_best)
            at->residual = fmin(at->residual, fmax(fabs(search->best.G[0]), fabs(search->best.G[1])));
        return -1;
    }
    for (int k = 0; k < at->count; k++)
        if (fabs(at->list[k].search.best.u[0] - search->best.u[0]) < apart &&
            fabs(at->list[k].search.best.u[1] - search->best.u[1]) < apart)
            return k;
    if (at->count == NL_RADII_SOLUTIONS_MOST)
        return -1;
    at->list[at->count] = (solution){.search = *search, .next = -1, .before = -1, .modes = -1};
    at->list[at->count].search.seed = NULL;
    search->best.P = NULL; /* handed over */
    return at->count++;
}

/* Where each search came from: NULL for the first ones. */
typedef struct origin {
    int point, solution, direction;
} origin;

static nl_status run_searches(sweep *s, nl_search *searches, const origin *from, int count)
{
    const nl_status status = nl_radii_newton(&s->run, searches, count, &s->stopped);
    for (int i = 0; i < count && status == NL_OK && !s->stopped; i++) {
        const int k = collect(&s->points[searches[i].point], &searches[i]);
        if (from[i].direction != 0) {
            solution *parent = &s->points[from[i].point].list[from[i].solution];
            *(from[i].direction > 0 ? &parent->next : &parent->before) = k;
        }
    }
    for (int i = 0; i < count; i++)
        nl_radii_state_release(&searches[i].best);
    return status;
}

/* Fills the next round of searches; returns their number. */
static int next_searches(sweep *s, bool first, nl_search *searches, origin *from)
{
    int count = 0;
    for (int p = 0; p < s->run.plan->n_points; p++) {
        site_list *at = &s->points[p];
        if (first && at->wanted) {
            from[count] = (origin){0};
            searches[count++] = first_search(s, p);
        }
        for (int k = 0; k < at->count; k++) {
            if (at->list[k].followed)
                continue;
            at->list[k].followed = true;
            for (int direction = -1; direction <= 1; direction += 2)
                if (direction > 0 ? at->has_next : at->has_before) {
                    from[count] = (origin){p, k, direction};
                    searches[count++] = search_from(s, p + direction, &at->list[k]);
                }
        }
    }
    return count;
}

static nl_status search_all(sweep *s)
{
    const size_t most = (size_t)s->run.plan->n_points * NL_RADII_SOLUTIONS_MOST * 2;
    nl_search *searches = malloc(most * sizeof *searches);
    origin *from = malloc(most * sizeof *from);
    nl_status status = searches && from ? NL_OK : nl_fail(NL_ERR_MEMORY, "cannot allocate the searches for radii");
    int count = 1;
    for (bool first = true; status == NL_OK && !s->stopped && count > 0; first = false) {
        count = next_searches(s, first, searches, from);
        status = run_searches(s, searches, from, count);
    }
    free(searches);
    free(from);
    return status;
}

/* ---- stability ---- */

static nl_status find_modes(sweep *s)
{
    const size_t most = (size_t)s->run.plan->n_points * NL_RADII_SOLUTIONS_MOST;
    const nl_radii_state **states = malloc(most * sizeof *states);
    int *modes = malloc(most * sizeof *modes), count = 0;
    nl_status status = states && modes ? NL_OK
                                       : nl_fail(NL_ERR_MEMORY, "cannot allocate the stability of %zu states", most);
    for (int p = 0; p < s->run.plan->n_points && status == NL_OK; p++)
        for (int k = 0; k < s->points[p].count; k++)
            states[count++] = &s->points[p].list[k].search.best;
    if (status == NL_OK)
        status = nl_radii_unstable_modes(&s->run, states, count, modes, NULL);
    count = 0;
    for (int p = 0; p < s->run.plan->n_points && status == NL_OK; p++)
        for (int k = 0; k < s->points[p].count; k++)
            s->points[p].list[k].modes = modes[count++];
    free(states);
    free(modes);
    return status;
}

/* ---- branches ---- */

/* The solution nearest to u that is stable, or else any nearest; below 0 where there is none. */
static int nearest(const site_list *at, const double u[2])
{
    int best = -1;
    double least = INFINITY;
    for (int k = 0; k < at->count; k++) {
        const double *v = at->list[k].search.best.u;
        const double apart = fabs(u[0] - v[0]) + fabs(u[1] - v[1]) + (at->list[k].modes > 0 ? 1e3 : 0);
        if (apart < least) {
            least = apart;
            best = k;
        }
    }
    return best;
}

/* The solution at `to` that a system goes to which is in solution k of `from`, where the way leads to `link`. */
static int follow(const site_list *from, int k, const site_list *to, int link)
{
    if (link >= 0 && to->list[link].modes <= 0)
        return link;
    return nearest(to, from->list[k].search.best.u);
}

/* A sweep up the last axis, and back. */
static void choose(sweep *s)
{
    const int n = s->run.plan->n_points;
    for (int p = 0; p < n; p++) {
        site_list *at = &s->points[p], *before = at - 1;
        if (at->has_before && before->up >= 0)
            at->up = follow(before, before->up, at, before->list[before->up].next);
        else
            at->up = at->count ? nearest(at, at->list[0].search.best.u) : -1;
    }
    for (int p = n - 1; p >= 0; p--) {
        site_list *at = &s->points[p], *next = at + 1;
        if (at->has_next && next->down >= 0)
            at->down = follow(next, next->down, at, next->list[next->down].before);
        else
            at->down = at->up;
    }
}

/* ---- recording ---- */

static void fill_values(const sweep *s, int p, nl_value *all)
{
    const site_list *at = &s->points[p];
    const solution *up = &at->list[at->up];
    nl_phase phase = s->run.plan->points[p].phase;
    int stable = 0, unknown = 0;
    for (int k = 0; k < at->count; k++) {
        stable += at->list[k].modes == 0;
        unknown += at->list[k].modes < 0;
    }
    nl_phase_set_radii(&phase, (double[2]){exp(up->search.best.u[0]), exp(up->search.best.u[1])});
    memcpy(all, up->search.best.values, sizeof up->search.best.values);
    nl_radii_values(&phase, all);
    all[NL_RADII_SOLUTIONS].re = at->count;
    all[NL_RADII_STABLE].re = unknown ? NAN : stable;
    all[NL_RADII_UNSTABLE_MODES].re = up->modes < 0 ? NAN : up->modes;
    if (at->down != at->up)
        for (int j = 0; j < phase.sites; j++)
            all[j ? NL_RADII_OTHER_N2 : NL_RADII_OTHER_N1].re =
                phase.r0 * phase.r0 * exp(2 * at->list[at->down].search.best.u[j]);
}

static void record_point(sweep *s, int p)
{
    const site_list *at = &s->points[p];
    nl_outcome *outcome = &s->result->outcomes[p];
    nl_value all[NL_MAX_OBSERVABLES] = {{0}}, *values = nl_result_values(s->result, p, 0);
    *outcome = at->work;
    outcome->norm_error = outcome->negativity = NAN;
    outcome->residual = at->residual;
    outcome->distance = INFINITY;
    if (at->up < 0)
        return; /* marked as its searches ended */
    const nl_search *found = &at->list[at->up].search;
    fill_values(s, p, all);
    for (int k = 0; k < s->result->n_observables; k++)
        values[k] = all[s->result->observables[k]->id];
    outcome->status = NL_POINT_CONVERGED;
    outcome->residual = fmax(found->best.outcome.residual, fmax(fabs(found->best.G[0]), fabs(found->best.G[1])));
    outcome->distance = fmax(found->best.outcome.distance, found->error);
    outcome->norm_error = found->best.outcome.norm_error;
    outcome->negativity = found->best.outcome.negativity;
    outcome->decay_rate = found->best.outcome.decay_rate;
    for (int k = 0; k < s->result->n_fields; k++)
        nl_phase_model.fill_field(&s->run.plan->points[p], k, found->best.P,
                                  s->result->field_data[k] + p * nl_field_len(&s->result->fields[k]));
}

/* ---- the sweep ---- */

/* Points p and p + 1 are neighbours along the last axis where the number of lasers does not change between them. */
static void find_neighbours(sweep *s)
{
    const nl_config *config = s->run.plan->config;
    const int length = config->n_axes ? config->axes[config->n_axes - 1].count : 1;
    for (int p = 0; p < s->run.plan->n_points; p++) {
        s->points[p].wanted = s->result->outcomes[p].status == NL_POINT_PENDING;
        s->points[p].up = s->points[p].down = -1;
        s->points[p].residual = INFINITY;
        s->points[p].work.status = NL_POINT_STALLED;
        if (p % length == 0 || !s->points[p].wanted || !s->points[p - 1].wanted ||
            s->run.plan->points[p].phase.sites != s->run.plan->points[p - 1].phase.sites)
            continue;
        s->points[p].has_before = s->points[p - 1].has_next = true;
    }
}

static nl_status run(sweep *s)
{
    find_neighbours(s);
    NL_TRY(search_all(s));
    if (s->stopped)
        return NL_OK; /* the points stay pending */
    NL_TRY(find_modes(s));
    if (nl_watcher_wants_stop(s->run.watcher, s->run.backend))
        return NL_OK; /* which are stable may not be known */
    choose(s);
    for (int p = 0; p < s->run.plan->n_points; p++)
        if (s->points[p].wanted)
            record_point(s, p);
    return s->run.watcher ? s->run.watcher->on_results(s->run.watcher->user) : NL_OK;
}

nl_status nl_selfconsistent_run(const nl_plan *plan, nl_backend *backend, nl_result *result, const nl_watcher *watcher)
{
    sweep s = {.run = {plan, backend, watcher}, .result = result};
    s.points = calloc((size_t)plan->n_points, sizeof *s.points);
    const nl_status status =
        s.points ? run(&s) : nl_fail(NL_ERR_MEMORY, "cannot allocate a sweep of %d points", plan->n_points);
    for (int p = 0; s.points && p < plan->n_points; p++)
        for (int k = 0; k < s.points[p].count; k++)
            nl_radii_state_release(&s.points[p].list[k].search.best);
    free(s.points);
    return status;
}
