#include "subject.h"

#include "../bench.h"

enum { MOST_SETTINGS = 24 };

static void load(const char *settings, nl_config *out)
{
    char text[512];
    const char *list[MOST_SETTINGS];
    int count = 0;
    snprintf(text, sizeof text, "%s", settings);
    for (char *word = strtok(text, " "); word && count < MOST_SETTINGS; word = strtok(NULL, " "))
        list[count++] = word;
    if (nl_config_load("/dev/null", list, count, out) != NL_OK)
        bench_fail(nl_error_message());
}

static bool fits(nl_backend *backend, const nl_model *model, const nl_point *point, int members)
{
    const nl_operator op = model->operator_shape(point, point->n);
    size_t available = 0;
    if (backend->ops->available(backend, &available) != NL_OK)
        return true;
    return (double)nl_operator_size(&op) * BENCH_REGISTERS * members * (double)backend->ops->real_size <
           0.6 * (double)available;
}

bool subject_new(nl_backend *backend, const char *name, const char *settings, int members, const nl_tableau *tableau,
                 subject *out)
{
    const nl_model *model;
    nl_point point;
    *out = (subject){.name = name};
    load(settings, &out->config);
    if (nl_model_of(&out->config, &model) != NL_OK || model->point(&out->config, &point) != NL_OK)
        bench_fail(nl_error_message());
    if (!fits(backend, model, &point, members)) {
        nl_config_release(&out->config);
        return false;
    }
    tableau = tableau ? tableau : nl_tableau_find("rk45");
    out->points = calloc((size_t)members, sizeof *out->points);
    for (int m = 0; m < members && out->points; m++)
        out->points[m] = point;
    const int extra = BENCH_REGISTERS - nl_batch_registers(tableau);
    if (!out->points || nl_batch_new(backend, model, out->points, members, point.n, tableau, extra > 0 ? extra : 0,
                                     &out->batch) != NL_OK)
        bench_fail(out->points ? nl_error_message() : "not enough memory");
    return true;
}

void subject_release(subject *s)
{
    nl_batch_release(&s->batch);
    nl_config_release(&s->config);
    free(s->points);
    free(s->state[0]);
    free(s->state[1]);
    *s = (subject){0};
}

/* Numbers between 0.5 and 1.5 that look random: no zeros, which would hide what is left out. */
static void fill_state(const subject *s, unsigned seed, double *state)
{
    unsigned x = seed;
    for (size_t i = 0; i < s->batch.pool.size; i++) {
        x = 1664525u * x + 1013904223u;
        state[i] = 0.5 + x * 0x1p-32;
    }
    if (s->batch.model->constrain)
        s->batch.model->constrain(&s->points[0], s->batch.n, state);
}

void subject_fill(subject *s)
{
    const nl_pool *pool = &s->batch.pool;
    for (int k = 0; k < 2; k++) {
        if (!s->state[k] && !(s->state[k] = malloc(pool->size * sizeof **s->state)))
            bench_fail("not enough memory");
        fill_state(s, 12345u + (unsigned)k, s->state[k]);
    }
    for (int slot = 0; slot < pool->slots; slot++)
        for (int r = 0; r < pool->registers; r++)
            if (nl_pool_put(s->batch.backend, pool, slot, r, s->state[r % 2]) != NL_OK)
                bench_fail(nl_error_message());
}

void subject_start(subject *s)
{
    if (nl_batch_set_initial(&s->batch, NL_INITIAL_AUTO, 0, s->batch.n_members) != NL_OK)
        bench_fail(nl_error_message());
}

double subject_difference(const subject *a, const subject *b, int member, int reg)
{
    const size_t size = a->batch.pool.size;
    double *x = malloc(2 * size * sizeof *x), *y = x + size, most = 0, largest = 1e-300;
    if (!x || nl_pool_get(a->batch.backend, &a->batch.pool, member, reg, x) != NL_OK ||
        nl_pool_get(b->batch.backend, &b->batch.pool, member, reg, y) != NL_OK)
        bench_fail(x ? nl_error_message() : "not enough memory");
    for (size_t i = 0; i < size; i++) {
        if (!(fabs(x[i] - y[i]) <= most)) /* a NAN stays */
            most = fabs(x[i] - y[i]);
        largest = fmax(largest, fabs(y[i]));
    }
    free(x);
    return most / largest;
}

double subject_tolerance(const subject *s)
{
    return s->batch.backend->ops->real_size == sizeof(double) ? 1e-12 : 1e-5;
}
